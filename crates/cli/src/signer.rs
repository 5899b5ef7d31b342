//! What a command signs with: a key, or an identity; and the services that
//! stand behind the signature.

use std::path::PathBuf;

use bytes::Bytes;
use serde::Serialize;
use waxseal_oci::Digest;
use waxseal_sign::{Blob, Certified, Credential, Notarized, Notary, PrivateKey, SignError};
use waxseal_verify::{Authority, Demand, KeyAuthority, KeylessAuthority, Matcher, Trust};

use crate::consent;
use crate::context::Context;
use crate::error::Failure;
use crate::identity_args::IdentityArgs;
use crate::key::LockedKey;
use crate::password::PasswordArgs;
use crate::service_args::{Backing, ServiceArgs};

/// What to sign with.
#[derive(clap::Args, Debug)]
pub(crate) struct SignerArgs {
    /// The private key: cosign's own format, PKCS#8, SEC1 or PKCS#1 in PEM
    #[arg(
        short,
        long,
        value_name = "FILE",
        required_unless_present = "keyless",
        conflicts_with = "keyless"
    )]
    key: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) password: PasswordArgs,

    /// Sign without a key of one's own: with a certificate for the identity of the job, the
    /// workload or the person, over a key that is thrown away
    #[arg(long, conflicts_with = "password_file")]
    keyless: bool,

    #[command(flatten)]
    identity: IdentityArgs,

    #[command(flatten)]
    services: ServiceArgs,
}

/// All that is needed to sign, as far as it can be had without the network.
pub(crate) struct Prepared<'a> {
    args: &'a SignerArgs,
    key: Option<LockedKey>,
    backing: Option<Backing>,
}

/// What a command signs with.
pub(crate) struct Signer<'a> {
    args: &'a SignerArgs,
    with: With,
    backing: Option<Backing>,
}

enum With {
    Certificate(Certified),
    Key(Box<PrivateKey>),
}

/// A bundle, and what was done for it outside.
pub(crate) struct Made {
    pub(crate) bundle: Bytes,
    pub(crate) outside: Option<Outside>,
}

impl SignerArgs {
    /// Reads what there is to read, and refuses what cannot work.
    pub(crate) fn read(&self, context: &Context) -> Result<Prepared<'_>, Failure> {
        let Some(key) = &self.key else {
            let backing = self.services.for_keyless(context)?;
            Notary::check_keyless(&backing.services).map_err(Failure::usage)?;
            return Ok(Prepared {
                args: self,
                key: None,
                backing: Some(backing),
            });
        };
        // The services' files first: the password may be asked for.
        let backing = self.services.for_key(context)?;
        let key = LockedKey::read(key, &self.password)?;
        Ok(Prepared {
            args: self,
            key: Some(key),
            backing,
        })
    }
}

impl<'a> Prepared<'a> {
    /// Whether a certificate will be asked for. That is published, so that
    /// whatever else may fail should have been done by then; and it is
    /// short-lived, so that whatever takes long should have been, too.
    pub(crate) fn is_keyless(&self) -> bool {
        self.key.is_none()
    }

    /// Does some work and opens the key, which takes as long as a registry's
    /// first answer, at the same time; gets a certificate after it.
    pub(crate) async fn open_with<T>(
        self,
        context: &Context,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<(Signer<'a>, T), Failure> {
        if self.is_keyless() {
            let done = work.await?;
            return Ok((self.open(context).await?, done));
        }
        tokio::try_join!(self.open(context), work)
    }

    /// Opens the key, or gets a certificate.
    pub(crate) async fn open(self, context: &Context) -> Result<Signer<'a>, Failure> {
        let Self { args, key, backing } = self;
        let with = match (key, &backing) {
            (Some(locked), _) => {
                let opened = tokio::task::spawn_blocking(|| locked.open())
                    .await
                    .map_err(|e| Failure::new(format_args!("cannot open the key: {e}")))?;
                With::Key(Box::new(opened?))
            }
            (None, Some(backing)) => With::Certificate(certify(context, args, backing).await?),
            (None, None) => return Err(Failure::usage("give --key or --keyless")),
        };
        Ok(Signer {
            args,
            with,
            backing,
        })
    }
}

async fn certify(
    context: &Context,
    args: &SignerArgs,
    backing: &Backing,
) -> Result<Certified, Failure> {
    let token = args.identity.token(context, backing).await?;
    consent::ask(context, args.identity.agreed(), &token, &backing.services)?;
    let certified = backing
        .notary()
        .certify(&token)
        .await
        .map_err(Failure::new)?;
    context.note(format_args!(
        "signing as {}, as {} says",
        certified.subject(),
        certified.issuer()
    ));
    Ok(certified)
}

impl Backing {
    fn notary(&self) -> Notary<'_> {
        Notary {
            http: &self.http,
            services: &self.services,
            root: &self.root,
            sct: self.sct,
            clock: Context::CLOCK,
        }
    }
}

impl Signer<'_> {
    /// The key, where it is one that is kept.
    pub(crate) fn key(&self) -> Option<&PrivateKey> {
        match &self.with {
            With::Key(key) => Some(key),
            With::Certificate(_) => None,
        }
    }

    /// Who signs, for people.
    pub(crate) fn name(&self) -> String {
        match &self.with {
            With::Key(key) => format!("the key {}", key.public_key().id()),
            With::Certificate(certified) => {
                format!("{}, as {} says", certified.subject(), certified.issuer())
            }
        }
    }

    /// Whoever verifies what this signs.
    pub(crate) fn authority(&self) -> Result<Authority, Failure> {
        Ok(match &self.with {
            With::Key(key) => Authority::Key(KeyAuthority::new(key.public_key().clone())),
            With::Certificate(certified) => {
                let exact = |text: &str| Matcher::exact(text).map_err(Failure::new);
                let issuer = exact(certified.issuer())?;
                let mut authority = KeylessAuthority::new(issuer, exact(certified.subject())?);
                if self.args.services.no_log_upload() {
                    authority.log = Demand::Optional;
                }
                Authority::Keyless(authority)
            }
        })
    }

    /// What a certificate, an entry or a timestamp is held against.
    pub(crate) fn trust(&self) -> Trust<'_> {
        Trust {
            root: self.backing.as_ref().map(|backing| &backing.root),
        }
    }

    /// Signs an in-toto statement.
    pub(crate) async fn sign_statement(
        &self,
        context: &Context,
        statement: Vec<u8>,
        subject: &Digest,
    ) -> Result<Made, Failure> {
        match (&self.backing, &self.with) {
            (Some(backing), _) => {
                let notary = backing.notary();
                let made = notary.sign_statement(self.credential(), statement, subject);
                Ok(self.made(made.await.map_err(Failure::new)?))
            }
            (None, With::Key(key)) => {
                waxseal_sign::sign_statement(&**key, statement, subject, context.now())
                    .map(Made::alone)
                    .map_err(Failure::new)
            }
            (None, With::Certificate(_)) => Err(Failure::new(SignError::NoTime)),
        }
    }

    /// Signs a file.
    pub(crate) async fn sign_blob<R: std::io::Read>(
        &self,
        blob: &mut Blob<R>,
    ) -> Result<(Made, Digest), SignError> {
        match (&self.backing, &self.with) {
            (Some(backing), _) => {
                let notary = backing.notary();
                let (made, digest) = notary.sign_blob(self.credential(), blob).await?;
                Ok((self.made(made), digest))
            }
            (None, With::Key(key)) => {
                let (bundle, digest) = waxseal_sign::sign_blob(&**key, blob)?;
                Ok((Made::alone(bundle), digest))
            }
            (None, With::Certificate(_)) => Err(SignError::NoTime),
        }
    }

    fn credential(&self) -> Credential<'_> {
        match &self.with {
            With::Certificate(certified) => Credential::Certificate(certified),
            With::Key(key) => Credential::Key(&**key),
        }
    }

    fn made(&self, made: Notarized) -> Made {
        let services = &self.args.services;
        let identity = match &self.with {
            With::Certificate(certified) => Some(Identity {
                issuer: certified.issuer().to_owned(),
                subject: certified.subject().to_owned(),
            }),
            With::Key(_) => None,
        };
        let not_logged = made
            .logged
            .is_empty()
            .then_some(if services.no_log_upload() {
                "--no-log-upload was given"
            } else {
                "no log is configured"
            });
        let not_timestamped = made
            .timestamped
            .is_empty()
            .then_some(if services.no_timestamp() {
                "--no-timestamp was given"
            } else {
                "no timestamp authority is configured"
            });
        let entries = made.logged.into_iter();
        Made {
            bundle: made.bundle,
            outside: Some(Outside {
                identity,
                logged: entries.map(|(log, index)| Logged { log, index }).collect(),
                not_logged,
                timestamped: made.timestamped,
                not_timestamped,
            }),
        }
    }
}

impl Made {
    fn alone(bundle: Bytes) -> Self {
        Self {
            bundle,
            outside: None,
        }
    }

    /// Says what was done outside, and what was not.
    pub(crate) fn note(&self, context: &Context) {
        let Some(outside) = &self.outside else {
            return;
        };
        for entry in &outside.logged {
            context.note(format_args!(
                "logged in {} as entry {}",
                entry.log, entry.index
            ));
        }
        if let Some(why) = outside.not_logged {
            context.note(format_args!("not logged: {why}"));
        }
        for authority in &outside.timestamped {
            context.note(format_args!("timestamped by {authority}"));
        }
        if let Some(why) = outside.not_timestamped {
            context.note(format_args!("not timestamped: {why}"));
        }
    }
}

/// What was done for a signature outside this program, as the JSON has it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outside {
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<Identity>,
    logged: Vec<Logged>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_logged: Option<&'static str>,
    timestamped: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_timestamped: Option<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
struct Identity {
    issuer: String,
    subject: String,
}

#[derive(Clone, Debug, Serialize)]
struct Logged {
    log: String,
    index: u64,
}
