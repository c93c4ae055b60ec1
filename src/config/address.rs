//! Addresses: where we listen, and whom we call.

use std::fmt;
use std::net::SocketAddr;
use url::{Host, Url};

/// An address that is a secret of its kind: whoever knows it can call it in our place. It is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(Url);

impl SecretUrl {
    /// The address itself, for the call.
    pub fn expose(&self) -> &Url {
        &self.0
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        http(text).map(Self)
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretUrl(…)")
    }
}

/// The text is not repeated in what is said of it: it may hold a password.
fn http(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| "this is no address: it begins with https:// or http://".to_owned())
}

/// Where Slack's Web API is: without TLS only on this machine.
pub(super) fn api(text: &str) -> Result<Url, String> {
    let url = http(text)?;
    if url.scheme() == "http" && !is_loopback(&url) {
        let why =
            "http:// to another machine would send both of Slack's tokens in clear: write https://";
        return Err(why.to_owned());
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    text.replacen("localhost:", "127.0.0.1:", 1).parse().map_err(|_| {
        format!("`{text}` is no address and port: write 127.0.0.1:8080 or 0.0.0.0:8080")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slacks_tokens_leave_the_machine_only_under_tls() {
        for (text, good) in [
            ("https://slack.com/api/", true),
            ("http://localhost:9000/api/", true),
            ("http://127.0.0.1:9000/api/", true),
            ("http://127.8.7.6/api/", true),
            ("http://[::1]:9000/api/", true),
            ("http://slack.com/api/", false),
            ("http://localhost.example.com/", false),
            ("http://127.0.0.1.example.com/", false),
            ("http://127.0.0.1@example.com/", false),
            ("http://[::ffff:10.0.0.1]/", false),
            ("http://10.0.0.1/", false),
            ("ftp://127.0.0.1/", false),
        ] {
            assert_eq!(api(text).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_address_does_not_repeat_it() {
        let said = api("htps://vigie:hunter2@slack.example.com").expect_err("no address");
        assert!(!said.contains("hunter2"), "{said}");
        let secret = SecretUrl::parse("https://hc.example.com/hunter2").expect("an address");
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
