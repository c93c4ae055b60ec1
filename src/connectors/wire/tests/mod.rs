//! The wire against real sockets on this machine: listeners that count who comes, and answer as they are told.

mod egress;
mod leaving;
mod pace;
mod secrets;
mod tokens;

use super::*;
use crate::clock::Clock;
use hyper::Method;
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

const SECOND: Duration = Duration::from_secs(1);

/// What a listener does with a request.
enum Reply {
    /// These very bytes, and then the connection ends.
    Bytes(Vec<u8>),
    /// These, and then nothing more for ever.
    Begin(Vec<u8>),
}

fn answer(status: u16, headers: &str, body: &str) -> Reply {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Odd\r\ncontent-length: {length}\r\n{headers}\r\n");
    Reply::Bytes(format!("{head}{body}").into_bytes())
}

fn json(body: &serde_json::Value) -> Reply {
    answer(200, "content-type: application/json\r\n", &body.to_string())
}

/// A listener on this machine.
struct Place {
    port: u16,
    connections: Arc<AtomicUsize>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Place {
    /// Answers over http.
    async fn open(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::with("127.0.0.1:0", None, reply).await
    }

    async fn with(
        address: &str,
        tls: Option<TlsAcceptor>,
        reply: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let place = Self { port, connections: Arc::default(), heard: Arc::default() };
        let (connections, heard) = (place.connections.clone(), place.heard.clone());
        let reply = Arc::new(reply);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (heard, reply, tls) = (heard.clone(), reply.clone(), tls.clone());
                tokio::spawn(async move {
                    stream.set_nodelay(true)?;
                    match tls {
                        Some(tls) => serve(tls.accept(stream).await?, &heard, &*reply).await,
                        None => serve(stream, &heard, &*reply).await,
                    }
                });
            }
        });
        place
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("sound").clone()
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

/// Whoever comes hears these words and is left alone.
async fn greeter(words: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(words.as_bytes()).await.expect("it listens");
        }
    });
    port
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    heard: &Mutex<Vec<String>>,
    reply: &(impl Fn(&str) -> Reply + ?Sized),
) -> io::Result<()> {
    let mut request = Vec::new();
    while !whole(&String::from_utf8_lossy(&request)) {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            read => request.extend_from_slice(&buffer[..read]),
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    heard.lock().expect("sound").push(request.clone());
    match reply(&request) {
        Reply::Bytes(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Reply::Begin(bytes) => {
            stream.write_all(&bytes).await?;
            stream.flush().await?;
            std::future::pending().await
        }
    }
}

fn whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        line.to_lowercase().strip_prefix("content-length:")?.trim().parse::<usize>().ok()
    });
    body.len() >= length.unwrap_or(0)
}

/// Names and what they stand for at the first question, the second, and so on; the last stays.
#[derive(Default)]
struct Names {
    known: BTreeMap<&'static str, Vec<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Resolver for Names {
    fn addresses<'a>(&'a self, name: &'a str) -> Found<'a> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let unknown = || io::Error::other("no such name");
        let found = self.known.get(name).ok_or_else(unknown);
        let found = found.map(|answers| answers[asked.min(answers.len() - 1)].clone());
        Box::pin(std::future::ready(found))
    }
}

fn names(known: &[(&'static str, &str)]) -> Names {
    let list = |text: &str| text.split(' ').map(|ip| ip.parse().expect("an IP")).collect();
    let known =
        known.iter().map(|(name, answers)| (*name, answers.split(" then ").map(list).collect()));
    Names { known: known.collect(), asked: AtomicUsize::new(0) }
}

/// A certificate for these names, as who shows it and as who trusts it.
fn certificate(names: &[&str]) -> (TlsAcceptor, Arc<ClientConfig>) {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let key = KeyPair::generate().expect("a key");
    let cert = CertificateParams::new(names).expect("names").self_signed(&key).expect("signed");
    let cert = CertificateDer::from(cert.der().to_vec());
    let mut roots = RootCertStore::empty();
    roots.add(cert.clone()).expect("a root");
    let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .expect("they fit");
    (TlsAcceptor::from(Arc::new(server)), trusting(roots))
}

fn trusting(roots: RootCertStore) -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions");
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

fn transport(resolver: Arc<dyn Resolver>) -> Transport {
    transport_with(resolver, trusting(RootCertStore::empty()))
}

fn transport_with(resolver: Arc<dyn Resolver>, tls: Arc<ClientConfig>) -> Transport {
    let clock = Clock::steady(crate::domain::time::Timestamp::from_millis(1_800_000_000_000));
    Transport::new(Outside { resolver, tls, clock }, Redactor::default())
}

/// A wire that knows no names.
fn plain() -> Transport {
    transport(Arc::new(Names::default()))
}

fn patterns(texts: &[&str]) -> Vec<HostPattern> {
    texts.iter().map(|text| HostPattern::parse(text).expect(text)).collect()
}

/// A tool on this machine, which the config names as inside.
fn terms() -> Terms {
    Terms {
        tool: "edr".into(),
        hosts: Vec::new(),
        internal: patterns(&["127.0.0.1"]),
        auth: Auth::None,
        secrets: BTreeMap::new(),
        rate: None,
    }
}

fn get(url: impl Into<String>) -> Outgoing {
    Outgoing { method: Method::GET, url: Text::plain(url), headers: Vec::new(), body: None }
}

fn post(url: impl Into<String>, body: &str) -> Outgoing {
    Outgoing { method: Method::POST, body: Some(Text::plain(body)), ..get(url) }
}

fn soon() -> Instant {
    Instant::now() + 5 * SECOND
}
