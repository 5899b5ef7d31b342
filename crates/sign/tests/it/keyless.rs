//! Signatures by certificate, against a private Sigstore in the process.

use jiff::Timestamp;
use waxseal_attestation::signature_statement;
use waxseal_oci::{Annotations, Digest};
use waxseal_sign::{
    Blob, Credential, Http, HttpOptions, IdentityToken, Notarized, Notary, PrivateKey,
    RekorVersion, Services, SignError,
};
use waxseal_testkit::NOW;
use waxseal_testkit::sigstore::{
    Claims, LogVersion, Service, ServiceFault, Sigstore, SigstoreOptions,
};
use waxseal_verify::{
    Authority, BlobVerifier, Candidate, CandidateContent, Check, Demand, KeyAlgorithm,
    KeyAuthority, KeylessAuthority, Matcher, Origin, Place, Rejection, Signer, Trust, TrustedRoot,
    Verified,
};

pub(crate) const PERSON: &str = "dev@example.com";
const BLOB: &[u8] = b"a release\n";

/// A private Sigstore and what is needed to sign with it.
pub(crate) struct World {
    pub(crate) sigstore: Sigstore,
    pub(crate) http: Http,
    pub(crate) root: TrustedRoot,
}

impl World {
    pub(crate) fn new() -> Self {
        let sigstore = Sigstore::start(SigstoreOptions::default());
        let root = sigstore.trusted_root().to_string();
        Self {
            http: Http::new(HttpOptions::default()),
            root: TrustedRoot::from_json(root.as_bytes()).unwrap(),
            sigstore,
        }
    }

    pub(crate) fn services(&self, logs: &[LogVersion]) -> Services {
        let config = self.sigstore.signing_config(logs).to_string();
        Services::from_signing_config(config.as_bytes(), NOW, None).unwrap()
    }

    pub(crate) fn notary<'a>(&'a self, services: &'a Services) -> Notary<'a> {
        Notary {
            http: &self.http,
            services,
            root: &self.root,
            sct: Demand::Required,
            clock: now,
        }
    }

    pub(crate) fn token(&self) -> IdentityToken {
        parse(self.sigstore.token(&Claims::email(PERSON)))
    }

    /// Signs the blob as the person.
    pub(crate) async fn sign(&self, services: &Services) -> Result<Notarized, SignError> {
        let notary = self.notary(services);
        let certified = notary.certify(&self.token()).await?;
        let mut blob = Blob::file(std::io::Cursor::new(BLOB));
        let credential = Credential::Certificate(&certified);
        let (made, digest) = notary.sign_blob(credential, &mut blob).await?;
        assert_eq!(digest, Digest::sha256(BLOB));
        Ok(made)
    }

    /// What everybody else makes of a bundle over the blob.
    pub(crate) fn verify(
        &self,
        made: &Notarized,
        authority: &Authority,
    ) -> Result<Verified, Rejection> {
        let candidate = Candidate {
            origin: Origin {
                place: Place::File,
                manifest: None,
                blob: Digest::sha256(&made.bundle),
                size: 0,
                predicate_hint: None,
            },
            content: CandidateContent::Bundle(made.bundle.clone()),
        };
        let trust = Trust {
            root: Some(&self.root),
        };
        let mut verifier = BlobVerifier::new(&candidate, authority, trust, NOW)?;
        verifier.update(BLOB);
        verifier.finish()
    }
}

pub(crate) fn parse(token: String) -> IdentityToken {
    IdentityToken::parse(token.into()).unwrap()
}

fn now() -> Timestamp {
    NOW
}

pub(crate) fn person(world: &World) -> Authority {
    let exact = |text: &str| Matcher::exact(text).unwrap();
    let issuer = exact(world.sigstore.issuer_url());
    Authority::Keyless(KeylessAuthority::new(issuer, exact(PERSON)))
}

#[tokio::test]
async fn a_person_signs_with_either_log() {
    let world = World::new();
    for (version, url) in [
        (LogVersion::V1, world.sigstore.rekor_v1_url()),
        (LogVersion::V2, world.sigstore.rekor_v2_url()),
    ] {
        let made = world.sign(&world.services(&[version])).await.unwrap();
        assert_eq!(made.logged.len(), 1);
        assert_eq!(made.logged[0].0, format!("{url}/"));
        assert_eq!(made.timestamped, [world.sigstore.tsa_url()]);
        let verified = world.verify(&made, &person(&world)).unwrap();
        for check in [
            Check::CertificateTransparency,
            Check::LogInclusionProof,
            Check::Timestamp,
        ] {
            assert!(verified.checks().contains(check), "{check:?}");
        }
        let Signer::Identity { subject, .. } = verified.signer() else {
            panic!("{:?}", verified.signer());
        };
        assert_eq!(subject, PERSON);
    }
}

#[tokio::test]
async fn one_certificate_signs_several_statements() {
    let world = World::new();
    world.sigstore.sign_in_as(Claims::github());
    let token = parse(world.sigstore.token(&Claims::github()));
    for version in [LogVersion::V1, LogVersion::V2] {
        let services = world.services(&[version]);
        let notary = world.notary(&services);
        let certified = notary.certify(&token).await.unwrap();
        assert_eq!(
            certified.subject(),
            "https://github.com/octo/app/.github/workflows/release.yml@refs/tags/v1.2.3"
        );
        for image in [b"one", b"two"] {
            let image = Digest::sha256(image);
            let statement = signature_statement(&image, &Annotations::new());
            let credential = Credential::Certificate(&certified);
            let made = notary.sign_statement(credential, statement, &image).await;
            assert_eq!(made.unwrap().logged.len(), 1);
        }
    }
    assert_eq!(world.sigstore.asked(Service::Fulcio).len(), 2);
}

#[tokio::test]
async fn a_key_of_ones_own_is_logged_and_timestamped() {
    let world = World::new();
    let sign = async |algorithm, version| {
        let services = world.services(&[version]);
        let key = PrivateKey::generate(algorithm).unwrap();
        let mut blob = Blob::file(std::io::Cursor::new(BLOB));
        let notary = world.notary(&services);
        let made = notary.sign_blob(Credential::Key(&key), &mut blob).await?;
        let mut authority = KeyAuthority::new(waxseal_sign::Signer::public_key(&key).clone());
        authority.log = Demand::Required;
        authority.timestamp = Demand::Required;
        world.verify(&made.0, &Authority::Key(authority)).unwrap();
        Ok::<_, SignError>(())
    };
    for version in [LogVersion::V1, LogVersion::V2] {
        sign(KeyAlgorithm::EcdsaP256, version).await.unwrap();
    }
    let refused = sign(KeyAlgorithm::EcdsaP384, LogVersion::V2).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the log takes no entry signed with EcdsaP384: Rekor v2 takes P-256 and RSA of 2048, \
         3072 and 4096 bits with SHA-256"
    );
    let refused = sign(KeyAlgorithm::Ed25519, LogVersion::V1).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the log takes no entry signed with Ed25519: Rekor v1 takes Ed25519 over files only \
         prehashed"
    );
    assert!(world.sigstore.asked(Service::Fulcio).is_empty());
}

#[tokio::test]
async fn what_is_left_out_is_left_out() {
    let world = World::new();
    let services = world.services(&[LogVersion::V2]).without_log();
    let made = world.sign(&services).await.unwrap();
    assert!(made.logged.is_empty());
    assert_eq!(
        world.verify(&made, &person(&world)).unwrap_err(),
        Rejection::LogRequired
    );
    let services = world.services(&[LogVersion::V1]).without_timestamp();
    let made = world.sign(&services).await.unwrap();
    assert!(made.timestamped.is_empty());
    world.verify(&made, &person(&world)).unwrap();
    assert!(world.sigstore.asked(Service::RekorV2).is_empty());
}

#[test]
fn what_cannot_last_is_refused_before_anybody_is_asked() {
    let world = World::new();
    let check = |services: Services| Notary::check_keyless(&services).unwrap_err().to_string();
    let v1 = world.services(&[LogVersion::V1]);
    Notary::check_keyless(&v1).unwrap();
    assert_eq!(
        check(v1.without_log().without_timestamp()),
        "a certificate lives some ten minutes: without a log entry and without a timestamp \
         nobody could verify the signature after that"
    );
    assert_eq!(
        check(world.services(&[LogVersion::V2]).without_timestamp()),
        "Rekor v2 says nothing about the time: a timestamp authority is needed with it"
    );
    let none = Services::none().with_rekor("https://rekor.example", RekorVersion::V1);
    assert_eq!(
        check(none.unwrap()),
        "no address of the certificate authority is known that is valid now and of use"
    );
}

#[tokio::test]
async fn nothing_is_published_that_will_not_verify() {
    let world = World::new();
    for (service, fault, why) in [
        (
            Service::Fulcio,
            ServiceFault::WrongContent,
            "the certificate authority's certificate is not used: it is over another key",
        ),
        (
            Service::Fulcio,
            ServiceFault::OtherChain,
            "the signature just made does not verify, and is thrown away: ",
        ),
        (
            Service::Fulcio,
            ServiceFault::WrongSct,
            "the signature just made does not verify, and is thrown away: ",
        ),
        (
            Service::Tsa,
            ServiceFault::OtherChain,
            "the signature just made does not verify, and is thrown away: ",
        ),
        (
            Service::Tsa,
            ServiceFault::WrongContent,
            "the signature just made does not verify, and is thrown away: ",
        ),
    ] {
        world.sigstore.fault(service, fault.clone(), 1);
        let error = world.sign(&world.services(&[LogVersion::V1])).await;
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with(why), "{fault:?}: {error}");
    }
    assert!(world.sigstore.asked(Service::RekorV1).is_empty());
}

#[tokio::test]
async fn a_log_that_lies_leaves_nothing_behind() {
    let world = World::new();
    for (version, service, faults) in [
        (
            LogVersion::V1,
            Service::RekorV1,
            vec![
                ServiceFault::OtherChain,
                ServiceFault::WrongCheckpoint,
                ServiceFault::WrongContent,
                ServiceFault::WrongPromise,
                ServiceFault::WrongProof,
            ],
        ),
        (
            LogVersion::V2,
            Service::RekorV2,
            vec![
                ServiceFault::OtherChain,
                ServiceFault::WrongCheckpoint,
                ServiceFault::WrongContent,
                ServiceFault::WrongProof,
            ],
        ),
    ] {
        for fault in faults {
            world.sigstore.fault(service, fault.clone(), 1);
            let error = world.sign(&world.services(&[version])).await;
            assert!(
                matches!(error, Err(SignError::Unverified(_))),
                "{fault:?}: {error:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_certificate_has_to_be_for_the_bearer() {
    let world = World::new();
    let services = world.services(&[LogVersion::V2]);
    // A token that says who vouched first may be certified so, and no other.
    let relayed = Claims::email(PERSON).with(
        "federated_claims",
        serde_json::json!({ "connector_id": "https://github.com/login/oauth" }),
    );
    let token = parse(world.sigstore.token(&relayed));
    let certified = world.notary(&services).certify(&token).await.unwrap();
    assert_eq!(certified.issuer(), world.sigstore.issuer_url());
    assert_eq!(certified.subject(), PERSON);
    let shown = format!("{certified:?}");
    assert!(shown.contains(PERSON) && !shown.contains("key"), "{shown}");
}
