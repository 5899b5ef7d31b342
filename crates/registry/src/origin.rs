//! Who is spoken to, and who may be trusted with what.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// The scheme, host and port of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    base: Url,
}

impl Origin {
    /// The origin of a registry's API.
    pub(crate) fn new(registry: &str, plain: bool) -> Result<Self, String> {
        let host = if registry == "docker.io" {
            "registry-1.docker.io"
        } else {
            registry
        };
        let scheme = if plain { "http" } else { "https" };
        let base = Url::parse(&format!("{scheme}://{host}/")).map_err(|e| e.to_string())?;
        Ok(Self { base })
    }

    /// A place within it. `path` begins without a slash.
    pub(crate) fn at(&self, path: &str) -> Result<Url, String> {
        self.base.join(path).map_err(|e| e.to_string())
    }

    /// Whether a URL is within it: credentials go nowhere else.
    pub(crate) fn holds(&self, url: &Url) -> bool {
        same_origin(&self.base, url)
    }

    /// Whether a request or redirect may go to `to` on this registry's word.
    ///
    /// A registry must not be able to make us speak without TLS where it was
    /// asked for with TLS, nor to reach what only we can reach: loopback and
    /// the link-local address of a cloud's metadata service.
    pub(crate) fn may_send_to(&self, to: &Url) -> Result<(), &'static str> {
        if !matches!(to.scheme(), "http" | "https") {
            return Err("only HTTP is spoken");
        }
        if !to.username().is_empty() || to.password().is_some() {
            return Err("it carries credentials of its own");
        }
        if to.scheme() == "http" {
            if self.base.scheme() == "https" {
                return Err("it gives up TLS");
            }
            if !self.holds(to) && !is_loopback(to) {
                return Err("it is plain HTTP to another host");
            }
        }
        if is_loopback(to) && !is_loopback(&self.base) {
            return Err("it points to this machine");
        }
        if is_link_local(to) {
            return Err("it is a link-local address");
        }
        Ok(())
    }

    /// Whether a token service may be asked, and with the registry's credentials.
    pub(crate) fn may_use_realm(
        &self,
        realm: &Url,
        trusted: &[String],
    ) -> Result<RealmTrust, &'static str> {
        self.may_send_to(realm)?;
        if self.holds(realm) || (is_loopback(&self.base) && is_loopback(realm)) {
            return Ok(RealmTrust::Credentials);
        }
        let (Some(own), Some(other)) = (self.base.host(), realm.host()) else {
            return Err("it has no host");
        };
        let listed = realm.host_str().is_some_and(|h| {
            trusted
                .iter()
                .any(|t| t.eq_ignore_ascii_case(h) || t.eq_ignore_ascii_case(&authority(realm)))
        });
        let related = match (own, other) {
            (Host::Domain(own), Host::Domain(other)) => same_owner(own, other),
            _ => false,
        };
        Ok(if listed || related {
            RealmTrust::Credentials
        } else {
            RealmTrust::Anonymous
        })
    }
}

/// What a token service is trusted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RealmTrust {
    /// It may be asked for an anonymous token.
    Anonymous,
    /// It may be sent the registry's credentials.
    Credentials,
}

/// Whether a host with or without a port (`[::1]:5000`) is on this machine.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    Url::parse(&format!("http://{host}/")).is_ok_and(|url| is_loopback(&url))
}

/// Same scheme, host and port.
pub(crate) fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host() == b.host()
        && a.port_or_known_default() == b.port_or_known_default()
}

/// Host and port of a URL.
pub(crate) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => match ip.to_ipv4_mapped() {
            Some(ip) => ip.is_loopback(),
            None => ip.is_loopback(),
        },
        None => false,
    }
}

fn is_link_local(url: &Url) -> bool {
    let v4 = |ip: Ipv4Addr| ip.is_link_local() || ip.is_unspecified();
    let v6 = |ip: Ipv6Addr| ip.is_unicast_link_local() || ip.is_unspecified() || ip == AWS_METADATA;
    let address = match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) => ip.to_canonical(),
        _ => return false,
    };
    match address {
        IpAddr::V4(ip) => v4(ip),
        IpAddr::V6(ip) => v6(ip),
    }
}

/// Whether two host names belong to one owner, as far as names can say: one
/// is the parent of the other, or both are children of one domain that is not
/// shared between strangers.
fn same_owner(a: &str, b: &str) -> bool {
    let below = |child: &str, parent: &str| {
        parent.contains('.')
            && child
                .strip_suffix(parent)
                .is_some_and(|rest| rest.ends_with('.'))
    };
    if a == b || below(a, b) || below(b, a) {
        return true;
    }
    let (Some((_, parent_a)), Some((_, parent_b))) = (a.split_once('.'), b.split_once('.')) else {
        return false;
    };
    parent_a == parent_b && parent_a.contains('.') && !is_shared(parent_a)
}

fn is_shared(domain: &str) -> bool {
    let country = domain
        .split_once('.')
        .is_some_and(|(second, top)| top.len() == 2 && SECOND_LEVEL.contains(&second));
    country
        || SHARED
            .iter()
            .any(|s| domain == *s || domain.ends_with(&format!(".{s}")))
}

const AWS_METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// What stands in front of a country's code where strangers get the third name.
const SECOND_LEVEL: [&str; 16] = [
    "ac", "co", "com", "edu", "go", "gob", "gouv", "gov", "ltd", "me", "mil", "ne", "net", "nom",
    "or", "org",
];

/// Domains under which strangers get a name each.
const SHARED: [&str; 16] = [
    "amazonaws.com",
    "appspot.com",
    "azurecr.io",
    "azurewebsites.net",
    "cloudfront.net",
    "digitaloceanspaces.com",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "herokuapp.com",
    "icr.io",
    "netlify.app",
    "pages.dev",
    "pkg.dev",
    "run.app",
    "workers.dev",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(registry: &str, plain: bool) -> Origin {
        Origin::new(registry, plain).unwrap()
    }

    #[test]
    fn knows_whom_a_registry_may_send_us_to() {
        let far = origin("registry.example.com", false);
        let near = origin("127.0.0.1:5000", true);
        let go = |o: &Origin, to: &str| o.may_send_to(&Url::parse(to).unwrap());
        assert_eq!(go(&far, "https://cdn.example.net/blob?sig=1"), Ok(()));
        assert_eq!(
            go(&far, "http://registry.example.com/x"),
            Err("it gives up TLS")
        );
        assert_eq!(
            go(&far, "ftp://cdn.example.net/x"),
            Err("only HTTP is spoken")
        );
        assert_eq!(
            go(&far, "https://u:p@cdn.example.net/"),
            Err("it carries credentials of its own")
        );
        assert_eq!(
            go(&far, "https://127.0.0.1/"),
            Err("it points to this machine")
        );
        assert_eq!(
            go(&far, "https://[::ffff:127.0.0.1]/"),
            Err("it points to this machine")
        );
        assert_eq!(
            go(&far, "https://localhost./"),
            Err("it points to this machine")
        );
        assert_eq!(
            go(&far, "https://169.254.169.254/latest"),
            Err("it is a link-local address")
        );
        assert_eq!(
            go(&far, "https://[fd00:ec2::254]/"),
            Err("it is a link-local address")
        );
        assert_eq!(go(&near, "http://localhost:6000/"), Ok(()));
        assert_eq!(
            go(&near, "http://example.com/"),
            Err("it is plain HTTP to another host")
        );
    }

    #[test]
    fn knows_who_may_have_credentials() {
        use RealmTrust::{Anonymous, Credentials};
        let trust = |registry: &str, realm: &str| {
            origin(registry, is_loopback_host(registry))
                .may_use_realm(&Url::parse(realm).unwrap(), &["sso.acme.test".into()])
        };
        let cases = [
            ("docker.io", "https://auth.docker.io/token", Ok(Credentials)),
            ("ghcr.io", "https://ghcr.io/token", Ok(Credentials)),
            (
                "registry.gitlab.com",
                "https://gitlab.com/jwt/auth",
                Ok(Credentials),
            ),
            (
                "registry.acme.test",
                "https://gitlab.acme.test/jwt/auth",
                Ok(Credentials),
            ),
            (
                "registry.example.com",
                "https://sso.acme.test/token",
                Ok(Credentials),
            ),
            (
                "registry.example.com",
                "https://evil.test/token",
                Ok(Anonymous),
            ),
            (
                "registry.example.com",
                "https://evilexample.com/token",
                Ok(Anonymous),
            ),
            (
                "one.azurecr.io",
                "https://two.azurecr.io/token",
                Ok(Anonymous),
            ),
            ("one.co.uk", "https://two.co.uk/token", Ok(Anonymous)),
            ("one.com", "https://two.com/token", Ok(Anonymous)),
            (
                "registry.example.com",
                "https://203.0.113.7/token",
                Ok(Anonymous),
            ),
            (
                "registry.example.com",
                "http://registry.example.com/token",
                Err("it gives up TLS"),
            ),
            (
                "registry.example.com",
                "https://169.254.169.254/",
                Err("it is a link-local address"),
            ),
            (
                "127.0.0.1:5000",
                "http://127.0.0.1:5001/token",
                Ok(Credentials),
            ),
            (
                "127.0.0.1:5000",
                "http://example.com/token",
                Err("it is plain HTTP to another host"),
            ),
            ("127.0.0.1:5000", "https://example.com/token", Ok(Anonymous)),
        ];
        for (registry, realm, wanted) in cases {
            assert_eq!(trust(registry, realm), wanted, "{registry} {realm}");
        }
    }
}
