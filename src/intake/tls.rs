//! The listener's TLS: takes handshakes within bounds, and follows the certificate's files without a restart.

use super::handshakes::Handshakes;
use crate::certificate::{Files, Pair, Remark, Which};
use crate::clock::Clock;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// For a handshake, from the connection on.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often it is looked whether the files have changed.
const LOOK: Duration = Duration::from_secs(60);
/// What is read of a peer who does not speak TLS, so that the close reaches it and is no reset.
const LEFT: u64 = 64 * 1024;

/// The certificate in use, and who is shaking hands under it. Clones share both.
#[derive(Clone, Debug)]
pub struct Tls(Arc<Shared>);

struct Shared {
    files: Files,
    clock: Clock,
    acceptor: TlsAcceptor,
    handshakes: Handshakes,
    in_use: Arc<InUse>,
    /// What was said of a new pair that could not be used.
    refused: Mutex<Option<Remark>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

/// What each new handshake is done with.
#[derive(Debug)]
struct InUse(RwLock<Pair>);

impl InUse {
    fn pair(&self) -> Pair {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for InUse {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.pair().certified)
    }
}

impl Tls {
    /// TLS 1.2 and 1.3 with what the files hold now.
    pub fn open(files: Files, clock: Clock) -> Result<Self, Remark> {
        let pair = Pair::read(&files)?;
        for remark in pair.remarks(&files, clock.wall()) {
            tracing::warn!("{remark}");
        }
        let in_use = Arc::new(InUse(RwLock::new(pair)));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has the ciphers of both versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&in_use) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (handshakes, refused) = (Handshakes::default(), Mutex::default());
        Ok(Self(Arc::new(Shared { files, clock, acceptor, handshakes, in_use, refused })))
    }

    /// Looks every minute whether the files have changed; never returns.
    pub async fn follow(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            self.look().await;
        }
    }

    /// Looks now. What is new and good is used from the next handshake on; what is not changes nothing, and is said once.
    pub async fn look(&self) {
        let files = self.0.files.clone();
        let read = tokio::task::spawn_blocking(move || Pair::read(&files));
        let read = read.await.expect("reading does not panic");
        self.take(read);
    }

    fn take(&self, read: Result<Pair, Remark>) {
        let (now, before) = (self.0.clock.wall(), self.0.in_use.pair());
        let mut refused = self.0.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let why = match read {
            Ok(pair) if pair.has_expired(now) && !before.has_expired(now) => {
                let words = "the new certificate has expired already".to_owned();
                Remark { which: Which::Cert, words }
            }
            Ok(pair) => {
                *refused = None;
                if pair.print != before.print {
                    tracing::info!(not_after = %pair.not_after, "The certificate was renewed");
                    *self.0.in_use.0.write().unwrap_or_else(PoisonError::into_inner) = pair;
                }
                return;
            }
            Err(remark) => remark,
        };
        if refused.as_ref() != Some(&why) {
            tracing::warn!("{why}. The certificate from before stays in use");
            *refused = Some(why);
        }
    }

    /// What a person should mend although handshakes are taken.
    pub fn warnings(&self) -> Vec<String> {
        let remarks = self.0.in_use.pair().remarks(&self.0.files, self.0.clock.wall());
        let refused = self.0.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let refused = refused.map(|why| format!("{why}. The certificate from before stays in use"));
        remarks.iter().map(Remark::to_string).chain(refused).collect()
    }

    /// Shakes hands; `None` where that did not end well, and the connection is closed.
    pub(super) async fn handshake<T>(&self, stream: T) -> Option<TlsStream<T>>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let mut turn = self.0.handshakes.begin();
        let shaking = tokio::time::timeout(HANDSHAKE, self.shake(stream));
        let why = tokio::select! {
            shaken = shaking => match shaken {
                Ok(Ok(stream)) => return Some(stream),
                Ok(Err(error)) => {
                    tracing::debug!(%error, "a TLS handshake failed");
                    "failed"
                }
                Err(_) => "slow",
            },
            () = turn.taken() => "crowded",
        };
        metrics::counter!("vigie_tls_handshakes_not_done_total", "why" => why).increment(1);
        None
    }

    async fn shake<T>(&self, stream: T) -> io::Result<TlsStream<T>>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        match self.0.acceptor.accept(stream).into_fallible().await {
            Ok(stream) => Ok(stream),
            Err((error, mut stream)) => {
                stream.shutdown().await?;
                tokio::io::copy(&mut stream.take(LEFT), &mut tokio::io::sink()).await?;
                Err(error)
            }
        }
    }
}
