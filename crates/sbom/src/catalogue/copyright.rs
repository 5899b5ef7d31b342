//! Debian's copyright files, where they are of the form that machines read:
//! <https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/>.
//!
//! Its short names are not SPDX's. Those that mean the same become SPDX
//! expressions; any other stays the text that it is. Of a file of another form
//! nothing is said.

use std::collections::BTreeSet;

use crate::inventory::License;
use crate::limits;

/// The package whose file this is.
pub(super) fn of(path: &str) -> Option<&str> {
    let name = path
        .strip_prefix("usr/share/doc/")?
        .strip_suffix("/copyright")?;
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

/// The licences that a file names.
pub(super) fn read(bytes: &[u8]) -> Vec<License> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let is_format = |line: &str| {
        let (key, value) = line.split_once(':').unwrap_or_default();
        key.eq_ignore_ascii_case("Format") && value.contains("copyright-format")
            || key.eq_ignore_ascii_case("Format") && value.contains("dep5")
    };
    let start = lines.by_ref().find(|line| !line.trim().is_empty());
    if !start.is_some_and(is_format) {
        return Vec::new();
    }
    let names: BTreeSet<&str> = lines
        .filter_map(|line| {
            let (key, name) = line.split_once(':')?;
            let name = name.trim();
            (key.eq_ignore_ascii_case("License") && !name.is_empty()).then_some(name)
        })
        .take(limits::LICENSES)
        .collect();
    let each = names.into_iter().map(|name| match expression(name) {
        Some(text) => License::Expression(text),
        None => License::Named(name.to_owned()),
    });
    let all: BTreeSet<License> = each.collect();
    all.into_iter().collect()
}

/// A synopsis as an SPDX expression, where all of it has a meaning there.
fn expression(synopsis: &str) -> Option<String> {
    // "The comma is used to separate": what stands before it belongs together.
    let parts: Vec<&str> = synopsis.split(',').map(str::trim).collect();
    if parts.len() > PARTS {
        return None;
    }
    let mut out = String::new();
    for (n, part) in parts.iter().enumerate() {
        let (joint, part) = match n {
            0 => ("", *part),
            _ => [("and ", " AND "), ("or ", " OR ")]
                .iter()
                .find_map(|(word, joint)| Some((*joint, part.strip_prefix(word)?)))?,
        };
        let part = alternatives(part)?;
        if n > 1 {
            out = format!("({out})");
        }
        out.push_str(joint);
        if parts.len() > 1 && part.contains(' ') {
            out.push_str(&format!("({part})"));
        } else {
            out.push_str(&part);
        }
    }
    spdx::Expression::parse(&out).is_ok().then_some(out)
}

/// `A and B or C`: SPDX binds them alike.
fn alternatives(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut name: Vec<&str> = Vec::new();
    for word in text.split_whitespace().chain(std::iter::once("")) {
        let joint = match word {
            "and" => Some("AND"),
            "or" => Some("OR"),
            "" => None,
            word => {
                name.push(word);
                continue;
            }
        };
        out.push(license(&name.join(" "))?);
        out.extend(joint.map(str::to_owned));
        name.clear();
    }
    Some(out.join(" "))
}

/// One licence, with an exception or without.
fn license(name: &str) -> Option<String> {
    let Some((name, exception)) = name.split_once(" with ") else {
        return short(name);
    };
    let exception = exception.trim_end_matches(" exception").trim();
    let (_, id) = EXCEPTIONS
        .iter()
        .find(|(theirs, _)| theirs.eq_ignore_ascii_case(exception))?;
    Some(format!("{} WITH {id}", short(name)?))
}

/// A short name by itself.
fn short(name: &str) -> Option<String> {
    if let Some(known) = gnu(name) {
        return Some(known);
    }
    let (_, id) = NAMES
        .iter()
        .find(|(theirs, _)| theirs.eq_ignore_ascii_case(name))?;
    Some((*id).to_owned())
}

/// `GPL-2+`, `LGPL-2.1`, `GFDL-NIV-1.3+`.
fn gnu(name: &str) -> Option<String> {
    let (name, end) = match name.strip_suffix('+') {
        Some(name) => (name, "or-later"),
        None => (name, "only"),
    };
    let (family, version) = name.rsplit_once('-')?;
    let (family, variant) = match family {
        "GPL" | "LGPL" | "AGPL" | "GFDL" => (family, ""),
        "GFDL-NIV" => ("GFDL", "no-invariants-"),
        _ => return None,
    };
    let version = match version {
        "1" | "2" | "3" => format!("{version}.0"),
        version => version.to_owned(),
    };
    let id = format!("{family}-{version}-{variant}{end}");
    spdx::license_id(&id).is_some().then_some(id)
}

/// Short names of the specification that mean one licence of SPDX's list.
/// `MIT` does not: "There are many versions of the MIT license." Nor does
/// `Artistic`, of which SPDX lists three.
const NAMES: [(&str, &str); 51] = [
    ("0BSD", "0BSD"),
    ("AFL-2.1", "AFL-2.1"),
    ("AFL-3.0", "AFL-3.0"),
    ("Apache-1.0", "Apache-1.0"),
    ("Apache-1.1", "Apache-1.1"),
    ("Apache-2", "Apache-2.0"),
    ("Apache-2.0", "Apache-2.0"),
    ("Artistic-2.0", "Artistic-2.0"),
    ("BSD-2-clause", "BSD-2-Clause"),
    ("BSD-3-clause", "BSD-3-Clause"),
    ("BSD-4-clause", "BSD-4-Clause"),
    ("BSL-1.0", "BSL-1.0"),
    ("CC-BY-2.0", "CC-BY-2.0"),
    ("CC-BY-3.0", "CC-BY-3.0"),
    ("CC-BY-4.0", "CC-BY-4.0"),
    ("CC-BY-SA-2.0", "CC-BY-SA-2.0"),
    ("CC-BY-SA-3.0", "CC-BY-SA-3.0"),
    ("CC-BY-SA-4.0", "CC-BY-SA-4.0"),
    ("CC0", "CC0-1.0"),
    ("CC0-1.0", "CC0-1.0"),
    ("CDDL-1.0", "CDDL-1.0"),
    ("CDDL-1.1", "CDDL-1.1"),
    ("CPL-1.0", "CPL-1.0"),
    ("EFL-2.0", "EFL-2.0"),
    ("EPL-1.0", "EPL-1.0"),
    ("EPL-2.0", "EPL-2.0"),
    ("EUPL-1.2", "EUPL-1.2"),
    ("Expat", "MIT"),
    ("FTL", "FTL"),
    ("ISC", "ISC"),
    ("LPPL-1.3c", "LPPL-1.3c"),
    ("MIT-0", "MIT-0"),
    ("MPL-1.0", "MPL-1.0"),
    ("MPL-1.1", "MPL-1.1"),
    ("MPL-2.0", "MPL-2.0"),
    ("NCSA", "NCSA"),
    ("OFL-1.1", "OFL-1.1"),
    ("OpenSSL", "OpenSSL"),
    ("PHP-3.01", "PHP-3.01"),
    ("PostgreSQL", "PostgreSQL"),
    ("PSF-2", "PSF-2.0"),
    ("PSF-2.0", "PSF-2.0"),
    ("QPL-1.0", "QPL-1.0"),
    ("Unicode-3.0", "Unicode-3.0"),
    ("Unlicense", "Unlicense"),
    ("Vim", "Vim"),
    ("WTFPL", "WTFPL"),
    ("WTFPL-2", "WTFPL"),
    ("Zlib", "Zlib"),
    ("ZPL-2.0", "ZPL-2.0"),
    ("ZPL-2.1", "ZPL-2.1"),
];

/// Parts between commas of a synopsis that are put together.
const PARTS: usize = 16;

/// Exceptions, of which one text alone is meant.
const EXCEPTIONS: [(&str, &str); 8] = [
    ("Bison-2.2", "Bison-exception-2.2"),
    ("Bison-exception-2.2", "Bison-exception-2.2"),
    ("Classpath", "Classpath-exception-2.0"),
    ("Classpath-exception-2.0", "Classpath-exception-2.0"),
    ("Font", "Font-exception-2.0"),
    ("GCC-exception-3.1", "GCC-exception-3.1"),
    ("LLVM", "LLVM-exception"),
    ("LLVM-exception", "LLVM-exception"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_that_have_one_meaning_become_expressions() {
        for (theirs, ours) in [
            ("GPL-2+", Some("GPL-2.0-or-later")),
            ("LGPL-2.1", Some("LGPL-2.1-only")),
            ("GFDL-NIV-1.3+", Some("GFDL-1.3-no-invariants-or-later")),
            ("Expat", Some("MIT")),
            ("bsd-3-clause", Some("BSD-3-Clause")),
            (
                "GPL-2+ or Expat and Zlib",
                Some("GPL-2.0-or-later OR MIT AND Zlib"),
            ),
            (
                "GPL-2+ or Artistic-2.0, and BSD-3-clause",
                Some("(GPL-2.0-or-later OR Artistic-2.0) AND BSD-3-Clause"),
            ),
            (
                "Expat, and GPL-2 or ISC",
                Some("MIT AND (GPL-2.0-only OR ISC)"),
            ),
            (
                "GPL-3+ with Bison-2.2 exception",
                Some("GPL-3.0-or-later WITH Bison-exception-2.2"),
            ),
            (
                "Expat, and GPL-2, or ISC",
                Some("(MIT AND GPL-2.0-only) OR ISC"),
            ),
            ("GPL-2+ with OpenSSL exception", None),
            ("MIT", None),
            ("GPL-1+ or Artistic", None),
            ("GPL", None),
            ("GPL-9", None),
            ("public-domain", None),
            ("and", None),
            (",", None),
        ] {
            assert_eq!(expression(theirs).as_deref(), ours, "{theirs}");
        }
    }

    #[test]
    fn only_the_form_for_machines_is_read() {
        let text = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\
            Upstream-Name: x\n\nFiles: *\nCopyright: A\nLicense: GPL-2+\n This is free: License: no\n\n\
            Files: b\nCopyright: B\nLicense: public-domain\n\nLicense: GPL-2+\n Text.\n\nLicense:\n Text.\n";
        assert_eq!(
            read(text.as_bytes()),
            [
                License::Expression("GPL-2.0-or-later".to_owned()),
                License::Named("public-domain".to_owned())
            ]
        );
        let text = "This package was debianized by X.\n\nLicense: GPL-2+\n";
        assert_eq!(read(text.as_bytes()), []);
        assert_eq!(read(b"\xff\xfe"), []);
    }

    #[test]
    fn the_folder_names_the_package() {
        assert_eq!(of("usr/share/doc/libc6/copyright"), Some("libc6"));
        assert_eq!(of("usr/share/doc/a/b/copyright"), None);
        assert_eq!(of("usr/share/doc//copyright"), None);
        assert_eq!(of("opt/usr/share/doc/a/copyright"), None);
    }
}
