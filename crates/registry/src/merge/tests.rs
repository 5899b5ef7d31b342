//! Writers against a tag in memory, in simulated time.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use waxseal_oci::media;

use super::*;
use crate::lists::ReferrersList;

/// A tag whose every request takes a random time, half before and half after
/// it takes effect.
#[derive(Clone)]
struct Memory {
    shelf: Arc<Mutex<Shelf>>,
    pace: Arc<Simulated>,
    slowest: Duration,
}

#[derive(Default)]
struct Shelf {
    current: Option<RawManifest>,
    past: std::collections::HashMap<Digest, RawManifest>,
    puts: u32,
}

impl Memory {
    async fn travel(&self) {
        // One request in thirty is four times as slow as the others.
        let most = if self.pace.random().is_multiple_of(30) {
            self.slowest * 4
        } else {
            self.slowest
        };
        self.pace.sleep(up_to(self.pace.as_ref(), most)).await;
    }

    fn entries(&self) -> Vec<Digest> {
        let current = self.shelf.lock().unwrap().current.clone().unwrap();
        let entries = ReferrersList.entries("the tag", &current).unwrap();
        entries.into_iter().map(|e| e.digest).collect()
    }
}

impl Tag for Memory {
    fn what(&self) -> String {
        "the tag".into()
    }

    async fn read(&self) -> Result<Found<Version>, Error> {
        self.travel().await;
        let current = self.shelf.lock().unwrap().current.clone();
        self.travel().await;
        Ok(current.map_or(Found::Absent, |m| Found::Present((m, None))))
    }

    async fn peek(&self) -> Result<Found<Digest>, Error> {
        Ok(self.read().await?.map(|(m, _)| m.digest))
    }

    async fn past(&self, digest: &Digest) -> Result<Found<RawManifest>, Error> {
        self.travel().await;
        let past = self.shelf.lock().unwrap().past.get(digest).cloned();
        self.travel().await;
        Ok(past.map_or(Found::Absent, Found::Present))
    }

    async fn put_blob(&self, _: &(Descriptor, Bytes)) -> Result<(), Error> {
        Ok(())
    }

    async fn write(&self, next: &RawManifest, _: Option<HeaderValue>) -> Result<(), Error> {
        self.travel().await;
        {
            let mut shelf = self.shelf.lock().unwrap();
            shelf.puts += 1;
            shelf.past.insert(next.digest.clone(), next.clone());
            shelf.current = Some(next.clone());
        }
        self.travel().await;
        Ok(())
    }
}

/// Tokio's paused clock and a seeded generator.
#[derive(Debug)]
struct Simulated {
    start: tokio::time::Instant,
    state: AtomicU64,
}

impl Simulated {
    fn new(seed: u64) -> Self {
        Self {
            start: tokio::time::Instant::now(),
            state: AtomicU64::new(seed),
        }
    }
}

impl Pace for Simulated {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(time))
    }

    fn random(&self) -> u64 {
        // SplitMix64.
        let mut z = self
            .state
            .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn entry(name: &str) -> Descriptor {
    Descriptor::of(media::OCI_MANIFEST, name.as_bytes())
}

/// What cosign does: read, add, write, leave.
async fn naive(tag: &Memory, own: Descriptor) {
    let base = tag.read().await.unwrap().present().map(|(m, _)| m);
    let mut entries = base
        .as_ref()
        .map_or(Vec::new(), |m| ReferrersList.entries("the tag", m).unwrap());
    entries.push(own);
    let (next, _) = ReferrersList.render(base.as_ref(), entries).unwrap();
    tag.write(&next, None).await.unwrap();
}

struct Outcome {
    ours_lost: usize,
    others_lost: usize,
    puts: u32,
}

/// Ours all at once; naive ones one after the other, spread over the same time.
async fn race(seed: u64, ours: usize, naive_ones: usize) -> Outcome {
    let pace = Arc::new(Simulated::new(seed));
    let slowest = Duration::from_millis(20);
    let tag = Memory {
        shelf: Arc::default(),
        pace: Arc::clone(&pace),
        slowest,
    };
    let mut tasks = Vec::new();
    for i in 0..ours {
        let (tag, pace) = (tag.clone(), Arc::clone(&pace));
        tasks.push(tokio::spawn(async move {
            pace.sleep(up_to(pace.as_ref(), tag.slowest * 3)).await;
            let own = vec![entry(&format!("ours {i}"))];
            merge(&tag, &ReferrersList, own, pace.as_ref())
                .await
                .unwrap();
        }));
    }
    let foreign = {
        let (tag, pace) = (tag.clone(), Arc::clone(&pace));
        tokio::spawn(async move {
            for i in 0..naive_ones {
                pace.sleep(up_to(pace.as_ref(), tag.slowest * 20)).await;
                naive(&tag, entry(&format!("naive {i}"))).await;
            }
        })
    };
    for task in tasks {
        task.await.unwrap();
    }
    foreign.await.unwrap();
    let there = tag.entries();
    let missing = |name: String| usize::from(!there.contains(&entry(&name).digest));
    let puts = tag.shelf.lock().unwrap().puts;
    Outcome {
        ours_lost: (0..ours).map(|i| missing(format!("ours {i}"))).sum(),
        others_lost: (0..naive_ones).map(|i| missing(format!("naive {i}"))).sum(),
        puts,
    }
}

#[tokio::test(start_paused = true)]
async fn one_writer_writes_once() {
    let outcome = race(1, 1, 0).await;
    assert_eq!((outcome.ours_lost, outcome.puts), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn fifty_writers_lose_nothing() {
    for seed in 0..SEEDS {
        let outcome = race(seed, 50, 0).await;
        assert_eq!(outcome.ours_lost, 0, "seed {seed}");
        assert!(outcome.puts < 250, "seed {seed}: {} writes", outcome.puts);
    }
}

#[tokio::test(start_paused = true)]
async fn naive_writers_in_between_take_nothing_away() {
    let (mut lost, mut written) = (0, 0);
    for seed in 0..SEEDS {
        let outcome = race(seed, 50, 10).await;
        assert_eq!(outcome.ours_lost, 0, "seed {seed}");
        lost += outcome.others_lost;
        written += 10;
    }
    // A naive writer that lands between two of our requests that were sent at
    // once is lost, and nobody can tell; with every request delayed at random,
    // as here, that is at its worst. Without rule 4 it is a third more.
    assert!(lost * 6 < written, "{lost} of {written} lost");
}

/// In a small crowd nobody else puts an entry back: here it is the settling
/// time that counts.
#[tokio::test(start_paused = true)]
async fn a_few_writers_lose_nothing() {
    for seed in 0..400 {
        for ours in 2..5 {
            let outcome = race(seed, ours, 1).await;
            assert_eq!(outcome.ours_lost, 0, "seed {seed}, {ours} writers");
        }
    }
}

const SEEDS: u64 = 8;
