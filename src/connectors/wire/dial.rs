//! Opens the connection for one request. The name is asked for once, and what is called is what was looked at: a resolver that
//! says something else the next time is not asked a next time.

use super::answer::NotAnswered;
use super::egress::{Refused, Target};
use futures_util::future::BoxFuture;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use url::Host;

/// What a name stands for.
pub type Found<'a> = BoxFuture<'a, io::Result<Vec<IpAddr>>>;

/// Who knows what a name stands for.
pub trait Resolver: Send + Sync {
    fn addresses<'a>(&'a self, name: &'a str) -> Found<'a>;
}

/// The machine's own.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn addresses<'a>(&'a self, name: &'a str) -> Found<'a> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// A connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection has so long to come about, however long the request may take.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Dialer {
    pub(super) resolver: Arc<dyn Resolver>,
    pub(super) tls: Arc<ClientConfig>,
}

impl Dialer {
    /// Opens it by the deadline, and within 10 s of `now`. Whatever fails here has sent nothing.
    pub(super) async fn open(
        &self,
        target: &Target,
        (now, deadline): (Instant, Instant),
    ) -> Result<Box<dyn Stream>, NotAnswered> {
        let opened = timeout_at(deadline.min(now + PATIENCE), self.connect(target)).await;
        opened.unwrap_or_else(|_| {
            Err(not_sent(format!("{} did not take the connection in time", target.host)))
        })
    }

    async fn connect(&self, target: &Target) -> Result<Box<dyn Stream>, NotAnswered> {
        let addresses = target.addresses(&self.resolve(target).await?).map_err(egress)?;
        let tcp = reach(target, &addresses).await?;
        if !target.tls {
            return Ok(Box::new(tcp));
        }
        let name = match &target.host {
            Host::Domain(name) => ServerName::try_from(name.clone())
                .map_err(|_| not_sent(format!("{name} is no name that a certificate can have")))?,
            Host::Ipv4(address) => ServerName::from(IpAddr::from(*address)),
            Host::Ipv6(address) => ServerName::from(IpAddr::from(*address)),
        };
        let secured = TlsConnector::from(self.tls.clone()).connect(name, tcp).await;
        let failed = |error| not_sent(format!("TLS with {}: {}", target.host, root(&error)));
        Ok(Box::new(secured.map_err(failed)?))
    }

    async fn resolve(&self, target: &Target) -> Result<Vec<IpAddr>, NotAnswered> {
        if let Some(address) = target.literal() {
            return Ok(vec![address]);
        }
        let name = target.host.to_string();
        match self.resolver.addresses(&name).await {
            Ok(found) if !found.is_empty() => Ok(found),
            Ok(_) => Err(not_sent(format!("{name} has no address: look at its DNS entry"))),
            Err(error) => Err(not_sent(format!("{name} is not found: {error}"))),
        }
    }
}

/// The first address that takes a connection; each has its share of the time.
async fn reach(target: &Target, addresses: &[SocketAddr]) -> Result<TcpStream, NotAnswered> {
    let share = PATIENCE / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut why = "no answer in time".to_owned();
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // A request is one piece, and waits for no second.
                stream.set_nodelay(true).map_err(|error| not_sent(error.to_string()))?;
                return Ok(stream);
            }
            Ok(Err(error)) => why = error.to_string(),
            Err(_) => {}
        }
    }
    Err(not_sent(format!("no connection to {} at port {}: {why}", target.host, target.port)))
}

pub(super) fn not_sent(why: impl Into<String>) -> NotAnswered {
    NotAnswered::NotSent { why: why.into() }
}

pub(super) fn egress(refused: Refused) -> NotAnswered {
    NotAnswered::Egress { why: refused.to_string() }
}

/// The innermost cause: it says what happened, and those around it only that something did.
pub(super) fn root(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
