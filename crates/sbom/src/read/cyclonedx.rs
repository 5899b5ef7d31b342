//! What a CycloneDX document lists.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Many, hash};
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
        Ok(Listing {
            created: metadata.timestamp.and_then(|text| text.parse().ok()),
            has_author: metadata.tools.is_some()
                || metadata.authors.is_some()
                || metadata.manufacture.is_some()
                || metadata.manufacturer.is_some()
                || metadata.supplier.is_some(),
            relations: self.dependencies.0,
            packages: self.components.0.all("components")?,
            ..Listing::default()
        })
    }
}

#[derive(Default, Deserialize)]
struct Metadata {
    timestamp: Option<String>,
    tools: Option<IgnoredAny>,
    authors: Option<IgnoredAny>,
    manufacture: Option<IgnoredAny>,
    manufacturer: Option<IgnoredAny>,
    supplier: Option<IgnoredAny>,
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
    cpe: Option<IgnoredAny>,
    swid: Option<IgnoredAny>,
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
        if matches!(component.kind.as_str(), "operating-system" | "file") {
            if let Some(nested) = component.components {
                self.0.append(nested.0);
            }
            return;
        }
        let organisations = [component.supplier, component.manufacturer];
        let mut named = organisations.into_iter().flatten().filter_map(|o| o.name);
        let supplier = named.next().or(component.publisher).or(component.author);
        // npm's scope, Maven's group: part of the name.
        let name = match component.group.filter(|group| !group.is_empty()) {
            Some(group) => format!("{group}/{}", component.name),
            None => component.name,
        };
        self.0.push(Listed {
            name,
            version: component.version.unwrap_or_default(),
            purl: component.purl,
            otherwise_identified: component.cpe.is_some() || component.swid.is_some(),
            supplier: supplier.filter(|text| !text.is_empty()),
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
