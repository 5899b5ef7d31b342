//! Who refers to whom in a layout.

use std::collections::{HashMap, HashSet};

use waxseal_oci::{Descriptor, Digest, Document, referrers_tag};

use super::Layout;
use crate::{Error, Found, Referrers, ReferrersVia};

/// The referrers of each subject, as of one state of `index.json`.
#[derive(Debug, Default)]
pub(crate) struct Subjects {
    of: Option<Vec<Descriptor>>,
    by_subject: HashMap<Digest, Vec<Descriptor>>,
}

impl Layout {
    /// What refers to a digest: by the `subject` of what `index.json` lists,
    /// and by a fallback list that was saved with it.
    pub(crate) fn referrers_of(&self, digest: &Digest) -> Result<Referrers, Error> {
        let mut entries = self.by_subject(digest)?;
        let listed = self.fallback_list(digest)?;
        entries.extend(listed.entries);
        let mut seen = HashSet::new();
        entries.retain(|e| seen.insert(e.digest.clone()));
        let via = if entries.is_empty() {
            ReferrersVia::Nothing
        } else {
            ReferrersVia::Layout
        };
        Ok(Referrers::new(entries, via))
    }

    /// The fallback list that was saved under its tag.
    pub(crate) fn fallback_list(&self, digest: &Digest) -> Result<Referrers, Error> {
        let tag = referrers_tag(digest);
        let Found::Present(entry) = self.named(&tag)? else {
            return Ok(Referrers::new(Vec::new(), ReferrersVia::Nothing));
        };
        let Found::Present(list) = self.read_manifest(&entry.digest)? else {
            return Err(Error::NotFound {
                what: format!("{tag} in {}", self.root().display()),
            });
        };
        match list.document()? {
            Document::Index(index) => {
                Ok(Referrers::new(index.manifests, ReferrersVia::FallbackTag))
            }
            _ => Err(Error::NotReferrers {
                what: format!("{tag} in {}", self.root().display()),
            }),
        }
    }

    fn by_subject(&self, digest: &Digest) -> Result<Vec<Descriptor>, Error> {
        let entries = self.entries()?;
        let mut subjects = self
            .subjects
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if subjects.of.as_ref() != Some(&entries) {
            subjects.by_subject.clear();
            for entry in &entries {
                let Found::Present(manifest) = self.read_manifest(&entry.digest)? else {
                    continue;
                };
                let (subject, kind, annotations) = match manifest.document()? {
                    Document::Manifest(m) => {
                        let kind = m.kind().to_owned();
                        (m.subject, Some(kind), m.annotations)
                    }
                    Document::Index(i) => (i.subject, i.artifact_type, i.annotations),
                    _ => continue,
                };
                if let Some(subject) = subject {
                    let mut referrer = manifest.descriptor();
                    referrer.artifact_type = kind;
                    referrer.annotations = annotations;
                    subjects
                        .by_subject
                        .entry(subject.digest)
                        .or_default()
                        .push(referrer);
                }
            }
            subjects.of = Some(entries);
        }
        Ok(subjects.by_subject.get(digest).cloned().unwrap_or_default())
    }
}
