//! What each format must have, what is refused and why, and how a document's
//! own subject is held against an image.

mod cyclonedx;
mod spdx;
