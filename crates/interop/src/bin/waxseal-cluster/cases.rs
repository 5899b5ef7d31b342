//! What is done to the cluster, and what it must answer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use waxseal_testkit::process::{Process, free_ports};
use waxseal_testkit::{ImageSpec, Options, Registry, TlsIdentity};

use crate::objects::{KINDS, pod_spec, positions};
use crate::processes::{Answer, Cluster, until};
use crate::webhooks;

const PASSWORD: &str = "a password for the tests";

/// Runs every case and returns how many failed.
pub(crate) fn run(root: &Path) -> usize {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(all(root))
}

/// What the cases work with.
struct World {
    cluster: Cluster,
    signed: String,
    pinned: String,
    unsigned: String,
    failed: usize,
    passed: usize,
}

impl World {
    fn check(&mut self, name: &str, right: bool, answer: &Answer) {
        if right {
            self.passed += 1;
            println!("PASS  {name}");
        } else {
            self.failed += 1;
            println!(
                "FAIL  {name}: the API server answered {} {}",
                answer.0, answer.1
            );
        }
    }

    async fn allowed(&mut self, name: &str, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.cluster.send(method, path, Some(body)).await;
        let right = (200..300).contains(&answer.0);
        self.check(name, right, &answer);
        answer.1
    }

    async fn denied(&mut self, name: &str, method: &str, path: &str, body: &Value, because: &str) {
        let answer = self.cluster.send(method, path, Some(body)).await;
        let message = answer.1["message"].as_str().unwrap_or_default();
        let right = answer.0 == 403 && message.contains(because);
        self.check(name, right, &answer);
    }
}

async fn all(root: &Path) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    let registry = Registry::start(Options::default());
    let bin = build(root);
    let (policies, signed, pinned, unsigned) = evidence(&bin, folder.path(), &registry);
    let (address, ca, _webhook) = webhook(&bin, folder.path(), &policies);
    let cluster = Cluster::start(&root.join(".peers/bin"), folder.path()).await;
    let mut world = World {
        cluster,
        signed,
        pinned,
        unsigned,
        failed: 0,
        passed: 0,
    };

    namespaces(&world).await;
    configure(&world, &address, &ca).await;
    kinds(&mut world).await;
    places(&mut world).await;
    changes(&mut world).await;
    outside(&mut world).await;
    drop(registry);
    unreachable_registry(&mut world).await;
    println!("\n{} passed, {} failed", world.passed, world.failed);
    world.failed
}

/// The folder of the two binaries: `WAXSEAL_BIN_DIR`, else they are built.
fn build(root: &Path) -> PathBuf {
    if let Some(folder) = std::env::var_os("WAXSEAL_BIN_DIR") {
        return PathBuf::from(folder);
    }
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(root)
        .args([
            "build",
            "--release",
            "--locked",
            "-p",
            "waxseal-cli",
            "-p",
            "waxseal-admission",
        ])
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the binaries do not build");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("release")
}

/// A signed and an unsigned image, and a folder with the policy for both.
fn evidence(bin: &Path, folder: &Path, registry: &Registry) -> (PathBuf, String, String, String) {
    let signed = registry.push_image("shop/api", "v1", &ImageSpec::tiny());
    let unsigned =
        registry.push_image("shop/web", "v1", &ImageSpec::tiny().with_marker("unsigned"));
    let waxseal = |args: &[&str]| {
        let output = Command::new(bin.join("waxseal"))
            .current_dir(folder)
            .args(args)
            .env("WAXSEAL_PASSWORD", PASSWORD)
            .output()
            .expect("waxseal runs");
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let host = registry.host();
    let digest = format!("{host}/shop/api@{}", signed.digest);
    waxseal(&["keygen", "--output-prefix", "release"]);
    waxseal(&["--insecure-http", "sign", "--key", "release.key", &digest]);
    let policies = folder.join("policies");
    fs::create_dir(&policies).expect("a folder");
    fs::copy(folder.join("release.pub"), policies.join("release.pub")).expect("the public key");
    let policy = format!(
        "apiVersion: waxseal.dev/v1alpha1\nkind: ImagePolicy\nmetadata: {{ name: release }}\nspec:\n  \
         match: {{ images: [\"{host}/shop/**\"] }}\n  \
         authorities:\n    release: {{ key: {{ file: release.pub }} }}\n  \
         require:\n    - signature: {{ from: [release] }}\n  mode: enforce\n"
    );
    fs::write(policies.join("release.yaml"), policy).expect("a policy");
    let tagged = format!("{host}/shop/api:v1");
    let pinned = format!("{tagged}@{}", signed.digest);
    let unsigned = format!("{host}/shop/web@{}", unsigned.digest);
    (policies, tagged, pinned, unsigned)
}

/// The webhook's address, the certificate bundle for it, and its process.
fn webhook(bin: &Path, folder: &Path, policies: &Path) -> (String, String, Process) {
    let [port] = free_ports();
    let identity = TlsIdentity::loopback();
    let [cert_file, key_file] = ["tls.crt", "tls.key"].map(|n| folder.join(n));
    fs::write(&cert_file, &identity.cert_pem).expect("a certificate file");
    fs::write(&key_file, &identity.key_pem).expect("a key file");
    let text = |p: &Path| p.to_string_lossy().into_owned();
    let mut server = Process::start(
        &bin.join("waxseal-admission"),
        [
            "serve".into(),
            "--insecure-http".into(),
            format!("--listen=127.0.0.1:{port}"),
            format!("--policy-dir={}", text(policies)),
            format!("--tls-cert={}", text(&cert_file)),
            format!("--tls-key={}", text(&key_file)),
        ],
        &folder.join("webhook.log"),
    );
    server.answers(port);
    use base64::Engine as _;
    let bundle = base64::engine::general_purpose::STANDARD.encode(&identity.ca_pem);
    (format!("https://127.0.0.1:{port}"), bundle, server)
}

async fn namespaces(world: &World) {
    for (name, labels) in [("shop", json!({ "waxseal": "on" })), ("free", json!({}))] {
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels },
        });
        let (status, body) = world
            .cluster
            .send("POST", "/api/v1/namespaces", Some(&namespace))
            .await;
        assert_eq!(status, 201, "{body}");
        // No controller manager runs here, so nobody makes the default account.
        let account = json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "default" },
        });
        let path = format!("/api/v1/namespaces/{name}/serviceaccounts");
        let (status, body) = world.cluster.send("POST", &path, Some(&account)).await;
        assert_eq!(status, 201, "{body}");
    }
}

async fn configure(world: &World, address: &str, ca: &str) {
    for kind in [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ] {
        let configuration = webhooks::configuration(kind, address, ca);
        let path = webhooks::collection(kind);
        let (status, body) = world
            .cluster
            .send("POST", &path, Some(&configuration))
            .await;
        assert_eq!(status, 201, "{body}");
    }
    // A configuration takes effect a moment after it is stored: probe until it has.
    let pods = KINDS[0].collection("shop") + "?dryRun=All";
    let probe = KINDS[0].object("probe", &pod_spec(&world.unsigned));
    until("the webhook", || async {
        world.cluster.send("POST", &pods, Some(&probe)).await.0 == 403
    })
    .await;
    let probe = KINDS[0].object("probe", &pod_spec(&world.signed));
    until("the mutating webhook", || async {
        let (_, pod) = world.cluster.send("POST", &pods, Some(&probe)).await;
        pod["spec"]["containers"][0]["image"] == world.pinned.as_str()
    })
    .await;
}

/// Every kind: the signed image goes in and is pinned, the unsigned one stays out.
async fn kinds(world: &mut World) {
    for kind in &KINDS {
        let path = kind.collection("shop");
        let good = kind.object("good", &pod_spec(&world.signed));
        let stored = world
            .allowed(
                &format!("{}: signed image", kind.name),
                "POST",
                &path,
                &good,
            )
            .await;
        let image = stored
            .pointer(kind.pod_spec)
            .map(|s| s["containers"][0]["image"].clone());
        let right = image.as_ref().and_then(Value::as_str) == Some(world.pinned.as_str());
        world.check(
            &format!("{}: pinned to the digest", kind.name),
            right,
            &(0, stored),
        );
        let bad = kind.object("bad", &pod_spec(&world.unsigned));
        let name = format!("{}: unsigned image", kind.name);
        world.denied(&name, "POST", &path, &bad, "shop/web").await;
    }
}

/// Every place of a PodSpec where an image can stand.
async fn places(world: &mut World) {
    let pods = KINDS[0].collection("shop");
    for (place, spec) in positions(&world.signed.clone(), &world.unsigned.clone()) {
        let pod = KINDS[0].object("place", &spec);
        world
            .denied(
                &format!("Pod: unsigned {place}"),
                "POST",
                &pods,
                &pod,
                "shop/web",
            )
            .await;
    }
    for (n, (place, spec)) in positions(&world.signed.clone(), &world.signed.clone())
        .iter()
        .enumerate()
    {
        let pod = KINDS[0].object(&format!("place-{n}"), spec);
        world
            .allowed(&format!("Pod: signed {place}"), "POST", &pods, &pod)
            .await;
    }
    let ephemeral = |image: &str| json!({ "spec": { "ephemeralContainers": [{ "name": "debug", "image": image }] } });
    let path = format!("{pods}/good/ephemeralcontainers");
    let (bad, good) = (ephemeral(&world.unsigned), ephemeral(&world.signed));
    world
        .denied(
            "Pod: unsigned ephemeral container",
            "PATCH",
            &path,
            &bad,
            "shop/web",
        )
        .await;
    world
        .allowed("Pod: signed ephemeral container", "PATCH", &path, &good)
        .await;
}

/// Changes of objects that are there already.
async fn changes(world: &mut World) {
    let deployment = format!("{}/good", KINDS[3].collection("shop"));
    let label = json!({ "metadata": { "labels": { "touched": "yes" } } });
    world
        .allowed("Deployment: label", "PATCH", &deployment, &label)
        .await;
    let scale = json!({ "spec": { "replicas": 3 } });
    let path = format!("{deployment}/scale");
    world
        .allowed("Deployment: scale subresource", "PATCH", &path, &scale)
        .await;
    let container = json!([{ "name": "main", "image": world.unsigned }]);
    let swap = json!({ "spec": { "template": { "spec": { "containers": container } } } });
    world
        .denied(
            "Deployment: image swap",
            "PATCH",
            &deployment,
            &swap,
            "shop/web",
        )
        .await;
    let both = json!({
        "spec": { "replicas": 1, "template": { "spec": { "containers": container } } },
    });
    let name = "Deployment: image swap while scaling down";
    world
        .denied(name, "PATCH", &deployment, &both, "shop/web")
        .await;

    let forged = KINDS[0].object("forged", &pod_spec(&world.unsigned));
    let mut forged = forged;
    forged["metadata"]["annotations"] = json!({ "waxseal.dev/verified": "true" });
    let pods = KINDS[0].collection("shop");
    world
        .denied("Pod: forged annotation", "POST", &pods, &forged, "shop/web")
        .await;
    let dry = format!("{pods}?dryRun=All");
    world
        .denied("Pod: dry run", "POST", &dry, &forged, "shop/web")
        .await;
    let uncovered = KINDS[0].object("uncovered", &pod_spec("registry.invalid/other:1"));
    world
        .denied(
            "Pod: no policy covers it",
            "POST",
            &pods,
            &uncovered,
            "registry.invalid/other",
        )
        .await;
    let strange = KINDS[0].object("strange", &pod_spec("ok/X:1"));
    world
        .denied(
            "Pod: a reference that is none",
            "POST",
            &pods,
            &strange,
            "ok/X:1",
        )
        .await;
}

/// A namespace that the configuration does not select.
async fn outside(world: &mut World) {
    let pods = KINDS[0].collection("free");
    let pod = KINDS[0].object("bad", &pod_spec(&world.unsigned));
    world
        .allowed("a namespace that is not selected", "POST", &pods, &pod)
        .await;

    // An unsigned Pod with a finalizer, brought under the webhook afterwards,
    // must still be deletable.
    let mut held = KINDS[0].object("held", &pod_spec(&world.unsigned));
    held["metadata"]["finalizers"] = json!(["waxseal.dev/held"]);
    world
        .allowed("a Pod with a finalizer", "POST", &pods, &held)
        .await;
    let label = json!({ "metadata": { "labels": { "waxseal": "on" } } });
    world
        .allowed(
            "the namespace comes under the webhook",
            "PATCH",
            "/api/v1/namespaces/free",
            &label,
        )
        .await;
    let path = format!("{pods}/held");
    world
        .allowed("deletion is asked for", "DELETE", &path, &json!({}))
        .await;
    let release = json!({ "metadata": { "finalizers": null } });
    world
        .allowed("the finalizer is removed", "PATCH", &path, &release)
        .await;
}

/// The registry is gone: an image not yet decided is refused as unknown.
async fn unreachable_registry(world: &mut World) {
    let pods = KINDS[0].collection("shop");
    let other = world.signed.replace("shop/api", "shop/late");
    let pod = KINDS[0].object("late", &pod_spec(&other));
    let answer = world.cluster.send("POST", &pods, Some(&pod)).await;
    let message = answer.1["message"].as_str().unwrap_or_default().to_owned();
    let right = answer.0 >= 400 && message.contains("could not");
    world.check("the registry is gone: refused as unknown", right, &answer);
}
