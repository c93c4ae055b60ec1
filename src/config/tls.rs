//! `http.tls`: the certificate under which the listener serves HTTPS, checked as far as its files can be read.

use super::fixed::Fixed;
use super::secret::Secrets;
use crate::certificate::{Files, Pair, Which};
use crate::clock::Clock;
use crate::yaml::fields::{Fields, Shape, key, scalar};
use crate::yaml::problem::Report;
use crate::yaml::{Node, What};
use std::net::SocketAddr;

pub(super) const SHAPE: Shape = Shape {
    name: "`http.tls`",
    keys: &[
        key(
            "cert",
            "path",
            "",
            "The certificate in PEM, followed by those that lead to a known authority (certbot's `fullchain.pem`).",
        ),
        key(
            "key",
            "path",
            "",
            "Its private key in PEM, without a passphrase: RSA, ECDSA P-256 or P-384, or Ed25519.",
        ),
    ],
    later: &[],
};
const CERT: &str = "http.tls.cert";
const KEY: &str = "http.tls.key";

/// The section's values, for layering.
pub(super) fn layered(node: &Node, report: &mut Report) -> Option<serde_json::Value> {
    let fields = Fields::read(node, SHAPE, report)?;
    let mut values = serde_json::Map::new();
    for key in SHAPE.names() {
        let Some(node) = fields.get(key) else { continue };
        match scalar(node) {
            Some(text) => _ = values.insert(key.to_owned(), text.into()),
            None => report.wrong(node.at, format!("`{key}` wants the path of a file"), None),
        }
    }
    Some(values.into())
}

/// `Some(None)` where no TLS is wanted, `None` where something is wrong with it.
pub(super) fn read(fixed: &Fixed<'_>, report: &mut Report) -> Option<Option<Files>> {
    let path = |text: &str| match text {
        "" => Ok(None),
        // Whoever puts the key where its file is to be named is not told it back.
        text if text.contains("-----BEGIN") => {
            Err("the path of a file is wanted here, not what stands in it".to_owned())
        }
        text => Ok(Some(text.into())),
    };
    let cert = fixed.get(CERT, path, report);
    let key = fixed.get(KEY, path, report);
    match (cert?, key?) {
        (None, None) if fixed.node("http.tls").is_none() => Some(None),
        (Some(cert), Some(key)) => {
            let files = Files { cert, key };
            look(fixed, &files, report).map(|()| Some(files))
        }
        // That it is no map was said.
        _ if fixed.node("http.tls").is_some_and(|node| !matches!(node.what, What::Map(_))) => None,
        (cert, _) => {
            let lacks = if cert.is_none() { "cert" } else { "key" };
            let message =
                format!("`http.tls` wants `{lacks}`: {{cert: FILE, key: FILE}}, both in PEM");
            match fixed.overridden_by(CERT).or_else(|| fixed.overridden_by(KEY)) {
                Some(name) if fixed.node("http.tls").is_none() => report.variable(&name, message),
                _ => report.wrong(fixed.spot("http.tls"), message, None),
            }
            None
        }
    }
}

/// Reads what the files hold, where secrets are at hand.
fn look(fixed: &Fixed<'_>, files: &Files, report: &mut Report) -> Option<()> {
    if fixed.secrets() == Secrets::Leave {
        return Some(());
    }
    let name = |which| match which {
        Which::Cert => CERT,
        Which::Key => KEY,
    };
    match Pair::read(files) {
        Ok(pair) => {
            for remark in pair.remarks(files, Clock::real().wall()) {
                fixed.warn(name(remark.which), remark.to_string(), report);
            }
            Some(())
        }
        Err(remark) => {
            fixed.wrong(name(remark.which), &remark.words, report);
            None
        }
    }
}

/// Who sends from another machine sends a secret too.
pub(super) fn warn_of_clear(fixed: &Fixed<'_>, listen: SocketAddr, report: &mut Report) {
    if !listen.ip().is_loopback() {
        let message = format!(
            "webhooks and their secrets come to {listen} in clear, unless a proxy with TLS stands before it: give `http.tls`, \
             or listen on 127.0.0.1"
        );
        fixed.warn("http.listen", message, report);
    }
}
