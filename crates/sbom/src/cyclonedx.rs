//! CycloneDX (ECMA-424), as JSON.

use std::borrow::Cow;

use serde::Deserialize;

use crate::subject::ClaimedSubject;
use crate::walk::{Text, Walk, walk};
use crate::{Head, Sbom, SbomError, SbomFormat, limits};

pub(crate) fn check(head: Head<'_>) -> Result<Sbom, SbomError> {
    let version = head
        .spec_version
        .ok_or(missing("specVersion"))?
        .into_owned();
    if !VERSIONS.contains(&version.as_str()) {
        return Err(SbomError::UnknownVersion {
            format: FORMAT,
            found: version,
            known: KNOWN,
        });
    }
    match head.version.map(serde_json::value::RawValue::get) {
        // Required by 1.4; optional, with 1 as its default, from 1.5 on.
        None if version == "1.4" => return Err(missing("version")),
        Some(n) if n.parse::<u64>().is_ok_and(|n| n > 0) => {}
        Some(n) => {
            return Err(invalid("version", n, "a whole number from 1"));
        }
        None => {}
    }
    if let Some(serial) = &head.serial_number
        && !is_uuid_urn(serial)
    {
        return Err(invalid("serialNumber", serial, "`urn:uuid:` and a UUID"));
    }
    let mut subject = head.metadata.and_then(|m| m.component);
    let mut listed = head.components.unwrap_or_default();
    if let Some(inside) = subject.as_mut().and_then(|s| s.components.take()) {
        listed.add(inside);
    }
    if let Some(kind) = listed.unknown_type {
        return Err(invalid("components[].type", &kind, "a type of component"));
    }
    let count = listed.count + head.services.map_or(0, |s| s.0);
    if count == 0 {
        return Err(SbomError::Empty("components"));
    }
    let subjects = match subject {
        Some(component) => vec![component.claim()?],
        None => Vec::new(),
    };
    Ok(Sbom {
        format: SbomFormat::CycloneDx { version },
        subjects,
        components: count,
    })
}

#[derive(Deserialize)]
pub(crate) struct Metadata<'a> {
    #[serde(borrow)]
    component: Option<Subject<'a>>,
}

#[derive(Deserialize)]
struct Subject<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    purl: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    hashes: Vec<Hash<'a>>,
    components: Option<Components>,
}

#[derive(Deserialize)]
struct Hash<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    content: Cow<'a, str>,
}

impl Subject<'_> {
    fn claim(&self) -> Result<ClaimedSubject, SbomError> {
        if !TYPES.contains(&&*self.kind) {
            let wanted = "a type of component";
            return Err(invalid("metadata.component.type", &self.kind, wanted));
        }
        if self.hashes.len() > limits::HASHES {
            return Err(SbomError::TooMany {
                what: "hashes of one thing",
                limit: limits::HASHES,
            });
        }
        let mut claim =
            ClaimedSubject::new(&self.name, self.version.as_deref(), self.purl.as_deref());
        // The hash of a file or an application is not the digest of an image.
        if self.kind == "container" {
            for hash in &self.hashes {
                claim.add_hash(&hash.alg, &hash.content);
            }
        }
        Ok(claim)
    }
}

/// A count of components, the nested ones included; each was seen to have the
/// members that every component must have.
#[derive(Default)]
pub(crate) struct Components {
    count: usize,
    unknown_type: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Component<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(rename = "name")]
    _name: Text,
    components: Option<Components>,
}

impl<'a> Walk<'a> for Components {
    type Element = Component<'a>;

    fn take(&mut self, component: Component<'a>) {
        self.count += 1;
        if self.unknown_type.is_none() && !TYPES.contains(&&*component.kind) {
            self.unknown_type = Some(component.kind.into_owned());
        }
        if let Some(nested) = component.components {
            self.add(nested);
        }
    }
}

impl Components {
    fn add(&mut self, nested: Self) {
        self.count += nested.count;
        self.unknown_type = self.unknown_type.take().or(nested.unknown_type);
    }
}

walk!(Components, "a list of components");

#[derive(Deserialize)]
pub(crate) struct Service {
    #[serde(rename = "name")]
    _name: Text,
}

fn is_uuid_urn(text: &str) -> bool {
    text.strip_prefix("urn:uuid:").is_some_and(|uuid| {
        uuid.len() == 36
            && uuid.bytes().enumerate().all(|(i, b)| match i {
                8 | 13 | 18 | 23 => b == b'-',
                _ => b.is_ascii_hexdigit(),
            })
    })
}

fn missing(member: &'static str) -> SbomError {
    SbomError::Missing {
        format: FORMAT,
        member,
    }
}

fn invalid(member: &str, found: &str, wanted: &'static str) -> SbomError {
    SbomError::Invalid {
        format: FORMAT,
        member: member.to_owned(),
        found: found.to_owned(),
        wanted,
    }
}

const FORMAT: &str = "CycloneDX";
const VERSIONS: [&str; 4] = ["1.4", "1.5", "1.6", "1.7"];
const KNOWN: &str = "1.4 to 1.7";
const TYPES: [&str; 13] = [
    "application",
    "container",
    "cryptographic-asset",
    "data",
    "device",
    "device-driver",
    "file",
    "firmware",
    "framework",
    "library",
    "machine-learning-model",
    "operating-system",
    "platform",
];
