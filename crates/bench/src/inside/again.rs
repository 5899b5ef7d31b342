//! An image with a keyless signature, asked about again and again.

use waxseal_attestation::signature_statement;
use waxseal_gate::{Cache, CacheTimes, Expected, FlagsSource, NamedIdentity, Options, PolicySet};
use waxseal_oci::{Annotations, Digest, Reference, media};
use waxseal_policy::Verdict;
use waxseal_registry::Client;
use waxseal_sign::{bundle_descriptor, bundle_manifest};
use waxseal_testkit::sigstore::{Claims, Payload, Sigstore, SigstoreOptions, Witnesses};
use waxseal_testkit::{ImageSpec, NOW, Options as RegistryOptions, Registry};

use crate::keyless::PERSON;

const REPOSITORY: &str = "shop/api";
const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
const COUNT: usize = 100_000;

pub(super) fn run() {
    let sigstore = Sigstore::start(SigstoreOptions::default());
    let registry = Registry::start(RegistryOptions::default());
    let image = registry.push_image(REPOSITORY, "1", &ImageSpec::tiny());
    let statement = signature_statement(&image.digest, &Annotations::new());
    let claims = Claims::email(PERSON);
    let bundle = sigstore.bundle(&claims, Payload::Statement(&statement), Witnesses::TODAY);
    let bundle = bundle.to_string().into_bytes();
    let layer = bundle_descriptor(&bundle);
    registry.push_blob(REPOSITORY, &layer.media_type, &bundle);
    registry.push_blob(REPOSITORY, media::OCI_EMPTY, b"{}");
    let manifest = bundle_manifest(&layer, SIGN, &image.descriptor, NOW).expect("a manifest");
    let digest = Digest::sha256(&manifest).to_string();
    registry.push_manifest(REPOSITORY, &digest, media::OCI_MANIFEST, &manifest);

    let issuer = Expected::Exactly(sigstore.issuer_url().to_owned());
    let person = NamedIdentity::new("release", issuer, Expected::Exactly(PERSON.to_owned()));
    let flags = FlagsSource {
        identities: vec![person],
        ..FlagsSource::default()
    };
    let set = PolicySet::from_flags(flags)
        .and_then(|set| set.with_trusted_root(sigstore.trusted_root().to_string().into_bytes()))
        .expect("a policy");
    let client = Client::builder().insecure_http(true).anonymous(true);
    let client = client.build().expect("a client");
    let options = Options::for_admission();
    let image: Reference = image.by_digest.parse().expect("a reference");
    let cache = Cache::new(1_000, CacheTimes::default());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let ask = async || cache.decide(&client, &image, &set, &options, NOW).await;
    let first = runtime.block_on(ask());
    assert_eq!(first.verdict, Verdict::Allow, "{first:?}");
    registry.reset();
    super::measure(COUNT, || {
        runtime.block_on(async {
            for _ in 0..COUNT {
                assert_eq!(ask().await.verdict, Verdict::Allow);
            }
        });
    });
    assert_eq!(registry.count(), 0, "nobody is asked again");
}
