//! What is in an image: one model for every ecosystem.

use std::fmt;

use waxseal_oci::Digest;

use crate::limits;

/// A kind of package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Ecosystem {
    /// Alpine and its like.
    Apk,
    /// Rust crates.
    Cargo,
    /// PHP packages.
    Composer,
    /// Debian and its like.
    Deb,
    /// Ruby gems.
    Gem,
    /// Go modules.
    Golang,
    /// Java packages.
    Maven,
    /// Node packages.
    Npm,
    /// .NET packages.
    Nuget,
    /// Python distributions.
    Pypi,
    /// Fedora, SUSE, Red Hat and their like.
    Rpm,
}

impl Ecosystem {
    /// Its type in a package URL.
    #[must_use]
    pub fn purl_type(self) -> &'static str {
        match self {
            Self::Apk => "apk",
            Self::Cargo => "cargo",
            Self::Composer => "composer",
            Self::Deb => "deb",
            Self::Gem => "gem",
            Self::Golang => "golang",
            Self::Maven => "maven",
            Self::Npm => "npm",
            Self::Nuget => "nuget",
            Self::Pypi => "pypi",
            Self::Rpm => "rpm",
        }
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.purl_type())
    }
}

/// A licence as a package declares it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "complete by nature")]
pub enum License {
    /// A valid SPDX expression.
    Expression(String),
    /// Any other text.
    Named(String),
}

impl License {
    /// An SPDX expression where the text is one, else the text.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.eq_ignore_ascii_case("unknown") {
            return None;
        }
        if spdx::Expression::parse(text).is_ok() {
            return Some(Self::Expression(text.to_owned()));
        }
        Some(Self::Named(text.to_owned()))
    }

    /// The licences that it names: each of an expression, one by one. Of another text
    /// the whole of it, and those of SPDX's list that it has in it, in whatever case
    /// and by the names that they have now: `MIT or agpl-3.0` is none, and means one.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let text = self.as_str();
        if let Self::Expression(_) = self
            && let Ok(expression) = spdx::Expression::parse(text)
        {
            let each = expression.requirements();
            return each.map(|named| named.req.to_string()).collect();
        }
        let words = text.split(|c: char| c.is_whitespace() || "()/,;|&".contains(c));
        let mut names = vec![text.to_owned()];
        for name in words.filter_map(listed) {
            if !names.contains(&name) && names.len() < limits::LICENSES {
                names.push(name);
            }
        }
        names
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Expression(text) | Self::Named(text) => text,
        }
    }
}

/// A licence of SPDX's list as it is called now: `AGPL-3.0-or-later` for `agpl-3.0+`.
fn listed(word: &str) -> Option<String> {
    let bare = word.strip_suffix('+').unwrap_or(word);
    let of_list = |name: &str| {
        let mut all = spdx::identifiers::LICENSES.iter();
        let found = all.find(|known| known.name.eq_ignore_ascii_case(name))?;
        Some(found.name.to_owned())
    };
    let now = match bare.len() == word.len() {
        true => format!("{bare}-only"),
        false => format!("{bare}-or-later"),
    };
    of_list(&now)
        .or_else(|| of_list(word))
        .or_else(|| of_list(bare))
}

/// Where something was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Location {
    /// The layer, by the digest under which the registry has it; a folder has none.
    pub layer: Option<Digest>,
    /// The path in the image, without a slash in front.
    pub path: String,
    /// Whether it is a lock file, which says what is to be installed; anything else
    /// says what is.
    pub declared: bool,
}

impl Location {
    /// A place in a layer.
    #[must_use]
    pub fn new(layer: Option<Digest>, path: impl Into<String>) -> Self {
        Self {
            layer,
            path: path.into(),
            declared: false,
        }
    }
}

/// A package that is installed in an image, or that a lock file in it declares.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Component {
    /// Its kind.
    pub ecosystem: Ecosystem,
    /// Its name as its ecosystem writes it.
    pub name: String,
    /// Its version as its ecosystem writes it; it may be empty.
    pub version: String,
    /// Its package URL.
    pub purl: String,
    /// Who answers for it, as the package says.
    pub supplier: Option<String>,
    /// What it is licensed under, as the package says.
    pub licenses: Vec<License>,
    /// Hashes of the archive that it comes as, where it is there or a lock file has one.
    pub hashes: Vec<Digest>,
    /// The files that name it.
    pub found: Vec<Location>,
}

impl Component {
    /// Whether lock files alone name it: it may not be there.
    #[must_use]
    pub fn is_declared_only(&self) -> bool {
        !self.found.is_empty() && self.found.iter().all(|at| at.declared)
    }
}

/// The distribution that an image is made from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Distro {
    /// `debian`.
    pub id: String,
    /// `12`.
    pub version: String,
    /// For people.
    pub name: String,
}

/// Something that was not read, and why. An inventory with notes is not known
/// to be whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Note {
    /// Where.
    pub at: Location,
    /// What was not read and why.
    pub reason: String,
}

/// What was found in an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inventory {
    /// The distribution, where it says what it is.
    pub distro: Option<Distro>,
    /// The packages, by package URL.
    pub components: Vec<Component>,
    /// What was not read.
    pub notes: Vec<Note>,
}

impl Inventory {
    /// Puts together what was found: one entry for each package URL, with all
    /// the places that name it, in an order that depends on the content alone.
    #[must_use]
    pub fn new(
        distro: Option<Distro>,
        components: impl IntoIterator<Item = Component>,
        mut notes: Vec<Note>,
    ) -> Self {
        let mut each: Vec<Component> = components.into_iter().collect();
        each.sort_by(|a, b| a.purl.cmp(&b.purl));
        let mut components: Vec<Component> = Vec::with_capacity(each.len());
        for component in each {
            match components.last_mut() {
                Some(known) if known.purl == component.purl => {
                    known.found.extend(component.found);
                    known.licenses.extend(component.licenses);
                    known.hashes.extend(component.hashes);
                    known.supplier = known.supplier.take().or(component.supplier);
                }
                _ => components.push(component),
            }
        }
        for component in &mut components {
            component.found.sort();
            component.found.dedup();
            component.licenses.sort();
            component.licenses.dedup();
            component.hashes.sort();
            component.hashes.dedup();
        }
        notes.sort();
        notes.dedup();
        Self {
            distro,
            components,
            notes,
        }
    }
}
