//! The Merkle tree of a log: RFC 6962, 2.1.

use sigstore_merkle::{hash_children, hash_leaf};
use sigstore_types::Sha256Hash;

use super::key::sha256;

/// The leaves of a log, by their hashes.
#[derive(Debug, Default)]
pub(crate) struct LogTree(Vec<Sha256Hash>);

/// Where a leaf is in a tree.
#[derive(Clone, Debug)]
pub(crate) struct Proof {
    pub(crate) size: u64,
    pub(crate) root: Sha256Hash,
    pub(crate) path: Vec<Sha256Hash>,
}

impl LogTree {
    /// Appends a leaf; the answer is its index.
    pub(crate) fn append(&mut self, leaf: &[u8]) -> u64 {
        self.0.push(hash_leaf(leaf));
        self.size().saturating_sub(1)
    }

    /// Proves a leaf in the tree as it is now.
    pub(crate) fn prove(&self, index: u64) -> Proof {
        let mut path = Vec::new();
        let at = usize::try_from(index).expect("an index");
        let root = climb(&self.0, at, &mut path);
        Proof {
            size: self.size(),
            root,
            path,
        }
    }

    /// The hash of a leaf.
    pub(crate) fn leaf(&self, index: u64) -> Option<&Sha256Hash> {
        self.0.get(usize::try_from(index).ok()?)
    }

    /// How many leaves there are.
    pub(crate) fn size(&self) -> u64 {
        u64::try_from(self.0.len()).expect("a count")
    }

    /// The root over all leaves.
    pub(crate) fn root(&self) -> Sha256Hash {
        climb(&self.0, usize::MAX, &mut Vec::new())
    }
}

/// The root of these leaves; the path of one of them is added from below.
fn climb(leaves: &[Sha256Hash], index: usize, path: &mut Vec<Sha256Hash>) -> Sha256Hash {
    match leaves {
        [] => Sha256Hash::new(sha256(b"")),
        [leaf] => *leaf,
        _ => {
            // The largest power of two smaller than their number.
            let split = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(split);
            let inside = index < leaves.len();
            let (left_root, right_root) = if inside && index < split {
                let below = climb(left, index, path);
                let beside = climb(right, usize::MAX, &mut Vec::new());
                path.push(beside);
                (below, beside)
            } else {
                let beside = climb(left, usize::MAX, &mut Vec::new());
                let below = climb(right, index.saturating_sub(split), path);
                if inside {
                    path.push(beside);
                }
                (beside, below)
            };
            hash_children(&left_root, &right_root)
        }
    }
}
