//! Repositories that lie, or that somebody stands in front of. Each is refused
//! by name, and the last good root stays.

use waxseal_testkit::NOW;
use waxseal_testkit::tuf::{Draft, MALLORY, Repository, Role};
use waxseal_trust::{Embedded, FetchError, UpdateError, limits};

use crate::{FIRST, SECOND, World, days};

type Pick = fn(&mut Draft) -> &mut Role;

const ROLES: [(&str, Pick); 4] = [
    ("root", |draft| &mut draft.root),
    ("timestamp", |draft| &mut draft.timestamp),
    ("snapshot", |draft| &mut draft.snapshot),
    ("targets", |draft| &mut draft.targets),
];

#[test]
fn what_has_expired() {
    for (role, pick) in ROLES {
        let mut world = World::updated();
        world.draft.renew();
        world.draft.root.version = 2;
        let expires = NOW + days(1);
        pick(&mut world.draft).expires = expires;
        world.publish(SECOND);
        let role = role.to_owned();
        world.refuses(NOW + days(2), UpdateError::Expired { role, expires });
    }
}

#[test]
fn a_repository_that_is_frozen() {
    let world = World::updated();
    world.refuses(
        NOW + days(8),
        UpdateError::Expired {
            role: "timestamp".to_owned(),
            expires: NOW + days(7),
        },
    );
}

#[test]
fn versions_that_were_rolled_back() {
    let mut world = World::updated();
    let first = world.repository.file("timestamp.json").unwrap();
    world.draft.timestamp.version = 3;
    world.publish(FIRST);
    world.update(NOW).unwrap();
    world.repository.put("timestamp.json", first);
    let rolled = |role: &str, trusted, offered| UpdateError::Rollback {
        role: role.to_owned(),
        trusted,
        offered,
    };
    world.refuses(NOW, rolled("timestamp", 3, 1));

    let mut world = World::updated();
    world.draft.renew();
    world.draft.renew();
    world.publish(FIRST);
    world.update(NOW).unwrap();
    world.draft.timestamp.version = 4;
    world.draft.snapshot.version = 2;
    world.publish(SECOND);
    world.refuses(NOW, rolled("snapshot (via timestamp)", 3, 2));

    let mut world = World::updated();
    world.draft.renew();
    world.publish(FIRST);
    world.update(NOW).unwrap();
    world.draft.timestamp.version = 3;
    world.draft.snapshot.version = 3;
    world.draft.targets.version = 1;
    world.publish(SECOND);
    world.refuses(NOW, rolled("targets.json (via snapshot)", 2, 1));
}

#[test]
fn what_is_wrongly_signed() {
    for (role, pick) in ROLES {
        let mut world = World::updated();
        world.draft.renew();
        world.draft.root.version = 2;
        pick(&mut world.draft).signers = vec![MALLORY.to_owned()];
        world.publish(SECOND);
        let role = role.to_owned();
        world.refuses(
            NOW,
            UpdateError::Signatures {
                role,
                found: 0,
                threshold: 1,
            },
        );
    }
}

#[test]
fn one_key_does_not_sign_twice() {
    let mut world = World::updated();
    world.draft.root.version = 2;
    world.draft.renew();
    world.draft.timestamp.keys = vec!["timestamp".to_owned(), "second".to_owned()];
    world.draft.timestamp.threshold = 2;
    world.publish(SECOND);
    let short = UpdateError::Signatures {
        role: "timestamp".to_owned(),
        found: 1,
        threshold: 2,
    };
    world.refuses(NOW, short);
    world.draft.timestamp.signers = vec!["timestamp".to_owned(); 2];
    world.publish(SECOND);
    let error = world.update(NOW).unwrap_err();
    assert!(
        matches!(&error, UpdateError::Malformed { file, reason }
            if file == "timestamp.json" && reason.starts_with("duplicate signature key id")),
        "{error}"
    );
    world.refuses(NOW, error);
}

#[test]
fn a_root_whom_its_predecessor_does_not_know() {
    let mut world = World::updated();
    world.draft.root.version = 2;
    world.draft.root.rotate("mine");
    world.publish(SECOND);
    world.refuses(
        NOW,
        UpdateError::Signatures {
            role: "root".to_owned(),
            found: 0,
            threshold: 1,
        },
    );
}

#[test]
fn a_root_that_skips_one() {
    let mut world = World::updated();
    world.draft.root.version = 3;
    let third = world.repository.pin(&world.draft);
    world.repository.put("2.root.json", third);
    world.refuses(
        NOW,
        UpdateError::RootVersion {
            trusted: 1,
            offered: 3,
        },
    );
}

#[test]
fn files_without_an_end() {
    let endless = |file: &str, limit| {
        UpdateError::Fetch(FetchError::TooLarge {
            file: file.to_owned(),
            limit,
        })
    };
    let world = World::updated();
    world.repository.endless("timestamp.json");
    world.refuses(NOW, endless("timestamp.json", limits::TIMESTAMP_BYTES));
    world.repository.endless("2.root.json");
    world.refuses(NOW, endless("2.root.json", limits::ROOT_BYTES));

    let mut world = World::updated();
    world.draft.renew();
    world.publish(SECOND);
    world.repository.endless("2.targets.json");
    world.refuses(NOW, endless("2.targets.json", limits::TARGETS_BYTES));

    let mut world = World::updated();
    world.draft.renew();
    world.publish(SECOND);
    world.repository.endless("2.snapshot.json");
    world.refuses(NOW, endless("2.snapshot.json", limits::SNAPSHOT_BYTES));
}

#[test]
fn a_trusted_root_without_an_end() {
    let mut world = World::updated();
    world.draft.renew();
    world.publish(SECOND);
    let (name, content) = target(&world.repository, &world.draft);
    world.repository.endless(&name);
    let file = name.trim_start_matches("targets/").to_owned();
    let limit = u64::try_from(content.len()).unwrap();
    world.refuses(
        NOW,
        UpdateError::Fetch(FetchError::TooLarge { file, limit }),
    );
}

#[test]
fn a_trusted_root_that_was_swapped() {
    let mut world = World::updated();
    world.draft.renew();
    world.publish(SECOND);
    let (name, mut content) = target(&world.repository, &world.draft);
    let swapped = |reason: String| UpdateError::Target {
        name: "trusted_root.json".to_owned(),
        reason,
    };
    let length = content.len();
    content[0] ^= 1;
    world.repository.put(&name, content.clone());
    world.refuses(
        NOW,
        swapped("trusted_root.json: sha256 mismatch".to_owned()),
    );
    content.pop();
    world.repository.put(&name, content);
    let short = format!(
        "trusted_root.json: length {} != pinned {length}",
        length - 1
    );
    world.refuses(NOW, swapped(short));
    world.repository.remove(&name);
    let file = name.trim_start_matches("targets/").to_owned();
    world.refuses(NOW, UpdateError::Missing { file });
}

#[test]
fn a_signing_configuration_that_was_swapped_or_cannot_be_used() {
    let name = "signing_config.v0.2.json";
    let config = Embedded::ALL[FIRST].signing_config().unwrap();
    let mut world = World::updated();
    world.draft.renew();
    world.draft.target(name, config);
    world.publish(SECOND);
    let mut names = world.repository.names().into_iter();
    let place = names.find(|file| file.ends_with(name)).unwrap();
    world.repository.put(&place, config.to_ascii_uppercase());
    world.refuses(
        NOW,
        UpdateError::Target {
            name: name.to_owned(),
            reason: format!("{name}: sha256 mismatch"),
        },
    );

    let mut world = World::updated();
    world.draft.renew();
    world.draft.target(name, "{}");
    world.publish(SECOND);
    let error = world.update(NOW).unwrap_err();
    assert!(
        matches!(&error, UpdateError::Unusable { name, .. } if name == "signing configuration"),
        "{error}"
    );
    world.refuses(NOW, error);
}

#[test]
fn files_of_different_days() {
    let mut world = World::updated();
    let old = world.repository.file("1.snapshot.json").unwrap();
    world.draft.renew();
    world.publish(SECOND);
    world.repository.put("2.snapshot.json", old);
    let error = world.update(NOW).unwrap_err();
    assert!(
        matches!(&error, UpdateError::Mismatch { file, .. } if file == "2.snapshot.json"),
        "{error}"
    );
    world.refuses(NOW, error);
}

#[test]
fn one_version_is_one_file() {
    let mut world = World::updated();
    world.draft.timestamp.version = 2;
    world.draft.snapshot.expires = NOW + days(22);
    world.publish(FIRST);
    world.refuses(
        NOW,
        UpdateError::Mismatch {
            file: "1.snapshot.json".to_owned(),
            reason: "snapshot.json: sha256 mismatch".to_owned(),
        },
    );
}

#[test]
fn a_repository_that_forgets_the_trusted_root() {
    let mut world = World::updated();
    world.draft.renew();
    world.draft.files.clear();
    world.repository.publish(&world.draft);
    world.refuses(
        NOW,
        UpdateError::TargetUnlisted {
            name: "trusted_root.json".to_owned(),
        },
    );
}

#[test]
fn a_trusted_root_that_is_vouched_for_and_cannot_be_used() {
    let mut world = World::updated();
    world.draft.renew();
    world.draft.target("trusted_root.json", "{}");
    world.repository.publish(&world.draft);
    let error = world.update(NOW).unwrap_err();
    assert!(
        matches!(&error, UpdateError::Unusable { name, .. } if name == "trusted root"),
        "{error}"
    );
    world.refuses(NOW, error);
}

#[test]
fn a_repository_that_is_somebody_elses() {
    let world = World::updated();
    let theirs = Repository::start(2);
    let mut draft = Draft::new();
    draft.renew();
    theirs.publish(&draft);
    for name in theirs.names() {
        world.repository.put(&name, theirs.file(&name).unwrap());
    }
    world.refuses(
        NOW,
        UpdateError::Signatures {
            role: "timestamp".to_owned(),
            found: 0,
            threshold: 1,
        },
    );
}

#[test]
fn a_key_that_was_withdrawn_stays_withdrawn() {
    let mut world = World::updated();
    let before = world.repository.file("timestamp.json").unwrap();
    world.draft.root.version = 2;
    world.draft.timestamp.rotate("new timestamp");
    world.publish(FIRST);
    let missing = |file: &str| UpdateError::Missing {
        file: file.to_owned(),
    };
    world.repository.remove("timestamp.json");
    // The update fails, but its root was seen.
    world.refuses(NOW, missing("timestamp.json"));
    world.repository.remove("2.root.json");
    world.repository.put("timestamp.json", before);
    world.refuses(
        NOW,
        UpdateError::Signatures {
            role: "timestamp".to_owned(),
            found: 0,
            threshold: 1,
        },
    );
}

#[test]
fn roots_without_an_end() {
    let mut world = World::updated();
    for version in 2..=u64::from(limits::ROTATIONS) + 1 {
        world.draft.root.version = version;
        let root = world.repository.pin(&world.draft);
        world.repository.put(&format!("{version}.root.json"), root);
    }
    world.refuses(NOW, UpdateError::TooManyRoots);
}

#[test]
fn what_is_no_metadata_at_all() {
    let world = World::updated();
    for (content, said) in [
        (
            &b"<html>"[..],
            "failed to parse JSON: expected value at line 1 column 1",
        ),
        (b"{}", ""),
        (
            b"",
            "failed to parse JSON: EOF while parsing a value at line 1 column 0",
        ),
    ] {
        world.repository.put("timestamp.json", content);
        let error = world.update(NOW).unwrap_err();
        assert!(
            matches!(&error, UpdateError::Malformed { file, reason }
                if file == "timestamp.json" && reason.starts_with(said)),
            "{error}"
        );
        world.refuses(NOW, error);
    }
}

/// Where the drafted trusted root is, and what it says.
fn target(repository: &Repository, draft: &Draft) -> (String, Vec<u8>) {
    let content = draft.files["trusted_root.json"].clone();
    let mut names = repository.names().into_iter();
    let name = names.find(|name| repository.file(name) == Some(content.clone()));
    (name.unwrap(), content)
}
