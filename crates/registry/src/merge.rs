//! Adding to a tag that others add to at the same time, losing nobody's entry.
//!
//! A registry has no compare-and-swap: who writes a tag replaces whatever is
//! there, seen or not. Everybody reads, adds, and writes, and between two such
//! pairs one addition is lost (cosign 3.1.1 keeps 6 to 8 of 10). That loss
//! cannot be prevented, so it is made good:
//!
//! 1. Nobody leaves before the tag has kept one version, with everything they
//!    know of in it, for a *settling time*. A writer that could still overwrite
//!    an entry has read the tag before the entry was there, and writes within
//!    the time between its read and its write. The settling time is a multiple
//!    of the longest such time that we have seen ourselves, at this registry
//!    and under this load. So whoever could overwrite us has done so before we
//!    look for the last time; whoever reads later reads our entry as well.
//! 2. Whoever looks and misses *anything that it has ever seen* there puts all
//!    of it back. An entry lives on as long as one writer that saw it is still
//!    at work, not only its owner.
//! 3. Between our own read and write there is nothing but computing. A wait
//!    (jitter, a retry, a blob that has to go first) is followed by a new read.
//! 4. While we write, we also ask what the tag names. If that is a version that
//!    we have not read, we may have overwritten it; manifests stay readable by
//!    digest, so it is read then, and by rule 2 its entries come back. This
//!    saves others' entries too: a naive writer that lands between our read
//!    and our write is noticed, but for the moment between two requests that
//!    were sent at once.
//! 5. Waits before writing again are random over a time that grows with the
//!    crowd that has been seen, so that fifty writers soon write one by one.
//!
//! What remains: a writer that is held up between reading and writing for
//! longer than everybody else's settling time, and that does not look again
//! (we do). No client can help against that without the registry's.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use waxseal_oci::{Annotations, Descriptor, Digest};

use crate::pace::{Pace, up_to};
use crate::retry::Schedule;
use crate::{Error, Found, RawManifest, limits};

/// A tag that is read and replaced whole.
pub(crate) trait Tag: Sync {
    /// What messages call it.
    fn what(&self) -> String;
    /// What it names now, with the entity tag of that version.
    fn read(&self) -> impl Future<Output = Result<Found<Version>, Error>> + Send;
    /// The digest of what it names now.
    fn peek(&self) -> impl Future<Output = Result<Found<Digest>, Error>> + Send;
    /// A version that it named before.
    fn past(
        &self,
        digest: &Digest,
    ) -> impl Future<Output = Result<Found<RawManifest>, Error>> + Send;
    /// Puts a blob that the next version names where it belongs.
    fn put_blob(
        &self,
        blob: &(Descriptor, Bytes),
    ) -> impl Future<Output = Result<(), Error>> + Send;
    /// Replaces it, in one request that is made once.
    fn write(
        &self,
        next: &RawManifest,
        replaces: Option<HeaderValue>,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// A version of a tag, and the entity tag by which a write can name it.
pub(crate) type Version = (RawManifest, Option<HeaderValue>);

/// What kind of document the tag holds: where its entries are.
pub(crate) trait Kind: Sync {
    /// The entries of a version.
    fn entries(&self, what: &str, version: &RawManifest) -> Result<Vec<Descriptor>, Error>;
    /// The next version: `base` with these entries, and the blobs that it needs.
    fn render(
        &self,
        base: Option<&RawManifest>,
        entries: Vec<Descriptor>,
    ) -> Result<(RawManifest, Vec<(Descriptor, Bytes)>), Error>;
    /// Whether two entries with one digest and other annotations are two.
    fn annotations_count(&self) -> bool;
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Merged {
    /// The version that was there last.
    pub(crate) digest: Digest,
    /// How many times the tag was written.
    pub(crate) writes: u32,
}

/// Sees to it that the entries are in the tag, for good.
pub(crate) async fn merge<T: Tag, K: Kind>(
    tag: &T,
    kind: &K,
    own: Vec<Descriptor>,
    pace: &dyn Pace,
) -> Result<Merged, Error> {
    let mut writer = Writer {
        tag,
        kind,
        pace,
        seen: Seen::new(kind.annotations_count()),
        versions: HashSet::new(),
        longest: Duration::ZERO,
        writes: 0,
        losses: 0,
    };
    writer.seen.take(own);
    writer.run().await
}

struct Writer<'a, T, K> {
    tag: &'a T,
    kind: &'a K,
    pace: &'a dyn Pace,
    /// Every entry that was ever there, and our own.
    seen: Seen,
    /// The versions whose entries are in `seen`.
    versions: HashSet<Digest>,
    /// The longest time between the beginning of a read and the end of a write.
    longest: Duration,
    writes: u32,
    /// How many times something was missing that had been written.
    losses: u32,
}

impl<T: Tag, K: Kind> Writer<'_, T, K> {
    async fn run(mut self) -> Result<Merged, Error> {
        let mut retries = Schedule::default();
        // The version that was there, complete, before the last settling time.
        let mut settled: Option<Digest> = None;
        let mut streak = 0_u32;
        for _ in 0..limits::MERGE_ROUNDS {
            let begun = self.pace.now();
            let base = self.tag.read().await?.present();
            let complete = self.look(base.as_ref())?;
            if let Some((version, _)) = base.as_ref().filter(|_| complete) {
                streak += 1;
                let digest = version.digest.clone();
                let unchanged = settled.as_ref() == Some(&digest);
                // Where it was all there from the start there is nothing to
                // lose; where others keep adding to it, it has been seen often
                // enough.
                if unchanged || self.writes == 0 || streak >= ENOUGH {
                    return Ok(Merged {
                        digest,
                        writes: self.writes,
                    });
                }
                settled = Some(digest);
                self.settle().await;
                continue;
            }
            streak = 0;
            settled = None;
            if self.writes > 0 && self.losses < self.writes {
                // What we wrote was overwritten: step aside, then look again.
                self.losses = self.writes;
                let crowd = self.crowd();
                self.pace.sleep(up_to(self.pace, crowd)).await;
                continue;
            }
            match self.write(base, begun).await {
                Ok(Some(digest)) => {
                    retries = Schedule::default();
                    settled = Some(digest);
                    self.settle().await;
                }
                // It has moved since it was read.
                Ok(None) => self.pace.sleep(up_to(self.pace, self.crowd())).await,
                Err(error) => {
                    let asked = match &error {
                        Error::RateLimited { retry_after, .. } => *retry_after,
                        Error::Connect { .. } | Error::Server { .. } => None,
                        _ => return Err(error),
                    };
                    match retries.next(asked, self.pace.random()) {
                        Some(wait) => self.pace.sleep(wait).await,
                        None => return Err(error),
                    }
                }
            }
        }
        Err(Error::Contended {
            what: self.tag.what(),
            rounds: self.writes,
        })
    }

    /// Takes in what is there; says whether everything that is known is there.
    fn look(&mut self, base: Option<&Version>) -> Result<bool, Error> {
        let Some((version, _)) = base else {
            return Ok(self.seen.is_empty());
        };
        let entries = self.kind.entries(&self.tag.what(), version)?;
        self.versions.insert(version.digest.clone());
        let there = self.seen.take(entries);
        Ok(there == self.seen.len())
    }

    /// Writes everything that is known over `base`. `None`: not written, since
    /// the tag has moved on.
    async fn write(
        &mut self,
        base: Option<Version>,
        begun: Duration,
    ) -> Result<Option<Digest>, Error> {
        let before = base.as_ref().map(|(version, _)| version.digest.clone());
        // What is there stays in its place; what is missing follows.
        let mut entries = Seen::new(self.kind.annotations_count());
        if let Some((version, _)) = &base {
            entries.take(self.kind.entries(&self.tag.what(), version)?);
        }
        entries.take(self.seen.all());
        let version = base.as_ref().map(|(version, _)| version);
        let (next, blobs) = self.kind.render(version, entries.all())?;
        let mut begun = begun;
        if !blobs.is_empty() {
            for blob in &blobs {
                self.tag.put_blob(blob).await?;
            }
            begun = self.pace.now();
            if self.tag.peek().await?.present() != before {
                return Ok(None);
            }
        }
        let replaces = base.and_then(|(_, etag)| etag);
        let (there, written) = tokio::join!(self.tag.peek(), self.tag.write(&next, replaces));
        match written {
            Ok(()) => {}
            Err(Error::Status { status: 412, .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
        self.writes += 1;
        self.longest = self.longest.max(self.pace.now().saturating_sub(begun));
        self.versions.insert(next.digest.clone());
        if let Ok(Found::Present(digest)) = there
            && !self.versions.contains(&digest)
            && let Ok(Found::Present(overwritten)) = self.tag.past(&digest).await
        {
            self.look(Some(&(overwritten, None)))?;
        }
        Ok(Some(next.digest))
    }

    /// Waits until whoever read before we wrote must have written.
    async fn settle(&self) {
        let longest = self.longest.saturating_mul(SETTLING_FACTOR);
        let time = longest.clamp(SETTLING_LEAST, SETTLING_MOST);
        self.pace.sleep(time + up_to(self.pace, time / 4)).await;
    }

    /// The time over which the next write is spread.
    fn crowd(&self) -> Duration {
        let others = u32::try_from(self.versions.len()).unwrap_or(u32::MAX);
        let doubled = 1_u32 << self.losses.min(6);
        let slots = others.saturating_add(doubled).min(128);
        self.longest
            .max(SLOT_LEAST)
            .saturating_mul(slots)
            .min(SPREAD_MOST)
    }
}

/// Entries in the order in which they were first seen, each once.
pub(crate) struct Seen {
    order: Vec<Descriptor>,
    known: HashSet<(Digest, Option<BTreeMap<String, String>>)>,
    annotations_count: bool,
}

impl Seen {
    pub(crate) fn new(annotations_count: bool) -> Self {
        Self {
            order: Vec::new(),
            known: HashSet::new(),
            annotations_count,
        }
    }

    /// Takes entries in; returns how many different ones there were.
    pub(crate) fn take(&mut self, entries: Vec<Descriptor>) -> usize {
        let mut different = HashSet::new();
        for entry in entries {
            let key = self.key(&entry);
            if self.known.insert(key.clone()) {
                self.order.push(entry);
            }
            different.insert(key);
        }
        different.len()
    }

    fn key(&self, entry: &Descriptor) -> (Digest, Option<Annotations>) {
        (
            entry.digest.clone(),
            self.annotations_count.then(|| entry.annotations.clone()),
        )
    }

    fn len(&self) -> usize {
        self.order.len()
    }

    fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub(crate) fn all(&self) -> Vec<Descriptor> {
        self.order.clone()
    }
}

const SETTLING_FACTOR: u32 = 3;
const SETTLING_LEAST: Duration = Duration::from_millis(50);
const SETTLING_MOST: Duration = Duration::from_secs(3);
const SLOT_LEAST: Duration = Duration::from_millis(2);
const SPREAD_MOST: Duration = Duration::from_secs(5);

/// Looks at a tag that others keep changing, all of them complete.
const ENOUGH: u32 = 6;

#[cfg(test)]
mod tests;
