//! The one path to a verdict: resolve, ask the policies what they need, fetch
//! that, verify it, decide.
//!
//! The command line and the webhook both go through [`Gate`]. It fetches
//! bounded content by digest from a [`Source`](waxseal_registry::Source), in
//! parallel, no more than the policies need and no more once they are
//! satisfied. It holds no opinion of its own: what counts as verified,
//! `waxseal-verify` says, and what is enough, `waxseal-policy`. It reads no
//! clock. What could not be told never becomes "there is none", and neither
//! ever becomes an allow.
//!
//! A verdict rests on bytes; [`capture()`] keeps them in one file, and
//! [`replay`] gives the verdict again from nothing else.

mod ahead;
mod ask;
mod cache;
mod capture;
mod evidence;
mod fault;
mod flags;
mod gate;
pub mod kinds;
mod layers;
mod leads;
pub mod limits;
mod policy_set;
mod record;
mod tree;

pub use ahead::LayersAhead;
pub use cache::{Cache, CacheTimes};
pub use capture::{Captured, Extent, capture};
pub use fault::{Fault, FaultKind};
pub use flags::{Expected, FlagsSource, NamedIdentity, NamedKey, PlatformsFlag};
pub use gate::{Contents, Gate, Options, Outcome};
pub use layers::{LayersError, inventory};
pub use policy_set::{KnownRoot, PolicySet, PolicySetError, Roots};
pub use record::{EvidenceError, Replayed, replay};
pub use tree::{Claims, Node, Tree, TreeOptions, tree};
