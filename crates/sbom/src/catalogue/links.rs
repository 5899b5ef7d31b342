//! Symbolic links between a package and the path under which it is looked for.
//!
//! Layers are read as a stream, and files are told by their paths. A link in the way
//! of one of these paths makes a file that names packages one that is not looked at:
//! `var/lib/dpkg -> /opt/x`, or `opt -> /var/lib` and a file `opt/dpkg/status`. Such
//! are noted, unless the link leads to where the same is looked for, as those of
//! merged `/usr` do, or to where nothing is.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeSet, HashMap, HashSet};

use waxseal_oci::Digest;

use super::looked::{self, Looked};
use crate::inventory::{Location, Note};
use crate::layers::{File, Kind};
use crate::limits;

/// All links of an image.
#[derive(Debug, Default)]
pub(super) struct Links {
    by_path: HashMap<Box<str>, Link>,
    /// Where those led to that an upper layer hides.
    gone: HashMap<Box<str>, Vec<Box<str>>>,
    /// The layers that have some.
    layers: Vec<Digest>,
    bytes: usize,
    /// Whether there are more than are remembered.
    more: bool,
    /// Bytes of the paths that were looked up.
    spent: Cell<u64>,
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
        // No system makes such a link.
        if target.len() > limits::PATH_BYTES {
            return;
        }
        if !self.has_room(file.path, target) {
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

    /// Remembers a link that is not there any more.
    pub(super) fn gone(&mut self, path: &str, target: &str) {
        let known = self.gone.get(path).map_or(&[][..], Vec::as_slice);
        if target.len() > limits::PATH_BYTES || known.iter().any(|to| **to == *target) {
            return;
        }
        // Each is looked at for each file below it.
        self.more |= known.len() >= GONE;
        if self.has_room(path, target) {
            self.gone
                .entry(path.into())
                .or_default()
                .push(target.into());
        }
    }

    fn has_room(&mut self, path: &str, target: &str) -> bool {
        self.bytes += path.len() + target.len() + size_of::<(Box<str>, Link)>();
        self.more |= self.bytes > limits::LINK_BYTES;
        !self.more
    }

    /// What is in an image and not looked at because of its links. `paths` are those
    /// of all files of its layers; where they are not known, whatever a link leads to
    /// may be there.
    pub(super) fn notes<'a>(&self, paths: Option<impl Iterator<Item = &'a str>>) -> Vec<Note> {
        let all = |reason: &str| {
            vec![Note {
                at: Location::new(None, ""),
                reason: reason.to_owned(),
            }]
        };
        if self.more {
            return all("it has more links than are remembered");
        }
        let notes = self.each(paths);
        if self.spent.get() > limits::LINK_STEPS {
            return all("its links lead further than they are followed");
        }
        notes
    }

    fn each<'a>(&self, paths: Option<impl Iterator<Item = &'a str>>) -> Vec<Note> {
        let mut suspects = self.suspects();
        let mut notes = Vec::new();
        if let Some(paths) = paths {
            let through = self.through();
            let gone = self.gone_places(!suspects.is_empty());
            if suspects.is_empty() && through.is_empty() && gone.is_empty() {
                return notes;
            }
            for path in paths {
                let is_below = |of: &dyn Fn(&str) -> bool| {
                    let mut above = path.match_indices('/');
                    above.any(|(end, _)| path.get(..end).is_some_and(of))
                };
                if !suspects.is_empty() {
                    let place = match is_below(&|up| self.by_path.contains_key(up)) {
                        true => self.place(path).map(Cow::Owned),
                        false => Some(Cow::Borrowed(path)),
                    };
                    if let Some(place) = place {
                        see(&mut suspects, &place);
                    }
                }
                let mut places = Vec::new();
                if is_below(&|up| through.contains(up)) {
                    places.extend(self.place(path));
                }
                if !gone.is_empty() {
                    for (end, _) in path.match_indices('/') {
                        let (above, below) = path.split_at(end);
                        let led = gone.get(above).into_iter().flatten();
                        let led = led.map(|to| format!("{to}{below}"));
                        let led = led.map(|place| place.trim_start_matches('/').to_owned());
                        for place in led {
                            see(&mut suspects, &place);
                            places.push(place);
                        }
                    }
                }
                for place in places.into_iter().filter(|place| is_hidden(path, place)) {
                    let reason = format!("below a link, so that it may be unpacked to `{place}`");
                    let at = Location::new(None, path);
                    notes.push(Note { at, reason });
                }
            }
            suspects.retain(|_, suspect| suspect.is_there);
        }
        let links = suspects.values().flat_map(|suspect| &suspect.links);
        notes.extend(links.map(|link| self.note(link)));
        notes
    }

    /// Where something that names packages would not be looked at, were it there.
    fn suspects(&self) -> HashMap<String, Suspect<'_>> {
        let mut all: HashMap<String, Suspect<'_>> = HashMap::new();
        let mut add = |place: String, link| {
            let suspect = all.entry(place).or_default();
            suspect.links.insert(link);
        };
        for (path, kind) in looked::DATABASES {
            if let Some((mut place, link)) = self.elsewhere(path, kind) {
                // Of distroless' many files any may be there.
                if path.starts_with(looked::DPKG_FILES) {
                    up(&mut place);
                }
                add(place, link);
            }
        }
        for link in self.by_path.keys() {
            for probe in looked::under(link) {
                let elsewhere = looked::named(&probe).and_then(|kind| self.elsewhere(&probe, kind));
                if elsewhere.is_some()
                    && let Some((place, _)) = self.resolve(link)
                {
                    add(place, link);
                }
            }
        }
        all
    }

    /// Links to a place of a package database, or to a folder above one.
    fn through(&self) -> HashSet<&str> {
        let links = self.by_path.keys().filter(|link| {
            let place = self.resolve(link);
            place.is_some_and(|(place, _)| place.is_empty() || is_above_a_database(&place))
        });
        links.map(|link| &**link).collect()
    }

    /// Where the links led to that are not there any more. Of those that led to no place
    /// of a database and to none above one only they are of interest by way of which a
    /// suspect may be there.
    fn gone_places(&self, all: bool) -> HashMap<&str, Vec<String>> {
        let mut places: HashMap<&str, Vec<String>> = HashMap::new();
        for (path, targets) in &self.gone {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            for target in targets {
                let whole = match target.starts_with('/') {
                    true => target.to_string(),
                    false => format!("{folder}/{target}"),
                };
                let place = self.resolve(&whole).map(|(place, _)| place);
                let wanted = |place: &String| all || place.is_empty() || is_above_a_database(place);
                places.entry(path).or_default().extend(place.filter(wanted));
            }
        }
        places.retain(|_, places| !places.is_empty());
        places
    }

    /// Where a path leads to that is something else than what is looked for there, and
    /// the first link on the way.
    fn elsewhere(&self, path: &str, kind: Looked) -> Option<(String, &str)> {
        let (place, first) = self.resolve(path)?;
        let is_elsewhere = looked::named(&place) != Some(kind);
        first.filter(|_| is_elsewhere).map(|first| (place, first))
    }

    /// Where an entry is unpacked to.
    fn place(&self, path: &str) -> Option<String> {
        let (folder, name) = path.rsplit_once('/')?;
        let (folder, _) = self.resolve(folder)?;
        Some(match folder.as_str() {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        })
    }

    /// Where a path leads to, and the first link on the way; nothing where it goes in
    /// a circle or without end, since nobody can open that.
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
            let length = u64::try_from(reached.len()).unwrap_or(u64::MAX);
            let spent = self.spent.get().saturating_add(length);
            self.spent.set(spent);
            // Nothing that long is in a layer.
            if spent > limits::LINK_STEPS || reached.len() > limits::PATH_BYTES {
                return None;
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

    fn note(&self, link: &str) -> Note {
        let layer = self.by_path.get(link).and_then(|link| link.layer);
        let layer = layer.and_then(|layer| self.layers.get(layer));
        Note {
            at: Location::new(layer.cloned(), link),
            reason: "a link, which is not followed".to_owned(),
        }
    }
}

/// What is not looked at where it is.
#[derive(Default)]
struct Suspect<'a> {
    /// Those that lead there.
    links: BTreeSet<&'a str>,
    is_there: bool,
}

/// A file is there, and so are the folders that it is in.
fn see(suspects: &mut HashMap<String, Suspect<'_>>, place: &str) {
    let above = place.match_indices('/').map(|(end, _)| end);
    for end in above.chain([place.len()]) {
        if let Some(suspect) = place.get(..end).and_then(|up| suspects.get_mut(up)) {
            suspect.is_there = true;
        }
    }
}

/// Whether an entry is unpacked to where a package database is, or a folder above one,
/// and is not looked at under its own path.
fn is_hidden(path: &str, place: &str) -> bool {
    let database = looked::named(place).filter(|kind| kind.is_database());
    let is_looked_at =
        is_above_a_database(path) || database.is_some_and(|kind| looked::named(path) == Some(kind));
    (database.is_some() || is_above_a_database(place)) && !is_looked_at
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

/// Places that one path led to in layers that others hide.
const GONE: usize = 16;
/// As many as Linux follows (`path_resolution(7)`).
const HOPS: usize = 40;

#[cfg(test)]
mod tests;
