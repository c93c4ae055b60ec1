//! Takes every known secret out of a text, however it is written there: what tools say is kept, and may hold what we sent.
//!
//! Five spellings are known of each: as it is, percent-encoded, in base64 (both alphabets; wherever the secret begins within
//! what was encoded), escaped for JSON, and in hex.

use super::request::percent;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem::{self, Finder};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value as Json};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// What stands in a secret's place.
pub const MARK: &str = "[redacted]";
/// A shorter one would be found in every second word, so it is not looked for: the config takes none.
pub const SHORTEST: usize = 6;
/// So many tokens that were fetched at run time are remembered, the newest: an hour's token is long void by then.
const TOKENS: usize = 64;

/// Knows the secrets; clones share what they know.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Known>>);

#[derive(Default)]
struct Known {
    lasting: Vec<Secret>,
    tokens: VecDeque<Secret>,
}

struct Secret {
    whole: SecretString,
    /// The longest first: a part must not be taken out of what would have gone whole.
    spellings: Vec<Finder<'static>>,
}

impl Redactor {
    /// A secret of the config, known from now on. One of less than six characters is not looked for.
    pub fn learn(&self, secret: &SecretString) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !known.has(secret) && long_enough(secret) {
            known.lasting.push(Secret::new(secret));
        }
    }

    /// A token that a tool has just given: the newest 64 are known.
    pub fn learn_token(&self, token: &SecretString) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.has(token) || !long_enough(token) {
            return;
        }
        known.tokens.push_back(Secret::new(token));
        if known.tokens.len() > TOKENS {
            known.tokens.pop_front();
        }
    }

    /// The text without secrets.
    pub fn text(&self, text: &str) -> String {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.clean(text).unwrap_or_else(|| text.to_owned())
    }

    /// The value without secrets: in texts, in names, in numbers, however deep.
    pub fn json(&self, value: Json) -> Json {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.value(value)
    }
}

impl Known {
    fn has(&self, secret: &SecretString) -> bool {
        self.all().any(|known| known.whole.expose_secret() == secret.expose_secret())
    }

    fn all(&self) -> impl Iterator<Item = &Secret> {
        self.lasting.iter().chain(&self.tokens)
    }

    /// `None` where there is nothing to take out. All places are found in the text as it came, so that a secret within a
    /// secret hides nothing of the other.
    fn clean(&self, text: &str) -> Option<String> {
        let mut places: Vec<(usize, usize)> = Vec::new();
        for finder in self.all().flat_map(|secret| &secret.spellings) {
            let length = finder.needle().len();
            places.extend(finder.find_iter(text.as_bytes()).map(|at| (at, at + length)));
        }
        if places.is_empty() {
            return None;
        }
        places.sort_unstable();
        let (mut clean, mut done) = (String::with_capacity(text.len()), 0);
        for (start, end) in places {
            if start >= done {
                clean.push_str(&text[done..start]);
                clean.push_str(MARK);
            }
            done = done.max(end);
        }
        clean.push_str(&text[done..]);
        Some(clean)
    }

    fn value(&self, value: Json) -> Json {
        match value {
            Json::String(text) => Json::String(self.clean(&text).unwrap_or(text)),
            Json::Number(number) => match self.clean(&number.to_string()) {
                Some(clean) => Json::String(clean),
                None => Json::Number(number),
            },
            Json::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Json::Object(entries) => {
                let clean = entries
                    .into_iter()
                    .map(|(key, value)| (self.clean(&key).unwrap_or(key), self.value(value)));
                Json::Object(clean.collect::<Map<_, _>>())
            }
            Json::Null | Json::Bool(_) => value,
        }
    }
}

impl Secret {
    fn new(whole: &SecretString) -> Self {
        let finder = |text: &String| memmem::Finder::new(text).into_owned();
        let spellings = spellings(whole.expose_secret()).iter().map(finder).collect();
        Self { whole: whole.clone(), spellings }
    }
}

fn long_enough(secret: &SecretString) -> bool {
    secret.expose_secret().chars().count() >= SHORTEST
}

/// Each way in which the secret may stand in a text.
pub(super) fn spellings(secret: &str) -> Vec<String> {
    let mut all = vec![secret.to_owned()];
    let percented = percent(secret);
    all.extend([lower_escapes(&percented), percented.replace("%20", "+"), percented]);
    let bytes = secret.as_bytes();
    let each = |write: fn(&u8) -> String| bytes.iter().map(write).collect::<String>();
    let hex = each(|b| format!("{b:02x}"));
    all.extend([each(|b| format!("%{b:02X}")), each(|b| format!("%{b:02x}"))]);
    all.extend([hex.to_uppercase(), hex]);
    all.extend(in_json(secret));
    for before in 0..3 {
        all.push(in_base64(bytes, before, |bytes| STANDARD_NO_PAD.encode(bytes)));
        all.push(in_base64(bytes, before, |bytes| URL_SAFE_NO_PAD.encode(bytes)));
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// `%2F` as `%2f`.
fn lower_escapes(text: &str) -> String {
    let mut parts = text.split('%');
    let mut lower = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_at(part.len().min(2));
        lower.push('%');
        lower.push_str(&code.to_lowercase());
        lower.push_str(rest);
    }
    lower
}

/// As JSON has it: each writer escapes a set of its own beside what must be. PHP `/` and what is not ASCII, Python the latter, Go the
/// marks of HTML, Java in capitals, .NET whatever means something anywhere.
fn in_json(secret: &str) -> Vec<String> {
    let quoted = Json::from(secret).to_string();
    let escaped = &quoted[1..quoted.len() - 1];
    let wide = |c: char| !c.is_ascii();
    let html = |c: char| "<>&".contains(c);
    let both = |c: char| wide(c) || html(c);
    let mut all = vec![escaped.to_owned()];
    for upper in [false, true] {
        all.extend([
            hex(escaped, wide, upper),
            hex(escaped, html, upper),
            hex(escaped, both, upper),
        ]);
    }
    let slashed: Vec<_> = all.iter().map(|text| text.replace('/', "\\/")).collect();
    all.extend(slashed);
    let careful = |c: char| both(c) || "'+`".contains(c);
    all.push(hex(&escaped.replace("\\\"", "\\u0022"), careful, true));
    all
}

/// Those letters as `\u00e9`.
fn hex(text: &str, which: impl Fn(char) -> bool, upper: bool) -> String {
    let mut written = String::new();
    for letter in text.chars() {
        if !which(letter) {
            written.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            written.push_str(&match upper {
                true => format!("\\u{unit:04X}"),
                false => format!("\\u{unit:04x}"),
            });
        }
    }
    written
}

/// Those letters of a base64 text that only the secret decides, where so many bytes (of a group of three) stand before it.
fn in_base64(secret: &[u8], before: usize, encode: impl Fn(&[u8]) -> String) -> String {
    let padded = [&[0; 3][..before], secret].concat();
    let (first, end) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
    encode(&padded)[first..end].to_owned()
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor(…)")
    }
}
