//! One request to a service, and its answer.

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{Service, ServiceError, said};
use crate::limits;

/// What is asked of a service.
pub(crate) struct Call<'a> {
    pub(super) service: Service,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// What must not be shown of the answer.
    pub(super) secrets: Vec<&'a str>,
    /// Whether plain HTTP will do because no router lies between.
    pub(super) link_local: bool,
}

impl<'a> Call<'a> {
    pub(crate) fn get(service: Service, url: Url) -> Self {
        Self {
            service,
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            secrets: Vec::new(),
            link_local: false,
        }
    }

    pub(crate) fn post(service: Service, url: Url, kind: &'static str, body: Vec<u8>) -> Self {
        Self {
            method: Method::POST,
            body: Bytes::from(body),
            ..Self::get(service, url)
        }
        .header(CONTENT_TYPE, HeaderValue::from_static(kind))
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The request holds this, and no message may.
    pub(crate) fn secret(mut self, secret: &'a str) -> Self {
        self.secrets.push(secret);
        self
    }

    /// The host is the machine's own, whatever its name.
    pub(crate) fn link_local(mut self) -> Self {
        self.link_local = true;
        self
    }
}

/// What a service answered, whole.
pub(crate) struct Answer {
    pub(super) service: Service,
    pub(super) host: String,
    pub(super) status: u16,
    pub(super) location: Option<String>,
    pub(super) body: Zeroizing<Vec<u8>>,
    /// What a refusal said.
    pub(super) said: String,
}

impl Answer {
    pub(super) fn new(
        call: &Call<'_>,
        host: String,
        status: u16,
        location: Option<String>,
        body: Zeroizing<Vec<u8>>,
    ) -> Self {
        let said = if (200..300).contains(&status) {
            String::new()
        } else {
            said(&body, &call.secrets)
        };
        Self {
            service: call.service,
            host,
            status,
            location,
            body,
            said,
        }
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The answer, if it is one.
    pub(crate) fn success(self) -> Result<Self, ServiceError> {
        if (200..300).contains(&self.status) {
            Ok(self)
        } else {
            Err(self.refusal())
        }
    }

    /// The answer as a refusal.
    pub(crate) fn refusal(&self) -> ServiceError {
        ServiceError::Status {
            service: self.service,
            host: self.host.clone(),
            status: self.status,
            said: self.said.clone(),
        }
    }

    pub(crate) fn malformed(&self, reason: impl Into<String>) -> ServiceError {
        ServiceError::Malformed {
            service: self.service,
            host: self.host.clone(),
            reason: reason.into(),
        }
    }

    /// The body as JSON in which no object has a member twice.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ServiceError> {
        waxseal_oci::check_json(&self.body)
            .map_err(|e| self.malformed(format!("no strict JSON: {e}")))?;
        // Their parser quotes values, and a value may be a token.
        serde_json::from_slice(&self.body).map_err(|e| {
            self.malformed(format!(
                "a member is missing or has another type (line {}, column {})",
                e.line(),
                e.column()
            ))
        })
    }

    /// The body as text.
    pub(crate) fn text(&self) -> Result<Zeroizing<String>, ServiceError> {
        str::from_utf8(&self.body)
            .map(|text| Zeroizing::new(text.to_owned()))
            .map_err(|_| self.malformed("no text"))
    }
}

/// What is read of an answer.
pub(super) const LIMIT: usize = limits::ANSWER_BYTES;
