//! What makes two package URLs name one package.

use purl::GenericPurl;

/// A package without its version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) kind: String,
    /// With its namespace.
    pub(super) name: String,
}

impl Key {
    /// Whether images are searched for packages of this type.
    pub(super) fn is_looked_for(&self) -> bool {
        LOOKED_FOR.contains(&self.kind.as_str())
    }

    /// Whether it is a Java archive.
    pub(super) fn is_java(&self) -> bool {
        self.kind == "maven"
    }

    /// Whether it is a Java archive that does not say its group.
    pub(super) fn lacks_group(&self) -> bool {
        self.is_java() && !self.name.contains('/')
    }

    /// A Java archive by its own name alone; others are as they are.
    pub(super) fn without_group(&self) -> Self {
        let mut key = self.clone();
        if let Some((_, name)) = self.name.rsplit_once('/')
            && self.is_java()
        {
            key.name = name.to_owned();
        }
        key
    }
}

/// The package and the version that a package URL names.
pub(super) fn of(purl: &str) -> Option<(Key, String)> {
    let purl: GenericPurl<String> = purl.parse().ok()?;
    let kind = purl.package_type().to_ascii_lowercase();
    let name = match purl.namespace() {
        Some(maker) if kind == "rpm" => format!("{}/{}", maker_of_rpms(maker), purl.name()),
        Some(namespace) => format!("{namespace}/{}", purl.name()),
        None => purl.name().to_owned(),
    };
    let name = match kind.as_str() {
        "pypi" => name.to_lowercase().replace(['_', '.'], "-"),
        // Their registries do not tell letters apart.
        "golang" | "npm" | "composer" | "nuget" | "deb" | "apk" => name.to_lowercase(),
        _ => name,
    };
    let version = purl.version().unwrap_or_default();
    let qualifier = |name: &str| {
        let mut all = purl.qualifiers().iter();
        all.find(|(key, _)| key.as_str() == name)
            .map(|(_, value)| value.to_owned())
    };
    let version = match (kind.as_str(), qualifier("epoch")) {
        // Trivy keeps the epoch apart.
        ("deb", Some(epoch)) if epoch != "0" && !version.contains(':') => {
            format!("{epoch}:{version}")
        }
        ("golang", _) if name == "stdlib" => {
            let version = version.strip_prefix("go").unwrap_or(version);
            version.strip_prefix('v').unwrap_or(version).to_owned()
        }
        // A checkout has no version, and tools say so differently.
        ("golang", _) if matches!(version, "(devel)" | "UNKNOWN") => String::new(),
        _ => version.to_owned(),
    };
    Some((Key { kind, name }, version))
}

/// A distribution of rpm packages by one name: `os-release`, Syft and Trivy have
/// names of their own for some.
fn maker_of_rpms(namespace: &str) -> String {
    let name = namespace.to_lowercase();
    let one = match name.as_str() {
        "alma" => "almalinux",
        "amazon" => "amzn",
        "cbl-mariner" => "mariner",
        "oracle" => "ol",
        "rhel" => "redhat",
        "suse" => "sles",
        other if other.starts_with("opensuse") => "opensuse",
        other => other,
    };
    one.to_owned()
}

const LOOKED_FOR: [&str; 11] = [
    "apk", "cargo", "composer", "deb", "gem", "golang", "maven", "npm", "nuget", "pypi", "rpm",
];
