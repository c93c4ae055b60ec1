//! A request's body, read within bounds: as many bytes on the wire and after decompression as allowed, and no longer than
//! allowed. Memory stays at that, whatever is sent.

use axum::body::{Body, BodyDataStream};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use flate2::write::{MultiGzDecoder, ZlibDecoder};
use futures_util::StreamExt;
use std::io::{self, Write};
use std::time::Duration;

/// What a body may cost.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes, on the wire and after decompression alike.
    pub bytes: usize,
    /// From the first wish to read until its end.
    pub time: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { bytes: 1024 * 1024, time: Duration::from_secs(30) }
    }
}

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    TooLarge,
    TooSlow,
    /// Its `Content-Encoding` is none that we read.
    Encoding,
    /// It is not what its `Content-Encoding` says.
    Corrupt,
    /// The sender went away.
    Broken,
}

/// Whether it says that it is JSON, or nothing that contradicts it; `text_plain` is for products that send JSON as such (SNS).
pub fn is_json_like(headers: &HeaderMap, text_plain: bool) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    let kind = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    matches!(kind.as_str(), "" | "application/json" | "text/json")
        || (text_plain && kind == "text/plain")
        || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// Reads the whole body, decompressed.
pub async fn read(headers: &HeaderMap, body: Body, bounds: Bounds) -> Result<Vec<u8>, Unread> {
    let mut chunks = body.into_data_stream();
    let whole = async {
        let mut reader = Reader::new(headers, bounds.bytes)?;
        while let Some(chunk) = chunks.next().await {
            reader.take(&chunk.map_err(|_| Unread::Broken)?)?;
        }
        reader.finish()
    };
    let read = tokio::time::timeout(bounds.time, whole).await.unwrap_or(Err(Unread::TooSlow));
    if let Err(Unread::TooLarge | Unread::Encoding | Unread::Corrupt) = read {
        discard(headers, chunks);
    }
    read
}

/// Lets a sender whose body is not wanted finish, for a while: closing at once would reset the connection, and the sender
/// would never see the answer that says why.
///
/// Who asks first (`Expect: 100-continue`) has not begun, and is not invited to.
pub fn discard(headers: &HeaderMap, mut chunks: BodyDataStream) {
    const MOST: usize = 8 * 1024 * 1024;
    const LONGEST: Duration = Duration::from_secs(5);
    if headers.contains_key(EXPECT) {
        return;
    }
    tokio::spawn(tokio::time::timeout(LONGEST, async move {
        let mut left = MOST;
        while let Some(Ok(chunk)) = chunks.next().await {
            match left.checked_sub(chunk.len()) {
                Some(less) => left = less,
                None => break,
            }
        }
    }));
}

struct Reader {
    wire_left: usize,
    decoder: Decoder,
}

enum Decoder {
    Plain(Bounded),
    Gzip(MultiGzDecoder<Bounded>),
    Zlib(ZlibDecoder<Bounded>),
}

/// Bytes up to a limit; more is an error.
struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
}

impl Write for Bounded {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if more.len() > self.limit - self.bytes.len() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn unread(error: &io::Error) -> Unread {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Unread::TooLarge,
        _ => Unread::Corrupt,
    }
}

impl Reader {
    fn new(headers: &HeaderMap, limit: usize) -> Result<Self, Unread> {
        let announced = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: u64| length > limit as u64) {
            return Err(Unread::TooLarge);
        }
        let bounded = Bounded { bytes: Vec::new(), limit };
        let encoding = headers.get(CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?"));
        let decoder = match encoding.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Decoder::Plain(bounded),
            "gzip" | "x-gzip" => Decoder::Gzip(MultiGzDecoder::new(bounded)),
            "deflate" => Decoder::Zlib(ZlibDecoder::new(bounded)),
            _ => return Err(Unread::Encoding),
        };
        Ok(Self { wire_left: limit, decoder })
    }

    fn take(&mut self, chunk: &[u8]) -> Result<(), Unread> {
        self.wire_left = self.wire_left.checked_sub(chunk.len()).ok_or(Unread::TooLarge)?;
        match &mut self.decoder {
            Decoder::Plain(out) => out.write_all(chunk),
            Decoder::Gzip(decoder) => decoder.write_all(chunk),
            Decoder::Zlib(decoder) => decoder.write_all(chunk),
        }
        .map_err(|error| unread(&error))
    }

    fn finish(self) -> Result<Vec<u8>, Unread> {
        let bounded = match self.decoder {
            Decoder::Plain(out) => Ok(out),
            Decoder::Gzip(decoder) => decoder.finish(),
            Decoder::Zlib(decoder) => decoder.finish(),
        };
        bounded.map(|bounded| bounded.bytes).map_err(|error| unread(&error))
    }
}
