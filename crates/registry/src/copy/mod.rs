//! Copying an image together with everything that is attached to it.

mod ledger;
mod plan;
mod target;

use std::collections::HashSet;

use futures_util::{StreamExt as _, TryStreamExt as _};
use waxseal_oci::{CosignTag, Descriptor, Digest, Document, Reference, Repository};

use crate::{Error, Source};
use plan::{Item, Plan, Survey};

pub use ledger::{Action, Entry, Kind, Ledger};
pub use target::Target;

/// Copies what `from` names, with its referrers, their referrers and cosign's
/// tags, and reads back all that it wrote.
///
/// Blobs are written before the manifests that name them, evidence before the
/// tag of what it is about. What the target has of its own is kept.
/// Saving and loading are copies to and from a [`crate::Layout`].
///
/// # Errors
/// [`Error::NotFound`] where `from` is absent; [`Error::NotWritten`] where the
/// target does not give back what it was given; else whatever went wrong first.
pub async fn copy<S: Source, T: Target>(
    source: &S,
    from: &Reference,
    target: &T,
    to: &Reference,
) -> Result<Ledger, Error> {
    let root = source
        .resolve(from)
        .await?
        .required(format!("the image {from}"))?;
    if let Some(wanted) = to.digest()
        && *wanted != root
    {
        let wanted = wanted.clone();
        return Err(Error::DigestMismatch {
            what: format!("the target {to}"),
            wanted,
            found: root,
        });
    }
    let plan = Survey::new(source, from.repository(), root.clone())
        .run()
        .await?;
    let mut copier = Copier {
        source,
        from: from.repository(),
        target,
        to: to.repository(),
        ledger: Ledger {
            root,
            entries: Vec::new(),
        },
        blobs: HashSet::new(),
    };
    copier.run(&plan, to.tag()).await?;
    Ok(copier.ledger)
}

struct Copier<'a, S, T> {
    source: &'a S,
    from: &'a Repository,
    target: &'a T,
    to: &'a Repository,
    ledger: Ledger,
    /// The blobs that are known to be there.
    blobs: HashSet<Digest>,
}

impl<S: Source, T: Target> Copier<'_, S, T> {
    async fn run(&mut self, plan: &Plan, tag: Option<&str>) -> Result<(), Error> {
        for item in &plan.images {
            let kind = match item.document {
                Document::Index(_) => Kind::Index,
                _ => Kind::Manifest,
            };
            self.manifest(item, kind).await?;
        }
        for item in &plan.referrers {
            self.manifest(item, Kind::Referrer).await?;
        }
        for (subject, entries) in &plan.listed {
            self.referrers(plan, subject, entries).await?;
        }
        for entry in &plan.dangling {
            self.note(
                Kind::Referrer,
                entry,
                Action::Skipped,
                entry.artifact_type.clone(),
            );
        }
        for (kind, tag, item) in &plan.tags {
            self.cosign_tag(*kind, tag, item).await?;
        }
        if let Some(root) = plan.images.iter().find(|i| i.raw.digest == plan.root) {
            self.root(root, tag).await?;
        }
        Ok(())
    }

    /// A manifest under its digest, after its blobs.
    async fn manifest(&mut self, item: &Item, kind: Kind) -> Result<(), Error> {
        let descriptor = item.raw.descriptor();
        let name = match (&item.document, kind) {
            (Document::Manifest(m), Kind::Referrer) => Some(m.kind().to_owned()),
            _ => None,
        };
        if !self
            .target
            .stored(self.to, &item.raw.digest)
            .await?
            .is_absent()
        {
            self.note(kind, &descriptor, Action::AlreadyThere, name);
            return Ok(());
        }
        self.blobs(item).await?;
        self.target.put_manifest(self.to, &item.raw).await?;
        if self
            .target
            .stored(self.to, &item.raw.digest)
            .await?
            .is_absent()
        {
            return Err(self.not_written(item, "it is not there"));
        }
        self.note(kind, &descriptor, Action::Copied, name);
        Ok(())
    }

    async fn blobs(&mut self, item: &Item) -> Result<(), Error> {
        let mut wanted: Vec<Descriptor> = Vec::new();
        for blob in item.blobs() {
            if self.blobs.insert(blob.digest.clone()) {
                wanted.push(blob.clone());
            }
        }
        let copier = &*self;
        let copies = wanted.into_iter().map(|blob| async move {
            let action = copier.blob(&blob).await?;
            Ok::<_, Error>((blob, action))
        });
        let done: Vec<_> = futures_util::stream::iter(copies)
            .buffered(BLOBS_AT_ONCE)
            .try_collect()
            .await?;
        for (blob, action) in done {
            self.note(Kind::Blob, &blob, action, None);
        }
        Ok(())
    }

    async fn blob(&self, blob: &Descriptor) -> Result<Action, Error> {
        if is_foreign(blob) {
            return Ok(Action::Skipped);
        }
        if self.target.has_blob(self.to, &blob.digest).await? {
            return Ok(Action::AlreadyThere);
        }
        let mut attempt = 0_u32;
        loop {
            let content = self.source.blob_stream(self.from, blob).await?;
            match self.target.put_blob(self.to, blob, content).await {
                Ok(()) => break,
                Err(error) if error.is_transient() && attempt < BLOB_ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
            }
        }
        if !self.target.has_blob(self.to, &blob.digest).await? {
            let what = format!("the blob {}", self.to.at(&blob.digest));
            return Err(Error::NotWritten {
                what,
                reason: "it is not there".into(),
            });
        }
        Ok(Action::Copied)
    }

    /// Sees to it that the target lists a subject's referrers, and reads the
    /// list back.
    async fn referrers(
        &mut self,
        plan: &Plan,
        subject: &Digest,
        entries: &[Descriptor],
    ) -> Result<(), Error> {
        let missing = self.unlisted(subject, entries).await?;
        if missing.is_empty() {
            return Ok(());
        }
        // A registry that got the manifest before it knew the referrers API
        // lists it once it gets it again.
        for entry in &missing {
            if let Some(item) = plan.referrers.iter().find(|i| i.raw.digest == entry.digest) {
                self.target.put_manifest(self.to, &item.raw).await?;
            }
        }
        let missing = self.unlisted(subject, entries).await?;
        if missing.is_empty() {
            return Ok(());
        }
        self.target
            .list_referrers(self.to, subject, missing)
            .await?;
        if let Some(entry) = self.unlisted(subject, entries).await?.first() {
            return Err(Error::NotWritten {
                what: format!("the referrers of {}", self.to.at(subject)),
                reason: format!("{} is not among them", entry.digest),
            });
        }
        let tag = waxseal_oci::referrers_tag(subject);
        if let Some(list) = self.target.manifest_by_tag(self.to, &tag).await?.present() {
            self.note(
                Kind::ReferrersTag,
                &list.descriptor(),
                Action::Merged,
                Some(tag),
            );
        }
        Ok(())
    }

    /// The entries that the target does not list in any way.
    async fn unlisted(
        &self,
        subject: &Digest,
        entries: &[Descriptor],
    ) -> Result<Vec<Descriptor>, Error> {
        let mut there = self.target.referrers(self.to, subject, None).await?;
        let lists =
            |list: &[Descriptor], entry: &Descriptor| list.iter().any(|e| e.digest == entry.digest);
        if entries.iter().any(|entry| !lists(&there.entries, entry)) {
            let also = self.target.fallback_referrers(self.to, subject).await?;
            there.entries.extend(also.entries);
        }
        Ok(entries
            .iter()
            .filter(|entry| !lists(&there.entries, entry))
            .cloned()
            .collect())
    }

    /// One of cosign's tags: as it is where the target has none, else merged.
    async fn cosign_tag(&mut self, kind: CosignTag, tag: &str, item: &Item) -> Result<(), Error> {
        let descriptor = item.raw.descriptor();
        let name = Some(tag.to_owned());
        let there = self.target.manifest_by_tag(self.to, tag).await?.present();
        if there
            .as_ref()
            .is_some_and(|there| there.digest == item.raw.digest)
        {
            self.note(Kind::CosignTag, &descriptor, Action::AlreadyThere, name);
            return Ok(());
        }
        let layers = match &item.document {
            Document::Manifest(m) if kind != CosignTag::Sbom => m.layers.clone(),
            // An SBOM is one thing, not a list: the target's own stays.
            _ if there.is_some() => {
                self.note(Kind::CosignTag, &descriptor, Action::Skipped, name);
                return Ok(());
            }
            _ => Vec::new(),
        };
        self.blobs(item).await?;
        if there.is_none() {
            self.target.name(self.to, &item.raw, Some(tag)).await?;
            let back = self.target.manifest_by_tag(self.to, tag).await?.present();
            if back.is_some_and(|back| back.digest == item.raw.digest) {
                self.note(Kind::CosignTag, &descriptor, Action::Copied, name);
                return Ok(());
            }
            if layers.is_empty() {
                return Err(self.not_written(item, "its tag names something else"));
            }
        }
        // It is there, or somebody else was quicker.
        let digest = self.target.append_layers(self.to, tag, layers).await?;
        let merged = self.target.stored(self.to, &digest).await?;
        let merged = merged.required(format!("the manifest {}", self.to.at(&digest)))?;
        self.note(Kind::CosignTag, &merged.descriptor(), Action::Merged, name);
        Ok(())
    }

    async fn root(&mut self, item: &Item, tag: Option<&str>) -> Result<(), Error> {
        let Some(tag) = tag else {
            return self.target.name(self.to, &item.raw, None).await;
        };
        let descriptor = item.raw.descriptor();
        let named = async |t: &T| {
            let there = t.manifest_by_tag(self.to, tag).await?.present();
            Ok::<_, Error>(there.is_some_and(|there| there.digest == item.raw.digest))
        };
        let action = if named(self.target).await? {
            Action::AlreadyThere
        } else {
            self.target.name(self.to, &item.raw, Some(tag)).await?;
            if !named(self.target).await? {
                return Err(self.not_written(item, "its tag names something else"));
            }
            Action::Copied
        };
        self.note(Kind::Tag, &descriptor, action, Some(tag.to_owned()));
        Ok(())
    }

    fn note(&mut self, kind: Kind, what: &Descriptor, action: Action, name: Option<String>) {
        let entry = Entry {
            kind,
            digest: what.digest.clone(),
            size: what.size,
            action,
            name,
        };
        self.ledger.entries.push(entry);
    }

    fn not_written(&self, item: &Item, reason: &str) -> Error {
        Error::NotWritten {
            what: format!("the manifest {}", self.to.at(&item.raw.digest)),
            reason: reason.to_owned(),
        }
    }
}

/// Whether a layer is one that its owner does not let registries hand out.
fn is_foreign(blob: &Descriptor) -> bool {
    blob.media_type.contains(".nondistributable.") || blob.media_type.contains(".foreign.")
}

const BLOBS_AT_ONCE: usize = 4;
const BLOB_ATTEMPTS: u32 = 2;
