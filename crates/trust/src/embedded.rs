//! The roots that are in the program itself.

use sigstore_trust_root::SigstoreInstance;

use crate::Name;

/// A trust root that this program knows without having fetched anything: a
/// copy from the day it was built, and the TUF repository where the current
/// one is, with the root by which that repository is believed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Embedded {
    /// What it is called.
    pub name: &'static str,
    /// Where its TUF repository is.
    pub url: &'static str,
    /// The `root.json` from which the repository is followed.
    pub pin: &'static [u8],
    instance: SigstoreInstance,
}

impl Embedded {
    /// All of them.
    pub const ALL: [Self; 3] = [
        Self {
            name: "sigstore",
            url: "https://tuf-repo-cdn.sigstore.dev",
            pin: include_bytes!("../roots/sigstore.root.json"),
            instance: SigstoreInstance::PublicGood,
        },
        Self {
            name: "github",
            url: "https://tuf-repo.github.com",
            pin: include_bytes!("../roots/github.root.json"),
            instance: SigstoreInstance::GitHub,
        },
        Self {
            name: "sigstore-staging",
            url: "https://tuf-repo-cdn.sigstage.dev",
            pin: include_bytes!("../roots/sigstore-staging.root.json"),
            instance: SigstoreInstance::Staging,
        },
    ];

    /// The one of this name.
    #[must_use]
    pub fn of(name: &Name) -> Option<&'static Self> {
        const ALL: &[Embedded] = &Embedded::ALL;
        ALL.iter().find(|one| one.name == name.as_str())
    }

    /// The copy of its trusted root.
    #[must_use]
    pub fn trusted_root(&self) -> &'static [u8] {
        self.instance.embedded_trusted_root_json().as_bytes()
    }

    /// The copy of its signing configuration, where it has one.
    #[must_use]
    pub fn signing_config(&self) -> Option<&'static [u8]> {
        let text = self.instance.embedded_signing_config_json();
        text.map(str::as_bytes)
    }
}
