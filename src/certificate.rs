//! A certificate and the key that belongs to it, read from their files; what is wrong with them is said in words.

use crate::domain::time::Timestamp;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::{PemObject as _, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{Error, InconsistentKeys};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

/// So long before its end a certificate is warned of: who renews by hand needs some days, who lets it be renewed has then
/// missed two weeks of it (certbot renews 30 days before).
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// Everybody on the machine, in a file's mode.
const OTHERS_READ: u32 = 0o004;

/// Where the two stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The certificate and those that lead from it to a known authority, in PEM, the server's own first.
    pub cert: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// One of the two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Cert,
    Key,
}

impl Which {
    /// As the config names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cert => "cert",
            Self::Key => "key",
        }
    }
}

/// What is to be said of one of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    pub which: Which,
    pub words: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`http.tls.{}`: {}", self.which.as_str(), self.words)
    }
}
impl std::error::Error for Remark {}

/// A certificate with its chain, and the key that belongs to it.
#[derive(Clone, Debug)]
pub struct Pair {
    pub certified: Arc<CertifiedKey>,
    /// From then on no sender takes it.
    pub not_after: Timestamp,
    /// SHA-256 over both files: what differs is new.
    pub print: [u8; 32],
}

impl Pair {
    /// Reads both files. Whether the certificate has expired is not looked at: an old one is better than none.
    pub fn read(files: &Files) -> Result<Self, Remark> {
        let wrong = |which| move |words| Remark { which, words };
        let cert = contents(&files.cert).map_err(wrong(Which::Cert))?;
        let chain = chain(&files.cert, &cert).map_err(wrong(Which::Cert))?;
        let not_after = end_of(&files.cert, &chain[0]).map_err(wrong(Which::Cert))?;
        let key = contents(&files.key).map_err(wrong(Which::Key))?;
        let signing = signing(&files.key, &key).map_err(wrong(Which::Key))?;
        let certified = CertifiedKey::new(chain, signing);
        fits(&certified, files)?;
        let print = Sha256::new().chain_update(Sha256::digest(cert)).chain_update(key);
        Ok(Self { certified: Arc::new(certified), not_after, print: print.finalize().into() })
    }

    pub fn has_expired(&self, now: Timestamp) -> bool {
        now >= self.not_after
    }

    /// What a person should mend although the pair can be used: the certificate's end is near or past, or others can read the key.
    pub fn remarks(&self, files: &Files, now: Timestamp) -> Vec<Remark> {
        let (cert, key) = (files.cert.display(), files.key.display());
        let day = self.not_after.instant().strftime("%Y-%m-%d");
        let end = if self.has_expired(now) {
            Some(format!("{cert} expired on {day}: senders refuse it, and no webhook comes in"))
        } else if now + SOON >= self.not_after {
            Some(format!("{cert} expires on {day}: renew it before, or no webhook comes in"))
        } else {
            None
        };
        let open = (mode(&files.key) & OTHERS_READ != 0)
            .then(|| format!("everybody on this machine can read {key}: chmod 640 {key}"));
        let said = |which| move |words| Remark { which, words };
        end.map(said(Which::Cert)).into_iter().chain(open.map(said(Which::Key))).collect()
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).map_or(0, |found| found.permissions().mode())
}

fn contents(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|why| format!("the file {} cannot be read: {why}", path.display()))
}

/// The blocks of a PEM file. Not one of them is repeated in what is said.
fn blocks(path: &Path, bytes: &[u8]) -> Result<Vec<(SectionKind, Vec<u8>)>, String> {
    let path = path.display();
    if bytes.windows(9).any(|word| word == b"ENCRYPTED") {
        return Err(format!(
            "{path} is locked with a passphrase, which nobody can type here: openssl pkey -in {path} -out OTHER"
        ));
    }
    let read: Result<Vec<_>, _> = <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes).collect();
    match read {
        Ok(blocks) if blocks.is_empty() => Err(format!(
            "{path} is not PEM: such a file begins with a line like -----BEGIN CERTIFICATE-----"
        )),
        Ok(blocks) => Ok(blocks),
        Err(_) => Err(format!("{path} is PEM that was cut off or damaged")),
    }
}

fn chain(path: &Path, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Vec<_> = blocks(path, bytes)?
        .into_iter()
        .filter(|(kind, _)| *kind == SectionKind::Certificate)
        .map(|(_, der)| CertificateDer::from(der))
        .collect();
    if certificates.is_empty() {
        return Err(format!(
            "there is no certificate in {}: are `cert` and `key` swapped?",
            path.display()
        ));
    }
    Ok(certificates)
}

fn end_of(path: &Path, certificate: &CertificateDer<'_>) -> Result<Timestamp, String> {
    let read = Certificate::from_der(certificate)
        .map_err(|_| format!("the first certificate in {} cannot be read", path.display()))?;
    let end = read.tbs_certificate.validity.not_after.to_unix_duration();
    Ok(Timestamp::from_millis(i64::try_from(end.as_millis()).unwrap_or(i64::MAX)))
}

fn signing(path: &Path, bytes: &[u8]) -> Result<Arc<dyn SigningKey>, String> {
    let key =
        blocks(path, bytes)?.into_iter().find_map(|(kind, der)| PrivateKeyDer::from_pem(kind, der));
    let path = path.display();
    let key = key.ok_or_else(|| {
        format!("there is no private key in {path}: are `cert` and `key` swapped?")
    })?;
    any_supported_type(&key).map_err(|_| {
        format!("the key in {path} is of no kind that can be used: RSA, ECDSA P-256 or P-384, or Ed25519")
    })
}

/// Whether the key is the first certificate's.
fn fits(certified: &CertifiedKey, files: &Files) -> Result<(), Remark> {
    let cert = files.cert.display();
    match certified.keys_match() {
        // rustls cannot tell, which is no word against it.
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(()),
        Err(Error::InconsistentKeys(_)) => {
            let of_another = (1..certified.cert.len()).any(|number| {
                let rest = certified.cert[number..].to_vec();
                CertifiedKey::new(rest, Arc::clone(&certified.key)).keys_match().is_ok()
            });
            let words = if of_another {
                format!(
                    "the key belongs to a later certificate of {cert}: the server's own must stand first"
                )
            } else {
                format!(
                    "the key does not belong to the certificate in {cert}: take both from one renewal"
                )
            };
            Err(Remark { which: Which::Key, words })
        }
        Err(_) => {
            let words = format!("the first certificate in {cert} is of no kind that can be used");
            Err(Remark { which: Which::Cert, words })
        }
    }
}
