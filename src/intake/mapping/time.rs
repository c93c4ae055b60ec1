//! The ways in which sources write a moment.

use crate::domain::playbook::expr::Expr;
use crate::domain::time::Timestamp;
use jiff::fmt::strtime;
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;
use minijinja::Value;

/// Where a time is read, and how it is written there.
#[derive(Clone, Debug)]
pub struct Time {
    pub from: Expr,
    pub format: Format,
}

/// How a time is written.
#[derive(Clone, Debug)]
pub enum Format {
    Rfc3339,
    /// Seconds since 1970, with or without a fraction.
    Unix,
    UnixMillis,
    /// Windows: 100-nanosecond steps since 1601.
    FileTime,
    /// A pattern of `strptime`; the zone is for patterns without an offset.
    Pattern(String, TimeZone),
}

/// 1601-01-01 to 1970-01-01, in milliseconds.
const FILETIME_EPOCH: f64 = 11_644_473_600_000.0;
/// Go writes a time that is not set as the first moment of year 1.
const GO_ZERO: i64 = -62_135_596_800_000;

impl Format {
    /// The format that a mapping names.
    pub fn parse(name: &str, zone: Option<&str>) -> Result<Self, String> {
        let format = match name {
            "rfc3339" => Self::Rfc3339,
            "unix" => Self::Unix,
            "unix_millis" => Self::UnixMillis,
            "filetime" => Self::FileTime,
            pattern if pattern.contains('%') => {
                let zone = match zone {
                    None => TimeZone::UTC,
                    Some(name) => TimeZone::get(name).map_err(|error| error.to_string())?,
                };
                return Ok(Self::Pattern(pattern.to_owned(), zone));
            }
            other => {
                return Err(format!(
                    "{other:?} is not one of rfc3339, unix, unix_millis, filetime, or a pattern such as \"%d/%m/%Y %H:%M\""
                ));
            }
        };
        match zone {
            None => Ok(format),
            Some(_) => Err(format!("{name} needs no zone")),
        }
    }

    /// The moment that a text means.
    pub fn read(&self, text: &str) -> Option<Timestamp> {
        let millis = |scale: f64, epoch: f64| {
            let number: f64 = text.parse().ok().filter(|n: &f64| n.is_finite())?;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "saturates, and from_millis keeps to its range"
            )]
            Some(Timestamp::from_millis((number * scale - epoch).round() as i64))
        };
        let found = match self {
            Self::Rfc3339 => Timestamp::parse(text),
            Self::Unix => millis(1000.0, 0.0),
            Self::UnixMillis => millis(1.0, 0.0),
            Self::FileTime => millis(0.0001, FILETIME_EPOCH),
            Self::Pattern(pattern, zone) => {
                let parsed = strtime::parse(pattern, text).ok()?;
                let instant = parsed.to_timestamp().ok().or_else(|| {
                    let local = parsed.to_datetime().ok()?;
                    local.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
                })?;
                Some(Timestamp::from_millis(instant.as_millisecond()))
            }
        };
        found.filter(|moment| moment.as_millis() != GO_ZERO)
    }
}

/// Why a text is no RFC 3339 time that we can hold; `None` where it only means that there is none.
pub fn why_not(text: &str) -> Option<&'static str> {
    let instant = text.parse::<jiff::Timestamp>();
    if instant.is_ok_and(|instant| instant.as_millisecond() == GO_ZERO) {
        return None;
    }
    let whole = |pieces: &Pieces<'_>| pieces.time().is_some() && pieces.offset().is_some();
    Some(match Pieces::parse(text) {
        Ok(pieces) if whole(&pieces) => "lies too far from now: the years 1 to 9998 can be held",
        _ => "is not an RFC 3339 time such as 2026-11-25T02:14:07Z",
    })
}

impl Time {
    /// The text to read the time from, and the moment it means.
    pub fn read(&self, scope: &Value) -> Option<Timestamp> {
        let text = super::field::text(&self.from, scope, super::field::Strictness::Lenient);
        text.ok().flatten().and_then(|text| self.format.read(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_reads_the_same_moment() {
        for (format, zone, text) in [
            ("rfc3339", None, "2026-11-25T01:07:33.438Z"),
            ("rfc3339", None, "2026-11-25T02:07:33.438887656+0100"),
            ("rfc3339", None, "2026-11-25 01:07:33.438Z"),
            ("unix", None, "1795568853.438"),
            ("unix_millis", None, "1795568853438"),
            ("filetime", None, "134400424534380000"),
            ("%d/%m/%Y %H:%M:%S%.f", Some("Europe/Paris"), "25/11/2026 02:07:33.438"),
            ("%Y-%m-%dT%H:%M:%S%.f%z", None, "2026-11-25T02:07:33.438+0100"),
        ] {
            let read = Format::parse(format, zone).expect(format).read(text);
            let expected = Timestamp::parse("2026-11-25T01:07:33.438Z");
            assert_eq!(read, expected, "{format} {text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for format in ["rfc3339", "unix", "unix_millis", "filetime", "%Y"] {
            let format = Format::parse(format, None).expect(format);
            for text in ["yesterday", "", "NaN", "inf", "-", "0001-01-01T00:00:00Z"] {
                assert_eq!(format.read(text), None, "{format:?} {text}");
            }
        }
        assert!(Format::parse("iso", None).is_err());
        assert!(Format::parse("unix", Some("Europe/Paris")).is_err());
        assert!(Format::parse("%H", Some("Europe/Pari")).is_err());
    }
}
