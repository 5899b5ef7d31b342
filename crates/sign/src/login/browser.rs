//! The flow by a browser on this machine: the code comes back to a port of
//! loopback (RFC 8252).

use std::time::Duration;

use reqwest::Url;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use zeroize::Zeroizing;

use super::secret::{random, same};
use super::{Challenge, Issuer, Redeemed, SCOPE};
use crate::{Http, IdentityError, IdentityToken, limits};

/// A person who is signing in with a browser.
pub struct Browser<'a> {
    http: &'a Http,
    issuer: &'a Issuer,
    client: &'a str,
    listener: TcpListener,
    challenge: Challenge,
    state: Zeroizing<String>,
    nonce: Zeroizing<String>,
    redirect: String,
}

impl<'a> Browser<'a> {
    /// Opens the port to which the browser will be sent back.
    ///
    /// # Errors
    /// [`IdentityError::SignIn`], where there is no port.
    pub async fn begin(
        http: &'a Http,
        issuer: &'a Issuer,
        client: &'a str,
    ) -> Result<Self, IdentityError> {
        let failed = |e: std::io::Error| IdentityError::SignIn(format!("no port on loopback: {e}"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        Ok(Self {
            http,
            issuer,
            client,
            listener,
            challenge: Challenge::new()?,
            state: random()?,
            nonce: random()?,
            redirect: format!("http://localhost:{port}{PATH}"),
        })
    }

    /// The page that the person has to visit.
    #[must_use]
    pub fn url(&self) -> Url {
        let mut url = self.issuer.authorization.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", self.client)
            .append_pair("redirect_uri", &self.redirect)
            .append_pair("scope", SCOPE)
            .append_pair("state", &self.state)
            .append_pair("nonce", &self.nonce)
            .append_pair("code_challenge", &self.challenge.challenge)
            .append_pair("code_challenge_method", "S256");
        url
    }

    /// Waits for the browser to come back, and fetches the token.
    ///
    /// # Errors
    /// [`IdentityError::SignIn`], where it does not come back within five
    /// minutes or brings what was not asked for.
    pub async fn finish(self) -> Result<IdentityToken, IdentityError> {
        let code = tokio::time::timeout(limits::SIGN_IN, self.code())
            .await
            .map_err(|_| IdentityError::SignIn("it took too long".to_owned()))??;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", self.redirect.as_str()),
            ("client_id", self.client),
            ("code_verifier", self.challenge.verifier.as_str()),
        ];
        let secrets = [code.as_str(), self.challenge.verifier.as_str()];
        let Redeemed::Token(token) = self.issuer.redeem(self.http, &form, &secrets).await? else {
            return Err(IdentityError::SignIn(
                "the identity provider gives no token for its own code".to_owned(),
            ));
        };
        self.issuer.check(&token)?;
        // Core, 3.1.3.7: a token from another run is not ours.
        if !same(&self.nonce, token.nonce()) {
            return Err(IdentityError::SignIn(
                "the token has not the nonce that it was asked for with".to_owned(),
            ));
        }
        Ok(*token)
    }

    /// The code that the browser brings.
    async fn code(&self) -> Result<Zeroizing<String>, IdentityError> {
        for _ in 0..limits::REDIRECTS {
            let Ok((mut stream, _)) = self.listener.accept().await else {
                continue;
            };
            // A connection that says nothing must not keep the next one out.
            let Ok(Some(target)) = tokio::time::timeout(HEAD, target(&mut stream)).await else {
                continue;
            };
            let Some(query) = target
                .strip_prefix(PATH)
                .and_then(|rest| rest.strip_prefix('?'))
            else {
                answer(&mut stream, "404 Not Found", "There is nothing here.").await;
                continue;
            };
            let outcome = self.read(query);
            let (status, words) = match &outcome {
                Ok(_) => ("200 OK", "You are signed in. This page can be closed."),
                Err(_) => (
                    "400 Bad Request",
                    "Signing in failed. The terminal says why.",
                ),
            };
            answer(&mut stream, status, words).await;
            return outcome;
        }
        Err(IdentityError::SignIn(format!(
            "{} connections brought no code",
            limits::REDIRECTS
        )))
    }

    fn read(&self, query: &str) -> Result<Zeroizing<String>, IdentityError> {
        let refused = |words: &str| Err(IdentityError::SignIn(words.to_owned()));
        let Ok(url) = Url::parse(&format!("http://localhost/?{query}")) else {
            return refused("the browser came back with no query");
        };
        let one = |name: &str| {
            let mut found = url.query_pairs().filter(|(key, _)| key == name);
            match (found.next(), found.next()) {
                (Some((_, value)), None) => Some(Zeroizing::new(value.into_owned())),
                _ => None,
            }
        };
        // First of all: whoever sent the browser here has to be who we asked.
        if !same(&self.state, one("state").as_ref().map(|s| s.as_str())) {
            return refused("the browser came back with another state than it was sent with");
        }
        if one("iss").is_some_and(|iss| iss.as_str() != self.issuer.issuer) {
            return refused("the browser came back from another identity provider");
        }
        if let Some(error) = one("error") {
            let error = waxseal_attestation::json::shown(&error);
            return Err(IdentityError::SignIn(format!(
                "the identity provider says `{error}`"
            )));
        }
        match one("code") {
            Some(code) if !code.is_empty() => Ok(code),
            _ => refused("the browser came back without a code"),
        }
    }
}

impl std::fmt::Debug for Browser<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Browser").finish_non_exhaustive()
    }
}

/// What a GET asks for, if it is one.
async fn target(stream: &mut TcpStream) -> Option<Zeroizing<String>> {
    let mut head = Zeroizing::new(vec![0; limits::REDIRECT_BYTES]);
    let mut filled = 0;
    loop {
        let read = stream.read(head.get_mut(filled..)?).await.ok()?;
        filled += read;
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        if request.parse(head.get(..filled)?).ok()?.is_complete() {
            let target = request.path.filter(|_| request.method == Some("GET"))?;
            return Some(Zeroizing::new(target.to_owned()));
        }
        if read == 0 {
            return None;
        }
    }
}

/// What the person sees in the browser. Nothing of the request is in it.
async fn answer(stream: &mut TcpStream, status: &str, words: &str) {
    let body = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Waxseal</title><p>{words}</p></html>\n"
    );
    let text = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    // A browser that has gone away has brought its code.
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}

const PATH: &str = "/auth/callback";
const HEAD: Duration = Duration::from_secs(5);
