//! Who may sign, and what has to go with the signature.

use std::collections::BTreeMap;
use std::num::NonZeroU8;

use crate::identity::Matcher;
use crate::key::PublicKey;
use crate::trust::{Trust, TrustedRoot};

/// A signer that is believed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Authority {
    /// Whoever holds a key.
    Key(KeyAuthority),
    /// Whoever an identity provider says it is, by a short-lived certificate.
    Keyless(KeylessAuthority),
}

impl Authority {
    /// What is trusted in its case: its own trust root, if it has one.
    pub(crate) fn trust<'a>(&'a self, shared: &Trust<'a>) -> Trust<'a> {
        let own = match self {
            Self::Keyless(authority) => authority.root.as_ref(),
            Self::Key(_) => None,
        };
        Trust {
            root: own.or(shared.root),
        }
    }
}

/// Whether something has to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by nature")]
pub enum Demand {
    /// It need not be there; if it is, it is checked.
    #[default]
    Optional,
    /// Without it the candidate is refused.
    Required,
    /// Without so many of it, each of another log or timestamp authority, the
    /// candidate is refused. One log that is there twice is one, as is one key
    /// under two names.
    Distinct(NonZeroU8),
}

impl Demand {
    /// How many there have to be; zero if it need not be there.
    #[must_use]
    pub fn needed(self) -> usize {
        match self {
            Self::Optional => 0,
            Self::Required => 1,
            Self::Distinct(count) => usize::from(count.get()),
        }
    }
}

/// What counts as being in a log, where the log is required.
///
/// A bundle's media type is not signed: a bundle v0.3 without its inclusion
/// proof, called v0.1, lives on the log's promise alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogProof {
    /// An inclusion proof. cosign 2's annotations have none to give: of them
    /// alone, the log's promise is taken.
    #[default]
    InBundles,
    /// An inclusion proof, always.
    Always,
    /// The log's promise to include the entry will do, anywhere.
    PromiseSuffices,
}

/// Whoever holds a key.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers build it")]
pub struct KeyAuthority {
    /// The key.
    pub key: PublicKey,
    /// Whether an entry in a transparency log is required. A bundle has to
    /// prove it; of cosign 2's annotations the log's promise is taken, since
    /// they have no proof to give.
    pub log: Demand,
    /// Whether an RFC 3161 timestamp is required.
    pub timestamp: Demand,
}

impl KeyAuthority {
    /// The holder of `key`, without whom nothing more is required.
    #[must_use]
    pub fn new(key: PublicKey) -> Self {
        Self {
            key,
            log: Demand::Optional,
            timestamp: Demand::Optional,
        }
    }
}

/// Whoever has a certificate for an identity.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeylessAuthority {
    /// The identity provider, by its URL, or [`Matcher::absent`] for whom a
    /// certificate authority certifies without one.
    pub issuer: Matcher,
    /// The identity: an e-mail address or a URI.
    pub subject: Matcher,
    /// What the certificate must say besides, by the documented names of
    /// Fulcio's extensions, such as `runnerEnvironment`.
    pub claims: BTreeMap<String, Matcher>,
    /// Whether an entry in a transparency log is required. Required unless
    /// the trust root belongs to an instance that has no log.
    pub log: Demand,
    /// Whether an RFC 3161 timestamp is required. Without one, a log's promise
    /// has to say when it was signed.
    pub timestamp: Demand,
    /// Whether the certificate has to be in a certificate transparency log.
    pub sct: Demand,
    /// What counts as being in a log, where it is required.
    pub proof: LogProof,
    /// The trust root of the instance that certifies this signer, in place of
    /// the one that all authorities share.
    pub root: Option<TrustedRoot>,
}

impl KeylessAuthority {
    /// `subject`, as `issuer` says; logs are required.
    #[must_use]
    pub fn new(issuer: Matcher, subject: Matcher) -> Self {
        Self {
            issuer,
            subject,
            claims: BTreeMap::new(),
            log: Demand::Required,
            timestamp: Demand::Optional,
            sct: Demand::Required,
            proof: LogProof::default(),
            root: None,
        }
    }

    /// `subject`, as `issuer` says, in an instance without public logs, such as
    /// GitHub's for private repositories: a timestamp is required instead.
    #[must_use]
    pub fn without_logs(issuer: Matcher, subject: Matcher) -> Self {
        Self {
            log: Demand::Optional,
            timestamp: Demand::Required,
            sct: Demand::Optional,
            ..Self::new(issuer, subject)
        }
    }
}
