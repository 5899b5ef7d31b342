//! Files that are damaged in ways that a seed decides: whatever they are, they
//! are read or noted, the same way each time, and no layer brings the reader down.

#![expect(clippy::indexing_slicing, reason = "places are below the length")]

use waxseal_oci::Digest;
use waxseal_sbom::{Inventory, LayerError, Scanner};

use crate::fixture::files::{self, File};

/// Files made of each.
const ROUNDS: u64 = 400;

#[test]
fn every_kind_of_file_is_read_as_it_is() {
    for file in files::all() {
        let inventory = scan(&file, &file.bytes);
        assert_eq!(inventory.notes, [], "{}", file.path);
        let names_none = matches!(file.kind, "copyright" | "os-release");
        assert_eq!(inventory.components.is_empty(), names_none, "{}", file.path);
    }
}

#[test]
fn a_damaged_file_is_read_or_noted() {
    for file in files::all() {
        for seed in 0..ROUNDS {
            let bytes = damaged(&file.bytes, seed);
            let inventory = scan(&file, &bytes);
            for component in &inventory.components {
                assert!(
                    component.purl.starts_with("pkg:"),
                    "{} with seed {seed}",
                    file.path
                );
            }
            if seed % 20 == 0 {
                assert_eq!(
                    inventory,
                    scan(&file, &bytes),
                    "{} with seed {seed}",
                    file.path
                );
            }
        }
    }
}

#[test]
fn a_damaged_layer_is_read_or_an_error_that_names_it() {
    let mut read = 0;
    for layer in files::layers() {
        for seed in 0..ROUNDS {
            let bytes = damaged(&layer, seed);
            let digest = Digest::sha256(&bytes);
            match Scanner::new().layer(&digest, &mut bytes.as_slice()) {
                Ok(()) => read += 1,
                Err(LayerError::In { layer, .. }) => assert_eq!(layer, digest),
                Err(other) => panic!("seed {seed}: {other}"),
            }
        }
    }
    assert!(read > 0);
}

fn scan(file: &File, bytes: &[u8]) -> Inventory {
    let mut scanner = Scanner::new();
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let read = scanner.file(file.path, size, file.is_program, &mut &bytes[..]);
    assert!(read.is_ok(), "{}: {read:?}", file.path);
    scanner.finish()
}

/// The bytes with up to eight faults.
fn damaged(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(8) {
        let at = random.below(bytes.len());
        let length = random.below(64).min(bytes.len() - at);
        match random.below(8) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, b'\n'),
            2 => {
                bytes.drain(at..at + length);
            }
            3 => {
                let part = bytes[at..at + length].to_vec();
                bytes.splice(at..at, part);
            }
            // Lengths and places at their limits.
            4 => {
                let number = [0, 1, 0x7f, 0xff][random.below(4)];
                bytes[at..]
                    .iter_mut()
                    .take(4)
                    .for_each(|byte| *byte = number);
            }
            5 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = b"\0\"{}[]()@:=/-#%"[random.below(15)];
                }
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
    }
    bytes
}

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    /// Below a number, or 0.
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(most.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}
