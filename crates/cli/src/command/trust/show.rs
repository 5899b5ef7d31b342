//! `waxseal trust show`

use std::fmt::Write as _;

use clap::ValueEnum;
use jiff::Timestamp;
use serde::Serialize;
use waxseal_policy::escaped;
use waxseal_trust::{Anchor, Kind, Name, NamedRoot, Origin, Standing, StoreError, summary};

use super::VERSION;
use crate::context::{Context, Output, OutputArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::trust_args::{Aged, failed, store};

/// Show who is trusted, until when, and where that comes from
///
/// Without a name, all named roots in short. What is shown of a root that was fetched has
/// been verified from its pin; exit code 1 says that one could not be.
#[derive(clap::Args, Debug)]
pub(super) struct Show {
    /// Which root (default: list all)
    #[arg(value_name = "NAME")]
    name: Option<Name>,

    /// Print this document of the root, byte for byte, for other programs
    #[arg(
        long,
        value_name = "DOCUMENT",
        requires = "name",
        conflicts_with = "output"
    )]
    print: Option<Document>,

    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Document {
    /// Where to go: `signing_config.json`
    SigningConfig,
    /// Whom to trust: `trusted_root.json`
    TrustedRoot,
}

impl Show {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let store = store()?;
        let now = context.now();
        if let Some(name) = &self.name {
            let root = store.load(name, now).map_err(failed)?;
            if let Some(document) = self.print {
                context.print_bytes(print(&root, document)?)?;
                return Ok(Exit::Ok);
            }
            let item = Item::of(&root, now)?;
            match self.output.output {
                Output::Json => context.print_json(&Report {
                    api_version: VERSION,
                    kind: "TrustRoot",
                    body: &item,
                })?,
                Output::Text => context.print(long(&root, &item, now))?,
            }
            return Ok(Exit::Ok);
        }
        let mut items = Vec::new();
        let mut text = String::new();
        let mut exit = Exit::Ok;
        for name in store.names().map_err(failed)? {
            match store.load(&name, now) {
                Ok(root) => {
                    let item = Item::of(&root, now)?;
                    let aged = Aged(&root, now);
                    let _ = writeln!(text, "{name}: {aged}; {}", said(root.standing(now)));
                    items.push(item);
                }
                Err(error @ StoreError::NotFetched { .. }) => {
                    let _ = writeln!(text, "{name}: not fetched yet");
                    items.push(Item::without(&name, &error));
                }
                Err(error) => {
                    failed(error.clone()).print();
                    items.push(Item::without(&name, &error));
                    exit = Exit::Failed;
                }
            }
        }
        match self.output.output {
            Output::Json => context.print_json(&Report {
                api_version: VERSION,
                kind: "TrustRootList",
                body: Items { items },
            })?,
            Output::Text => context.print(text)?,
        }
        Ok(exit)
    }
}

fn print(root: &NamedRoot, document: Document) -> Result<&[u8], Failure> {
    match document {
        Document::TrustedRoot => Ok(&root.trusted_root),
        Document::SigningConfig => root.signing_config.as_deref().ok_or_else(|| {
            Failure::new(format_args!(
                "the trust root `{}` has no signing configuration",
                root.name
            ))
        }),
    }
}

/// What its standing means, in words.
fn said(standing: Standing) -> String {
    match standing {
        Standing::Current { until } => format!("vouched for until {until}"),
        Standing::Embedded => "as it was when the program was built".to_owned(),
        Standing::Stale { since } => format!("STALE: vouched for until {since}"),
        _ => "good until it is replaced".to_owned(),
    }
}

fn long(root: &NamedRoot, item: &Item, now: Timestamp) -> String {
    let mut text = format!("{}: {}\n", root.name, Aged(root, now));
    let _ = writeln!(text, "  {}", said(root.standing(now)));
    if let Some(version) = item.root_version {
        let _ = writeln!(text, "  TUF root {version}");
    }
    let _ = writeln!(
        text,
        "  signing configuration: {}",
        if item.signing_config { "yes" } else { "no" }
    );
    let mut last = None;
    for anchor in &item.anchors {
        if last != Some(anchor.kind) {
            let _ = writeln!(text, "{}:", plural(anchor.kind));
            last = Some(anchor.kind);
        }
        let _ = writeln!(text, "  {}  {}", escaped(&anchor.url), escaped(&anchor.who));
        let _ = writeln!(text, "    {}  {}", anchor.id, span(anchor, now));
    }
    text
}

fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::CertificateAuthority => "certificate authorities",
        Kind::CertificateLog => "certificate transparency logs",
        Kind::TimestampAuthority => "timestamp authorities",
        Kind::TransparencyLog => "transparency logs",
        _ => "others",
    }
}

fn span(anchor: &Shown, now: Timestamp) -> String {
    let from = anchor.start.map(|start| format!("from {start}"));
    let until = anchor.end.map(|end| format!("until {end}"));
    let ended = anchor.end.is_some_and(|end| end < now);
    let mut words: Vec<String> = from.into_iter().chain(until).collect();
    if ended {
        words.push("(ended; what was signed before stays good)".to_owned());
    }
    words.join(" ")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<T> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    body: T,
}

#[derive(Serialize)]
struct Items {
    items: Vec<Item>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// `current`, `embedded`, `stale`, `unlimited`, or `unusable`.
    standing: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fetched: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_version: Option<u64>,
    signing_config: bool,
    anchors: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    #[serde(serialize_with = "written")]
    kind: Kind,
    url: String,
    who: String,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<Timestamp>,
}

fn written<S: serde::Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match kind {
        Kind::CertificateAuthority => "certificateAuthority",
        Kind::CertificateLog => "ctLog",
        Kind::TimestampAuthority => "timestampAuthority",
        Kind::TransparencyLog => "transparencyLog",
        _ => "other",
    })
}

impl Item {
    fn of(root: &NamedRoot, now: Timestamp) -> Result<Self, Failure> {
        let anchors = summary(&root.trusted_root).map_err(Failure::new)?;
        let standing = match root.standing(now) {
            Standing::Current { .. } => "current",
            Standing::Embedded => "embedded",
            Standing::Stale { .. } => "stale",
            _ => "unlimited",
        };
        let mut item = Self {
            standing,
            age_seconds: root.age(now).map(|age| age.as_secs()),
            signing_config: root.signing_config.is_some(),
            anchors: anchors.into_iter().map(Shown::from).collect(),
            error: None,
            ..Self::without_anything(&root.name)
        };
        match &root.origin {
            Origin::Embedded { url } => {
                item.origin = Some("embedded");
                item.url = Some(url.clone());
            }
            Origin::Repository {
                url,
                fetched,
                expires,
                root_version,
            } => {
                item.origin = Some("repository");
                item.url = Some(url.clone());
                item.fetched = Some(*fetched);
                item.expires = Some(*expires);
                item.root_version = Some(*root_version);
            }
            Origin::File { kept } => {
                item.origin = Some("file");
                item.fetched = Some(*kept);
            }
            _ => {}
        }
        Ok(item)
    }

    fn without(name: &Name, error: &StoreError) -> Self {
        Self {
            error: Some(error.to_string()),
            ..Self::without_anything(name)
        }
    }

    fn without_anything(name: &Name) -> Self {
        Self {
            name: name.to_string(),
            origin: None,
            url: None,
            standing: "unusable",
            fetched: None,
            age_seconds: None,
            expires: None,
            root_version: None,
            signing_config: false,
            anchors: Vec::new(),
            error: None,
        }
    }
}

impl From<Anchor> for Shown {
    fn from(anchor: Anchor) -> Self {
        Self {
            kind: anchor.kind,
            url: anchor.url,
            who: anchor.who,
            id: anchor.id,
            start: anchor.start,
            end: anchor.end,
        }
    }
}
