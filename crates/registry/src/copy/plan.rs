//! Finding out what there is to copy: every manifest is read, and hashed,
//! before anything is written.

use std::collections::{HashSet, VecDeque};

use futures_util::future::try_join_all;
use waxseal_oci::{CosignTag, Descriptor, Digest, Document, Repository};

use crate::stream::len;
use crate::{Error, Found, RawManifest, ReferrersVia, Source, limits};

/// Everything that hangs on one image.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The image or index that was asked for.
    pub(crate) root: Digest,
    /// Images and indexes: what an index names stands before the index.
    pub(crate) images: Vec<Item>,
    /// Referrers: what one refers to stands before it.
    pub(crate) referrers: Vec<Item>,
    /// The referrers of each subject.
    pub(crate) listed: Vec<(Digest, Vec<Descriptor>)>,
    /// Referrers that a list names and that are not there.
    pub(crate) dangling: Vec<Descriptor>,
    /// cosign's tags, with what they name.
    pub(crate) tags: Vec<(CosignTag, String, Item)>,
}

/// A manifest that is to be copied, with what it names.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) raw: RawManifest,
    pub(crate) document: Document,
}

impl Item {
    fn new(raw: RawManifest) -> Result<Self, Error> {
        let document = raw.document()?;
        Ok(Self { raw, document })
    }

    /// The blobs that have to be there before the manifest is.
    pub(crate) fn blobs(&self) -> Vec<&Descriptor> {
        match &self.document {
            Document::Manifest(m) => std::iter::once(&m.config).chain(&m.layers).collect(),
            _ => Vec::new(),
        }
    }

    /// Its entry in a list of referrers, with the right type and annotations
    /// whatever a list said of it.
    fn entry(&self) -> Descriptor {
        let mut entry = self.raw.descriptor();
        let (kind, annotations) = match &self.document {
            Document::Manifest(m) => (Some(m.kind().to_owned()), &m.annotations),
            Document::Index(i) => (i.artifact_type.clone(), &i.annotations),
            _ => return entry,
        };
        entry.artifact_type = kind;
        entry.annotations = annotations.clone();
        entry
    }
}

/// What an index names comes before it, whichever indexes name it: a registry
/// takes an index only after its members.
fn below_first(mut waiting: Vec<Item>) -> Vec<Item> {
    let mut open: HashSet<Digest> = waiting.iter().map(|i| i.raw.digest.clone()).collect();
    let mut ordered = Vec::new();
    while !waiting.is_empty() {
        let is_ready = |item: &Item| match &item.document {
            Document::Index(index) => !index.manifests.iter().any(|m| open.contains(&m.digest)),
            _ => true,
        };
        let (ready, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_ready);
        if ready.is_empty() {
            // No digest names itself; were it so, nothing would be left out.
            ordered.extend(rest);
            break;
        }
        for item in &ready {
            open.remove(&item.raw.digest);
        }
        ordered.extend(ready);
        waiting = rest;
    }
    ordered
}

/// Looks through the source.
pub(crate) struct Survey<'a, S> {
    pub(crate) source: &'a S,
    pub(crate) repository: &'a Repository,
    seen: HashSet<Digest>,
    bytes: u64,
    plan: Plan,
}

impl<'a, S: Source> Survey<'a, S> {
    pub(crate) fn new(source: &'a S, repository: &'a Repository, root: Digest) -> Self {
        let plan = Plan {
            root,
            images: Vec::new(),
            referrers: Vec::new(),
            listed: Vec::new(),
            dangling: Vec::new(),
            tags: Vec::new(),
        };
        Self {
            source,
            repository,
            seen: HashSet::new(),
            bytes: 0,
            plan,
        }
    }

    pub(crate) async fn run(mut self) -> Result<Plan, Error> {
        let root = self.plan.root.clone();
        let images = self.images(root).await?;
        let mut subjects: VecDeque<(Digest, usize)> =
            images.iter().map(|i| (i.raw.digest.clone(), 0)).collect();
        self.plan.images = below_first(images);
        while let Some((subject, depth)) = subjects.pop_front() {
            if depth >= limits::DEPTH {
                return Err(self.too_deep(&subject));
            }
            let (referrers, tags) = tokio::join!(self.referrers(&subject), self.tags(&subject));
            for (kind, tag, raw) in tags? {
                self.count(&raw)?;
                self.plan.tags.push((kind, tag, Item::new(raw)?));
            }
            let mut listed = Vec::new();
            for entry in referrers? {
                let Found::Present(raw) =
                    self.source.manifest(self.repository, &entry.digest).await?
                else {
                    self.plan.dangling.push(entry);
                    continue;
                };
                let item = Item::new(raw)?;
                listed.push(item.entry());
                if self.seen.insert(item.raw.digest.clone()) {
                    self.count(&item.raw)?;
                    subjects.push_back((item.raw.digest.clone(), depth.saturating_add(1)));
                    self.plan.referrers.push(item);
                }
            }
            if !listed.is_empty() {
                self.plan.listed.push((subject, listed));
            }
        }
        Ok(self.plan)
    }

    /// The root and everything below it, each after what names it.
    async fn images(&mut self, root: Digest) -> Result<Vec<Item>, Error> {
        let mut level = vec![root];
        let mut order: Vec<Item> = Vec::new();
        for _ in 0..limits::DEPTH {
            level.retain(|digest| self.seen.insert(digest.clone()));
            if level.is_empty() {
                return Ok(order);
            }
            let mut below = Vec::new();
            for some in level.chunks(limits::CONCURRENCY) {
                let (source, repository) = (self.source, self.repository);
                let reads = some.iter().map(|digest| async move {
                    let what = format!("the manifest {}", repository.at(digest));
                    source.manifest(repository, digest).await?.required(what)
                });
                for raw in try_join_all(reads).await? {
                    self.count(&raw)?;
                    let item = Item::new(raw)?;
                    if let Document::Index(index) = &item.document {
                        below.extend(index.manifests.iter().map(|d| d.digest.clone()));
                    }
                    order.push(item);
                }
            }
            level = below;
        }
        match level.iter().find(|digest| !self.seen.contains(digest)) {
            Some(deeper) => Err(self.too_deep(deeper)),
            None => Ok(order),
        }
    }

    /// What refers to a digest, also where only a fallback tag knows it.
    async fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        let mut list = self
            .source
            .referrers(self.repository, subject, None)
            .await?;
        if list.via == ReferrersVia::Api {
            let also = self
                .source
                .fallback_referrers(self.repository, subject)
                .await?;
            list.entries.extend(also.entries);
        }
        let mut seen = HashSet::new();
        list.entries
            .retain(|entry| seen.insert(entry.digest.clone()));
        Ok(list.entries)
    }

    async fn tags(&self, subject: &Digest) -> Result<Vec<(CosignTag, String, RawManifest)>, Error> {
        let reads = CosignTag::ALL.into_iter().map(|kind| async move {
            let tag = kind.tag(subject);
            let found = self.source.manifest_by_tag(self.repository, &tag).await?;
            Ok::<_, Error>(found.present().map(|raw| (kind, tag, raw)))
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    fn count(&mut self, raw: &RawManifest) -> Result<(), Error> {
        let what = || format!("all that hangs on {}", self.repository.at(&self.plan.root));
        self.bytes = self.bytes.saturating_add(len(&raw.bytes));
        if self.bytes > limits::COPY_MANIFEST_BYTES {
            return Err(Error::TooLarge {
                what: what(),
                limit: limits::COPY_MANIFEST_BYTES,
            });
        }
        if self.seen.len() > limits::COPY_MANIFESTS {
            return Err(Error::TooManyEntries {
                what: what(),
                limit: limits::COPY_MANIFESTS,
            });
        }
        Ok(())
    }

    fn too_deep(&self, digest: &Digest) -> Error {
        Error::Answer {
            what: format!("the manifest {}", self.repository.at(digest)),
            reason: format!("it is nested more than {} deep", limits::DEPTH),
        }
    }
}
