//! Why a policy does not load.

use crate::{ConditionError, PatternError, limits};

/// Why a policy does not load. Each names the place and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// `apiVersion` is another one.
    #[error("`apiVersion` is `{0}`; this is for `waxseal.dev/v1alpha1`")]
    ApiVersion(String),
    /// An authority says two things, or nothing.
    #[error("authority `{0}` must have exactly one of `key` and `keyless`")]
    AuthorityKind(String),
    /// The name of an authority is not one.
    #[error(
        "`{0}` is not the name of an authority: letters, digits, `-`, `_` and `.`, at most 63 of them"
    )]
    AuthorityName(String),
    /// A condition does not compile.
    #[error("in the condition of requirement {requirement}: {source}")]
    Condition {
        /// The requirement, counted from 1.
        requirement: usize,
        /// What is wrong.
        source: ConditionError,
    },
    /// What is asked of an SBOM makes no sense.
    #[error("in requirement {requirement}: {reason}")]
    Sbom {
        /// The requirement, counted from 1.
        requirement: usize,
        /// What is wrong.
        reason: String,
    },
    /// Two policies or authorities have one name.
    #[error("the name `{0}` is there twice")]
    DuplicateName(String),
    /// There is no document.
    #[error("there is no policy in the file")]
    Empty,
    /// In the policy of this name.
    #[error("policy `{policy}`: {error}")]
    In {
        /// The policy.
        policy: String,
        /// What is wrong.
        error: Box<Self>,
    },
    /// An identity lets too many in, or nobody.
    #[error("the identity of authority `{authority}`: {reason}")]
    Identity {
        /// The authority.
        authority: String,
        /// What is wrong.
        reason: String,
    },
    /// A key cannot be read.
    #[error("the key of authority `{authority}`: {reason}")]
    Key {
        /// The authority.
        authority: String,
        /// What is wrong.
        reason: String,
    },
    /// A key is given in more than one way, or not at all.
    #[error("the key of authority `{0}` must have exactly one of `pem` and `file`")]
    KeySource(String),
    /// `kind` is another one.
    #[error("`kind` is `{0}`; this is for `ImagePolicy`")]
    Kind(String),
    /// `maxAge` is not a duration.
    #[error(
        "the `maxAge` of requirement {requirement} is `{found}`; it is a number and one of `s`, `m`, `h`, `d`, `w`, such as `7d`"
    )]
    MaxAge {
        /// The requirement, counted from 1.
        requirement: usize,
        /// What it says.
        found: String,
    },
    /// `metadata.name` is not a name.
    #[error(
        "`metadata.name` is `{0}`; it is lowercase letters, digits, `-` and `.`, at most 253 of them, and begins and ends with a letter or digit"
    )]
    Name(String),
    /// `match.namespaces` is not understood.
    #[error("`match.namespaces`: {0}")]
    Namespaces(String),
    /// There are no authorities.
    #[error("`authorities` is empty: a policy that trusts nobody lets nobody in")]
    NoAuthorities,
    /// `from` is empty.
    #[error("`from` of requirement {0} is empty: name the authorities that may satisfy it")]
    NoFrom(usize),
    /// `match.images` is empty.
    #[error("`match.images` is empty: a policy that covers nothing protects nothing")]
    NoImages,
    /// `require` is empty.
    #[error("`require` is empty: a policy without a requirement lets everybody in")]
    NoRequirements,
    /// A pattern in `match.images` is not one.
    #[error("in `match.images`: {0}")]
    Pattern(#[from] PatternError),
    /// `platforms` is not understood.
    #[error("`platforms` is `{0}`; it is `index`, `all` or a list such as `[linux/amd64]`")]
    Platforms(String),
    /// A name stands in `from` twice.
    #[error("`from` of requirement {requirement} names `{name}` twice")]
    RepeatedFrom {
        /// The requirement, counted from 1.
        requirement: usize,
        /// The name.
        name: String,
    },
    /// A requirement says two things, or nothing.
    #[error(
        "requirement {0} must have exactly one of `signature`, `attestation`, `sbom` and `vulnerabilities`"
    )]
    RequirementKind(usize),
    /// The threshold cannot be met.
    #[error(
        "the threshold of requirement {requirement} is {threshold}, and `from` has {keys} distinct signer(s)"
    )]
    Threshold {
        /// The requirement, counted from 1.
        requirement: usize,
        /// What it asks for.
        threshold: usize,
        /// How many there can be.
        keys: usize,
    },
    /// The threshold is zero.
    #[error("the threshold of requirement {0} is 0: nobody would have to sign")]
    ThresholdZero(usize),
    /// The file is too large.
    #[error("a policy file has at most {} bytes", limits::POLICY_BYTES)]
    TooLarge,
    /// A list is too long.
    #[error("`{list}` has more than {} entries", limits::POLICY_ENTRIES)]
    TooMany {
        /// Which list.
        list: &'static str,
    },
    /// A trust root cannot be had or used.
    #[error("the trust root of authority `{authority}`: {reason}")]
    TrustRoot {
        /// The authority.
        authority: String,
        /// What is wrong.
        reason: String,
    },
    /// A predicate type is not one.
    #[error("the type of requirement {requirement}: {reason}")]
    Type {
        /// The requirement, counted from 1.
        requirement: usize,
        /// What is wrong.
        reason: String,
    },
    /// `from` names nobody that there is.
    #[error(
        "requirement {requirement} names the authority `{name}`, which is not under `authorities`"
    )]
    UnknownAuthority {
        /// The requirement, counted from 1.
        requirement: usize,
        /// The name.
        name: String,
    },
    /// Something that is specified and not there yet.
    #[error("`{0}` is not supported yet")]
    Unsupported(String),
    /// A `vulnerabilities` requirement does not say what is refused.
    #[error("`vulnerabilities` of requirement {requirement}: {reason}")]
    Vulnerabilities {
        /// The requirement, counted from 1.
        requirement: usize,
        /// What is wrong.
        reason: String,
    },
    /// It is not YAML, or has a field that there is not.
    #[error("not a policy: {0}")]
    Yaml(String),
}
