//! Time that passes only when somebody waits.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use waxseal_registry::Pace;

/// A clock that moves by what it is asked to sleep, at once, and remembers it.
#[derive(Debug, Default)]
pub(crate) struct Instantly {
    slept: Mutex<Vec<Duration>>,
    skipped: Mutex<Duration>,
}

impl Instantly {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.slept.lock().unwrap().clone()
    }

    /// Lets time pass in which nobody sleeps.
    pub(crate) fn pass(&self, time: Duration) {
        *self.skipped.lock().unwrap() += time;
    }
}

impl Pace for Instantly {
    fn now(&self) -> Duration {
        self.slept.lock().unwrap().iter().sum::<Duration>() + *self.skipped.lock().unwrap()
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.slept.lock().unwrap().push(time);
        Box::pin(std::future::ready(()))
    }

    fn random(&self) -> u64 {
        0
    }
}
