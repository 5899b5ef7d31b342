//! What is on disk, and what becomes of it in the wrong hands.

use std::fs;

use serde_json::Value;
use waxseal_testkit::NOW;
use waxseal_testkit::tuf::{Draft, Repository};
use waxseal_trust::{Embedded, Origin, Standing, StoreError, UpdateError};

use crate::{FIRST, SECOND, World, acme, days, document, update};

impl World {
    fn state(&self) -> Value {
        let bytes = fs::read(self.folder.path().join("acme.json")).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    fn put_state(&self, state: &Value) {
        let path = self.folder.path().join("acme.json");
        fs::write(path, state.to_string()).unwrap();
    }
}

#[track_caller]
fn unverified(world: &World, change: impl FnOnce(&mut Value)) -> UpdateError {
    let good = world.state();
    let mut state = good.clone();
    change(&mut state);
    world.put_state(&state);
    let error = world.load(NOW).unwrap_err();
    world.put_state(&good);
    match error {
        StoreError::Unverified { name, cause } if name == "acme" => *cause,
        other => panic!("{other}"),
    }
}

#[test]
fn a_trusted_root_that_was_overwritten() {
    let world = World::updated();
    let other = String::from_utf8(document(SECOND).to_vec()).unwrap();
    let error = unverified(&world, |state| {
        state["current"]["files"]["targets/trusted_root.json"] = other.into();
    });
    assert!(matches!(error, UpdateError::Target { .. }), "{error}");
}

#[test]
fn metadata_that_was_overwritten() {
    let world = World::updated();
    let theirs = Repository::start(2);
    let mut draft = Draft::new();
    draft.target("trusted_root.json", document(SECOND));
    theirs.publish(&draft);
    let error = unverified(&world, |state| {
        let files = &mut state["current"]["files"];
        for (kept, name) in [
            ("timestamp.json", "timestamp.json"),
            ("snapshot.json", "1.snapshot.json"),
            ("targets.json", "1.targets.json"),
        ] {
            files[kept] = String::from_utf8(theirs.file(name).unwrap())
                .unwrap()
                .into();
        }
        files["targets/trusted_root.json"] =
            String::from_utf8(document(SECOND).to_vec()).unwrap().into();
    });
    assert_eq!(
        error,
        UpdateError::Signatures {
            role: "timestamp".to_owned(),
            found: 0,
            threshold: 1,
        }
    );
}

#[test]
fn a_date_that_was_overwritten() {
    let world = World::updated();
    // It cannot be made younger than its metadata…
    let later = (NOW + days(20)).to_string();
    let good = world.state();
    let mut state = good.clone();
    state["current"]["fetched"] = later.clone().into();
    world.put_state(&state);
    let error = world.load(NOW + days(30)).unwrap_err();
    let StoreError::Unverified { cause, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(
        *cause,
        UpdateError::Expired {
            role: "timestamp".to_owned(),
            expires: NOW + days(7),
        }
    );
    // …nor be from a day that has not come.
    assert_eq!(
        world.load(NOW).unwrap_err(),
        StoreError::FromTheFuture {
            name: "acme".to_owned(),
            fetched: NOW + days(20),
        }
    );
    // Made older, it is stale as early as before.
    state["current"]["fetched"] = (NOW - days(20)).to_string().into();
    world.put_state(&state);
    let since = NOW + days(7);
    let root = world.load(NOW + days(8)).unwrap();
    assert_eq!(root.standing(NOW + days(8)), Standing::Stale { since });
}

#[test]
fn what_is_no_state() {
    let world = World::updated();
    let path = world.folder.path().join("acme.json");
    let whole = fs::read(&path).unwrap();
    for (content, reason) in [
        (&b""[..], "EOF while parsing a value at line 1 column 0"),
        (&whole[..whole.len() / 2], "EOF while parsing"),
        (
            br#"{"apiVersion":"x/v9","kind":"Y","source":{"type":"embedded"}}"#,
            "it is a Y of x/v9",
        ),
        (
            br#"{"apiVersion":"waxseal.dev/v1alpha1","kind":"TrustState","source":{"type":"embedded"}}"#,
            "it names no repository",
        ),
    ] {
        fs::write(&path, content).unwrap();
        let error = world.load(NOW).unwrap_err();
        assert!(
            matches!(&error, StoreError::Malformed { path: at, reason: said }
                if *at == path && said.starts_with(reason)),
            "{error}"
        );
        // Nor is it replaced: nobody knows what it was.
        assert_eq!(world.update(NOW).unwrap_err(), UpdateError::Store(error));
    }
}

#[test]
fn one_update_at_a_time() {
    let world = World::updated();
    let lock = fs::File::create(world.folder.path().join(".acme.lock")).unwrap();
    lock.lock().unwrap();
    world.refuses(
        NOW,
        UpdateError::Store(StoreError::Busy {
            name: "acme".to_owned(),
        }),
    );
    lock.unlock().unwrap();
    assert!(world.update(NOW).is_ok());
}

#[test]
fn a_folder_that_cannot_be_written() {
    let world = World::pinned();
    let file = world.folder.path().join("file");
    fs::write(&file, "").unwrap();
    let store = waxseal_trust::Store::new(file.join("below"));
    let error = store.keep(&acme(), document(FIRST), None, NOW).unwrap_err();
    assert!(
        matches!(&error, StoreError::Io { action: "make", .. }),
        "{error}"
    );
    assert_eq!(fs::read(&file).unwrap(), b"");
}

#[test]
fn nothing_is_left_beside_the_state() {
    let world = World::updated();
    let mut names: Vec<_> = fs::read_dir(world.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, [".acme.lock", "acme.json"]);
}

#[test]
fn a_name_is_given_once() {
    let world = World::updated();
    let store = world.store();
    let pin = world.repository.pin(&world.draft);
    // The same again changes nothing.
    store.pin(&acme(), world.repository.url(), &pin).unwrap();
    assert!(world.load(NOW).is_ok());
    let exists = StoreError::Exists {
        name: "acme".to_owned(),
    };
    let elsewhere = store.pin(&acme(), "https://tuf.example", &pin);
    assert_eq!(elsewhere.unwrap_err(), exists);
    let kept = store.keep(&acme(), document(FIRST), None, NOW);
    assert_eq!(kept.unwrap_err(), exists);
    for embedded in Embedded::ALL {
        let name = embedded.name.parse().unwrap();
        assert_eq!(
            store.pin(&name, world.repository.url(), &pin).unwrap_err(),
            StoreError::Reserved {
                name: name.to_string()
            }
        );
    }
}

#[test]
fn a_root_is_replaced_on_purpose() {
    let world = World::updated();
    let store = world.store().replacing();
    let pin = world.repository.pin(&world.draft);
    // The same again forgets nothing.
    let before = world.state();
    store.pin(&acme(), world.repository.url(), &pin).unwrap();
    assert_eq!(world.state(), before);

    let theirs = Repository::start(2);
    let mut draft = Draft::new();
    draft.target("trusted_root.json", document(SECOND));
    theirs.publish(&draft);
    // What is refused replaces nothing.
    let refused = store.pin(&acme(), theirs.url(), b"{}");
    assert!(matches!(refused, Err(StoreError::Pin(_))), "{refused:?}");
    let refused = store.keep(&acme(), b"{}", None, NOW);
    assert!(
        matches!(refused, Err(StoreError::Unusable { .. })),
        "{refused:?}"
    );
    assert_eq!(world.state(), before);

    let pin = theirs.pin(&draft);
    store.pin(&acme(), theirs.url(), &pin).unwrap();
    assert!(matches!(
        world.load(NOW),
        Err(StoreError::NotFetched { url, .. }) if url.trim_end_matches('/') == theirs.url()
    ));
    world.update(NOW).unwrap();
    assert_eq!(world.load(NOW).unwrap().trusted_root, document(SECOND));

    store.keep(&acme(), document(FIRST), None, NOW).unwrap();
    assert_eq!(world.load(NOW).unwrap().trusted_root, document(FIRST));
    fs::write(world.folder.path().join("acme.json"), "half").unwrap();
    let malformed = world.store().keep(&acme(), document(FIRST), None, NOW);
    assert!(matches!(malformed, Err(StoreError::Malformed { .. })));
    store.keep(&acme(), document(SECOND), None, NOW).unwrap();
    assert_eq!(world.load(NOW).unwrap().trusted_root, document(SECOND));

    let embedded = Embedded::ALL[0].name.parse().unwrap();
    assert!(matches!(
        store.keep(&embedded, document(FIRST), None, NOW),
        Err(StoreError::Reserved { .. })
    ));
}

#[test]
fn what_is_no_root_is_not_pinned() {
    let world = World::pinned();
    let store = world.store();
    let name = "other".parse().unwrap();
    let mut draft = Draft::new();
    draft.root.signers = vec!["mallory".to_owned()];
    let forged = world.repository.pin(&draft);
    let refused = |root: &[u8]| store.pin(&name, "https://tuf.example", root).unwrap_err();
    assert_eq!(
        refused(&forged),
        StoreError::Pin(Box::new(UpdateError::Signatures {
            role: "root".to_owned(),
            found: 0,
            threshold: 1,
        }))
    );
    assert!(matches!(refused(b"{}"), StoreError::Pin(_)));
    assert_eq!(
        store.load(&name, NOW).unwrap_err(),
        StoreError::Unknown {
            name: "other".to_owned()
        }
    );
}

#[test]
fn what_is_no_trusted_root_is_not_kept() {
    let world = World::pinned();
    let store = world.store();
    let name = "other".parse().unwrap();
    for (root, config, document) in [
        (&b"{}"[..], None, "trusted root"),
        (document(FIRST), Some(&b"{}"[..]), "signing configuration"),
    ] {
        let error = store.keep(&name, root, config, NOW).unwrap_err();
        assert!(
            matches!(&error, StoreError::Unusable { document: said, .. } if *said == document),
            "{error}"
        );
    }
}

#[test]
fn the_embedded_roots_are_good_and_marked() {
    let world = World::pinned();
    let store = world.store();
    let names: Vec<String> = store
        .names()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(names, ["acme", "github", "sigstore", "sigstore-staging"]);
    for embedded in Embedded::ALL {
        let root = store.load(&embedded.name.parse().unwrap(), NOW).unwrap();
        let url = embedded.url.to_owned();
        assert_eq!(root.origin, Origin::Embedded { url });
        assert_eq!(root.standing(NOW), Standing::Embedded);
        assert_eq!(root.age(NOW), None);
        assert!(
            !waxseal_trust::summary(&root.trusted_root)
                .unwrap()
                .is_empty()
        );
    }
}

#[test]
fn the_file_has_no_say_in_where_an_embedded_root_comes_from() {
    let world = World::updated();
    fs::copy(
        world.folder.path().join("acme.json"),
        world.folder.path().join("sigstore.json"),
    )
    .unwrap();
    let name = "sigstore".parse().unwrap();
    let error = world.store().load(&name, NOW).unwrap_err();
    assert_eq!(
        error,
        StoreError::Unverified {
            name: "sigstore".to_owned(),
            cause: Box::new(UpdateError::Signatures {
                role: "timestamp".to_owned(),
                found: 0,
                threshold: 1,
            }),
        }
    );
    assert!(update(&world.store(), &acme(), NOW).is_ok());
}
