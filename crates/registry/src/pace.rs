//! Time and chance, as arguments.

use std::fmt;
use std::pin::Pin;
use std::time::{Duration, Instant};

/// Where the client takes time and chance from, so that tests can hand it others.
pub trait Pace: fmt::Debug + Send + Sync {
    /// How much time has passed since some fixed moment.
    fn now(&self) -> Duration;

    /// Waits.
    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// An evenly distributed number, for jitter.
    fn random(&self) -> u64;
}

/// The system's clock and randomness.
#[derive(Debug)]
pub(crate) struct SystemPace {
    start: Instant,
}

impl Default for SystemPace {
    fn default() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Pace for SystemPace {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(time))
    }

    fn random(&self) -> u64 {
        let mut bytes = [0; 8];
        // Jitter without randomness is worse jitter, not a danger.
        if getrandom::fill(&mut bytes).is_err() {
            return u64::from(self.start.elapsed().subsec_nanos());
        }
        u64::from_le_bytes(bytes)
    }
}

/// A random time between nothing and `most`.
pub(crate) fn up_to(pace: &dyn Pace, most: Duration) -> Duration {
    let micros = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
    match micros.checked_add(1) {
        Some(end) => Duration::from_micros(pace.random().checked_rem(end).unwrap_or_default()),
        None => most,
    }
}
