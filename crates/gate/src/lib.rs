//! The one path to a verdict: resolve, ask the policies what they need, fetch
//! that, verify it, decide.

pub mod kinds;
