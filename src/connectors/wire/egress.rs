//! Where a request may go. The connector file and the config name the hosts; an alert never does.
//!
//! It looks twice: at the address as it is written, before anything is asked, and at what the name turned out to be.

use super::address::{Standing, standing};
use super::connection::Terms;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use url::{Host, Url};

/// A host that may be called: `api.github.com`, `*.okta.com`, `wazuh.example.com:55000`, `10.1.2.3`. Without a port it is 443's,
/// or for a host inside any.
#[derive(Clone, PartialEq, Eq)]
pub struct HostPattern {
    host: Wanted,
    port: Option<u16>,
}

#[derive(Clone, PartialEq, Eq)]
enum Wanted {
    This(Host<String>),
    /// Whatever ends so, with something before it: `.okta.com`.
    Below(String),
}

/// What is wrong with a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPattern(String);

/// Why a request may not go there, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is no address, or is not written as what it means.
    Spelling,
    /// A path that climbs: `..`.
    Path,
    Userinfo,
    Scheme {
        host: String,
    },
    Host {
        host: String,
    },
    Port {
        host: String,
        port: u16,
    },
    /// What the name stands for.
    Address {
        host: String,
        address: IpAddr,
        what: &'static str,
        never: bool,
    },
}

/// Where a request goes, looked at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) url: Url,
    pub(super) host: Host<String>,
    pub(super) port: u16,
    pub(super) tls: bool,
    /// The config names it as being inside.
    inside: bool,
}

/// Looks at an address as it is written.
pub(super) fn target(terms: &Terms, text: &str) -> Result<Target, Refused> {
    let url = Url::parse(text).map_err(|_| Refused::Spelling)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused::Userinfo);
    }
    let (host, tls) = match (url.host(), url.scheme()) {
        (Some(host), "https") => (host.to_owned(), true),
        (Some(host), "http") => (host.to_owned(), false),
        _ => return Err(Refused::Spelling),
    };
    as_meant(text, &url, &host)?;
    let port = url.port_or_known_default().ok_or(Refused::Spelling)?;
    let inside =
        terms.internal.iter().any(|p| p.is_host(&host) && p.port.is_none_or(|p| p == port));
    if !inside {
        outside(terms, &host, (port, tls))?;
    }
    Ok(Target { url, host, port, tls, inside })
}

/// A host that the config does not name as inside: https, and its pattern's port.
fn outside(terms: &Terms, host: &Host<String>, (port, tls): (u16, bool)) -> Result<(), Refused> {
    let name = host.to_string();
    let mut fitting = terms.hosts.iter().filter(|pattern| pattern.is_host(host)).peekable();
    if fitting.peek().is_none() {
        return Err(Refused::Host { host: name });
    }
    if !tls {
        return Err(Refused::Scheme { host: name });
    }
    match fitting.any(|pattern| pattern.port.unwrap_or(443) == port) {
        true => Ok(()),
        false => Err(Refused::Port { host: name, port }),
    }
}

/// One rule against every disguise (`2130706433`, `0x7f.1`, `ⓛocalhost`, `a.com\@b.com`, `..`): the address stands there as what
/// it turns out to mean.
fn as_meant(text: &str, url: &Url, host: &Host<String>) -> Result<(), Refused> {
    let visible = text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let rest = text.split_once("://").map(|(_, rest)| rest).ok_or(Refused::Spelling)?;
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(authority);
    let host = host.to_string();
    let after = authority.get(..host.len()).filter(|written| written.eq_ignore_ascii_case(&host));
    let port = &authority[after.ok_or(Refused::Spelling)?.len()..];
    let port_good =
        port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.parse::<u16>().is_ok());
    if !visible || !port_good || host.ends_with('.') || url.port() == Some(0) {
        return Err(Refused::Spelling);
    }
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let climbs = |segment: &str| {
        matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
    };
    if path.split('/').any(climbs) { Err(Refused::Path) } else { Ok(()) }
}

impl Target {
    /// Looks at all that the name stands for. One bad address spoils the answer: a resolver that mixes them is not to be trusted.
    pub(super) fn addresses(&self, found: &[IpAddr]) -> Result<Vec<SocketAddr>, Refused> {
        for address in found {
            let (what, never) = match standing(*address) {
                Standing::Public => continue,
                Standing::Inside(_) if self.inside => continue,
                Standing::Inside(what) => (what, false),
                Standing::Never(what) => (what, true),
            };
            let host = self.host.to_string();
            return Err(Refused::Address { host, address: *address, what, never });
        }
        Ok(found.iter().map(|address| SocketAddr::new(*address, self.port)).collect())
    }

    /// The address, where the host is written as one.
    pub(super) fn literal(&self) -> Option<IpAddr> {
        match self.host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
        }
    }
}

impl HostPattern {
    /// Reads a pattern of a connector file.
    pub fn parse(text: &str) -> Result<Self, BadPattern> {
        let bad = |why: &str| BadPattern(format!("`{text}` is no host: {why}"));
        let (below, rest) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (name, port) =
            split_port(rest).ok_or_else(|| bad("its port is a number up to 65535"))?;
        let host = Host::parse(name)
            .ok()
            .filter(|host| host.to_string().eq_ignore_ascii_case(name) && is_plain(host))
            .ok_or_else(|| {
                bad("write api.example.com, *.example.com or 10.1.2.3, with :PORT if it is not 443")
            })?;
        match (below, host) {
            (false, host) => Ok(Self { host: Wanted::This(host), port }),
            (true, Host::Domain(name)) if name.contains('.') => {
                Ok(Self { host: Wanted::Below(format!(".{name}")), port })
            }
            (true, _) => Err(bad("behind `*.` stand at least two names: *.example.com")),
        }
    }

    /// Reads a host that the config names as inside: one host, no pattern.
    pub fn exact(text: &str) -> Result<Self, BadPattern> {
        let one = Self::parse(text)?;
        match one.host {
            Wanted::This(_) => Ok(one),
            Wanted::Below(_) => Err(BadPattern(format!(
                "`{text}`: what is inside is named host by host, without `*`"
            ))),
        }
    }

    fn is_host(&self, host: &Host<String>) -> bool {
        match (&self.host, host) {
            (Wanted::This(this), host) => this == host,
            (Wanted::Below(end), Host::Domain(name)) => {
                name.strip_suffix(end.as_str()).is_some_and(|before| !before.is_empty())
            }
            (Wanted::Below(_), _) => false,
        }
    }
}

/// A name of letters, digits, `-` and `_` alone: others are somebody's mistake.
fn is_plain(host: &Host<String>) -> bool {
    let Host::Domain(name) = host else { return true };
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    name.split('.').all(|label| !label.is_empty() && label.bytes().all(letter))
}

/// `host:443` in its two parts; `None` where what follows the colon is no port. An IPv6 address stands in brackets.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    match text.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => {
            Some((name, Some(port.parse().ok().filter(|port| *port != 0)?)))
        }
        _ => Some((text, None)),
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Wanted::This(host) => write!(f, "{host}")?,
            Wanted::Below(end) => write!(f, "*{end}")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}
impl fmt::Debug for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for BadPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for BadPattern {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spelling => f.write_str(
                "this is no https:// address in its plain form: write the host and the port as they are meant",
            ),
            Self::Path => f.write_str("its path has a `.` or `..` in it: look at what was given for it"),
            Self::Userinfo => f.write_str(
                "it holds a name or password before the host: put them in the connection's secrets",
            ),
            Self::Scheme { host } => write!(
                f,
                "{host} is asked over https only: http is for hosts that the config names under `internal`"
            ),
            Self::Host { host } => write!(
                f,
                "{host} is none of this tool's hosts: look at the connection's address, or name the host under `internal` if it is yours"
            ),
            Self::Port { host, port } => write!(
                f,
                "{host} is not asked at port {port}: the connector file names the port, or it is 443"
            ),
            Self::Address { host, address, what, never: true } => {
                write!(f, "{host} is at {address}, which is {what}: no tool is there")
            }
            Self::Address { host, address, what, never: false } => write!(
                f,
                "{host} is at {address}, which is {what}: if it is yours, name {host} under `internal` of this tool"
            ),
        }
    }
}
