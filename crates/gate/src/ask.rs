//! Questions to a source, and the answers, which can be kept.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use waxseal_oci::{Descriptor, Digest, Document, Reference, Repository};
use waxseal_registry::{BlobStream, Found, Layout, RawManifest, Referrers, ReferrersVia, Source};

use crate::layers::Layers;
use crate::{Fault, limits};

/// A question about one repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(
    tag = "ask",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub(crate) enum Question {
    /// What does this name mean now?
    Resolve { reference: Reference },
    /// What refers to this digest?
    Referrers { digest: Digest },
    /// What does the fallback tag list?
    FallbackReferrers { digest: Digest },
    /// What is under this tag?
    Tag { tag: String },
    /// What is the manifest of this digest?
    Manifest { digest: Digest },
    /// What is the content of this digest?
    Blob { digest: Digest },
}

/// What was answered. Content is kept apart, by its digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "answer",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub(crate) enum Answer {
    /// There is none.
    Absent,
    /// The content of this digest and size.
    Content {
        digest: Digest,
        media_type: String,
        size: u64,
    },
    /// This digest.
    Digest { digest: Digest },
    /// Nobody could tell.
    Fault { fault: Fault },
    /// These entries.
    List {
        via: ListedBy,
        entries: Vec<Descriptor>,
    },
}

/// [`ReferrersVia`] as it is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ListedBy {
    Api,
    FallbackTag,
    Layout,
    Nothing,
}

impl From<ReferrersVia> for ListedBy {
    fn from(via: ReferrersVia) -> Self {
        match via {
            ReferrersVia::Api => Self::Api,
            ReferrersVia::FallbackTag => Self::FallbackTag,
            ReferrersVia::Layout => Self::Layout,
            _ => Self::Nothing,
        }
    }
}

impl From<ListedBy> for ReferrersVia {
    fn from(by: ListedBy) -> Self {
        match by {
            ListedBy::Api => Self::Api,
            ListedBy::FallbackTag => Self::FallbackTag,
            ListedBy::Layout => Self::Layout,
            ListedBy::Nothing => Self::Nothing,
        }
    }
}

/// Everything that was asked and answered, and the content that came.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    pub(crate) answers: BTreeMap<Question, Answer>,
    pub(crate) contents: BTreeMap<Digest, (String, Bytes)>,
}

/// Asks a source, or a transcript of what a source once answered.
///
/// Small answers are kept, so that nothing is asked for twice in one
/// verification; blobs are kept only for a capture.
pub(crate) struct Asker<'a, S> {
    from: Answerer<'a, S>,
    repository: &'a Repository,
    keep_blobs: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    transcript: Transcript,
    asked: u64,
}

enum Answerer<'a, S> {
    Source(&'a S),
    Record(&'a BTreeMap<Question, Answer>, &'a Layout),
}

impl<'a, S: Source> Asker<'a, S> {
    pub(crate) fn new(source: &'a S, repository: &'a Repository) -> Self {
        Self::of(Answerer::Source(source), repository, false)
    }

    /// One that keeps every byte.
    pub(crate) fn recording(source: &'a S, repository: &'a Repository) -> Self {
        Self::of(Answerer::Source(source), repository, true)
    }

    fn of(from: Answerer<'a, S>, repository: &'a Repository, keep_blobs: bool) -> Self {
        Self {
            from,
            repository,
            keep_blobs,
            state: Mutex::default(),
        }
    }

    /// How many questions went to the source.
    pub(crate) fn asked(&self) -> u64 {
        self.state().asked
    }

    pub(crate) fn into_transcript(self) -> Transcript {
        self.state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .transcript
    }

    pub(crate) async fn resolve(&self, reference: &Reference) -> Result<Found<Digest>, Fault> {
        if let Some(digest) = reference.digest() {
            return Ok(Found::Present(digest.clone()));
        }
        let question = Question::Resolve {
            reference: reference.clone(),
        };
        let answer = match self.known(&question) {
            Some(answer) => answer,
            None => match &self.from {
                Answerer::Record(answers, _) => recorded(answers, &question, "what the tag names")?,
                Answerer::Source(source) => {
                    self.count();
                    match source.resolve(reference).await {
                        Ok(Found::Present(digest)) => Answer::Digest { digest },
                        Ok(Found::Absent) => Answer::Absent,
                        Err(error) => Answer::Fault {
                            fault: Fault::from(&error),
                        },
                    }
                }
            },
        };
        self.keep(question, answer.clone());
        match answer {
            Answer::Digest { digest } => Ok(Found::Present(digest)),
            Answer::Absent => Ok(Found::Absent),
            Answer::Fault { fault } => Err(fault),
            _ => Err(Fault::unrecorded("a digest where one belongs")),
        }
    }

    pub(crate) async fn referrers(&self, digest: &Digest) -> Result<Referrers, Fault> {
        let question = Question::Referrers {
            digest: digest.clone(),
        };
        let answer = match self.known(&question) {
            Some(answer) => answer,
            None => match &self.from {
                Answerer::Record(answers, _) => {
                    recorded(answers, &question, "the list of referrers")?
                }
                Answerer::Source(source) => {
                    self.count();
                    list(source.referrers(self.repository, digest, None).await)
                }
            },
        };
        self.keep(question, answer.clone());
        referrers(answer)
    }

    pub(crate) async fn fallback_referrers(&self, digest: &Digest) -> Result<Referrers, Fault> {
        let question = Question::FallbackReferrers {
            digest: digest.clone(),
        };
        let answer = match self.known(&question) {
            Some(answer) => answer,
            None => match &self.from {
                Answerer::Record(answers, _) => recorded(answers, &question, "the fallback list")?,
                Answerer::Source(source) => {
                    self.count();
                    list(source.fallback_referrers(self.repository, digest).await)
                }
            },
        };
        self.keep(question, answer.clone());
        referrers(answer)
    }

    pub(crate) async fn manifest(&self, digest: &Digest) -> Result<Found<RawManifest>, Fault> {
        let question = Question::Manifest {
            digest: digest.clone(),
        };
        self.raw_manifest(question, &format!("the manifest {digest}"))
            .await
    }

    pub(crate) async fn tag(&self, tag: &str) -> Result<Found<RawManifest>, Fault> {
        let question = Question::Tag {
            tag: tag.to_owned(),
        };
        self.raw_manifest(question, &format!("what is under the tag {tag}"))
            .await
    }

    pub(crate) async fn blob(&self, descriptor: &Descriptor, max: u64) -> Result<Bytes, Fault> {
        let question = Question::Blob {
            digest: descriptor.digest.clone(),
        };
        let result = match &self.from {
            Answerer::Source(source) => {
                self.count();
                source.blob(self.repository, descriptor, max).await
            }
            Answerer::Record(answers, layout) => {
                let what = format!("the content {}", descriptor.digest);
                if let Answer::Fault { fault } = recorded(answers, &question, &what)? {
                    self.keep(
                        question,
                        Answer::Fault {
                            fault: fault.clone(),
                        },
                    );
                    return Err(fault);
                }
                layout.blob(self.repository, descriptor, max).await
            }
        };
        match result {
            Ok(bytes) => {
                if self.keep_blobs {
                    let media_type = descriptor.media_type.clone();
                    self.keep_content(question, &descriptor.digest, media_type, &bytes);
                }
                Ok(bytes)
            }
            Err(error) => {
                let fault = Fault::from(&error);
                self.keep(
                    question,
                    Answer::Fault {
                        fault: fault.clone(),
                    },
                );
                Err(fault)
            }
        }
    }

    /// The content of a layer: as a stream, unless it has to be kept.
    async fn layer(&self, descriptor: &Descriptor) -> Result<BlobStream, Fault> {
        if self.keep_blobs {
            let bytes = self.blob(descriptor, limits::KEPT_LAYER_BYTES).await?;
            return Ok(BlobStream::of(bytes));
        }
        let stream = match &self.from {
            Answerer::Source(source) => {
                self.count();
                source.blob_stream(self.repository, descriptor).await
            }
            Answerer::Record(answers, layout) => {
                let question = Question::Blob {
                    digest: descriptor.digest.clone(),
                };
                let what = format!("the layer {}", descriptor.digest);
                if let Answer::Fault { fault } = recorded(answers, &question, &what)? {
                    return Err(fault);
                }
                layout.blob_stream(self.repository, descriptor).await
            }
        };
        stream.map_err(|error| Fault::from(&error))
    }

    async fn raw_manifest(
        &self,
        question: Question,
        what: &str,
    ) -> Result<Found<RawManifest>, Fault> {
        match self.known(&question) {
            Some(Answer::Content { digest, .. }) => {
                if let Some((media_type, bytes)) = self.state().transcript.contents.get(&digest) {
                    return Ok(Found::Present(raw(&digest, media_type, bytes)));
                }
            }
            Some(Answer::Fault { fault }) => return Err(fault),
            Some(_) => return Ok(Found::Absent),
            None => {}
        }
        let result = match &self.from {
            Answerer::Source(source) => {
                self.count();
                match &question {
                    Question::Tag { tag } => source.manifest_by_tag(self.repository, tag).await,
                    Question::Manifest { digest } => source.manifest(self.repository, digest).await,
                    _ => Ok(Found::Absent),
                }
            }
            Answerer::Record(answers, layout) => match recorded(answers, &question, what)? {
                Answer::Content {
                    digest, media_type, ..
                } => {
                    let found = layout.manifest(self.repository, &digest).await;
                    let found = found.and_then(|f| f.required(what));
                    found.map(|mut manifest| {
                        manifest.media_type = media_type;
                        Found::Present(manifest)
                    })
                }
                Answer::Fault { fault } => {
                    self.keep(
                        question,
                        Answer::Fault {
                            fault: fault.clone(),
                        },
                    );
                    return Err(fault);
                }
                _ => Ok(Found::Absent),
            },
        };
        match result {
            Ok(Found::Present(manifest)) => {
                let (digest, media_type) = (manifest.digest.clone(), manifest.media_type.clone());
                self.keep_content(question, &digest, media_type, &manifest.bytes);
                Ok(Found::Present(manifest))
            }
            Ok(Found::Absent) => {
                self.keep(question, Answer::Absent);
                Ok(Found::Absent)
            }
            Err(error) => {
                let fault = Fault::from(&error);
                self.keep(
                    question,
                    Answer::Fault {
                        fault: fault.clone(),
                    },
                );
                Err(fault)
            }
        }
    }

    fn known(&self, question: &Question) -> Option<Answer> {
        self.state().transcript.answers.get(question).cloned()
    }

    fn keep(&self, question: Question, answer: Answer) {
        self.state().transcript.answers.insert(question, answer);
    }

    fn keep_content(&self, question: Question, digest: &Digest, media_type: String, bytes: &Bytes) {
        let answer = Answer::Content {
            digest: digest.clone(),
            media_type: media_type.clone(),
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        };
        let mut state = self.state();
        state.transcript.answers.insert(question, answer);
        let content = (media_type, bytes.clone());
        state.transcript.contents.insert(digest.clone(), content);
    }

    fn count(&self) {
        self.state().asked += 1;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Source> Layers for Asker<'_, S> {
    async fn open(&self, layer: &Descriptor) -> Result<BlobStream, Fault> {
        self.layer(layer).await
    }
}

impl<'a> Asker<'a, Layout> {
    /// One that gives the answers of a transcript again, with the content that
    /// a layout holds.
    pub(crate) fn replaying(
        answers: &'a BTreeMap<Question, Answer>,
        layout: &'a Layout,
        repository: &'a Repository,
    ) -> Self {
        Self::of(Answerer::Record(answers, layout), repository, false)
    }
}

/// The document in a manifest's bytes.
pub(crate) fn document(manifest: &RawManifest) -> Result<Document, Fault> {
    manifest.document().map_err(|error| Fault::from(&error))
}

fn raw(digest: &Digest, media_type: &str, bytes: &Bytes) -> RawManifest {
    let mut manifest = RawManifest::new(media_type, bytes.clone());
    manifest.digest = digest.clone();
    manifest
}

fn recorded(
    answers: &BTreeMap<Question, Answer>,
    question: &Question,
    what: &str,
) -> Result<Answer, Fault> {
    let answer = answers.get(question).cloned();
    answer.ok_or_else(|| Fault::unrecorded(what))
}

fn list(result: Result<Referrers, waxseal_registry::Error>) -> Answer {
    match result {
        Ok(list) => Answer::List {
            via: list.via.into(),
            entries: list.entries,
        },
        Err(error) => Answer::Fault {
            fault: Fault::from(&error),
        },
    }
}

fn referrers(answer: Answer) -> Result<Referrers, Fault> {
    match answer {
        Answer::List { via, entries } => Ok(Referrers::new(entries, via.into())),
        Answer::Fault { fault } => Err(fault),
        _ => Err(Fault::unrecorded("a list where one belongs")),
    }
}
