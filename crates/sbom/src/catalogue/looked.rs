//! What is looked for in a file, and who reads it.

use std::borrow::Cow;

use super::lock::Lock;
use super::{
    Package, apk, composer, copyright, dpkg, gem, golang, java, lock, node, nuget, os_release,
    python, rpm, rust,
};
use crate::inventory::{Distro, License};
use crate::layers::{File, Kind};
use crate::limits;

/// What is looked for in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looked {
    Apk,
    Composer,
    /// Debian's, of a package that dpkg names.
    Copyright,
    Dpkg,
    Gem,
    Java,
    Lock(Lock),
    Node,
    Nuget,
    OsRelease,
    /// A program: Rust's and Go's lists of what it was built from.
    Program,
    Python,
    Rpm,
    /// Something that is known and not read.
    Unread(&'static str),
}

impl Looked {
    /// Whether a package can be missing where the file is not read.
    pub(super) fn names_packages(self) -> bool {
        !matches!(self, Self::Copyright | Self::Program)
    }

    /// Whether it names packages that are there, and not what is to be installed.
    fn is_installed(self) -> bool {
        self.names_packages() && !matches!(self, Self::Lock(_) | Self::OsRelease | Self::Unread(_))
    }

    /// Whether it is the database of an operating system's packages.
    pub(super) fn is_database(self) -> bool {
        matches!(self, Self::Apk | Self::Dpkg | Self::Rpm)
    }

    /// The largest file of its kind that is read.
    pub(super) fn most(self) -> u64 {
        match self {
            Self::Program => limits::PROGRAM_BYTES,
            Self::Copyright => limits::COPYRIGHT_BYTES,
            Self::Lock(_) => limits::LOCK_BYTES,
            _ => limits::DATABASE_BYTES,
        }
    }
}

/// What a file held.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) distro: Option<Distro>,
    pub(super) packages: Vec<Package>,
    /// Those of a package that is named elsewhere.
    pub(super) licenses: Vec<License>,
    /// What in it could not be read: where in the file, and why.
    pub(super) notes: Vec<(String, String)>,
}

/// What is to be looked for in a file, by its path.
pub(super) fn wanted(file: &File<'_>) -> Option<Looked> {
    let path = file.path;
    let name = path.rsplit('/').next().unwrap_or(path);
    match path {
        "etc/os-release" | "usr/lib/os-release" => return Some(Looked::OsRelease),
        "lib/apk/db/installed" | "usr/lib/apk/db/installed" => return Some(Looked::Apk),
        "var/lib/dpkg/status" => return Some(Looked::Dpkg),
        "var/lib/rpm/rpmdb.sqlite"
        | "usr/lib/sysimage/rpm/rpmdb.sqlite"
        | "var/lib/rpm/Packages"
        | "var/lib/rpm/Packages.db"
        | "usr/lib/sysimage/rpm/Packages"
        | "usr/lib/sysimage/rpm/Packages.db"
        | "usr/share/rpm/rpmdb.sqlite"
        | "usr/share/rpm/Packages"
        | "usr/share/rpm/Packages.db" => return Some(Looked::Rpm),
        "var/lib/rpm/rpmdb.sqlite-wal"
        | "usr/lib/sysimage/rpm/rpmdb.sqlite-wal"
        | "usr/share/rpm/rpmdb.sqlite-wal"
            if file.size > 0 =>
        {
            return Some(Looked::Unread(
                "what was not yet written to the rpm database",
            ));
        }
        _ => {}
    }
    if let Some(rest) = path.strip_prefix(DPKG_FILES) {
        return (!rest.contains('/') && !rest.ends_with(".md5sums")).then_some(Looked::Dpkg);
    }
    if copyright::of(path).is_some() {
        return Some(Looked::Copyright);
    }
    match name {
        "METADATA" if path.contains(".dist-info/") => Some(Looked::Python),
        "PKG-INFO" if path.contains(".egg-info/") || path.contains(".egg/EGG-INFO/") => {
            Some(Looked::Python)
        }
        "package.json" if node::is_installed(path) => Some(Looked::Node),
        "installed.json" if path.ends_with("composer/installed.json") => Some(Looked::Composer),
        _ if name.ends_with(".egg-info") => Some(Looked::Python),
        _ if name.ends_with(".gemspec") && path.contains("specifications/") => Some(Looked::Gem),
        _ if name.ends_with(".deps.json") => Some(Looked::Nuget),
        _ if java::is_archive(name) => Some(Looked::Java),
        _ => match Lock::of(path, name) {
            Some(lock) => Some(Looked::Lock(lock)),
            None => {
                let has_content = matches!(file.kind, Kind::File | Kind::HardLink | Kind::Sparse);
                ((file.executable || is_library(name)) && has_content).then_some(Looked::Program)
            }
        },
    }
}

/// What is to be looked for in a file of this path that is no program.
pub(super) fn named(path: &str) -> Option<Looked> {
    wanted(&File {
        path,
        size: 1,
        executable: false,
        kind: Kind::Symlink,
        link: None,
        only_name: false,
    })
}

/// Paths at and below a link under which something is looked for by that link's name:
/// itself, and a file in it where it has the name of a folder that such files are in.
pub(super) fn under(link: &str) -> impl Iterator<Item = String> {
    let (folder, name) = link.rsplit_once('/').unwrap_or(("", link));
    let file = match name {
        "composer" if folder.ends_with("vendor") => "installed.json",
        "EGG-INFO" => "PKG-INFO",
        "node_modules" => "a/package.json",
        "specifications" => "a.gemspec",
        _ if name.ends_with(".dist-info") => "METADATA",
        _ if name.ends_with(".egg-info") => "PKG-INFO",
        _ if name.ends_with(".egg") => "EGG-INFO/PKG-INFO",
        _ => "",
    };
    let below = (!file.is_empty()).then(|| format!("{link}/{file}"));
    let is_file = named(link).is_some_and(|looked| looked.is_installed());
    below.into_iter().chain(is_file.then(|| link.to_owned()))
}

/// Whether a file's name is that of a program that others load: it need not be
/// marked as executable.
fn is_library(name: &str) -> bool {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    name.contains(".so.")
        || ["so", "dll", "dylib", "exe", "node"]
            .iter()
            .any(|known| end.eq_ignore_ascii_case(known))
}

pub(super) fn read(looked: Looked, path: &str, bytes: &[u8]) -> Result<Held, String> {
    // Node, .NET and Python pass over the mark of UTF-8 before a text.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let packages = match looked {
        Looked::Apk => apk::read(&lossy(bytes)),
        Looked::Composer => composer::read(bytes)?,
        Looked::Copyright => {
            return Ok(Held {
                licenses: copyright::read(bytes),
                ..Held::default()
            });
        }
        Looked::Dpkg => dpkg::read(&lossy(bytes)),
        Looked::Gem => gem::read(&lossy(bytes), path)?,
        Looked::Java => return java::read(bytes, path),
        Looked::Lock(lock) => lock::read(lock, text(bytes)?)?,
        Looked::Node => node::read(bytes)?,
        Looked::Nuget => nuget::read(bytes)?,
        Looked::OsRelease => {
            return Ok(Held {
                distro: Some(os_release::read(&lossy(bytes))),
                ..Held::default()
            });
        }
        Looked::Program => {
            let mut packages = rust::read(bytes)?;
            packages.extend(golang::read(bytes)?);
            packages
        }
        Looked::Python => python::read(&lossy(bytes))?,
        Looked::Rpm => return rpm::read(bytes),
        Looked::Unread(what) => return Err(format!("{what} is not read")),
    };
    Ok(Held {
        packages,
        ..Held::default()
    })
}

/// Of forms that are older than UTF-8: names are plain, and what is not is
/// somebody's name in another encoding.
fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|e| format!("not UTF-8 at byte {}", e.valid_up_to()))
}

/// ELF, PE, or one of the Mach-O forms.
pub(super) fn is_object(start: &[u8]) -> bool {
    matches!(
        start,
        [0x7f, b'E', b'L', b'F']
            | [b'M', b'Z', ..]
            | [0xcf | 0xce, 0xfa, 0xed, 0xfe]
            | [0xca, 0xfe, 0xba, 0xbe]
    )
}

/// Where distroless has a file for each package.
pub(super) const DPKG_FILES: &str = "var/lib/dpkg/status.d/";

/// Where the databases of operating systems' packages are, and one of the many files
/// of distroless.
pub(super) const DATABASES: [(&str, Looked); 13] = [
    ("lib/apk/db/installed", Looked::Apk),
    ("usr/lib/apk/db/installed", Looked::Apk),
    ("var/lib/dpkg/status", Looked::Dpkg),
    ("var/lib/dpkg/status.d/a", Looked::Dpkg),
    ("var/lib/rpm/rpmdb.sqlite", Looked::Rpm),
    ("var/lib/rpm/Packages", Looked::Rpm),
    ("var/lib/rpm/Packages.db", Looked::Rpm),
    ("usr/lib/sysimage/rpm/rpmdb.sqlite", Looked::Rpm),
    ("usr/lib/sysimage/rpm/Packages", Looked::Rpm),
    ("usr/lib/sysimage/rpm/Packages.db", Looked::Rpm),
    ("usr/share/rpm/rpmdb.sqlite", Looked::Rpm),
    ("usr/share/rpm/Packages", Looked::Rpm),
    ("usr/share/rpm/Packages.db", Looked::Rpm),
];
