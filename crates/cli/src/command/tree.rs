//! `waxseal tree`

use std::fmt::Write as _;
use std::path::PathBuf;

use waxseal_attestation::PredicateType;
use waxseal_gate::{Node, Tree as Listing, TreeOptions, tree};
use waxseal_policy::escaped;
use waxseal_verify::{Authority, KeyAuthority, Place, Trust};

use crate::context::{Context, Output, OutputArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::key::public_key;
use crate::store::reference;
use crate::trust_args::TrustRootArgs;

/// Show everything that is attached to an image
///
/// Referrers and theirs, the platforms of an index, and cosign's tags. What evidence
/// says about itself is shown as what it says; only with --key is it verified.
#[derive(clap::Args, Debug)]
pub(crate) struct Tree {
    /// The image: REPOSITORY[:TAG][@DIGEST]
    #[arg(value_name = "IMAGE")]
    image: String,

    /// Mark what verifies with this public key (repeatable)
    #[arg(short, long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,

    #[command(flatten)]
    root: TrustRootArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Tree {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let image = reference(&self.image)?;
        if self.keys.is_empty() && self.root.given() {
            let flag = self.root.flag();
            return Err(Failure::usage(format_args!(
                "{flag} goes with --key: without one, nothing is verified"
            )));
        }
        let mut authorities = Vec::new();
        for path in &self.keys {
            let authority = KeyAuthority::new(public_key(path)?);
            authorities.push((path.display().to_string(), Authority::Key(authority)));
        }
        let root = self.root.root(context)?;
        let options = TreeOptions {
            content_bytes: match self.keys.is_empty() {
                true => LISTED_BYTES,
                false => VERIFIED_BYTES,
            },
            authorities,
            trust: Trust {
                root: root.as_ref(),
            },
            now: context.now(),
        };
        let found = context.block_on(tree(context.client()?, &image, &options))?;
        let found =
            found.map_err(|fault| Failure::new(&fault.message).maybe_hint(fault.hint.clone()))?;
        match self.output.output {
            Output::Json => context.print_json(&found)?,
            Output::Text => context.print(text(&found, !self.keys.is_empty()))?,
        }
        if found.cut {
            context.warn("there is more than is listed");
        }
        if found.faults.is_empty() {
            return Ok(Exit::Ok);
        }
        // A listing with holes must not pass for a whole one.
        Err(Failure::new(format_args!(
            "the listing is not complete: {}",
            found.faults.join("; ")
        )))
    }
}

fn text(found: &Listing, verified: bool) -> String {
    let mut out = match found.image.digest() {
        Some(_) => format!("{}\n", found.image.repository()),
        None => format!("{}\n", found.image),
    };
    line(&mut out, &found.root);
    branches(&mut out, &found.root, "", verified);
    if found.root.children.is_empty() {
        out.push_str("  nothing is attached\n");
    }
    out
}

fn branches(out: &mut String, node: &Node, indent: &str, verified: bool) {
    let last = node.children.len().saturating_sub(1);
    for (n, child) in node.children.iter().enumerate() {
        let (branch, bar) = match n == last {
            true => ("└─ ", "   "),
            false => ("├─ ", "│  "),
        };
        let _ = write!(out, "{indent}{branch}");
        line(out, child);
        let below = format!("{indent}{bar}");
        about(out, child, &below, verified);
        branches(out, child, &below, verified);
    }
}

fn line(out: &mut String, node: &Node) {
    if let Some(platform) = &node.platform {
        let _ = write!(out, "{} ", escaped(platform));
    }
    if let Some(place) = node.place {
        let _ = write!(out, "{} ", place_name(place));
    }
    if let Some(what) = what(node) {
        let _ = write!(out, "{what} ");
    }
    let _ = write!(
        out,
        "{} {}, {}",
        node.digest,
        escaped(&node.kind),
        size(node.size)
    );
    if let Some(created) = &node.created {
        let _ = write!(out, ", dated {}", escaped(created));
    }
    out.push('\n');
}

fn about(out: &mut String, node: &Node, indent: &str, verified: bool) {
    if let Some(claims) = &node.claims {
        if let Some(signer) = &claims.signer {
            let _ = writeln!(out, "{indent}says it is signed with {}", escaped(signer));
        }
        if claims.log_entries + claims.timestamps > 0 {
            let _ = writeln!(
                out,
                "{indent}brings {} log entries and {} timestamps",
                claims.log_entries, claims.timestamps
            );
        }
        let keys: Vec<_> = node.verified_by.iter().map(|k| escaped(k)).collect();
        match (verified, keys.is_empty()) {
            (true, false) => {
                let _ = writeln!(out, "{indent}verified with {}", keys.join(", "));
            }
            (true, true) => {
                let _ = writeln!(out, "{indent}not verified: by none of the given keys");
            }
            (false, _) => {
                let _ = writeln!(out, "{indent}not verified: no key was given");
            }
        }
    }
    if let Some(note) = &node.note {
        let _ = writeln!(out, "{indent}{}", escaped(note));
    }
}

pub(crate) fn what(node: &Node) -> Option<String> {
    let claimed = node.claims.as_ref()?.predicate_type.as_deref();
    match (claimed, node.place) {
        (Some(PredicateType::SIGN), _) | (None, Some(Place::SignatureTag)) => {
            Some("signature".to_owned())
        }
        (Some(kind), _) => Some(format!("attestation of {}", escaped(kind))),
        (None, _) => None,
    }
}

pub(crate) fn place_name(place: Place) -> &'static str {
    match place {
        Place::AttestationTag => ".att tag",
        Place::FallbackTag => "fallback tag",
        Place::Referrer => "referrer",
        Place::SignatureTag => ".sig tag",
        _ => "file",
    }
}

pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    for (unit, name) in UNITS {
        if bytes >= unit {
            let tenths = bytes / (unit / 10);
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} B")
}

/// The largest content that is read to see what it says.
pub(crate) const LISTED_BYTES: u64 = 1024 * 1024;
/// The largest that is read to verify it.
const VERIFIED_BYTES: u64 = 32 * 1024 * 1024;
