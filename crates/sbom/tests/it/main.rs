//! What each format must have, what is refused and why, how a document's own
//! subject is held against an image, and what package databases say.

mod cyclonedx;
mod escapes;
mod fixture;
mod listing;
mod mutation;
mod rpm;
mod spdx;
