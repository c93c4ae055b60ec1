//! Twelve secrets that are to be found nowhere, a tool that repeats whatever it hears in every spelling, and a search that undoes
//! the spellings. How a secret is written is said here anew: the redactor's own list would share its gaps.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The heart of each: what no spelling but those in bytes changes.
pub const MARKS: [&str; 12] = [
    "cnryHeader0a1",
    "cnryBearer1b2",
    "cnryBasicPw2c3",
    "cnryClient3d4",
    "cnrySender4e5",
    "cnryLogin5f6",
    "cnryQuery6a7",
    "cnrySign7b8",
    "cnryAccess8c9",
    "cnryRefresh9d0",
    "cnryTicketAe1",
    "cnryLeakedBf2",
];
/// Those that the config keeps; the others are given by the tool.
pub const KEPT: usize = 8;

/// The whole secret: around its heart stand signs that each spelling writes in another way. A header takes only ASCII.
pub fn canary(number: usize) -> String {
    let wide = if [2, 5, 7, 11].contains(&number) { "é ü" } else { "" };
    format!("q\"{wide}\\/{}+&<%=", MARKS[number])
}

/// What the environment holds: `CANARY_0` and so on.
pub fn kept(name: &str) -> Option<String> {
    let number: usize = name.strip_prefix("CANARY_")?.parse().ok()?;
    (number < KEPT).then(|| canary(number))
}

/// How many spellings there are.
pub const SPELLINGS: usize = 16;

/// A text in each of them.
fn spelt(text: &str, how: usize) -> String {
    let bytes = text.as_bytes();
    let each = |write: &dyn Fn(&u8) -> String| bytes.iter().map(write).collect::<String>();
    let kept = |b: &u8| b.is_ascii_alphanumeric() || b"-_.~".contains(b);
    match how {
        0 => text.to_owned(),
        1 => each(&|b| if kept(b) { char::from(*b).to_string() } else { format!("%{b:02X}") }),
        2 => each(&|b| format!("%{b:02x}")),
        3 => each(&|b| format!("{b:02x}")),
        4 => each(&|b| format!("{b:02X}")),
        5 => serde_json::Value::from(text).to_string(),
        // PHP, Python, Go and .NET escape each a set of their own.
        6 => escaped(text, "/", true, false),
        7 => escaped(text, "", true, false),
        8 => escaped(text, "<>&", false, false),
        9 => escaped(text, "<>&'+`\"", true, true),
        how => {
            // Whatever stands before it decides where it begins within a group of three.
            let before = &b"xyz"[..(how - 10) % 3];
            let letters = if how < 13 { STANDARD } else { URL_SAFE };
            in_base64(&[before, bytes].concat(), letters)
        }
    }
}

/// As a JSON writer does it that escapes these signs too, perhaps whatever is not ASCII, and in capitals or not.
fn escaped(text: &str, signs: &str, wide: bool, capitals: bool) -> String {
    let one = |c: char| match c {
        '/' if signs.contains(c) => "\\/".to_owned(),
        '\r' => "\\r".to_owned(),
        '\n' => "\\n".to_owned(),
        c if (wide && !c.is_ascii()) || signs.contains(c) => match capitals {
            true => format!("\\u{:04X}", u32::from(c)),
            false => format!("\\u{:04x}", u32::from(c)),
        },
        '"' | '\\' => format!("\\{c}"),
        c => c.to_string(),
    };
    text.chars().map(one).collect()
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn in_base64(bytes: &[u8], letters: &[u8; 64]) -> String {
    let bits: Vec<u8> =
        bytes.iter().flat_map(|b| (0..8).rev().map(move |at| b >> at & 1)).collect();
    let number = |six: &[u8]| six.iter().fold(0, |all, bit| all << 1 | bit) << (6 - six.len());
    bits.chunks(6).map(|six| char::from(letters[usize::from(number(six))])).collect()
}

/// The marks that stand in a text, in whatever spelling.
pub fn found(text: &str) -> Vec<&'static str> {
    let views = views(text);
    let is_in = |mark: &&str| views.iter().any(|view| view.contains(mark));
    MARKS.into_iter().filter(|mark| is_in(mark)).collect()
}

/// What stands around the first mark.
pub fn excerpt(text: &str) -> Option<String> {
    let views = views(text);
    let found =
        MARKS.iter().find_map(|mark| views.iter().find_map(|view| Some((view, view.find(mark)?))));
    let (view, at) = found?;
    let around = view.bytes().skip(at.saturating_sub(200)).take(400).collect::<Vec<_>>();
    Some(String::from_utf8_lossy(&around).into_owned())
}

fn views(text: &str) -> Vec<String> {
    let plain = [text.to_owned(), without_percent(text), without_escapes(text)].into_iter();
    let hex = (0..2).map(|from| runs(text, from, hex_digit, 4));
    let base64 = (0..4).map(|from| runs(text, from, six_bits, 6));
    plain.chain(hex).chain(base64).collect()
}

fn hex_digit(letter: u8) -> Option<u32> {
    char::from(letter).to_digit(16)
}

fn six_bits(letter: u8) -> Option<u32> {
    Some(u32::from(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

/// Every run of digits as the bytes that it may be, when read from its `from`th on.
fn runs(text: &str, from: usize, digit: impl Fn(u8) -> Option<u32>, bits: u32) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut held, mut have, mut nth) = (0_u32, 0, 0);
    for letter in text.bytes() {
        match digit(letter) {
            Some(value) if nth >= from => {
                (held, have) = (held << bits | value, have + bits);
                if have >= 8 {
                    have -= 8;
                    bytes.push(u8::try_from(held >> have & 0xff).expect("eight bits"));
                    held &= 0xff;
                }
                nth += 1;
            }
            Some(_) => nth += 1,
            None => {
                (held, have, nth) = (0, 0, 0);
                bytes.push(b' ');
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What is no escape stays as it is.
fn without_percent(text: &str) -> String {
    let mut parts = text.split('%');
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..2).map(|hex| u8::from_str_radix(hex, 16)) {
            Some(Ok(byte)) if byte.is_ascii() => {
                all.push(char::from(byte));
                all.push_str(&part[2..]);
            }
            _ => {
                all.push('%');
                all.push_str(part);
            }
        }
    }
    all
}

fn without_escapes(text: &str) -> String {
    without_percent(&text.replace("\\u00", "%"))
}

/// A tool that answers as the first segment of the path says, and repeats in it whatever it has heard.
pub struct Parrot {
    pub url: String,
    heard: Arc<Mutex<String>>,
}

impl Parrot {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let heard: Arc<Mutex<String>> = Arc::default();
        let kept = heard.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = kept.clone();
                tokio::spawn(async move {
                    let _ = answer(stream, &kept).await;
                });
            }
        });
        Self { url, heard }
    }

    /// All that it was ever sent, as it understood it.
    pub fn heard(&self) -> String {
        self.heard.lock().expect("sound").clone()
    }
}

async fn answer(mut stream: TcpStream, kept: &Mutex<String>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let request = read(&mut stream).await?;
    let understood = understood(&request);
    kept.lock().expect("sound").push_str(&understood);
    let path = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    let asked = path.split(['/', '?', ' ']).next().unwrap_or_default();
    let (how, spelling) = asked.split_once('-').unwrap_or((asked, "0"));
    // As it came only where nothing is spelt anew: nobody undoes two spellings of one text.
    let text = match spelling {
        "0" => format!("{request} {understood}"),
        how => spelt(&understood, how.parse().unwrap_or_default()),
    };
    let line = text.replace(char::is_control, " ");
    let said = |status: &str, kind: &str, body: String| {
        let length = body.len();
        format!(
            "HTTP/1.1 {status} OK\r\nx-heard: {line}\r\nwww-authenticate: {line}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    };
    let json = |body: serde_json::Value| body.to_string();
    let answer = match how {
        "token" => said(
            "200",
            "application/json",
            json(serde_json::json!({
                "access_token": canary(8), "refresh_token": canary(9), "token_type": "bearer", "expires_in": 3600, "heard": text,
            })),
        ),
        "login" => said(
            "200",
            "application/json",
            json(serde_json::json!({"jwt": canary(10), "heard": text})),
        ),
        "denied" => said(
            "401",
            "application/json",
            json(serde_json::json!({"error": "denied", "error_description": text})),
        ),
        "leaked" => {
            said("200", "application/json", json(serde_json::json!({"secret": canary(11)})))
        }
        "text" => said("400", "text/plain", text),
        "html" => said("200", "text/html", format!("<p>{text}</p>")),
        "torn" => said("200", "application/json", format!("{{\"message\": \"{text}")),
        "half" => said("200", "application/json", format!("{{\"message\": \"{text}\"}}"))
            .replace("content-length: ", "content-length: 9"),
        "noise" => format!("{text}\r\n\r\n"),
        "lost" => String::new(),
        status => said(
            status,
            "application/json",
            json(serde_json::json!({
                "message": text, "errors": [{"message": text}], &text: text, "deep": {"list": [text, 7, null]},
            })),
        ),
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

async fn read(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_lowercase().strip_prefix("content-length: ")?.parse().ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return Ok(text);
            }
        }
        let mut more = [0; 4096];
        match stream.read(&mut more).await? {
            0 => return Ok(text),
            length => bytes.extend_from_slice(&more[..length]),
        }
    }
}

/// The request as its reader understands it: what its headers, its query and its body mean.
fn understood(request: &str) -> String {
    let (head, body) = request.split_once("\r\n\r\n").unwrap_or_default();
    let headers: Vec<&str> = head.lines().skip(1).collect();
    let basic = head.lines().find_map(|line| line.strip_prefix("authorization: Basic "));
    let basic = basic.map(|encoded| runs(encoded, 0, six_bits, 6)).unwrap_or_default();
    let query = head.split(' ').nth(1).and_then(|path| path.split_once('?')).unwrap_or_default().1;
    let json: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let values = json.as_object().into_iter().flat_map(|map| map.values());
    let values: Vec<&str> = values.filter_map(|value| value.as_str()).collect();
    let form = if json.is_null() { body } else { "" };
    let means = [&basic, query, form].map(without_percent);
    format!("{} {basic} {} {}", headers.join(" "), means.join(" "), values.join(" "))
}

/// A search that finds nothing would let every story pass.
#[test]
fn each_secret_is_found_in_each_spelling_wherever_it_begins() {
    for (number, mark) in MARKS.into_iter().enumerate() {
        for how in 0..SPELLINGS {
            for before in ["", "a", "ab", "abc"] {
                let text = format!("x: {} !", spelt(&format!("{before}{}", canary(number)), how));
                assert_eq!(found(&text), [mark], "{how}: {text}");
            }
        }
    }
    assert_eq!(found("nothing of the sort: 636e7279 Y25yeQ"), Vec::<&str>::new());
}
