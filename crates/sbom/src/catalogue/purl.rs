//! Package URLs, as <https://github.com/package-url/purl-spec> has them for
//! each type.

use purl::GenericPurlBuilder;

use super::Package;
use crate::inventory::{Distro, Ecosystem};

/// The package URL of a package in a distribution.
pub(super) fn of(ecosystem: Ecosystem, package: &Package, distro: &Distro) -> String {
    let (namespace, name) = split(ecosystem, &package.name, distro);
    let mut builder =
        GenericPurlBuilder::<String>::new(ecosystem.purl_type().to_owned(), name.clone());
    if !namespace.is_empty() {
        builder = builder.with_namespace(namespace.clone());
    }
    if !package.version.is_empty() {
        builder = builder.with_version(package.version.clone());
    }
    if matches!(ecosystem, Ecosystem::Apk | Ecosystem::Deb | Ecosystem::Rpm) {
        if let Some(architecture) = &package.architecture {
            builder = with(builder, "arch", architecture);
        }
        if !distro.id.is_empty() {
            let release = match distro.version.as_str() {
                "" => distro.id.clone(),
                version => format!("{}-{version}", distro.id),
            };
            builder = with(builder, "distro", &release);
        }
        if let Some(epoch) = package.epoch.filter(|epoch| *epoch > 0) {
            builder = with(builder, "epoch", &epoch.to_string());
        }
    }
    match builder.build() {
        Ok(purl) => purl.to_string(),
        // A name that is none: it is kept, and can be told from another.
        Err(_) => format!(
            "pkg:{}/{}",
            ecosystem.purl_type(),
            escaped(&[namespace, name].join("/"))
        ),
    }
}

fn with(builder: GenericPurlBuilder<String>, key: &str, value: &str) -> GenericPurlBuilder<String> {
    let unchanged = builder.clone();
    builder.with_qualifier(key, value).unwrap_or(unchanged)
}

fn split(ecosystem: Ecosystem, name: &str, distro: &Distro) -> (String, String) {
    match ecosystem {
        Ecosystem::Apk | Ecosystem::Deb => {
            let unknown = if ecosystem == Ecosystem::Apk {
                "alpine"
            } else {
                "debian"
            };
            let id = if distro.id.is_empty() {
                unknown
            } else {
                &distro.id
            };
            (id.to_owned(), name.to_owned())
        }
        // The makers' names, where they are not that of the distribution.
        Ecosystem::Rpm => {
            let maker = match distro.id.as_str() {
                "rhel" => "redhat",
                id if id.starts_with("opensuse") => "opensuse",
                id => id,
            };
            (maker.to_owned(), name.to_owned())
        }
        Ecosystem::Composer | Ecosystem::Golang | Ecosystem::Maven | Ecosystem::Npm => {
            let (namespace, name) = name.rsplit_once('/').unwrap_or(("", name));
            (namespace.to_owned(), name.to_owned())
        }
        Ecosystem::Pypi => (String::new(), python(name)),
        Ecosystem::Cargo | Ecosystem::Gem | Ecosystem::Nuget => (String::new(), name.to_owned()),
    }
}

/// PEP 503: lowercase, and any run of `-`, `_` and `.` is one `-`.
fn python(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if matches!(c, '-' | '_' | '.') {
            if !out.ends_with('-') {
                out.push('-');
            }
        } else {
            out.extend(c.to_lowercase());
        }
    }
    out
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
