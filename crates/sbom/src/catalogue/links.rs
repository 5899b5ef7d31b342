//! Symbolic links between a package and the path under which it is looked for.
//!
//! Layers are read as a stream, and files are told by their paths. A link in the way
//! of one of these paths makes a file that names packages one that is not looked at:
//! `var/lib/dpkg -> /opt/x`, or `opt -> /var/lib` and a file `opt/dpkg/status`. Such
//! are noted, unless the link leads to where the same is looked for, as those of
//! merged `/usr` do.

use std::collections::{HashMap, HashSet};

use waxseal_oci::Digest;

use super::looked::{self, Looked};
use crate::inventory::{Location, Note};
use crate::layers::{File, Kind};
use crate::limits;

/// All links of an image.
#[derive(Debug, Default)]
pub(super) struct Links {
    by_path: HashMap<Box<str>, Link>,
    /// The layers that have some.
    layers: Vec<Digest>,
    bytes: usize,
    /// Whether there are more than are remembered.
    more: bool,
}

#[derive(Debug)]
struct Link {
    target: Box<str>,
    layer: Option<usize>,
}

impl Links {
    /// Remembers a link, or that there is something else at its path.
    pub(super) fn see(&mut self, layer: Option<&Digest>, file: &File<'_>) {
        // Where a layer has a link and a folder of one path, tools differ.
        if !matches!(file.kind, Kind::Symlink | Kind::Folder) && !self.by_path.is_empty() {
            self.by_path.remove(file.path);
        }
        let Some(target) = file.link.filter(|_| file.kind == Kind::Symlink) else {
            return;
        };
        self.bytes += file.path.len() + target.len() + size_of::<(Box<str>, Link)>();
        if self.bytes > limits::LINK_BYTES {
            self.more = true;
            return;
        }
        let layer = layer.map(|layer| {
            if self.layers.last() != Some(layer) {
                self.layers.push(layer.clone());
            }
            self.layers.len() - 1
        });
        let target = target.into();
        self.by_path
            .insert(file.path.into(), Link { target, layer });
    }

    /// What is in an image and not looked at because of its links. `paths` are those
    /// of all files of its layers.
    pub(super) fn notes<'a>(&self, paths: impl Iterator<Item = &'a str>) -> Vec<Note> {
        if self.more {
            let reason = format!("more than {} bytes of links", limits::LINK_BYTES);
            return vec![Note {
                at: Location::new(None, ""),
                reason,
            }];
        }
        let mut notes = Vec::new();
        for (path, kind) in looked::DATABASES {
            if let Some(by) = self.elsewhere(path, kind) {
                notes.push(self.note(by, NOT_FOLLOWED.to_owned()));
            }
        }
        for path in self.by_path.keys() {
            for probe in looked::under(path) {
                let Some(kind) = looked::named(&probe) else {
                    continue;
                };
                if self.elsewhere(&probe, kind).is_some() {
                    notes.push(self.note(path, NOT_FOLLOWED.to_owned()));
                }
            }
        }
        let through = self.by_path.keys().filter(|path| {
            let target = self.resolve(path);
            target.is_some_and(|(target, _)| target.is_empty() || is_above_a_database(&target))
        });
        let through: HashSet<&str> = through.map(|path| &**path).collect();
        if through.is_empty() {
            return notes;
        }
        for path in paths {
            let is_through = |(end, _)| path.get(..end).is_some_and(|up| through.contains(up));
            if !path.match_indices('/').any(is_through) {
                continue;
            }
            if let Some(place) = self.hidden_place(path) {
                notes.push(Note {
                    at: Location::new(None, path),
                    reason: format!("below a link, so that it may be unpacked to `{place}`"),
                });
            }
        }
        notes
    }

    /// The link on the way from a path to something else than what is looked for there.
    fn elsewhere(&self, path: &str, kind: Looked) -> Option<&str> {
        let (target, first) = self.resolve(path)?;
        (looked::named(&target) != Some(kind)).then_some(first?)
    }

    /// Where an entry below a link is unpacked to, if that is where a package database
    /// is, or a folder above one, and its own path is not.
    fn hidden_place(&self, path: &str) -> Option<String> {
        let (folder, name) = path.rsplit_once('/')?;
        let (folder, _) = self.resolve(folder)?;
        let place = match folder.as_str() {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        let database = looked::named(&place).filter(|kind| kind.is_database());
        let is_looked_at = is_above_a_database(path)
            || database.is_some_and(|kind| looked::named(path) == Some(kind));
        let is_hidden = database.is_some() || is_above_a_database(&place);
        (is_hidden && !is_looked_at).then_some(place)
    }

    /// Where a path leads to, and the first link on the way; nothing where it goes in
    /// a circle, since nobody can open that.
    fn resolve(&self, path: &str) -> Option<(String, Option<&str>)> {
        let mut left: Vec<&str> = path.rsplit('/').collect();
        let mut reached = String::new();
        let (mut first, mut hops) = (None, 0);
        while let Some(part) = left.pop() {
            match part {
                "" | "." => continue,
                ".." => {
                    up(&mut reached);
                    continue;
                }
                part => {
                    if !reached.is_empty() {
                        reached.push('/');
                    }
                    reached.push_str(part);
                }
            }
            let Some((known, link)) = self.by_path.get_key_value(reached.as_str()) else {
                continue;
            };
            hops += 1;
            if hops > HOPS {
                return None;
            }
            first = first.or(Some(&**known));
            match link.target.starts_with('/') {
                true => reached.clear(),
                false => up(&mut reached),
            }
            left.extend(link.target.rsplit('/'));
        }
        Some((reached, first))
    }

    fn note(&self, path: &str, reason: String) -> Note {
        let layer = self.by_path.get(path).and_then(|link| link.layer);
        let layer = layer.and_then(|layer| self.layers.get(layer));
        Note {
            at: Location::new(layer.cloned(), path),
            reason,
        }
    }
}

/// To the folder that something is in; that of the root is the root.
fn up(path: &mut String) {
    path.truncate(path.rfind('/').unwrap_or(0));
}

fn is_above_a_database(path: &str) -> bool {
    let below = |place: &str| place.strip_prefix(path)?.strip_prefix('/').map(drop);
    looked::DATABASES
        .iter()
        .any(|(place, _)| below(place).is_some())
}

const NOT_FOLLOWED: &str = "a link, which is not followed";
/// As many as Linux follows (`path_resolution(7)`).
const HOPS: usize = 40;

#[cfg(test)]
mod tests;
