//! From the files of an image to the packages that it has: one ecosystem a file.

mod apk;
mod composer;
mod copyright;
mod dpkg;
mod gem;
mod golang;
mod java;
mod links;
mod lock;
mod looked;
mod node;
mod nuget;
mod os_release;
mod purl;
mod python;
mod rpm;
mod rust;

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};

use waxseal_oci::Digest;

use self::links::Links;
use self::looked::{Held, Looked};
use crate::inventory::{Component, Distro, Ecosystem, Inventory, License, Location, Note};
use crate::layers::{File, Kind, LayerError, Visitor, Walk, fill};
use crate::limits;

/// Finds the packages in the layers of an image, the uppermost layer first.
///
/// Layers are untrusted. A file that cannot be read becomes a [`Note`]; a layer
/// that cannot, an error.
#[derive(Debug, Default)]
pub struct Scanner {
    walk: Walk,
    found: HashMap<String, Findings>,
    distro: BTreeMap<String, Distro>,
    /// By the path of the copyright file.
    licenses: BTreeMap<String, Vec<License>>,
    notes: Vec<Note>,
    links: Links,
    count: usize,
    /// What the last file was read into, for the next.
    buffer: Vec<u8>,
}

/// What one file says.
#[derive(Debug, Default)]
struct Findings {
    layer: Option<Digest>,
    packages: Vec<Package>,
}

/// A package as a file names it: the distribution is not known yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) architecture: Option<String>,
    pub(crate) epoch: Option<u32>,
    pub(crate) supplier: Option<String>,
    pub(crate) licenses: Vec<License>,
    pub(crate) hashes: Vec<Digest>,
    pub(crate) ecosystem: Option<Ecosystem>,
    /// The path inside the file, where the file is itself an archive.
    pub(crate) inside: Option<String>,
    /// Whether a lock file names it.
    pub(crate) declared: bool,
}

impl Scanner {
    /// A scanner that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one layer to its end, compressed or not. Call it for the uppermost
    /// layer first.
    ///
    /// # Errors
    /// [`LayerError`] where the layer is no archive, or a hostile one.
    pub fn layer(
        &mut self,
        digest: &Digest,
        content: &mut (dyn Read + Send),
    ) -> Result<(), LayerError> {
        let inside = |error| LayerError::In {
            layer: digest.clone(),
            error: Box::new(error),
        };
        self.archive(Some(digest), content).map_err(inside)
    }

    fn archive(
        &mut self,
        layer: Option<&Digest>,
        content: &mut (dyn Read + Send),
    ) -> Result<(), LayerError> {
        let mut walk = std::mem::take(&mut self.walk);
        let read = walk.layer(
            content,
            &mut OneLayer {
                scanner: self,
                layer,
            },
        );
        self.walk = walk;
        read?;
        if self.count > limits::PACKAGES {
            return Err(LayerError::Packages);
        }
        Ok(())
    }

    /// Looks at one file of a folder that is taken for a root filesystem.
    ///
    /// # Errors
    /// Where the content cannot be read.
    pub fn file(
        &mut self,
        path: &str,
        size: u64,
        executable: bool,
        content: &mut dyn Read,
    ) -> io::Result<()> {
        let file = File {
            path,
            size,
            executable,
            kind: Kind::File,
            link: None,
            only_name: false,
        };
        self.look(None, &file, content)
    }

    /// Looks at one symbolic link of such a folder. It is not followed.
    pub fn link(&mut self, path: &str, target: &str) {
        let link = File {
            path,
            size: 0,
            executable: false,
            kind: Kind::Symlink,
            link: Some(target),
            only_name: false,
        };
        self.links.see(None, &link);
    }

    /// Records something that could not be read.
    pub fn note(&mut self, path: &str, reason: impl Into<String>) {
        self.noted(None, path, reason.into());
    }

    /// What was found.
    #[must_use]
    pub fn finish(mut self) -> Inventory {
        for Note { at, reason } in self.links.notes(self.walk.paths()) {
            self.noted(at.layer.as_ref(), &at.path, reason);
        }
        // `/etc/os-release` before `/usr/lib/os-release`, as its manual says.
        let distro = self.distro.into_values().next();
        let known = distro.clone().unwrap_or_default();
        let mut found = self.found;
        // `go.sum` has the sums of more than `go.mod` takes of it.
        let modules: Vec<String> = found
            .keys()
            .filter_map(|path| Some(format!("{}go.sum", path.strip_suffix("go.mod")?)))
            .collect();
        for sums in modules {
            found.remove(&sums);
        }
        let by_package: BTreeMap<&str, &Vec<License>> = self
            .licenses
            .iter()
            .filter_map(|(path, licenses)| Some((copyright::of(path)?, licenses)))
            .collect();
        let mut components = Vec::new();
        // In the order of their paths, whatever the order of the layers.
        let mut found: Vec<(String, Findings)> = found.into_iter().collect();
        found.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (path, findings) in found {
            for mut package in findings.packages {
                let Some(ecosystem) = package.ecosystem else {
                    continue;
                };
                if ecosystem == Ecosystem::Deb
                    && let Some(licenses) = by_package.get(package.name.as_str())
                {
                    package.licenses.clone_from(licenses);
                }
                let inside = package.inside.as_deref().unwrap_or_default();
                let at = Location {
                    declared: package.declared,
                    ..Location::new(findings.layer.clone(), within(&path, inside))
                };
                components.push(Component {
                    purl: purl::of(ecosystem, &package, &known),
                    ecosystem,
                    name: package.name,
                    version: package.version,
                    supplier: package.supplier,
                    licenses: package.licenses,
                    hashes: package.hashes,
                    found: vec![at],
                });
            }
        }
        Inventory::new(distro, components, self.notes)
    }

    fn look(
        &mut self,
        layer: Option<&Digest>,
        file: &File<'_>,
        content: &mut dyn Read,
    ) -> io::Result<()> {
        // The same path again, from the same layer: this one is it.
        self.found.remove(file.path);
        self.links.see(layer, file);
        let Some(looked) = looked::wanted(file) else {
            return Ok(());
        };
        match looked {
            Looked::Copyright => drop(self.licenses.remove(file.path)),
            Looked::OsRelease => drop(self.distro.remove(file.path)),
            _ => {}
        }
        match file.kind {
            Kind::File => {}
            Kind::HardLink | Kind::Sparse if looked == Looked::Copyright => return Ok(()),
            Kind::HardLink => {
                self.linked(layer, looked, file);
                return Ok(());
            }
            Kind::Sparse => {
                self.noted(layer, file.path, "a sparse file, which is not read".into());
                return Ok(());
            }
            // Where a link leads is known at the end.
            Kind::Folder | Kind::Symlink | Kind::Other => return Ok(()),
        }
        if let Looked::Unread(what) = looked {
            self.noted(layer, file.path, format!("{what} is not read"));
            return Ok(());
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let read = self.content(layer, file, looked, content, &mut buffer);
        if buffer.len() <= KEPT {
            self.buffer = buffer;
        }
        read
    }

    /// Reads a file into the buffer, and what it says.
    fn content(
        &mut self,
        layer: Option<&Digest>,
        file: &File<'_>,
        looked: Looked,
        content: &mut dyn Read,
        buffer: &mut Vec<u8>,
    ) -> io::Result<()> {
        let mut start = [0; 4];
        let mut head: &[u8] = &[];
        if looked == Looked::Program {
            let length = fill(content, &mut start)?;
            head = start.get(..length).unwrap_or_default();
            if !looked::is_object(head) {
                return Ok(());
            }
        }
        let most = looked.most();
        if file.size > most && looked == Looked::Copyright {
            return Ok(());
        }
        if file.size > most {
            let reason = format!("larger than {most} bytes, which is not read");
            self.noted(layer, file.path, reason);
            return Ok(());
        }
        let bytes = whole(&mut head.chain(content).take(most), file.size, buffer)?;
        match looked::read(looked, file.path, bytes) {
            Ok(held) => self.held(layer, looked, file.path, held),
            Err(reason) => self.noted(layer, file.path, reason),
        }
        Ok(())
    }

    /// Another name of a file that this layer had before, under a name by which it
    /// was looked at as well.
    fn linked(&mut self, layer: Option<&Digest>, looked: Looked, file: &File<'_>) {
        let name = |path: &str| path.rsplit('/').next().map(str::to_owned);
        let is_program = looked == Looked::Program;
        let same = file
            .link
            .filter(|link| is_program || name(link) == name(file.path))
            // A file may be something else to each of two that read it.
            .filter(|link| looked::named(link) == looked::named(file.path))
            .and_then(|link| self.found.get(link))
            .filter(|found| found.layer.as_ref() == layer);
        match same {
            Some(found) => {
                self.count += found.packages.len();
                // A link costs nothing in the layer; the layer is refused at its end.
                if self.count > limits::PACKAGES {
                    return;
                }
                let findings = Findings {
                    layer: found.layer.clone(),
                    packages: found.packages.clone(),
                };
                self.found.insert(file.path.to_owned(), findings);
            }
            // It is looked at under the other name, and most have no packages.
            None if is_program && !file.only_name => {}
            None => {
                let reason = "a hard link to what was not read".to_owned();
                self.noted(layer, file.path, reason);
            }
        }
    }

    fn held(&mut self, layer: Option<&Digest>, looked: Looked, path: &str, held: Held) {
        if let Some(distro) = held.distro {
            self.distro.insert(path.to_owned(), distro);
        }
        if !held.licenses.is_empty() && self.licenses.len() < limits::PACKAGES {
            self.licenses.insert(path.to_owned(), held.licenses);
        }
        for (inside, reason) in held.notes {
            self.noted(layer, &within(path, &inside), reason);
        }
        // A link may lead to what names packages and has none.
        if held.packages.is_empty() && !looked.names_packages() {
            return;
        }
        self.count += held.packages.len();
        let findings = Findings {
            layer: layer.cloned(),
            packages: held.packages,
        };
        self.found.insert(path.to_owned(), findings);
    }

    fn noted(&mut self, layer: Option<&Digest>, path: &str, reason: String) {
        let note = match self.notes.len() {
            count if count < limits::NOTES => Note {
                at: Location::new(layer.cloned(), path),
                reason,
            },
            // Whoever allows all of those has not allowed the rest.
            limits::NOTES => Note {
                at: Location::new(None, ""),
                reason: format!("more than {} things could not be read", limits::NOTES),
            },
            _ => return,
        };
        self.notes.push(note);
    }
}

struct OneLayer<'a> {
    scanner: &'a mut Scanner,
    layer: Option<&'a Digest>,
}

impl Visitor for OneLayer<'_> {
    fn file(&mut self, file: &File<'_>, content: &mut dyn Read) -> io::Result<()> {
        self.scanner.look(self.layer, file, content)
    }

    fn gone(&mut self, path: &str, target: &str) {
        self.scanner.links.gone(path, target);
    }

    fn odd(&mut self, path: &str, reason: String) {
        self.scanner.noted(self.layer, path, reason);
    }
}

/// Reads all there is, which is thought to be `size` bytes, into a buffer that may
/// be larger: one that is used again need not be cleared again.
fn whole<'a>(content: &mut dyn Read, size: u64, buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
    // One more, to see that there is no more.
    let wanted = usize::try_from(size).unwrap_or_default().saturating_add(1);
    if buffer.len() < wanted {
        buffer.resize(wanted, 0);
    }
    let mut length = 0;
    loop {
        let rest = buffer.get_mut(length..).unwrap_or_default();
        length += fill(content, rest)?;
        if length < buffer.len() {
            return Ok(buffer.get(..length).unwrap_or_default());
        }
        buffer.resize(length.saturating_mul(2), 0);
    }
}

/// A path in a file that is an archive, as Java writes it.
fn within(path: &str, inside: &str) -> String {
    if inside.is_empty() {
        path.to_owned()
    } else {
        format!("{path}!/{inside}")
    }
}

/// The largest buffer that is kept from file to file.
const KEPT: usize = 8 * 1024 * 1024;

#[cfg(test)]
mod tests;
