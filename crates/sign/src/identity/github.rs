//! GitHub Actions: a job asks its runner's service.

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::Surroundings;
use crate::service::{Call, Service};
use crate::{IdentityError, IdentityToken};

pub(super) fn is_here(around: &Surroundings<'_>) -> bool {
    around.var("GITHUB_ACTIONS").as_deref() == Some("true") || around.var(REQUEST_URL).is_some()
}

pub(super) async fn token(around: &Surroundings<'_>) -> Result<IdentityToken, IdentityError> {
    let (Some(url), Some(bearer)) = (around.var(REQUEST_URL), around.var(REQUEST_TOKEN)) else {
        return Err(refused(
            "the job lacks the permission `id-token: write`".to_owned(),
        ));
    };
    let bearer = Zeroizing::new(bearer);
    let mut url = Url::parse(&url).map_err(|e| refused(format!("{REQUEST_URL} is no URL: {e}")))?;
    url.query_pairs_mut()
        .append_pair("audience", around.audience);
    let authorization = Zeroizing::new(format!("Bearer {}", bearer.as_str()));
    let mut authorization = HeaderValue::from_str(&authorization)
        .map_err(|_| refused(format!("{REQUEST_TOKEN} cannot be sent")))?;
    authorization.set_sensitive(true);
    let call = Call::get(Service::Identity, url)
        .header(AUTHORIZATION, authorization)
        .secret(&bearer);
    let answer = around.http.send(&call).await?.success()?;
    let answer: Answer = answer.json()?;
    IdentityToken::parse(Zeroizing::new(answer.value))
}

#[derive(Deserialize)]
struct Answer {
    value: String,
}

fn refused(reason: String) -> IdentityError {
    IdentityError::Refused {
        provider: "GitHub Actions",
        reason,
    }
}

const REQUEST_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const REQUEST_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
