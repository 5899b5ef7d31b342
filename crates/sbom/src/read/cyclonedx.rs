//! What a CycloneDX document lists.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{Many, asserted, hash};
use crate::inventory::License;
use crate::listing::{Listed, Listing};
use crate::walk::{Count, Walk, walk};
use crate::{SbomError, limits};

#[derive(Deserialize)]
pub(super) struct Bom {
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    components: Components,
    #[serde(default)]
    dependencies: Dependencies,
}

impl Bom {
    pub(super) fn listing(self) -> Result<Listing, SbomError> {
        let metadata = self.metadata.unwrap_or_default();
        let mut components = self.components.0;
        // "The list of components included in the parent component": the subject is
        // one of those that may have some.
        if let Some(inside) = metadata.component.and_then(|subject| subject.components) {
            components.append(inside.0);
        }
        let authors = [
            metadata.tools,
            metadata.authors,
            metadata.manufacture,
            metadata.manufacturer,
            metadata.supplier,
        ];
        Ok(Listing {
            created: metadata.timestamp.and_then(|text| text.parse().ok()),
            has_author: authors.iter().flatten().any(says_something),
            relations: self.dependencies.0,
            packages: components.all("components")?,
            ..Listing::default()
        })
    }
}

#[derive(Default, Deserialize)]
struct Metadata {
    timestamp: Option<String>,
    component: Option<Subject>,
    tools: Option<Value>,
    authors: Option<Value>,
    manufacture: Option<Value>,
    manufacturer: Option<Value>,
    supplier: Option<Value>,
}

#[derive(Deserialize)]
struct Subject {
    components: Option<Components>,
}

/// Whether anything stands there: neither `[]` nor `{"name": ""}` names anybody.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(values) => values.iter().any(says_something),
        Value::Object(members) => members.values().any(says_something),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// The components, the nested ones behind the one that they are in.
#[derive(Default)]
struct Components(Many<Listed>);

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    name: String,
    group: Option<String>,
    version: Option<String>,
    purl: Option<String>,
    cpe: Option<Value>,
    swid: Option<Value>,
    supplier: Option<Organisation>,
    manufacturer: Option<Organisation>,
    publisher: Option<String>,
    author: Option<String>,
    #[serde(default)]
    licenses: Licenses,
    #[serde(default)]
    hashes: Hashes,
    components: Option<Components>,
}

#[derive(Deserialize)]
struct Organisation {
    name: Option<String>,
}

impl Walk<'_> for Components {
    type Element = Component;

    fn take(&mut self, component: Component) {
        let purl = component.purl.filter(|purl| !purl.is_empty());
        // Neither is a package, unless it says which.
        if matches!(component.kind.as_str(), "operating-system" | "file") && purl.is_none() {
            if let Some(nested) = component.components {
                self.0.append(nested.0);
            }
            return;
        }
        let organisations = [component.supplier, component.manufacturer];
        let named = organisations.into_iter().flatten().map(|o| o.name);
        let mut named = named.chain([component.publisher, component.author]);
        let supplier = named.find_map(asserted);
        let identifiers = [component.cpe, component.swid];
        // npm's scope, Maven's group: part of the name.
        let name = match component.group.filter(|group| !group.is_empty()) {
            Some(group) => format!("{group}/{}", component.name),
            None => component.name,
        };
        self.0.push(Listed {
            name,
            version: component.version.unwrap_or_default(),
            purl,
            otherwise_identified: identifiers.iter().flatten().any(says_something),
            supplier,
            licenses: component.licenses.0,
            hashes: component.hashes.0,
            ..Listed::default()
        });
        if let Some(nested) = component.components {
            self.0.append(nested.0);
        }
    }
}

walk!(Components, "a list of components");

#[derive(Default)]
struct Licenses(Vec<License>);

#[derive(Deserialize)]
struct Choice {
    license: Option<Named>,
    expression: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    id: Option<String>,
    name: Option<String>,
}

impl Walk<'_> for Licenses {
    type Element = Choice;

    fn take(&mut self, choice: Choice) {
        let named = choice
            .license
            .and_then(|license| license.id.or(license.name));
        let text = choice.expression.or(named);
        if let Some(license) = text.and_then(|text| License::of(&text))
            && self.0.len() < limits::LICENSES
        {
            self.0.push(license);
        }
    }
}

walk!(Licenses, "a list of licences");

#[derive(Default)]
struct Hashes(Vec<waxseal_oci::Digest>);

#[derive(Deserialize)]
struct Hash {
    alg: String,
    content: String,
}

impl Walk<'_> for Hashes {
    type Element = Hash;

    fn take(&mut self, found: Hash) {
        if let Some(digest) = hash(&found.alg, &found.content)
            && self.0.len() < limits::HASHES
        {
            self.0.push(digest);
        }
    }
}

walk!(Hashes, "a list of hashes");

/// How many dependencies are stated.
#[derive(Default)]
struct Dependencies(usize);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    depends_on: Option<Count<IgnoredAny>>,
}

impl Walk<'_> for Dependencies {
    type Element = Dependency;

    fn take(&mut self, dependency: Dependency) {
        self.0 += dependency.depends_on.map_or(0, |on| on.0);
    }
}

walk!(Dependencies, "a list of dependencies");
