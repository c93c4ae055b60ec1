//! Why an address did not answer, in words: name, connection, certificate. No address is repeated from an error.

use rustls::CertificateError;
use std::error::Error;

/// How it failed, and what to mend.
pub fn trouble(error: &reqwest::Error) -> (String, &'static str) {
    if let Some(error) = within::<rustls::Error>(error) {
        return of_tls(error);
    }
    if error.is_timeout() {
        return (
            "no answer in time".to_owned(),
            "look at the firewall, and at whether the proxy runs",
        );
    }
    let mut last: &(dyn Error + 'static) = error;
    while let Some(source) = last.source() {
        last = source;
    }
    let why = last.to_string();
    let mend = match why.contains("lookup") || why.contains("resolve") {
        true => "the name is not known: look at its DNS entry",
        false => "look at whether the proxy runs and the firewall lets it be reached",
    };
    (why, mend)
}

const SELF_SIGNED: (&str, &str) = (
    "nobody known vouches for its certificate (self-signed, or the intermediate one is missing)",
    "serve the whole chain of a CA that the sources trust",
);

fn of_tls(error: &rustls::Error) -> (String, &'static str) {
    use CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
        NotValidYetContext, Other, UnknownIssuer,
    };
    let (why, mend) = match error {
        rustls::Error::InvalidCertificate(why) => match why {
            Expired | ExpiredContext { .. } => {
                ("its certificate has expired", "renew it, and see why that was not done by itself")
            }
            NotValidYet | NotValidYetContext { .. } => {
                ("its certificate is not good yet", "look at this machine's clock")
            }
            NotValidForName | NotValidForNameContext { .. } => {
                ("its certificate is for another name", "get one for this name")
            }
            UnknownIssuer => SELF_SIGNED,
            // webpki's word for what `openssl req -x509` makes.
            Other(why) if format!("{why:?}").contains("CaUsedAsEndEntity") => SELF_SIGNED,
            _ => ("its certificate is not good", "get another from a CA that the sources trust"),
        },
        rustls::Error::InvalidMessage(_) => {
            ("it does not speak TLS", "let the proxy serve https on this port")
        }
        _ => ("TLS cannot be agreed on", "let the proxy serve TLS 1.2 or 1.3"),
    };
    (format!("{why} ({error})"), mend)
}

/// The cause of this type, however deep. An I/O error leaves out the one that it holds when it is asked for its cause.
fn within<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    if let Some(found) = error.downcast_ref::<T>() {
        return Some(found);
    }
    let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    match held {
        Some(held) => within(held),
        None => within(error.source()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_of_a_certificate_has_its_words() {
        let bad = rustls::Error::InvalidCertificate;
        for (error, words) in [
            (bad(CertificateError::Expired), "has expired"),
            (bad(CertificateError::NotValidYet), "not good yet"),
            (bad(CertificateError::NotValidForName), "for another name"),
            (bad(CertificateError::UnknownIssuer), "self-signed"),
            (bad(CertificateError::Revoked), "is not good"),
        ] {
            let inside = std::io::Error::other(std::io::Error::other(error));
            let found = within::<rustls::Error>(&inside).expect("found inside");
            assert!(of_tls(found).0.contains(words), "{found}");
        }
        assert!(within::<rustls::Error>(&std::io::Error::other("odd")).is_none());
    }
}
