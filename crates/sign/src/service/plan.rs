//! Which services are asked, and how many of them have to answer.

use std::fmt;

use jiff::Timestamp;
use reqwest::Url;
use sigstore_trust_root::{
    SIGSTORE_PRODUCTION_SIGNING_CONFIG, SIGSTORE_PRODUCTION_TRUSTED_ROOT, ServiceConfiguration,
    ServiceEndpoint, ServiceSelector, SigningConfig,
};

use waxseal_verify::{TrustedRoot, TrustedRootError};

use super::{Service, ServiceError};
use crate::limits;

/// Which interface a transparency log has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RekorVersion {
    /// Promises, proofs and the time of the entry.
    V1,
    /// Proofs from tiles; the time has to come from a timestamp authority.
    V2,
}

impl RekorVersion {
    fn from_major(major: u32) -> Option<Self> {
        match major {
            1 => Some(Self::V1),
            2 => Some(Self::V2),
            _ => None,
        }
    }
}

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// Its address.
    pub url: Url,
    /// Its interface, for a log.
    pub version: RekorVersion,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str())
    }
}

/// The services that a signature is made with.
#[derive(Clone, Debug, Default)]
pub struct Services {
    pub(crate) authorities: Vec<Endpoint>,
    pub(crate) logs: Choice,
    pub(crate) timestamps: Choice,
    providers: Vec<Endpoint>,
}

/// Services of one kind: each group is one operator's, the best first, and
/// stands in for itself; of the groups, `wanted` have to answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    pub(crate) groups: Vec<Vec<Endpoint>>,
    pub(crate) wanted: usize,
}

impl Choice {
    fn one(endpoint: Endpoint) -> Self {
        Self {
            groups: vec![vec![endpoint]],
            wanted: 1,
        }
    }

    /// Whether there are as many as are wanted.
    fn check(&self, service: Service) -> Result<(), ServiceError> {
        if self.groups.len() < self.wanted {
            return Err(ServiceError::NoneKnown { service });
        }
        Ok(())
    }

    fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.groups.iter().flatten()
    }
}

impl Services {
    /// No services at all, to be added one by one.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The services that a signing configuration (v0.2) names and that are
    /// valid at `now`; of the logs only those of `version`, if there is one.
    /// `json` comes from whoever runs the instance.
    ///
    /// # Errors
    /// [`ServiceError::Configuration`], where it is malformed or asks for more
    /// services than it names.
    pub fn from_signing_config(
        json: &[u8],
        now: Timestamp,
        version: Option<RekorVersion>,
    ) -> Result<Self, ServiceError> {
        let refused = |reason: String| ServiceError::Configuration(reason);
        waxseal_oci::check_json(json).map_err(|e| refused(e.to_string()))?;
        let text = str::from_utf8(json).map_err(|e| refused(e.to_string()))?;
        let config = SigningConfig::from_json(text).map_err(|e| refused(e.to_string()))?;
        let authorities = valid(Service::Fulcio, &config.ca_urls, now, &[1])?;
        let logs = valid(Service::Rekor, &config.rekor_tlog_urls, now, &[1, 2])?
            .into_iter()
            .filter(|found| version.is_none_or(|version| found.endpoint.version == version))
            .collect();
        let timestamps = valid(Service::Tsa, &config.tsa_urls, now, &[1])?;
        let providers = valid(Service::Identity, &config.oidc_urls, now, &[1])?;
        Ok(Self {
            authorities: authorities
                .into_iter()
                .map(|found| found.endpoint)
                .collect(),
            logs: choose(
                Service::Rekor,
                &config.rekor_tlog_config,
                logs,
                !config.rekor_tlog_urls.is_empty(),
            )?,
            timestamps: choose(
                Service::Tsa,
                &config.tsa_config,
                timestamps,
                !config.tsa_urls.is_empty(),
            )?,
            providers: providers.into_iter().map(|found| found.endpoint).collect(),
        })
    }

    /// The services of the public Sigstore, as they were when this was built.
    ///
    /// # Errors
    /// As [`Services::from_signing_config`].
    pub fn public_good(
        now: Timestamp,
        version: Option<RekorVersion>,
    ) -> Result<Self, ServiceError> {
        Self::from_signing_config(SIGSTORE_PRODUCTION_SIGNING_CONFIG.as_bytes(), now, version)
    }

    /// With this certificate authority and no other.
    ///
    /// # Errors
    /// [`ServiceError::Url`].
    pub fn with_fulcio(mut self, url: &str) -> Result<Self, ServiceError> {
        self.authorities = vec![endpoint(Service::Fulcio, url, RekorVersion::V1)?];
        Ok(self)
    }

    /// With this log and no other.
    ///
    /// # Errors
    /// [`ServiceError::Url`].
    pub fn with_rekor(mut self, url: &str, version: RekorVersion) -> Result<Self, ServiceError> {
        self.logs = Choice::one(endpoint(Service::Rekor, url, version)?);
        Ok(self)
    }

    /// With this timestamp authority, by its full address, and no other.
    ///
    /// # Errors
    /// [`ServiceError::Url`].
    pub fn with_tsa(mut self, url: &str) -> Result<Self, ServiceError> {
        self.timestamps = Choice::one(endpoint(Service::Tsa, url, RekorVersion::V1)?);
        Ok(self)
    }

    /// Without any log.
    #[must_use]
    pub fn without_log(mut self) -> Self {
        self.logs = Choice::default();
        self
    }

    /// Without any timestamp.
    #[must_use]
    pub fn without_timestamp(mut self) -> Self {
        self.timestamps = Choice::default();
        self
    }

    /// Whether the logs and timestamp authorities that are wanted are there.
    pub(crate) fn check(&self) -> Result<(), ServiceError> {
        self.logs.check(Service::Rekor)?;
        self.timestamps.check(Service::Tsa)
    }

    /// The certificate authorities, in the order in which they are asked.
    pub fn authorities(&self) -> impl Iterator<Item = &Endpoint> {
        self.authorities.iter()
    }

    /// The logs that may be written to.
    pub fn logs(&self) -> impl Iterator<Item = &Endpoint> {
        self.logs.endpoints()
    }

    /// The timestamp authorities that may be asked.
    pub fn timestamps(&self) -> impl Iterator<Item = &Endpoint> {
        self.timestamps.endpoints()
    }

    /// The provider with which a person signs in.
    #[must_use]
    pub fn provider(&self) -> Option<&Url> {
        self.providers.first().map(|provider| &provider.url)
    }
}

/// The trusted root of the public Sigstore, as it was when this was built.
///
/// # Errors
/// As [`TrustedRoot::from_json`].
pub fn public_good_trusted_root() -> Result<TrustedRoot, TrustedRootError> {
    TrustedRoot::from_json(SIGSTORE_PRODUCTION_TRUSTED_ROOT.as_bytes())
}

/// A service that is valid, and whose it is.
struct Found {
    endpoint: Endpoint,
    operator: Option<String>,
    start: Timestamp,
}

fn valid(
    service: Service,
    listed: &[ServiceEndpoint],
    now: Timestamp,
    majors: &[u32],
) -> Result<Vec<Found>, ServiceError> {
    if listed.len() > limits::SERVICES {
        return Err(ServiceError::Configuration(format!(
            "it names more than {} addresses of {service}",
            limits::SERVICES
        )));
    }
    let mut found = Vec::new();
    for one in listed {
        if !one.valid_for.contains(now) || !majors.contains(&one.major_api_version) {
            continue;
        }
        let version = RekorVersion::from_major(one.major_api_version).unwrap_or(RekorVersion::V1);
        found.push(Found {
            endpoint: endpoint(service, &one.url, version)?,
            operator: one.operator.clone().filter(|operator| !operator.is_empty()),
            start: one.valid_for.start,
        });
    }
    // The newest interface first, then whatever was set up last.
    found.sort_by_key(|found| std::cmp::Reverse((found.endpoint.version, found.start)));
    Ok(found)
}

/// What the selector makes of the services. One of each operator: two logs of
/// one operator vouch for no more than one does.
fn choose(
    service: Service,
    config: &ServiceConfiguration,
    found: Vec<Found>,
    listed: bool,
) -> Result<Choice, ServiceError> {
    let mut groups: Vec<(Option<String>, Vec<Endpoint>)> = Vec::new();
    for one in found {
        let same = groups
            .iter_mut()
            .find(|(operator, _)| operator.is_some() && *operator == one.operator);
        match same {
            Some((_, group)) => group.push(one.endpoint),
            None => groups.push((one.operator, vec![one.endpoint])),
        }
    }
    let groups: Vec<Vec<Endpoint>> = groups.into_iter().map(|(_, group)| group).collect();
    let there = groups.len();
    let wanted = match config.selector {
        // An instance without such a service lists none. One whose services are
        // all out of date is not an instance without.
        ServiceSelector::Any => usize::from(listed),
        ServiceSelector::All => there.max(usize::from(listed)),
        ServiceSelector::Exact => {
            let count = config.count.unwrap_or_default();
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            if count == 0 || count > there {
                return Err(ServiceError::Configuration(format!(
                    "it asks for exactly {count} operators of {service}, of {there} that are valid now"
                )));
            }
            count
        }
        _ => {
            return Err(ServiceError::Configuration(format!(
                "it does not say how many of {service} are to be used"
            )));
        }
    };
    Ok(Choice { groups, wanted })
}

fn endpoint(service: Service, text: &str, version: RekorVersion) -> Result<Endpoint, ServiceError> {
    let refused = |reason: String| ServiceError::Url {
        service,
        url: waxseal_attestation::json::shown(text),
        reason,
    };
    let url = Url::parse(text).map_err(|e| refused(e.to_string()))?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return Err(refused("it is neither https nor http".to_owned()));
    }
    Ok(Endpoint { url, version })
}

/// An address under a service's.
pub(crate) fn under(url: &Url, path: &str) -> Url {
    let mut url = url.clone();
    let base = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{base}{path}"));
    url
}
