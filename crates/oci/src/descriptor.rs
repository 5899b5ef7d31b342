//! Descriptors (image-spec 1.1, "OCI Content Descriptors").

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Digest;

/// Annotations, in the order of their keys.
pub type Annotations = BTreeMap<String, String>;

/// A descriptor: what a piece of content is, how long, and by which digest.
///
/// `size` is a claim until the content has been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Descriptor {
    /// The media type of the content.
    pub media_type: String,
    /// The digest of the content.
    pub digest: Digest,
    /// The length of the content in bytes.
    pub size: u64,
    /// The content's `artifactType`, where it is a manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Annotations. Not signed: hints at best.
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
    /// The platform of an image in an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The content itself in base64, where it was embedded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Places to fetch the content from. Never followed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
}

impl Descriptor {
    /// A descriptor with nothing optional.
    #[must_use]
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.into(),
            digest,
            size,
            artifact_type: None,
            annotations: Annotations::new(),
            platform: None,
            data: None,
            urls: Vec::new(),
        }
    }

    /// The descriptor of these bytes, by SHA-256.
    #[must_use]
    pub fn of(media_type: impl Into<String>, bytes: &[u8]) -> Self {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Self::new(media_type, Digest::sha256(bytes), size)
    }

    /// An annotation's value.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key).map(String::as_str)
    }
}

/// The platform of an image in an index, written `os/architecture[/variant]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Platform {
    /// The processor, in Go's spelling: `amd64`.
    pub architecture: String,
    /// The operating system, in Go's spelling: `linux`.
    pub os: String,
    /// The variant of the processor: `v8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The version of the operating system.
    #[serde(
        default,
        rename = "os.version",
        skip_serializing_if = "Option::is_none"
    )]
    pub os_version: Option<String>,
}

impl Platform {
    /// A platform from `os/architecture[/variant]`, or nothing where it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let (os, architecture) = (parts.next()?, parts.next()?);
        let variant = parts.next();
        let whole = parts.next().is_none() && !os.is_empty() && !architecture.is_empty();
        whole.then(|| Self {
            architecture: architecture.to_owned(),
            os: os.to_owned(),
            variant: variant.map(str::to_owned),
            os_version: None,
        })
    }

    /// Whether this platform is what `wanted` asks for (a variant only where it names one).
    ///
    /// As runtimes have it: several spellings are one platform, and an entry
    /// of an index that names no system is for every one. Were it stricter,
    /// a runtime could run another entry than the one that was looked at.
    #[must_use]
    pub fn satisfies(&self, wanted: &Self) -> bool {
        let (architecture, variant) = usual(self);
        let (wanted_architecture, wanted_variant) = usual(wanted);
        (self.os.is_empty() || usual_os(&self.os) == usual_os(&wanted.os))
            && architecture == wanted_architecture
            && (wanted.variant.is_none() || variant == wanted_variant)
    }
}

fn usual_os(os: &str) -> String {
    match os.to_ascii_lowercase().as_str() {
        "macos" => "darwin".to_owned(),
        os => os.to_owned(),
    }
}

/// Architecture and variant as they are usually written. A variant that is the
/// architecture's first is none.
fn usual(platform: &Platform) -> (String, String) {
    let architecture = platform.architecture.to_ascii_lowercase();
    let variant = platform.variant.as_deref().unwrap_or_default();
    let variant = variant.to_ascii_lowercase();
    let number = variant.strip_prefix('v').unwrap_or(&variant);
    let number = number.strip_suffix(".0").unwrap_or(number);
    let (architecture, variant) = match (architecture.as_str(), number) {
        ("i386", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "1") => ("amd64", ""),
        ("x86_64" | "x86-64", other) => ("amd64", other),
        ("aarch64" | "arm64", "8") => ("arm64", ""),
        ("aarch64", other) => ("arm64", other),
        ("armhf", _) | ("arm", "") => ("arm", "7"),
        ("armel", _) => ("arm", "6"),
        other => other,
    };
    (architecture.to_owned(), variant.to_owned())
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Platform;

    #[test]
    fn several_spellings_are_one_platform() {
        let platform = |text: &str| Platform::parse(text).unwrap();
        for (entry, wanted, is) in [
            ("linux/amd64", "linux/amd64", true),
            ("linux/x86_64", "linux/amd64", true),
            ("Linux/AMD64/v1", "linux/amd64", true),
            ("linux/x86-64/v3", "linux/amd64", true),
            ("linux/x86-64/v3", "linux/amd64/v3", true),
            ("linux/amd64", "linux/amd64/v1", true),
            ("linux/amd64", "linux/amd64/v3", false),
            ("linux/i386", "linux/386", true),
            ("linux/386", "linux/amd64", false),
            ("linux/aarch64", "linux/arm64/v8", true),
            ("linux/arm64/8", "linux/arm64", true),
            ("linux/arm64/V8.0", "linux/arm64/v8", true),
            ("linux/arm64/v9", "linux/arm64/v8", false),
            ("linux/arm", "linux/arm/v7", true),
            ("linux/armhf", "linux/arm/v7", true),
            ("linux/armel", "linux/arm/6", true),
            ("linux/arm/v6", "linux/arm", true),
            ("linux/arm/v6", "linux/arm/v7", false),
            ("macos/arm64", "darwin/arm64", true),
            ("windows/amd64", "linux/amd64", false),
        ] {
            let (entry, wanted) = (platform(entry), platform(wanted));
            assert_eq!(entry.satisfies(&wanted), is, "{entry} for {wanted}");
        }
        let anywhere = Platform {
            os: String::new(),
            ..platform("linux/amd64")
        };
        assert!(anywhere.satisfies(&platform("linux/amd64")));
        assert!(!anywhere.satisfies(&platform("linux/arm64")));
    }
}
