//! Trust roots by name.

#![expect(clippy::unwrap_used, reason = "a test")]

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use waxseal_testkit::sigstore::{Claims, Clock, LogVersion, Service, Sigstore, SigstoreOptions};
use waxseal_testkit::tuf::{Draft, MALLORY, Repository};
use waxseal_testkit::{ImageSpec, Options, Registry};

use crate::run::{Place, Ran};

/// A private Sigstore whose root is in a repository, pinned as `acme`.
struct World {
    place: Place,
    sigstore: Sigstore,
    repository: Repository,
    draft: Draft,
}

impl World {
    fn pinned() -> Self {
        Self::published(Timestamp::now())
    }

    /// As if it had been published at this time.
    fn published(then: Timestamp) -> Self {
        let sigstore = Sigstore::start(SigstoreOptions {
            clock: Clock::Machine,
            ..SigstoreOptions::default()
        });
        let place = Place::new();
        place.write("token", sigstore.token(&Claims::email("dev@example.com")));
        place.write("blob", "a blob");
        let repository = Repository::start(1);
        let mut draft = Draft::at(then);
        draft.target("trusted_root.json", sigstore.trusted_root().to_string());
        let config = sigstore.signing_config(&[LogVersion::V2]);
        draft.target("signing_config.v0.2.json", config.to_string());
        repository.publish(&draft);
        place.write("tuf.json", repository.pin(&draft));
        let world = Self {
            place,
            sigstore,
            repository,
            draft,
        };
        let pin = ["trust", "pin", "acme", "--root", "tuf.json", "--url"];
        let said = world
            .place
            .ok([&pin[..], &[world.repository.url()]].concat());
        assert_eq!(
            said,
            format!("acme: pinned to {}\n", world.repository.url())
        );
        world
    }

    fn updated() -> Self {
        let world = Self::pinned();
        world.ok(&["trust", "update", "acme"]);
        world
    }

    /// Fetched nine days ago, and not vouched for since three.
    fn stale() -> Self {
        let now = Timestamp::now();
        let day = |days: i64| SignedDuration::from_hours(24 * days);
        let world = Self::published(now - day(10));
        // As it would have been fetched when it was new.
        let path = world.place.path(".local/share/waxseal/trust");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let store = waxseal_trust::Store::new(path);
        let options = waxseal_trust::HttpOptions::default();
        let fetch = std::sync::Arc::new(waxseal_trust::Http::new(options));
        let name = "acme".parse().unwrap();
        let update = store.update(&name, fetch, now - day(9));
        runtime.block_on(update).unwrap();
        world
    }

    /// An image that was signed with this instance.
    fn signed(&self, registry: &Registry) -> String {
        let image = registry.push_image("shop/api", "1", &ImageSpec::tiny());
        let sign = ["sign", "--keyless", "--yes", "--identity-token", "@token"];
        let root = ["--trust-root", "acme", "--trust-max-stale", "30"];
        let image = image.by_digest;
        self.ok(&[&sign[..], &root, &["--insecure-http", &image]].concat());
        image
    }

    /// A policy for its images, by the signer whom `root` certifies.
    fn policy(&self, registry: &Registry, root: &str) {
        let issuer = self.sigstore.issuer_url();
        let host = registry.host();
        let policy = format!(
            "apiVersion: waxseal.dev/v1alpha1\nkind: ImagePolicy\nmetadata: {{ name: shop }}\n\
             spec:\n  match: {{ images: [\"{host}/**\"] }}\n  authorities:\n    dev:\n      \
             keyless: {{ issuer: \"{issuer}\", subject: dev@example.com, trustRoot: {root} }}\n  \
             require: [ {{ signature: {{ from: [dev] }} }} ]\n",
        );
        self.place.write("policy.yaml", policy);
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.place.run(arguments)
    }

    fn ok(&self, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
        ran
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[arguments, &["-o", "json"]].concat()).stdout).unwrap()
    }
}

#[test]
fn a_pinned_root_is_fetched_and_shown() {
    let world = World::pinned();
    let ran = world.run(&["trust", "show", "acme"]);
    let url = world.repository.url();
    assert_eq!(
        (ran.code, ran.stderr),
        (
            Some(1),
            format!(
                "error: the trust root `acme` has not been fetched from {url}/ yet\n\
                 hint: `waxseal trust update acme` fetches it\n"
            )
        )
    );
    let until = world.draft.timestamp.expires;
    let said = format!("vouched for until {until} (TUF root 1)\n");
    let updated = world.ok(&["trust", "update", "acme"]);
    assert_eq!(updated.stdout, format!("acme: updated, {said}"));
    let updated = world.ok(&["trust", "update", "acme"]);
    assert_eq!(updated.stdout, format!("acme: unchanged, {said}"));

    let shown = world.ok(&["trust", "show", "acme"]).stdout;
    let head = format!(
        "acme: fetched just now from {url}\n  vouched for until {until}\n  TUF root 1\n  \
         signing configuration: yes\ncertificate authorities:\n  {}  waxseal-testkit, testkit\n",
        world.sigstore.fulcio_url()
    );
    assert!(shown.starts_with(&head), "{shown}");
    let json = world.json(&["trust", "show", "acme"]);
    assert_eq!(json["kind"], "TrustRoot");
    assert_eq!(
        (&json["origin"], &json["standing"]),
        (&"repository".into(), &"current".into())
    );
    assert_eq!(json["expires"], until.to_string());
    assert_eq!(json["anchors"].as_array().unwrap().len(), 5);
    let printed = world.ok(&["trust", "show", "acme", "--print", "trusted-root"]);
    assert_eq!(printed.stdout, world.sigstore.trusted_root().to_string());
}

#[test]
fn the_embedded_roots_are_listed_as_such() {
    let world = World::updated();
    let list = world.ok(&["trust", "show"]).stdout;
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[0].starts_with("acme: fetched just now from http://127.0.0.1:"));
    for (line, name) in lines[1..]
        .iter()
        .zip(["github", "sigstore", "sigstore-staging"])
    {
        let said = "the copy in this program; as it was when the program was built";
        assert_eq!(*line, format!("{name}: {said}"));
    }
    let json = world.json(&["trust", "show"]);
    assert_eq!(json["items"][2]["standing"], "embedded");
    assert_eq!(json["items"][2]["url"], "https://tuf-repo-cdn.sigstore.dev");
}

#[test]
fn what_is_refused_is_refused_by_name_and_exit_code() {
    let mut world = World::updated();
    let before = world.place.read(".local/share/waxseal/trust/acme.json");
    let refused = |world: &World, code, words: &str| {
        let ran = world.run(&["trust", "update", "acme"]);
        let hint = match code {
            1 => "hint: what there was before is kept, and can be used until it is stale\n",
            _ => "",
        };
        let said = format!("error: trust root `acme`: {words}\n{hint}");
        assert_eq!(
            (ran.code, ran.stderr, ran.stdout),
            (Some(code), said, String::new())
        );
        let shown = world.ok(&["trust", "show", "acme", "--print", "trusted-root"]);
        assert_eq!(shown.stdout, world.sigstore.trusted_root().to_string());
    };
    world.draft.timestamp.signers = vec![MALLORY.to_owned()];
    world.draft.renew();
    world.repository.publish(&world.draft);
    let words = "the repository's timestamp is signed by 0 of its keys, of which 1 have to";
    refused(&world, 3, words);
    world.repository.endless("timestamp.json");
    refused(&world, 3, "timestamp.json is larger than 16384 bytes");
    world.repository.status("timestamp.json", 400);
    let host = world.repository.url().trim_start_matches("http://");
    refused(
        &world,
        1,
        &format!("{host} answered 400 for timestamp.json"),
    );
    world.repository.remove("timestamp.json");
    refused(&world, 3, "the repository has no timestamp.json");
    let after = world.place.read(".local/share/waxseal/trust/acme.json");
    assert_eq!(after, before);

    let json = world.run(&["trust", "update", "acme", "-o", "json"]);
    assert_eq!(json.code, Some(3));
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["kind"], "TrustUpdate");
    assert_eq!(json["items"][0]["updated"], false);
    assert_eq!(
        json["items"][0]["error"],
        "the repository has no timestamp.json"
    );
}

#[test]
fn a_named_root_signs_and_verifies() {
    let world = World::updated();
    let signed = world.ok(&[
        "sign-blob",
        "blob",
        "--keyless",
        "--yes",
        "--identity-token",
        "@token",
        "--trust-root",
        "acme",
        "--bundle",
        "bundle.json",
    ]);
    let said = format!(
        "trust root `acme`: fetched just now from {}\n",
        world.repository.url()
    );
    assert!(signed.stderr.contains(&said), "{}", signed.stderr);
    world.place.key("cosign3.pub");
    world.place.key("cosign3.key");
    world.ok(&[
        "sign-blob",
        "blob",
        "-k",
        "cosign3.key",
        "--trust-root",
        "acme",
        "--rekor-url",
        world.sigstore.rekor_v1_url(),
        "--bundle",
        "by-key.json",
    ]);
    let verify = [
        "verify-blob",
        "blob",
        "--bundle",
        "by-key.json",
        "-k",
        "cosign3.pub",
    ];
    let required = [&verify[..], &["--log", "required"]].concat();
    let with = world.ok(&[&required[..], &["--trust-root", "acme"]].concat());
    assert_eq!(with.stderr, said);
    let foreign = world.run(&[&required[..], &["--trust-root", "sigstore"]].concat());
    assert_eq!(foreign.code, Some(3));
    assert_eq!(
        foreign.stderr,
        "trust root `sigstore`: the copy in this program; `waxseal trust update sigstore` \
         fetches the current one\n"
    );
    let unknown = world.run(&[&required[..], &["--trust-root", "else"]].concat());
    assert_eq!(
        (unknown.code, unknown.stderr.as_str()),
        (
            Some(1),
            "error: there is no trust root `else`\n\
             hint: `waxseal trust show` lists those that there are\n"
        )
    );
}

#[test]
fn a_stale_root_is_refused_unless_it_is_asked_for() {
    let world = World::stale();
    let until = world.draft.timestamp.expires;
    let ran = world.run(&["trust", "update", "acme"]);
    assert_eq!(
        (ran.code, ran.stderr),
        (
            Some(3),
            format!(
                "error: trust root `acme`: the repository's timestamp expired at {until}\n\
                 hint: either it was not renewed in time, or somebody holds the renewal back\n"
            )
        )
    );
    let shown = world.ok(&["trust", "show", "acme"]).stdout;
    assert!(
        shown.contains(&format!("  STALE: vouched for until {until}\n")),
        "{shown}"
    );
    assert!(shown.contains("fetched 9 days ago"), "{shown}");

    world.place.key("cosign3.key");
    world.place.key("cosign3.pub");
    world.ok(&[
        "sign-blob",
        "blob",
        "-k",
        "cosign3.key",
        "--bundle",
        "bundle.json",
    ]);
    let verify = [
        "verify-blob",
        "blob",
        "--bundle",
        "bundle.json",
        "-k",
        "cosign3.pub",
        "--trust-root",
        "acme",
    ];
    let ran = world.run(&verify);
    assert_eq!(
        (ran.code, ran.stderr),
        (
            Some(1),
            format!(
                "error: the trust root `acme` is stale: its repository vouched for it until \
                 {until}\nhint: `waxseal trust update acme` renews it; --trust-max-stale DAYS \
                 takes it as it is\n"
            )
        )
    );
    let ran = world.ok(&[&verify[..], &["--trust-max-stale", "4"]].concat());
    let url = world.repository.url();
    assert_eq!(
        ran.stderr,
        format!(
            "warning: the trust root `acme` is stale: fetched 9 days ago from {url}, vouched for \
             until {until}\n"
        )
    );
    let json = world.json(&[&verify[..], &["--trust-max-stale", "4"]].concat());
    let used = json.pointer("/trustRoots/0").unwrap();
    assert_eq!(used["name"], "acme");
    assert_eq!(used["ageSeconds"].as_i64().unwrap() / 86_400, 9);
    assert_eq!(
        used["stale"],
        format!("the trust root `acme` is stale: its repository vouched for it until {until}")
    );
    let ran = world.run(&[&verify[..], &["--trust-max-stale", "2"]].concat());
    assert_eq!(ran.code, Some(1));
}

#[test]
fn a_root_from_a_file_has_a_name_too() {
    let world = World::pinned();
    world
        .place
        .write("root.json", world.sigstore.trusted_root().to_string());
    let pin = ["trust", "pin", "file", "--trusted-root", "root.json"];
    assert_eq!(world.ok(&pin).stdout, "file: kept\n");
    let shown = world.ok(&["trust", "show", "file"]).stdout;
    let head = "file: from a file, given just now\n  good until it is replaced\n  \
                signing configuration: no\n";
    assert!(shown.starts_with(head), "{shown}");
    let ran = world.run(&["trust", "update", "file"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (
            Some(1),
            "error: trust root `file`: the trust root `file` comes from a file: there is nothing \
             to update it from\n"
        )
    );
    let ran = world.run(&["trust", "pin", "sigstore", "--trusted-root", "root.json"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (
            Some(1),
            "error: `sigstore` is the name of a trust root that comes with waxseal\n\
             hint: take another name: this one is the program's\n"
        )
    );
    world.place.write("other.json", "{}");
    for (arguments, said) in [
        (
            ["acme", "--trusted-root", "root.json"],
            String::from(
                "error: there is a trust root `acme` already, and it is another one\n\
                 hint: take another name; --replace puts this one in the place of that one\n",
            ),
        ),
        (
            ["x", "--trusted-root", "other.json"],
            "error: `other.json`: the trusted root is refused: trust root: failed to parse JSON: \
             missing field `mediaType` at line 1 column 2\n"
                .to_owned(),
        ),
    ] {
        let ran = world.run(&[&["trust", "pin"][..], &arguments].concat());
        assert_eq!((ran.code, ran.stderr), (Some(1), said));
    }
    let replace = ["acme", "--trusted-root", "root.json", "--replace"];
    let ran = world.ok(&[&["trust", "pin"][..], &replace].concat());
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("acme: kept\n", "")
    );
    let shown = world.ok(&["trust", "show", "acme"]).stdout;
    assert!(
        shown.starts_with("acme: from a file, given just now\n"),
        "{shown}"
    );
    for arguments in [
        &["trust", "pin", "x"][..],
        &["trust", "pin", "x", "--url", "https://tuf.example"],
        &["trust", "pin", "X/y", "--trusted-root", "root.json"],
    ] {
        assert_eq!(world.run(arguments).code, Some(2), "{arguments:?}");
    }
}

/// Writes the certificates or the key of a part of the trusted root, in PEM.
fn put_pem(place: &Place, name: &str, tag: &str, values: &[&Value]) {
    let blocks = values.iter().map(|value| {
        let base64 = value["rawBytes"].as_str().unwrap();
        format!("-----BEGIN {tag}-----\n{base64}\n-----END {tag}-----\n")
    });
    place.write(name, blocks.collect::<String>());
}

#[test]
fn documents_are_made_for_a_private_instance_and_work() {
    let world = World::pinned();
    let place = &world.place;
    let root = world.sigstore.trusted_root();
    for (name, list) in [
        ("fulcio.pem", "certificateAuthorities"),
        ("tsa.pem", "timestampAuthorities"),
    ] {
        let chain = root[list][0]["certChain"]["certificates"]
            .as_array()
            .unwrap();
        put_pem(
            place,
            name,
            "CERTIFICATE",
            &chain.iter().collect::<Vec<_>>(),
        );
    }
    put_pem(
        place,
        "ct.pub",
        "PUBLIC KEY",
        &[&root["ctlogs"][0]["publicKey"]],
    );
    put_pem(
        place,
        "rekor.pub",
        "PUBLIC KEY",
        &[&root["tlogs"][1]["publicKey"]],
    );
    let fulcio = format!(
        "url={},certificate-chain=fulcio.pem",
        world.sigstore.fulcio_url()
    );
    let ctfe = format!("url={},public-key=ct.pub", world.sigstore.ct_log_url());
    let rekor = format!(
        "url={},public-key=rekor.pub,api-version=2,operator=us",
        world.sigstore.rekor_v2_url()
    );
    let tsa = format!("url={},certificate-chain=tsa.pem", world.sigstore.tsa_url());
    let create = [
        "trust", "create", "-o", "made", "--fulcio", &fulcio, "--ctfe", &ctfe, "--tsa", &tsa,
    ];
    let whole = [&create[..], &["--rekor", &rekor]].concat();
    assert_eq!(
        world.ok(&whole).stdout,
        "made/trusted_root.json\nmade/signing_config.json\n"
    );
    world.ok(&[
        "trust",
        "pin",
        "made",
        "--trusted-root",
        "made/trusted_root.json",
        "--signing-config",
        "made/signing_config.json",
    ]);
    world.ok(&[
        "sign-blob",
        "blob",
        "--keyless",
        "--yes",
        "--identity-token",
        "@token",
        "--trust-root",
        "made",
        "--bundle",
        "bundle.json",
    ]);

    let again = world.run(&whole);
    assert_eq!(
        (again.code, again.stderr.as_str()),
        (
            Some(1),
            "error: cannot write `made/trusted_root.json`: it is there already\n\
             hint: --force replaces it\n"
        )
    );
    world.ok(&[&whole[..], &["--force"]].concat());
    for (spec, said) in [
        ("url=https://r.example", "`public-key` is missing"),
        (
            "https://r.example",
            "`https://r.example` is not of the form KEY=VALUE\n\
             hint: it begins like url=https://service.example.com; --help has an example",
        ),
        ("url=a,url=b", "`url` is given twice"),
        (
            "url=https://r.example,public-key=rekor.pub,colour=red",
            "`colour` has no meaning here",
        ),
        (
            "url=https://r.example,public-key=rekor.pub,api-version=3",
            "the api-version `3` is unknown: known are 1 and 2",
        ),
    ] {
        let ran = world.run(&[&create[..], &["--force", "--rekor", spec]].concat());
        assert_eq!(
            (ran.code, ran.stderr),
            (Some(2), format!("error: --rekor: {said}\n"))
        );
    }
    let nobody = world.run(&["trust", "create", "-o", "made", "--force"]);
    assert_eq!(
        (nobody.code, nobody.stderr.as_str()),
        (
            Some(2),
            "error: a trusted root without any authority or log trusts nobody\n"
        )
    );
}

#[test]
fn a_policy_names_a_trust_root_for_each_signer() {
    let world = World::updated();
    let registry = Registry::start(Options::default());
    let image = world.signed(&registry);
    let place = &world.place;
    let shown = ["trust", "show", "acme", "--print", "trusted-root"];
    place.write("root.json", world.ok(&shown).stdout);
    place.write("empty.json", "{}");

    let by = |root: &str| {
        world.policy(&registry, root);
        world.run(&[
            "verify",
            "--policy",
            "policy.yaml",
            &image,
            "--insecure-http",
        ])
    };
    let fetched = format!(
        "trust root `acme`: fetched just now from {}\n",
        world.repository.url()
    );
    let ran = by("acme");
    assert_eq!((ran.code, ran.stderr), (Some(0), fetched));
    let ran = by("./root.json");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let explained = world.ok(&["policy", "explain", "policy.yaml"]).stdout;
    assert!(
        explained.contains(", by the trust root sha256:"),
        "{explained}"
    );

    let foreign = by("sigstore");
    assert_eq!(foreign.code, Some(3));
    for (root, said) in [
        (
            "else",
            "the policy `policy.yaml`: there is no trust root `else`; `waxseal trust show` lists \
             those that there are",
        ),
        (
            "./none.json",
            "cannot read `./none.json`: No such file or directory (os error 2)",
        ),
        (
            "Acme",
            "the policy `policy.yaml`: `Acme` cannot be the name of a trust root: lower-case \
             letters, digits, `-`, `_` and `.` can, after a letter or a digit, 64 at most",
        ),
        (
            "empty.json",
            "the policy `policy.yaml`: policy `shop`: the trust root of authority `dev`: failed to \
             parse JSON: missing field `mediaType` at line 1 column 2\nhint: `waxseal policy check` \
             says more",
        ),
    ] {
        let ran = by(root);
        assert_eq!(
            (ran.code, ran.stderr),
            (Some(1), format!("error: {said}\n"))
        );
    }
}

#[test]
fn a_policy_says_what_becomes_of_a_stale_root() {
    let world = World::stale();
    let registry = Registry::start(Options::default());
    let image = world.signed(&registry);
    let verify = ["verify", "-p", "policy.yaml", &image, "--insecure-http"];
    let until = world.draft.timestamp.expires;
    let why =
        format!("the trust root `acme` is stale: its repository vouched for it until {until}");
    let answer = |arguments: &[&str]| -> (Option<i32>, Value) {
        let ran = world.run(&[arguments, &["-o", "json"]].concat());
        (ran.code, serde_json::from_str(&ran.stdout).unwrap())
    };

    world.policy(&registry, "acme");
    let (code, refused) = answer(&verify);
    assert_eq!((code, &refused["verdict"]), (Some(1), &"unable".into()));
    assert_eq!(refused["reason"], why);
    let root = &refused["trustRoots"][0];
    assert_eq!(
        (&root["name"], &root["stale"]),
        (&"acme".into(), &why.clone().into())
    );
    assert_eq!(root["refused"], true);
    assert_eq!(root["ageSeconds"].as_i64().unwrap() / 86_400, 9);
    let missing = refused.pointer("/policies/0/requirements/0").unwrap();
    assert_eq!(missing["missing"], why);
    assert_eq!(missing["code"], "trust-root-stale");

    // The operator may take it for a while, and is told.
    let tolerant = [&verify[..], &["--trust-max-stale", "4"]].concat();
    let (code, taken) = answer(&tolerant);
    assert_eq!((code, &taken["verdict"]), (Some(0), &"allow".into()));
    assert_eq!(taken["trustRoots"][0]["stale"], why);
    // Or whoever wrote the policy.
    world.policy(&registry, "{ name: acme, stale: warn }");
    let ran = world.ok(&verify);
    let url = world.repository.url();
    let warning = format!(
        "warning: the trust root `acme` is stale: fetched 9 days ago from {url}, vouched for \
         until {until}\n"
    );
    assert_eq!(ran.stderr, warning);

    let stale = format!("shop: {why}");
    let explained = world.ok(&["policy", "explain", "policy.yaml"]).stdout;
    let words = ", which is `acme`, used with a warning when stale\n";
    assert!(explained.contains(words), "{explained}");
    let check = ["policy", "check", "policy.yaml", "-o", "json"];
    let checked: Value = serde_json::from_str(&world.ok(&check).stdout).unwrap();
    assert_eq!(checked.pointer("/files/0/lints").unwrap(), &json!([stale]));
    let shared = world.run(&[&check[..], &["--trust-root", "else"]].concat());
    assert_eq!(
        (shared.code, shared.stderr.lines().next()),
        (Some(1), Some("error: there is no trust root `else`"))
    );

    // What the policy asks of its age the operator cannot change.
    world.policy(&registry, "{ name: acme, maxAge: 8d }");
    let (code, old) = answer(&tolerant);
    assert_eq!((code, &old["verdict"]), (Some(1), &"unable".into()));
    let reason = old["reason"].as_str().unwrap();
    assert!(
        reason.ends_with(", older than the policy takes"),
        "{reason}"
    );
    world.policy(&registry, "{ name: acme, maxAge: 10d }");
    assert_eq!(answer(&tolerant).0, Some(0));
    world.policy(&registry, "{ name: sigstore, maxAge: 10d }");
    let (code, unknown) = answer(&verify);
    assert_eq!(code, Some(1));
    assert_eq!(
        unknown["reason"],
        "the trust root `sigstore` is stale: nobody knows how old it is, and the policy asks"
    );

    // An evidence file has the root and its age in it.
    world.policy(&registry, "{ name: acme, stale: warn }");
    world.ok(&[
        "capture",
        "-p",
        "policy.yaml",
        &image,
        "--insecure-http",
        "-o",
        "e.tar",
    ]);
    let again = world.ok(&["replay", "e.tar", "-o", "json"]).stdout;
    assert!(again.contains(&why), "{again}");
    let replay = ["replay", "e.tar", "-p", "policy.yaml"];
    world.ok(&replay);
    let ran = world.run(&["replay", "e.tar", "--trust-root", "acme"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (
            Some(2),
            "error: --trust-root goes with --policy: the file has the trust root of its own \
             policies\n"
        )
    );
}

#[test]
fn the_repository_says_where_to_sign() {
    let mut world = World::updated();
    let keyless = [
        "sign-blob",
        "blob",
        "--keyless",
        "--yes",
        "--identity-token",
    ];
    let rest = ["@token", "--trust-root", "acme", "--bundle", "bundle.json"];
    let sign = [&keyless[..], &rest].concat();
    let logged = |world: &World| {
        [Service::RekorV1, Service::RekorV2].map(|log| world.sigstore.asked(log).len())
    };
    world.ok(&sign);
    assert_eq!(logged(&world), [0, 1]);

    let name = "signing_config.v0.2.json";
    let config = world.sigstore.signing_config(&[LogVersion::V1]);
    world.draft.target(name, config.to_string());
    world.draft.renew();
    world.repository.publish(&world.draft);
    world.ok(&["trust", "update", "acme"]);
    world.ok(&sign);
    assert_eq!(logged(&world), [1, 1]);
    let printed = ["trust", "show", "acme", "--print", "signing-config"];
    assert_eq!(world.ok(&printed).stdout, config.to_string());

    world.draft.files.remove(name);
    world.draft.renew();
    world.repository.publish(&world.draft);
    world.ok(&["trust", "update", "acme"]);
    let ran = world.run(&sign);
    assert_eq!(ran.code, Some(1));
    let said = "error: the trust root `acme` does not say where to sign\n\
                hint: --signing-config FILE does\n";
    assert!(ran.stderr.ends_with(said), "{}", ran.stderr);
}
