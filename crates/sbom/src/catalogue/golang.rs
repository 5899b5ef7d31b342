//! Go programs: the build information that the linker leaves in them.

use object::{BinaryFormat, Object as _, ObjectSection as _, ObjectSegment as _, SectionKind};

use super::Package;
use crate::inventory::Ecosystem;

/// The modules that went into a program, where it says so.
pub(super) fn read(program: &[u8]) -> Result<Vec<Package>, String> {
    // What is no program that is understood has no build information either.
    let Ok(file) = object::File::parse(program) else {
        return Ok(Vec::new());
    };
    let Some(data) = section(&file) else {
        return Ok(Vec::new());
    };
    let at = |address: u64, size: u64| {
        let mut segments = file.segments();
        segments.find_map(|segment| segment.data_range(address, size).ok().flatten())
    };
    information(data, &at)
}

/// Where the build information stands: in a section of its own, or at the start of
/// the data of programs that have no such sections, Windows' and those whose table
/// of sections was taken away.
fn section<'a>(file: &object::File<'a>) -> Option<&'a [u8]> {
    let own = [".go.buildinfo", "__go_buildinfo"]
        .iter()
        .find_map(|name| file.section_by_name(name));
    if let Some(section) = own {
        return section.data().ok();
    }
    if file.format() == BinaryFormat::Pe {
        let data = file.sections().filter(|s| s.kind() == SectionKind::Data);
        return data.filter_map(|s| marked(s.data().ok()?)).next();
    }
    if file.sections().next().is_some() {
        return None;
    }
    let segments = file.segments();
    segments.filter_map(|s| marked(s.data().ok()?)).next()
}

/// What begins with the magic, at a place where the linker puts it.
fn marked(data: &[u8]) -> Option<&[u8]> {
    let mut places = data.chunks(ALIGNMENT);
    let at = places.position(|place| place.starts_with(MAGIC))?;
    data.get(at * ALIGNMENT..)
}

/// What a program has at an address in memory, so many bytes.
type At<'a> = &'a dyn Fn(u64, u64) -> Option<&'a [u8]>;

/// What the section of the build information says.
pub(super) fn information(data: &[u8], at: At<'_>) -> Result<Vec<Package>, String> {
    let Some(header) = data.strip_prefix(MAGIC) else {
        return Ok(Vec::new());
    };
    // `header` begins behind the magic: pointer size, then flags.
    let [pointer, flags, ..] = *header else {
        return Err(BROKEN.to_owned());
    };
    let (go, modules) = if flags & INLINE == 0 {
        let pointers = Pointers {
            size: usize::from(pointer),
            is_big_endian: flags & BIG_ENDIAN != 0,
        };
        let text = |n: usize| {
            let start = POINTERS + n * pointers.size;
            pointers.text(pointers.read(data.get(start..)?)?, at)
        };
        (text(0).ok_or(BROKEN)?, text(1).ok_or(BROKEN)?)
    } else {
        let strings = data.get(HEADER..).unwrap_or_default();
        let (go, rest) = string(strings).ok_or(BROKEN)?;
        let (modules, _) = string(rest).ok_or(BROKEN)?;
        (go, modules)
    };
    let go = std::str::from_utf8(go).map_err(|_| BROKEN)?;
    // `go1.22.1 X:experiment`
    let go = go.split(' ').next().unwrap_or(go);
    let mut packages = vec![package("stdlib", go.trim_start_matches("go"))];
    let modules = std::str::from_utf8(inner(modules)).map_err(|_| BROKEN)?;
    packages.extend(listed(modules));
    Ok(packages)
}

/// How programs by Go before 1.18 say where the strings are: by the address of a
/// string, which is the address of its bytes and their number.
struct Pointers {
    size: usize,
    is_big_endian: bool,
}

impl Pointers {
    fn read(&self, bytes: &[u8]) -> Option<u64> {
        let bytes = bytes.get(..self.size)?;
        let add = |all: u64, byte: &u8| (all << 8) | u64::from(*byte);
        match (self.size, self.is_big_endian) {
            (4 | 8, true) => Some(bytes.iter().fold(0, add)),
            (4 | 8, false) => Some(bytes.iter().rev().fold(0, add)),
            _ => None,
        }
    }

    fn text<'a>(&self, address: u64, at: At<'a>) -> Option<&'a [u8]> {
        let size = u64::try_from(self.size).ok()?;
        let header = at(address, size.checked_mul(2)?)?;
        let (start, length) = header.split_at_checked(self.size)?;
        match self.read(length)? {
            0 => Some(&[]),
            length => at(self.read(start)?, length),
        }
    }
}

/// A length as a varint, and so many bytes.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0_u64;
    for (n, byte) in bytes.iter().enumerate().take(MAX_VARINT) {
        length |= u64::from(byte & 0x7f).checked_shl(u32::try_from(7 * n).ok()?)?;
        if byte & 0x80 == 0 {
            let rest = bytes.get(n + 1..)?;
            let (text, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            return Some((text, rest));
        }
    }
    None
}

/// The list stands between two marks of sixteen bytes, which are no text.
fn inner(marked: &[u8]) -> &[u8] {
    let end = marked.len().saturating_sub(MARK);
    marked.get(MARK..end).unwrap_or_default()
}

pub(super) fn listed(text: &str) -> Vec<Package> {
    let mut packages: Vec<Package> = Vec::new();
    for line in text.lines() {
        let mut columns = line.split('\t');
        let kind = columns.next().unwrap_or_default();
        let (Some(path), version) = (columns.next(), columns.next().unwrap_or_default()) else {
            continue;
        };
        match kind {
            "mod" | "dep" => packages.push(package(path, version)),
            // What stands before it was replaced by this.
            "=>" => {
                let replaced = packages.pop();
                // A folder of the build's machine: it is still that module.
                packages.push(match replaced {
                    Some(module) if path.starts_with(['.', '/']) => Package {
                        version: String::new(),
                        ..module
                    },
                    _ => package(path, version),
                });
            }
            _ => {}
        }
    }
    packages
}

fn package(path: &str, version: &str) -> Package {
    Package {
        name: path.to_owned(),
        // The main module of a build from a checkout.
        version: if version == "(devel)" {
            String::new()
        } else {
            version.to_owned()
        },
        ecosystem: Some(Ecosystem::Golang),
        ..Package::default()
    }
}

const MAGIC: &[u8] = b"\xff Go buildinf:";
/// Where the magic may stand.
const ALIGNMENT: usize = 16;
const BIG_ENDIAN: u8 = 1;
/// The strings stand in the section itself.
const INLINE: u8 = 2;
/// Where the addresses of the strings stand, where they do not.
const POINTERS: usize = 16;
const HEADER: usize = 32;
const MARK: usize = 16;
const MAX_VARINT: usize = 9;
const BROKEN: &str = "its build information is cut short";
