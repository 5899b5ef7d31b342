//! The reference grammar beside `oci-spec`'s.

use oci_spec::distribution::Reference as Theirs;
use proptest::prelude::*;
use waxseal_oci::{Reference, ReferenceError};

proptest! {
    #[test]
    fn agrees_with_oci_spec(text in "(([a-z][a-z0-9]{0,3}|localhost|r\\.io|R\\.io|10\\.0\\.0\\.1)(:[0-9]{1,4})?/)?[a-zA-Z0-9._/-]{1,12}(:[a-z0-9._-]{0,6})?") {
        // `A/a`: a first component with an uppercase letter is a host to Docker
        // and containerd, and not to oci-spec; we follow the runtimes.
        let first = text.split('/').next().unwrap_or_default();
        prop_assume!(first.contains(['.', ':']) || first == first.to_lowercase());
        let ours = text.parse::<Reference>();
        let theirs = text.parse::<Theirs>();
        match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => {
                prop_assert_eq!(ours.repository().registry(), theirs.registry());
                prop_assert_eq!(ours.repository().name(), theirs.repository());
                prop_assert_eq!(ours.tag(), theirs.tag());
            }
            (Err(_), Err(_)) => {}
            // One registry has one spelling.
            (Err(ReferenceError::Spelling { usual, .. }), Ok(theirs)) => {
                prop_assert_ne!(usual.as_str(), theirs.registry());
            }
            _ => prop_assert!(false, "{text}: ours {ours:?}, theirs {theirs:?}"),
        }
    }
}
