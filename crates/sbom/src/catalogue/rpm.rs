//! rpm's database, in the three containers that it has had: `SQLite`, ndb (SUSE)
//! and Berkeley DB's hash. All hold the same headers, one for each package.
//!
//! No container is read by its own library: each is a large C program that
//! wants a file and trusts it. Here pages are looked up in the bytes, each of
//! them once, so that no database costs more than its own length.

mod bdb;
mod header;
mod ndb;
mod pages;
mod sqlite;

use super::looked::Held;
use crate::limits;

/// The packages that are installed.
pub(super) fn read(bytes: &[u8]) -> Result<Held, String> {
    let mut reading = Reading::default();
    let mut each = |header: &[u8]| reading.header(header);
    let read = if sqlite::is(bytes) {
        sqlite::headers(bytes, &mut each)
    } else if ndb::is(bytes) {
        ndb::headers(bytes, &mut each)
    } else if bdb::is(bytes) {
        bdb::headers(bytes, &mut each)
    } else {
        return Err("not an rpm database of a kind that is known".to_owned());
    };
    // What came before the fault is there all the same.
    if let Err(reason) = read {
        reading.held.notes.push((String::new(), reason));
    }
    Ok(reading.held)
}

#[derive(Default)]
struct Reading {
    held: Held,
    count: usize,
}

impl Reading {
    fn header(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.count += 1;
        if self.count > limits::PACKAGES {
            return Err(format!("more than {} packages", limits::PACKAGES));
        }
        match header::package(bytes) {
            Ok(Some(package)) => self.held.packages.push(package),
            // A key that packages are checked with.
            Ok(None) => {}
            Err(reason) if self.held.notes.len() < limits::NOTES => {
                let reason = format!("package {} of the rpm database: {reason}", self.count);
                self.held.notes.push((String::new(), reason));
            }
            Err(_) => {}
        }
        Ok(())
    }
}

/// What is given each header in turn.
type Each<'a> = &'a mut dyn FnMut(&[u8]) -> Result<(), String>;
