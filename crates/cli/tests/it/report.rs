//! `report`: the page about an image that is verified, refused, or out of reach.

use std::fs;

use waxseal_oci::{Index, media};
use waxseal_testkit::{ImageSpec, Options, Registry};

use crate::run::{Place, Ran};
use crate::sbom::{layer, push};

const APK: &str = "P:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\n\nP:<b>zlib\nV:1.3\"'\n\n";
const NODE: &str = r#"{"name": "left-pad", "version": "1.3.0", "license": "WTFPL"}"#;

struct Shop {
    place: Place,
    registry: Registry,
    image: String,
    layers: Vec<waxseal_oci::Digest>,
}

impl Shop {
    /// An image of two layers, signed by `cosign3`.
    fn new() -> Self {
        let registry = Registry::start(Options::default());
        let place = Place::new();
        for key in ["cosign3.key", "cosign3.pub", "cosign2.pub"] {
            place.key(key);
        }
        let lower = layer(&[
            ("etc/os-release", "ID=alpine\nVERSION_ID=3.20\n"),
            ("lib/apk/db/installed", APK),
        ]);
        let upper = layer(&[("app/node_modules/left-pad/package.json", NODE)]);
        let (image, layers) = push(&registry, "1.0", &[lower, upper]);
        let shop = Self {
            place,
            registry,
            image,
            layers,
        };
        let signed = shop.run(&["sign", "--key", "cosign3.key", &shop.image]);
        assert_eq!(signed.code, Some(0), "{}", signed.stderr);
        shop
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let http = ["--insecure-http"];
        self.place.run(arguments.iter().copied().chain(http))
    }

    fn report(&self, key: &str, image: &str) -> Ran {
        self.run(&["report", "--html", "page.html", "--key", key, image])
    }
}

#[test]
fn a_verified_image() {
    let shop = Shop::new();
    let ran = shop.report("cosign3.pub", &shop.image);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ran.stderr, "wrote `page.html`\n");
    let verify = shop.run(&["verify", "--key", "cosign3.pub", &shop.image]);
    assert_eq!(ran.stdout, verify.stdout, "the verdict of `verify`");
    let page = shop.place.read("page.html");
    for said in [
        format!("<title>verified: {}</title>", shop.image),
        format!("<h1>{}</h1>", shop.image),
        "<p class=\"word good\">verified</p>".to_owned(),
        "<strong class=\"good\">met</strong>: signature by cosign3.pub".to_owned(),
        "<td>signature</td><td>not known: no trusted log or authority says when</td>".to_owned(),
        "<strong>signature</strong>".to_owned(),
        "in this verdict: counts, by cosign3.pub".to_owned(),
        "3 packages: 2 apk, 1 npm.".to_owned(),
        "It is made from alpine 3.20.".to_owned(),
        format!("<code>{}</code>", shop.layers.first().unwrap()),
        "<strong>Layer 1 of 2</strong>, <span class=\"number\" data-all=\"2\">2 packages</span>"
            .to_owned(),
        "<th scope=\"row\">&lt;b&gt;zlib</th><td>1.3&quot;'</td><td>apk</td>".to_owned(),
        "<th scope=\"row\">left-pad</th><td>1.3.0</td><td>npm</td><td>WTFPL</td>".to_owned(),
        "<code>pkg:npm/left-pad@1.3.0</code>".to_owned(),
    ] {
        assert!(page.contains(&said), "`{said}` is not in {page}");
    }
    assert!(!page.contains("<b>"), "{page}");
}

#[test]
fn a_refused_image_has_a_page_too() {
    let shop = Shop::new();
    let old = shop.place.write("page.html", "an old page");
    let ran = shop.report("cosign2.pub", &shop.image);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stdout.starts_with("refused "), "{}", ran.stdout);
    let page = fs::read_to_string(old).unwrap();
    for said in [
        "<p class=\"word bad\">refused</p>",
        "<strong class=\"bad\">NOT MET</strong>: signature by cosign2.pub",
        "<li>rejected for cosign2.pub: signed with another key",
        "No signature and no attestation was found that counts.",
        "in this verdict: rejected: signed with another key",
        "<code>pkg:npm/left-pad@1.3.0</code>",
    ] {
        assert!(page.contains(said), "`{said}` is not in {page}");
    }
    // Nothing besides is left behind.
    let files = fs::read_dir(shop.place.path(".")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    assert!(names.into_iter().all(|name| !name.starts_with(".waxseal")));
}

#[test]
fn the_same_bytes_for_the_same_time() {
    let shop = Shop::new();
    let page = |epoch: &str| {
        let mut command = shop.place.command([
            "report",
            "--insecure-http",
            "--quiet",
            "--html",
            "page.html",
            "--key",
            "cosign3.pub",
            &shop.image,
        ]);
        command.env("SOURCE_DATE_EPOCH", epoch);
        let ran = Ran::of(command);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
        shop.place.read("page.html")
    };
    let first = page("86400");
    assert_eq!(page("86400"), first);
    let time = "<time datetime=\"1970-01-02T00:00:00Z\">1970-01-02T00:00:00Z</time>";
    assert!(first.contains(time), "{first}");
    assert_ne!(page("86401"), first);
}

#[test]
fn what_changed_since_another_image() {
    let shop = Shop::new();
    let old = APK.replace("1.2.5-r0", "1.2.4-r0");
    let layers = [layer(&[
        ("etc/os-release", "ID=alpine\nVERSION_ID=3.20\n"),
        ("lib/apk/db/installed", &old),
    ])];
    let (older, _) = push(&shop.registry, "0.9", &layers);
    let report = |since: &str| {
        let flags = ["report", "--html", "page.html", "--key", "cosign3.pub"];
        shop.run(&[&flags[..], &["--since", since, &shop.image]].concat())
    };
    let ran = report(&older);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let page = shop.place.read("page.html");
    let none = "<span class=\"muted\">none</span>";
    for said in [
        format!("Since <code>{older}</code>: 1 changed, 1 added, 0 removed; 1 package the same."),
        "<td>apk</td><td>changed</td><td>1.2.4-r0</td><td>1.2.5-r0</td>".to_owned(),
        format!("left-pad</th><td>npm</td><td>added</td><td>{none}</td><td>1.3.0</td>"),
    ] {
        assert!(page.contains(&said), "`{said}` is not in {page}");
    }
    // What cannot be compared with is a hole in the page; what cannot be a name is wrong usage.
    let missing = format!("{}/shop/none:1", shop.registry.host());
    let ran = report(&missing);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let start = format!("error: the page is not complete: the packages of {missing}: ");
    assert!(ran.stderr.contains(&start), "{}", ran.stderr);
    assert!(
        shop.place
            .read("page.html")
            .contains("What could not be told</h2>")
    );
    assert_eq!(report("no such thing").code, Some(2));
}

#[test]
fn an_image_that_cannot_be_had() {
    let shop = Shop::new();
    let missing = format!("{}/shop/none:1", shop.registry.host());
    let ran = shop.report("cosign3.pub", &missing);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let page = shop.place.read("page.html");
    let said = "<p class=\"word doubtful\">could not check</p>";
    assert!(page.contains(said), "{page}");
    assert!(!page.contains("Packages by layer"), "{page}");
}

#[test]
fn a_page_with_holes_is_no_success() {
    let shop = Shop::new();
    let (image, layers) = push(&shop.registry, "2.0", &[b"not an archive".to_vec()]);
    let signed = shop.run(&["sign", "--key", "cosign3.key", &image]);
    assert_eq!(signed.code, Some(0), "{}", signed.stderr);
    let ran = shop.report("cosign3.pub", &image);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let start = format!(
        "error: the page is not complete: the packages of {image}: the layer {}: ",
        layers.first().unwrap()
    );
    assert!(ran.stderr.contains(&start), "{}", ran.stderr);
    let page = shop.place.read("page.html");
    assert!(page.contains("What could not be told</h2>"), "{page}");
    assert!(
        page.contains("<p class=\"word good\">verified</p>"),
        "{page}"
    );
    // A refusal stays one.
    assert_eq!(shop.report("cosign2.pub", &image).code, Some(3));
}

#[test]
fn an_index_is_listed_by_platform() {
    let shop = Shop::new();
    let member = |platform: &str, name: &str| {
        let mut spec = ImageSpec::tiny().for_platform(platform);
        let package = NODE.replace("left-pad", name);
        spec.layer = layer(&[("app/node_modules/a/package.json", &package)]);
        let tag = name.to_owned();
        shop.registry
            .push_image("shop/many", &tag, &spec)
            .descriptor
    };
    let members = vec![
        member("linux/amd64", "for-amd"),
        member("linux/arm64", "for-arm"),
    ];
    let bytes = Index::new(members).to_bytes().unwrap();
    let index = shop
        .registry
        .push_manifest("shop/many", "1", media::OCI_INDEX, &bytes);
    let signed = shop.run(&["sign", "--key", "cosign3.key", &index.by_digest]);
    assert_eq!(signed.code, Some(0), "{}", signed.stderr);

    let ran = shop.report("cosign3.pub", &index.by_digest);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let page = shop.place.read("page.html");
    for said in [
        " for linux/amd64)</h2>",
        "pkg:npm/for-amd@1.3.0",
        " for linux/arm64)</h2>",
        "pkg:npm/for-arm@1.3.0",
    ] {
        assert!(page.contains(said), "`{said}` is not in {page}");
    }
    let ran = shop.run(&[
        "report",
        "--html",
        "page.html",
        "--key",
        "cosign3.pub",
        "--platforms",
        "linux/arm64",
        &index.by_digest,
    ]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let page = shop.place.read("page.html");
    assert!(page.contains("pkg:npm/for-arm@1.3.0"), "{page}");
    assert!(!page.contains("pkg:npm/for-amd@1.3.0"), "{page}");
}

/// Whoever takes one that is for nothing in particular gets what is not on the page.
#[test]
fn an_index_with_an_image_for_no_platform_is_not_listed_whole() {
    let shop = Shop::new();
    let member = |tag: &str, platform: Option<&str>| {
        let mut spec = ImageSpec::tiny().for_platform(platform.unwrap_or("linux/amd64"));
        spec.layer = layer(&[(tag, "")]);
        let pushed = shop.registry.push_image("shop/odd", tag, &spec);
        let mut entry = pushed.descriptor;
        if platform.is_none() {
            entry.platform = None;
        }
        entry
    };
    let members = vec![member("a", Some("linux/arm64")), member("b", None)];
    let bytes = Index::new(members).to_bytes().unwrap();
    let index = shop
        .registry
        .push_manifest("shop/odd", "1", media::OCI_INDEX, &bytes);
    let signed = shop.run(&["sign", "--key", "cosign3.key", &index.by_digest]);
    assert_eq!(signed.code, Some(0), "{}", signed.stderr);
    let ran = shop.report("cosign3.pub", &index.by_digest);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (
            Some(1),
            "wrote `page.html`\nerror: the page is not complete: 1 of the entries of the index are \
             for no platform, and their packages are not listed\n"
        )
    );
}

#[test]
fn wrong_usage_leaves_nothing() {
    let shop = Shop::new();
    let ran = shop.run(&["report", "--html", "page.html", &shop.image]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    let ran = shop.run(&["report", "--key", "cosign3.pub", &shop.image]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    let ran = shop.run(&[
        "report",
        "--html",
        "none/page.html",
        "--key",
        "cosign3.pub",
        &shop.image,
    ]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(
        ran.stderr
            .starts_with("error: cannot write `none/page.html`: "),
        "{}",
        ran.stderr
    );
    assert!(!shop.place.path("page.html").exists());
}
