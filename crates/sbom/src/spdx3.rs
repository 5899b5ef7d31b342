//! SPDX 3.0, as its canonical JSON-LD: a flat `@graph` of elements.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::spdx::Few;
use crate::subject::ClaimedSubject;
use crate::walk::{Walk, walk};
use crate::{Sbom, SbomError, SbomFormat, limits};

pub(crate) fn check(context: &Context<'_>, graph: Graph) -> Result<Sbom, SbomError> {
    // SPDX 3.0.1, "JSON serialization": the context's address names the version.
    let context = context.0.get();
    let known = VERSIONS
        .iter()
        .find(|v| context.contains(&format!("spdx.org/rdf/{v}/")));
    let Some(version) = known else {
        let found = context.trim_matches('"').to_owned();
        return Err(SbomError::UnknownVersion {
            format: FORMAT,
            found,
            known: KNOWN,
        });
    };
    match graph.documents {
        0 => return Err(missing("SpdxDocument")),
        1 => {}
        more => {
            return Err(SbomError::Invalid {
                format: FORMAT,
                member: "@graph".to_owned(),
                found: format!("{more} documents"),
                wanted: "one `SpdxDocument`",
            });
        }
    }
    if graph.creations == 0 {
        return Err(missing("CreationInfo"));
    }
    if graph.components == 0 {
        return Err(SbomError::Empty("@graph"));
    }
    graph.images.within("packages that are images")?;
    graph.roots.within("things")?;
    let is_root = |id: &str| graph.roots.0.iter().any(|r| r == id);
    let subjects = graph.images.0.into_iter().filter(|(id, _)| is_root(id));
    Ok(Sbom {
        format: SbomFormat::Spdx {
            version: (*version).to_owned(),
        },
        subjects: subjects.map(|(_, claim)| claim).collect(),
        components: graph.components,
    })
}

/// The `@context`, of whatever shape.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Context<'a>(#[serde(borrow)] &'a RawValue);

/// What is kept of the `@graph`.
#[derive(Default)]
pub(crate) struct Graph {
    documents: usize,
    creations: usize,
    components: usize,
    /// What the document, and the SBOM in it, name as their root elements.
    roots: Few<String>,
    images: Few<(String, ClaimedSubject)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Element<'a> {
    #[serde(borrow, rename = "type", alias = "@type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    spdx_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(default)]
    root_element: Roots,
    #[serde(borrow, rename = "software_packageVersion")]
    version: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "software_packageUrl")]
    purl: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "software_primaryPurpose")]
    purpose: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    verified_using: Vec<Integrity<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Integrity<'a> {
    #[serde(borrow)]
    algorithm: Option<Cow<'a, str>>,
    #[serde(borrow)]
    hash_value: Option<Cow<'a, str>>,
}

impl<'a> Walk<'a> for Graph {
    type Element = Element<'a>;

    fn take(&mut self, element: Element<'a>) {
        match &*element.kind {
            "SpdxDocument" => self.documents += 1,
            "CreationInfo" => self.creations += 1,
            "software_Package" | "software_File" | "ai_AIPackage" | "dataset_DatasetPackage" => {
                self.components += 1;
            }
            _ => {}
        }
        for root in element.root_element.0.0 {
            self.roots.push(root);
        }
        if element.kind != "software_Package" {
            return;
        }
        let (purl, version) = (element.purl.as_deref(), element.version.as_deref());
        let name = element.name.as_deref().unwrap_or_default();
        let mut claim = ClaimedSubject::new(name, version, purl);
        if element.purpose.as_deref() == Some("container")
            || purl.is_some_and(crate::subject::is_image_purl)
        {
            for hash in element.verified_using.iter().take(limits::HASHES) {
                if let (Some(algorithm), Some(value)) = (&hash.algorithm, &hash.hash_value) {
                    claim.add_hash(algorithm, value);
                }
            }
        }
        if let Some(id) = element.spdx_id
            && !claim.digests.is_empty()
        {
            self.images.push((id.into_owned(), claim));
        }
    }
}

walk!(Graph, "a list of elements");

/// Identifiers of root elements.
#[derive(Default)]
struct Roots(Few<String>);

impl<'a> Walk<'a> for Roots {
    type Element = String;

    fn take(&mut self, id: String) {
        self.0.push(id);
    }
}

walk!(Roots, "a list of identifiers");

fn missing(member: &'static str) -> SbomError {
    SbomError::Missing {
        format: FORMAT,
        member,
    }
}

const FORMAT: &str = "SPDX";
const VERSIONS: [&str; 2] = ["3.0.0", "3.0.1"];
const KNOWN: &str = "2.2, 2.3, 3.0";
