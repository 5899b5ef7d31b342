//! Google Cloud: the machine's metadata server.

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};

use super::Surroundings;
use crate::service::{Call, Service};
use crate::{IdentityError, IdentityToken};

pub(super) fn is_here(around: &Surroundings<'_>) -> bool {
    // The address would be a guess on every other machine, and a slow one.
    let product = std::fs::read_to_string(around.file("/sys/class/dmi/id/product_name"));
    around.var(HOST).is_some()
        || product.is_ok_and(|name| matches!(name.trim(), "Google" | "Google Compute Engine"))
}

pub(super) async fn token(around: &Surroundings<'_>) -> Result<IdentityToken, IdentityError> {
    let refused = |reason: String| IdentityError::Refused {
        provider: "Google Cloud",
        reason,
    };
    let host = around.var(HOST).unwrap_or_else(|| DEFAULT.to_owned());
    let mut url = Url::parse(&format!("http://{host}{PATH}"))
        .map_err(|e| refused(format!("{HOST} is no host: {e}")))?;
    url.query_pairs_mut()
        .append_pair("audience", around.audience)
        .append_pair("format", "full");
    let call = Call::get(Service::Identity, url)
        .header(FLAVOR, HeaderValue::from_static("Google"))
        .link_local();
    let answer = around.http.send(&call).await?.success()?;
    let text = answer
        .text()
        .map_err(|_| IdentityError::Malformed("it is not text"))?;
    IdentityToken::parse(text)
}

const HOST: &str = "GCE_METADATA_HOST";
const DEFAULT: &str = "metadata.google.internal";
const PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/identity";
const FLAVOR: HeaderName = HeaderName::from_static("metadata-flavor");
