//! Who signs without a key of their own.

use std::convert::Infallible;
use std::fmt;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;
use waxseal_sign::{
    IdentityError, IdentityToken, Provider, Surroundings, ambient_token, token_given,
};
use zeroize::Zeroizing;

use crate::consent;
use crate::context::Context;
use crate::error::Failure;
use crate::service_args::Backing;
use crate::sign_in;

/// Who signs.
#[derive(clap::Args, Debug)]
pub(crate) struct IdentityArgs {
    /// The identity token: @FILE, FILE or the token itself, which others on this machine can then
    /// see
    #[arg(long, value_name = "TOKEN", help_heading = IDENTITY, conflicts_with = "key")]
    identity_token: Option<Secret>,

    /// Take the token from here and nowhere else: buildkite, circleci, github, gitlab, google,
    /// kubernetes, spiffe
    #[arg(
        long,
        alias = "oidc-provider",
        value_name = "NAME",
        help_heading = IDENTITY,
        conflicts_with_all = ["key", "identity_token", "sign_in"]
    )]
    identity_provider: Option<Provider>,

    /// Sign in as a person, even where the surroundings have a token
    #[arg(
        long,
        value_name = "HOW",
        help_heading = IDENTITY,
        conflicts_with_all = ["key", "identity_token"]
    )]
    sign_in: Option<How>,

    /// Where people sign in (default: the signing configuration's)
    #[arg(long, value_name = "URL", help_heading = IDENTITY, conflicts_with = "key")]
    oidc_issuer: Option<String>,

    /// For whom the token is
    #[arg(
        long,
        value_name = "ID",
        help_heading = IDENTITY,
        default_value = "sigstore",
        hide_default_value = true,
        conflicts_with = "key"
    )]
    oidc_client_id: String,

    /// Agree to the publication of an e-mail address in public logs
    #[arg(short, long, help_heading = IDENTITY)]
    yes: bool,
}

/// How a person signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum How {
    /// With a browser on this machine
    Browser,
    /// With a browser on another machine
    Device,
}

/// What must not be seen, taken from the command line.
#[derive(Clone)]
struct Secret(Zeroizing<String>);

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl IdentityArgs {
    pub(crate) fn agreed(&self) -> bool {
        self.yes
    }

    /// A token that is worth taking to the certificate authority.
    pub(crate) async fn token(
        &self,
        context: &Context,
        backing: &Backing,
    ) -> Result<IdentityToken, Failure> {
        let token = self.find(context, backing).await?;
        token
            .check(&self.oidc_client_id, context.now())
            .map_err(|error| self.failure(&error))?;
        Ok(token)
    }

    async fn find(&self, context: &Context, backing: &Backing) -> Result<IdentityToken, Failure> {
        if let Some(Secret(given)) = &self.identity_token {
            return token_given(given.clone()).map_err(|error| self.failure(&error));
        }
        if let Some(how) = self.sign_in {
            return self.sign_in(context, backing, how).await;
        }
        let around = Surroundings {
            variable: &|name| std::env::var(name).ok(),
            root: PathBuf::from("/"),
            http: &backing.http,
            audience: &self.oidc_client_id,
        };
        if let Some(provider) = self.identity_provider {
            let token = provider.token(&around).await;
            return token.map_err(|error| self.failure(&error));
        }
        if let Some((provider, token)) = ambient_token(&around)
            .await
            .map_err(|error| self.failure(&error))?
        {
            context.note(format_args!("identity token from {}", provider.name()));
            return Ok(token);
        }
        if !io::stderr().is_terminal() {
            return Err(Failure::usage(
                "there is no identity token here, and no terminal at which somebody could sign in",
            )
            .hint(
                "--identity-token @FILE gives one, --sign-in device waits for somebody elsewhere",
            ));
        }
        self.sign_in(context, backing, How::Browser).await
    }

    async fn sign_in(
        &self,
        context: &Context,
        backing: &Backing,
        how: How,
    ) -> Result<IdentityToken, Failure> {
        // Nobody should sign in only to be told so.
        if !self.yes && !consent::can_ask() {
            return Err(Failure::usage(
                "whoever signs in has their e-mail address published, and there is no terminal to \
                 ask whether that is wanted",
            )
            .hint("--yes agrees to it"));
        }
        let issuer = match &self.oidc_issuer {
            Some(url) => url.clone(),
            None => backing
                .services
                .provider()
                .map(ToString::to_string)
                .ok_or_else(|| {
                    Failure::usage("the signing configuration names no place to sign in")
                        .hint("--oidc-issuer URL names one")
                })?,
        };
        sign_in::token(context, &backing.http, &issuer, &self.oidc_client_id, how)
            .await
            .map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &IdentityError) -> Failure {
        let hint = match error {
            IdentityError::Audience { .. } => Some(format!(
                "ask the provider for a token with the audience `{}`",
                self.oidc_client_id
            )),
            IdentityError::Expired { .. } => {
                Some("get a new one; they live some minutes".to_owned())
            }
            _ => None,
        };
        Failure::new(error).maybe_hint(hint)
    }
}

const IDENTITY: &str = "Identity";
