//! The rule that the image has an attested SBOM, and on what it says.

mod demand;
mod elements;
mod raw;

use std::borrow::Cow;
use std::fmt;

use waxseal_sbom::{Comparison, Listing, SbomError, check_subject};
use waxseal_verify::{Verified, VerifiedAttestation};

use super::{Miss, attestation};
use crate::{AttestedSbom, Condition, Facts, Needs, codes};

pub use self::demand::SbomDemand;
use self::elements::Element;
pub(crate) use self::raw::Raw;

/// An SBOM attestation of any of the types that producers write.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sbom {
    /// Whether it is compared with the layers.
    matches_image: bool,
    /// What it may leave out: types of packages, package URLs without a version, or
    /// paths that cannot be read.
    may_omit: Vec<String>,
    deny: Vec<Condition>,
    require_license: bool,
    minimum: Vec<Element>,
    max_age: Option<attestation::MaxAge>,
}

impl Sbom {
    pub(crate) fn weigh(&self, verified: &Verified, facts: &Facts<'_>) -> Result<(), Box<Miss>> {
        let attested = attestation::of_type(verified, |found| TYPES.contains(&found))?;
        if let Some(max_age) = &self.max_age {
            max_age.weigh(attested.times(), facts.now)?;
        }
        if !self.reads() {
            return Ok(());
        }
        let sbom = facts.sboms.of(attested);
        let document = sbom.document().map_err(broken)?;
        check_subject(document, attested.subject()).map_err(|error| broken(&error))?;
        if self.demands() {
            let listing = sbom.listing(attested).map_err(broken)?;
            self.lists_something(listing)?;
            elements::weigh(&self.minimum, listing)?;
            self.is_licensed(listing)?;
            self.is_denied(listing)?;
        }
        self.matches(&sbom, attested, facts)
    }

    pub(crate) fn needs(&self, needs: &mut Needs) {
        for kind in TYPES {
            needs.attestations.insert(kind.to_owned());
            if self.reads() {
                needs.keep_predicate_of.insert(kind.to_owned());
            }
        }
    }

    fn reads(&self) -> bool {
        self.matches_image || self.demands()
    }

    /// Whether something is demanded of what it lists, whatever is in the image.
    fn demands(&self) -> bool {
        self.require_license || !self.deny.is_empty() || !self.minimum.is_empty()
    }

    /// What is asked of each component is true of none. Where the layers are compared,
    /// they say whether there are any.
    fn lists_something(&self, listing: &Listing) -> Result<(), Box<Miss>> {
        let asks = self.require_license
            || !self.deny.is_empty()
            || self.minimum.iter().any(|e| e.is_of_components());
        if listing.packages.is_empty() && asks && !self.matches_image {
            let reason = "the SBOM lists no package, so that nothing is said of any";
            return Err(Miss::near(codes::SBOM, reason.to_owned()));
        }
        Ok(())
    }

    fn is_licensed(&self, listing: &Listing) -> Result<(), Box<Miss>> {
        if !self.require_license {
            return Ok(());
        }
        let bare = listing.packages.iter().filter(|p| p.licenses.is_empty());
        let bare: Vec<String> = bare.map(elements::named).collect();
        if bare.is_empty() {
            return Ok(());
        }
        let reason = format!("{} no licence: {}", say(bare.len()), some(&bare));
        Err(Miss::near(codes::SBOM_LICENSE, reason))
    }

    fn is_denied(&self, listing: &Listing) -> Result<(), Box<Miss>> {
        if self.deny.is_empty() {
            return Ok(());
        }
        let (components, numbers) = elements::as_json(listing);
        for condition in &self.deny {
            match condition.first_component(&components) {
                Ok(None) => {}
                Ok(Some(at)) => {
                    let number = numbers.get(at).copied().unwrap_or_default();
                    let name = listing.packages.get(number).map(elements::named);
                    let reason = format!(
                        "{} is denied: {}",
                        name.unwrap_or_default(),
                        condition.source()
                    );
                    return Err(Miss::near(codes::SBOM_DENIED, reason));
                }
                Err(error) => {
                    let reason = format!("the condition of `deny`: {error}");
                    return Err(Miss::near(codes::CONDITION_ERROR, reason));
                }
            }
        }
        Ok(())
    }

    fn matches(
        &self,
        sbom: &AttestedSbom,
        attested: &VerifiedAttestation,
        facts: &Facts<'_>,
    ) -> Result<(), Box<Miss>> {
        if !self.matches_image {
            return Ok(());
        }
        let layers = match facts.layers {
            Some(Ok(layers)) => layers,
            Some(Err(why)) => {
                let reason = format!("the SBOM cannot be compared with the image: {why}");
                return Err(Miss::near(codes::LAYERS, reason));
            }
            None => {
                let reason = "the SBOM has not been compared with the image".to_owned();
                return Err(Miss::near(codes::LAYERS_UNREAD, reason));
            }
        };
        let compared = layers.compared(sbom, attested);
        let compared = compared.map_err(|error| broken(&error))?;
        let found = if self.may_omit.is_empty() {
            Cow::Borrowed(&*compared)
        } else {
            Cow::Owned(Comparison::clone(&compared).allowing(&self.may_omit))
        };
        if found.is_lacking() {
            return Err(Miss::near(codes::SBOM_DIFFERS, differs(&found)));
        }
        if !found.is_whole() {
            let all: Vec<String> = found.unread.iter().map(ToString::to_string).collect();
            let reason = format!(
                "the SBOM cannot be compared with all of the image, of which {}: {}",
                match all.len() {
                    1 => "a file is not read".to_owned(),
                    n => format!("{n} files are not read"),
                },
                some(&all)
            );
            return Err(Miss::near(codes::LAYERS, reason));
        }
        Ok(())
    }
}

fn broken(error: &SbomError) -> Box<Miss> {
    Miss::near(codes::SBOM, crate::escaped(&error.to_string()))
}

fn differs(found: &Comparison) -> String {
    let place = |found: &[String]| match found.first() {
        Some(place) => format!(" ({place})"),
        None => String::new(),
    };
    let named = |d: &waxseal_sbom::Difference| {
        let versions = d.in_image.join(", ");
        format!(
            "pkg:{}/{}@{versions}{}",
            d.ecosystem,
            d.name,
            place(&d.found)
        )
    };
    let mut parts = Vec::new();
    if !found.missing.is_empty() {
        let all: Vec<String> = found.missing.iter().map(named).collect();
        parts.push(format!(
            "the SBOM leaves out {} of the image: {}",
            match all.len() {
                1 => "a package".to_owned(),
                n => format!("{n} packages"),
            },
            some(&all)
        ));
    }
    if !found.versions.is_empty() {
        let each = found.versions.iter().map(|d| {
            let said = d.in_sbom.join(", ");
            format!(
                "{}, where it says {}",
                named(d),
                if said.is_empty() {
                    "another too"
                } else {
                    &said
                }
            )
        });
        let all: Vec<String> = each.collect();
        parts.push(format!(
            "{} in another version: {}",
            match (found.missing.is_empty(), all.len()) {
                (true, 1) => "the SBOM lists a package".to_owned(),
                (true, n) => format!("the SBOM lists {n} packages"),
                (false, 1) => "it lists one".to_owned(),
                (false, n) => format!("it lists {n}"),
            },
            some(&all)
        ));
    }
    if !found.hashes.is_empty() {
        let each = found.hashes.iter().map(|d| {
            format!(
                "pkg:{}/{}@{}{} is {}, where it says {}",
                d.ecosystem,
                d.name,
                d.version,
                place(&d.found),
                d.in_image.join(", "),
                d.in_sbom.join(", ")
            )
        });
        let all: Vec<String> = each.collect();
        let it = if parts.is_empty() { "the SBOM" } else { "it" };
        parts.push(format!("{it} means another content: {}", some(&all)));
    }
    crate::escaped(&parts.join("; "))
}

/// The first of many.
fn some(all: &[String]) -> String {
    let shown: Vec<&str> = all.iter().take(SHOWN).map(String::as_str).collect();
    let text = crate::escaped(&shown.join(", "));
    match all.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        Some(more) => format!("{text} and {more} more"),
        None => text,
    }
}

fn say(count: usize) -> String {
    match count {
        1 => "a component has".to_owned(),
        n => format!("{n} components have"),
    }
}

impl fmt::Display for Sbom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("attested SBOM (CycloneDX or SPDX)")?;
        if let Some(max_age) = &self.max_age {
            write!(f, " at most {} old", max_age.text)?;
        }
        let mut clauses = Vec::new();
        if self.matches_image {
            let mut text = "that lists what is in the image".to_owned();
            if !self.may_omit.is_empty() {
                text.push_str(&format!(" (but for {})", self.may_omit.join(", ")));
            }
            clauses.push(text);
        }
        if self.require_license {
            clauses.push("with a licence for each component".to_owned());
        }
        if !self.minimum.is_empty() {
            let names: Vec<&str> = self.minimum.iter().map(|e| e.name()).collect();
            clauses.push(format!("that states {}", names.join(", ")));
        }
        for condition in &self.deny {
            clauses.push(format!("without a component where {}", condition.source()));
        }
        for (n, clause) in clauses.iter().enumerate() {
            f.write_str(if n == 0 { " " } else { ", " })?;
            f.write_str(clause)?;
        }
        Ok(())
    }
}

/// cosign writes the types without a version; GitHub's action and others write
/// SPDX's with one.
pub(crate) const TYPES: [&str; 10] = [
    "https://cyclonedx.org/bom",
    "https://cyclonedx.org/bom/v1.4",
    "https://cyclonedx.org/bom/v1.5",
    "https://cyclonedx.org/bom/v1.6",
    "https://cyclonedx.org/bom/v1.7",
    "https://spdx.dev/Document",
    "https://spdx.dev/Document/v2.2",
    "https://spdx.dev/Document/v2.3",
    "https://spdx.dev/Document/v3.0",
    "https://spdx.dev/Document/v3.0.1",
];
const SHOWN: usize = 5;
