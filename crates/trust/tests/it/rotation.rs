//! Roots that follow each other, by whose keys they may, and what becomes of
//! what older keys signed.

use waxseal_testkit::NOW;
use waxseal_testkit::tuf::Role;
use waxseal_trust::{Origin, UpdateError};

use crate::{FIRST, SECOND, World, days, document};

fn short(role: &str, found: usize, threshold: usize) -> UpdateError {
    UpdateError::Signatures {
        role: role.to_owned(),
        found,
        threshold,
    }
}

fn keys(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// As it is, but for two keys of which both have to sign, and do.
fn two(role: &mut Role, names: [&str; 2]) {
    role.keys = keys(&names);
    role.signers = keys(&names);
    role.threshold = 2;
}

#[test]
fn a_root_signed_by_the_old_key_and_the_new() {
    let mut world = World::updated();
    world.draft.root.version = 2;
    world.draft.root.keys = keys(&["root 2"]);
    world.draft.root.signers = keys(&["root", "root 2"]);
    world.draft.renew();
    world.publish(SECOND);
    world.update(NOW).unwrap();
    let root = world.load(NOW).unwrap();
    assert_eq!(root.trusted_root, document(SECOND));
    assert!(matches!(
        root.origin,
        Origin::Repository {
            root_version: 2,
            ..
        }
    ));
}

#[test]
fn a_root_that_the_old_key_did_not_sign() {
    let mut world = World::updated();
    world.draft.root.version = 2;
    world.draft.root.rotate("root 2");
    world.draft.renew();
    world.publish(SECOND);
    world.refuses(NOW, short("root", 0, 1));
}

#[test]
fn a_root_that_its_own_key_did_not_sign() {
    let mut world = World::updated();
    world.draft.root.version = 2;
    world.draft.root.keys = keys(&["root 2"]);
    world.draft.renew();
    world.publish(SECOND);
    world.refuses(NOW, short("root", 0, 1));
}

#[test]
fn a_root_with_too_few_of_the_old_keys_or_the_new() {
    let mut world = World::updated();
    world.draft.root.version = 2;
    world.draft.root.keys = keys(&["b", "c"]);
    world.draft.root.threshold = 2;
    world.draft.root.signers = keys(&["root", "b"]);
    world.publish(SECOND);
    world.refuses(NOW, short("root", 1, 2));

    world.draft.root.signers = keys(&["root", "b", "c"]);
    world.publish(FIRST);
    world.update(NOW).unwrap();
    // From here on two have to agree to the next.
    world.draft.root.version = 3;
    two(&mut world.draft.root, ["d", "e"]);
    world.draft.root.signers = keys(&["b", "d", "e"]);
    world.draft.renew();
    world.publish(SECOND);
    world.refuses(NOW, short("root", 1, 2));
    world.draft.root.signers = keys(&["b", "c", "d", "e"]);
    world.publish(SECOND);
    world.update(NOW).unwrap();
    assert_eq!(world.load(NOW).unwrap().trusted_root, document(SECOND));
}

#[test]
fn the_same_root_again_or_an_older_one() {
    let mut world = World::updated();
    for version in 2..=3 {
        world.draft.root.version = version;
        world.publish(FIRST);
    }
    world.update(NOW).unwrap();
    for offered in [1, 3] {
        world.draft.root.version = offered;
        let root = world.repository.pin(&world.draft);
        world.repository.put("4.root.json", root);
        let trusted = 3;
        world.refuses(NOW, UpdateError::RootVersion { trusted, offered });
    }
}

#[test]
fn roles_of_which_two_have_to_sign() {
    for role in ["timestamp", "snapshot", "targets"] {
        let mut world = World::updated();
        world.draft.root.version = 2;
        world.draft.renew();
        let drafted = match role {
            "timestamp" => &mut world.draft.timestamp,
            "snapshot" => &mut world.draft.snapshot,
            _ => &mut world.draft.targets,
        };
        two(drafted, [role, "another"]);
        drafted.signers.pop();
        world.publish(SECOND);
        world.refuses(NOW, short(role, 1, 2));
    }
}

#[test]
fn a_thiefs_versions_are_forgotten_with_the_stolen_keys() {
    let mut world = World::updated();
    for role in [&mut world.draft.timestamp, &mut world.draft.snapshot] {
        role.version = 1_000_000;
    }
    world.publish(FIRST);
    world.update(NOW).unwrap();
    // The owner takes the keys away, and goes on where it was.
    world.draft.root.version = 2;
    world.draft.timestamp.rotate("timestamp 2");
    world.draft.snapshot.rotate("snapshot 2");
    world.draft.timestamp.version = 2;
    world.draft.snapshot.version = 2;
    world.draft.targets.version = 2;
    world.publish(SECOND);
    world.update(NOW + days(1)).unwrap();
    let root = world.load(NOW + days(1)).unwrap();
    assert_eq!(root.trusted_root, document(SECOND));
}
