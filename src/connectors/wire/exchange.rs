//! One request and its answer over a connection of its own. A connection is never used twice: one that has died in the pool
//! would leave nobody the wiser whether the request had left.

use super::answer::{NotAnswered, Unread};
use super::dial::{Stream, not_sent, root};
use futures_util::future::{Either, select};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_ENCODING, HeaderMap};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout_at};

/// An answer's body may be so large.
pub(super) const LARGEST: usize = 5 * 1024 * 1024;

/// What came back, as it came: with whatever secrets are in it.
pub(super) struct Raw {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Result<Vec<u8>, Unread>,
}

/// Sends it and reads the answer. All of it runs in the caller's task, so that nothing is written any more once it is known
/// whether something was.
pub(super) async fn exchange(
    stream: Box<dyn Stream>,
    request: Request<Full<Bytes>>,
    deadline: Instant,
) -> Result<Raw, NotAnswered> {
    let left = Arc::new(AtomicBool::new(false));
    let watched = Watched { stream, left: left.clone() };
    let (sender, connection) =
        handshake(TokioIo::new(watched)).await.map_err(|error| not_sent(root(&error)))?;
    let asked = pin!(ask(sender, request, deadline));
    let answer = match select(asked, pin!(connection)).await {
        Either::Left((answer, _)) => answer,
        Either::Right((_, asked)) => asked.await,
    };
    match answer {
        Ok(raw) => Ok(raw),
        Err(fault) if !left.load(Ordering::Acquire) => Err(not_sent(fault.why())),
        Err(Fault::TimedOut) => Err(NotAnswered::TimedOut),
        Err(Fault::Broken(why)) => Err(NotAnswered::Broken { why }),
    }
}

enum Fault {
    TimedOut,
    Broken(String),
}

impl Fault {
    fn why(self) -> String {
        match self {
            Self::TimedOut => "there was no time left".to_owned(),
            Self::Broken(why) => why,
        }
    }
}

async fn ask(
    mut sender: SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
    deadline: Instant,
) -> Result<Raw, Fault> {
    let response = timeout_at(deadline, sender.send_request(request)).await;
    let response: Response<Incoming> =
        response.map_err(|_| Fault::TimedOut)?.map_err(|error| Fault::Broken(root(&error)))?;
    let (head, body) = response.into_parts();
    let encoded = head.headers.get(CONTENT_ENCODING).is_some_and(|how| how != "identity");
    let body = match encoded {
        true => Err(Unread::Encoded),
        false => timeout_at(deadline, read(body)).await.unwrap_or(Err(Unread::TimedOut)),
    };
    Ok(Raw { status: head.status.as_u16(), headers: head.headers, body })
}

async fn read(mut body: Incoming) -> Result<Vec<u8>, Unread> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() {
            if whole.len() + data.len() > LARGEST {
                return Err(Unread::TooLarge);
            }
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole)
}

/// Notes whether a byte has left. Under TLS it stands above it: the handshake's bytes are none of the request's.
struct Watched {
    stream: Box<dyn Stream>,
    left: Arc<AtomicBool>,
}

impl Watched {
    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(bytes)) if bytes > 0) {
            self.left.store(true, Ordering::Release);
        }
        written
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
