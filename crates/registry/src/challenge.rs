//! What a registry asks for when it answers 401 (RFC 9110 §11.6.1, and the
//! distribution project's "Token Authentication Specification").

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use http_auth::ChallengeParser;
use url::Url;

/// How a registry wants us to authenticate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// User name and password with every request.
    Basic,
    /// A token from a token service.
    Bearer(Bearer),
}

/// Where to get a token, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bearer {
    /// The token service.
    pub(crate) realm: Url,
    /// Whom the token is for.
    pub(crate) service: Option<String>,
    /// What the registry says that is needed.
    pub(crate) scopes: Vec<String>,
}

impl Challenge {
    /// The challenge of an answer: Bearer where it is offered, else Basic.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, String> {
        let mut basic = false;
        let mut others = Vec::new();
        for value in headers.get_all(WWW_AUTHENTICATE) {
            let Ok(text) = value.to_str() else {
                return Err("`WWW-Authenticate` is not text".into());
            };
            if text.len() > HEADER_BYTES {
                return Err("`WWW-Authenticate` is too long".into());
            }
            for challenge in ChallengeParser::new(text) {
                let challenge =
                    challenge.map_err(|_| format!("`WWW-Authenticate` is malformed: `{text}`"))?;
                if challenge.scheme.eq_ignore_ascii_case("bearer") {
                    return bearer(&challenge.params).map(Self::Bearer);
                }
                if challenge.scheme.eq_ignore_ascii_case("basic") {
                    basic = true;
                } else {
                    others.push(challenge.scheme.to_owned());
                }
            }
        }
        match (basic, others.first()) {
            (true, _) => Ok(Self::Basic),
            (false, Some(_)) => Err(format!("it knows only `{}`", others.join("`, `"))),
            (false, None) => Err("it answers 401 and does not say how".into()),
        }
    }
}

fn bearer(params: &[(&str, http_auth::ParamValue<'_>)]) -> Result<Bearer, String> {
    let (mut realm, mut service, mut scopes) = (None, None, Vec::new());
    for (name, value) in params {
        let value = value.to_unescaped();
        match name.to_ascii_lowercase().as_str() {
            // Two realms are one too many: which of them is meant?
            "realm" if realm.is_some() => return Err("it names two realms".into()),
            "realm" => realm = Some(value),
            "service" => service = Some(value),
            "scope" => scopes.extend(value.split_ascii_whitespace().map(str::to_owned)),
            _ => {}
        }
    }
    let realm = realm.ok_or("it names no realm")?;
    let realm = Url::parse(&realm).map_err(|e| format!("the realm `{realm}` is not a URL: {e}"))?;
    Ok(Bearer {
        realm,
        service,
        scopes,
    })
}

const HEADER_BYTES: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Result<Challenge, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, value.parse().unwrap());
        }
        Challenge::of(&headers)
    }

    #[test]
    fn reads_what_registries_send() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull""#;
        assert_eq!(
            of(&[hub]),
            Ok(Challenge::Bearer(Bearer {
                realm: Url::parse("https://auth.docker.io/token").unwrap(),
                service: Some("registry.docker.io".into()),
                scopes: vec!["repository:library/nginx:pull".into()],
            }))
        );
        assert_eq!(of(&[r#"Basic realm="Registry""#]), Ok(Challenge::Basic));
        assert!(matches!(
            of(&[r#"basic realm="x""#, hub]),
            Ok(Challenge::Bearer(_))
        ));
        let quoted = r#"BEARER realm="https://r.test/t?a=b,c",error="invalid_token""#;
        assert!(
            matches!(of(&[quoted]), Ok(Challenge::Bearer(b)) if b.realm.query() == Some("a=b,c"))
        );
    }

    #[test]
    fn refuses_with_the_reason() {
        assert_eq!(of(&[]), Err("it answers 401 and does not say how".into()));
        assert_eq!(
            of(&["Negotiate", "NTLM"]),
            Err("it knows only `Negotiate`, `NTLM`".into())
        );
        assert_eq!(
            of(&["Bearer service=\"x\""]),
            Err("it names no realm".into())
        );
        assert_eq!(
            of(&["Bearer realm=\"https://a.test/\",realm=\"https://b.test/\""]),
            Err("it names two realms".into())
        );
        assert_eq!(
            of(&["Bearer realm=\"nowhere\""]),
            Err("the realm `nowhere` is not a URL: relative URL without a base".into())
        );
    }
}
