//! `verify -f`: every image in Kubernetes files.

use std::io::Write as _;
use std::process::Stdio;

use crate::registry::Shop;
use crate::run::Ran;

const VERIFY: [&str; 4] = ["verify", "--key", "cosign3.pub", "-f"];

fn verify(shop: &Shop, files: &[&str]) -> Ran {
    shop.run(&[&VERIFY[..], files].concat())
}

#[test]
fn every_image_of_every_kind_is_verified_once() {
    let shop = Shop::signed();
    let (good, host) = (&shop.image.reference, shop.registry.host());
    shop.place.write(
        "deploy.yaml",
        format!(
            "# nothing in the first document
---
apiVersion: apps/v1
kind: Deployment
metadata: {{ name: web }}
spec:
  template:
    spec:
      initContainers: [{{ name: init, image: {host}/shop/init:1 }}]
      containers: [{{ name: web, image: {good} }}]
      volumes: [{{ name: data, image: {{ reference: {host}/shop/data:1 }} }}]
---
apiVersion: v1
kind: List
items:
  - apiVersion: batch/v1
    kind: CronJob
    metadata: {{ name: nightly }}
    spec: {{ jobTemplate: {{ spec: {{ template: {{ spec: {{ containers: [{{ name: c, image: {good} }}] }} }} }} }} }}
  - apiVersion: v1
    kind: ConfigMap
    metadata: {{ name: settings }}
    data: {{ image: not/an:image }}
"
        ),
    );
    let ran = verify(&shop, &["deploy.yaml"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    insta::assert_snapshot!(shop.scrubbed(&ran.stdout));
}

#[test]
fn standard_input_folders_and_other_kinds() {
    let shop = Shop::signed();
    let good = &shop.image.reference;
    let pod = format!(
        "{{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{{\"name\":\"p\"}},\"spec\":{{\"containers\":[{{\"image\":\"{good}\"}}]}}}}"
    );
    let mut command = shop
        .place
        .command([&VERIFY[..], &["-", "--insecure-http"]].concat());
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(pod.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("used by standard input: Pod/p spec.containers[0].image"),
        "{said}"
    );

    let rollout = pod
        .replace("\"v1\"", "\"argoproj.io/v1\"")
        .replace("Pod", "Rollout");
    std::fs::create_dir_all(shop.place.path("all/below")).unwrap();
    shop.place.write("all/below/rollout.json", rollout);
    shop.place.write("all/values.yaml", "image: nginx");
    let ran = verify(&shop, &["all"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr
            .contains("say so with `--extra-kind argoproj.io/Rollout=spec`"),
        "{}",
        ran.stderr
    );
    let ran = verify(&shop, &["all", "--extra-kind", "argoproj.io/Rollout=spec"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("`all/values.yaml`: skipped, it has no `kind`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn the_items_of_a_list_are_what_the_list_says() {
    let shop = Shop::signed();
    let (good, host) = (&shop.image.reference, shop.registry.host());
    // As an API server lists Pods: their kind stands nowhere else.
    let list = |image: &str| {
        format!(
            r#"{{"kind":"PodList","apiVersion":"v1","items":[{{"metadata":{{"name":"p"}},"spec":{{"containers":[{{"image":"{image}"}}]}}}}]}}"#
        )
    };
    std::fs::create_dir_all(shop.place.path("all")).unwrap();
    shop.place.write("all/good.json", list(good));
    let ran = verify(&shop, &["all"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stdout
            .contains("used by all/good.json: Pod/p spec.containers[0].image"),
        "{}",
        ran.stdout
    );
    shop.place
        .write("all/other.json", list(&format!("{host}/shop/other:1")));
    let ran = verify(&shop, &["all"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    // What is in no kind's list says itself what it is.
    shop.place.write(
        "plain.yaml",
        "kind: List\napiVersion: v1\nitems: [{ spec: { containers: [{ image: a }] } }]",
    );
    let ran = verify(&shop, &["plain.yaml"]);
    assert_eq!(
        ran.stderr,
        "error: `plain.yaml`: a document without `kind` is no Kubernetes object\n"
    );
}

/// The images of the other files are not those that would be run.
#[test]
fn what_kustomize_would_change_is_not_verified_in_its_place() {
    let shop = Shop::signed();
    let good = &shop.image.reference;
    std::fs::create_dir_all(shop.place.path("app")).unwrap();
    let pod =
        format!("apiVersion: v1\nkind: Pod\nspec: {{ containers: [{{ image: \"{good}\" }}] }}\n");
    shop.place.write("app/pod.yaml", &pod);
    assert_eq!(verify(&shop, &["app"]).code, Some(0));
    let images = "images: [{ name: shop, newName: evil }]\n";
    let cases = [
        ("kustomization.yaml", String::new()),
        (
            "overlay.yml",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n".to_owned(),
        ),
        (
            "part.yaml",
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n".to_owned(),
        ),
    ];
    for (name, head) in cases {
        let name = format!("app/{name}");
        let path = shop.place.write(&name, head + images);
        let ran = verify(&shop, &["app"]);
        assert_eq!(ran.code, Some(1), "{name}");
        assert_eq!(
            ran.stderr,
            format!(
                "error: `{name}`: it is for kustomize, which may run other images than the files name\n\
                 hint: verify what comes of it: `kubectl kustomize FOLDER | waxseal verify -f -`\n"
            )
        );
        std::fs::remove_file(path).unwrap();
    }
    // What is not kustomize's may be called so and say what it is.
    shop.place.write("app/kustomization.yaml", &pod);
    assert_eq!(verify(&shop, &["app"]).code, Some(0));
}

#[test]
fn files_that_cannot_be_understood_are_not_passed_over() {
    let shop = Shop::new();
    let cases = [
        (
            "a: [",
            "`case.yaml`: not YAML: unclosed bracket '[' at line 1, column 4\n",
        ),
        (
            "kind: Pod\nkind: Job",
            "`case.yaml`: not YAML: duplicate mapping key `kind` is not allowed here at line 2, column 1\n",
        ),
        (
            "image: nginx",
            "`case.yaml`: a document without `kind` is no Kubernetes object",
        ),
        (
            "kind: ConfigMap\napiVersion: v1",
            "there is no image in the files",
        ),
        (
            "kind: Pod\napiVersion: v1\nspec: { containers: [{ name: a }] }",
            "`case.yaml`: Pod/(no name) spec.containers[0].image: no image is named",
        ),
        (
            "kind: Pod\napiVersion: v1\nspec: { containers: [{ image: 'A B' }] }",
            "`case.yaml`: Pod/(no name) spec.containers[0].image: `A B`: an image reference has no ' '",
        ),
        (
            "kind: Pod\napiVersion: v1\nspec: { containers: none }",
            "`case.yaml`: Pod/(no name): the object cannot be read: `spec.containers` is a string, not a list",
        ),
    ];
    for (yaml, words) in cases {
        shop.place.write("case.yaml", yaml);
        let ran = verify(&shop, &["case.yaml"]);
        assert_eq!(ran.code, Some(1), "{yaml}");
        assert!(
            ran.stderr.starts_with(&format!("error: {words}")),
            "{}",
            ran.stderr
        );
    }
}
