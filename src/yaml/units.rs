//! Numbers with their unit, as people write them: `90s`, `1h30m`, `3/h`, `1MiB`.

use std::fmt;
use std::time::Duration;

/// So many in so long: `1/s`, `3/h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub count: u32,
    pub per: Duration,
}

impl Rate {
    /// The average time between two.
    pub fn interval(self) -> Duration {
        self.per / self.count.max(1)
    }

    /// Reads `3/h`; the unit is `s`, `m`, `h` or `d`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a rate: write it like 1/s, 10/m or 3/h");
        let (count, unit) = text.split_once('/').ok_or_else(wrong)?;
        let count = count.trim().parse().map_err(|_| wrong())?;
        let per = unit_of(unit.trim()).ok_or_else(wrong)?;
        if count == 0 {
            return Err(format!("`{text}` would let nothing through: at least 1 is needed"));
        }
        Ok(Self { count, per })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.per.as_secs() {
            1 => "s",
            60 => "m",
            3_600 => "h",
            _ => "d",
        };
        write!(f, "{}/{unit}", self.count)
    }
}

/// Reads `90s`, `5m`, `1h30m`, `2d`; units are `ms`, `s`, `m`, `h`, `d`, and only 0 needs none.
pub fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("`{text}` lacks a unit: write {text}s, {text}m or {text}h"));
    }
    let wrong = || format!("`{text}` is not a duration: write it like 90s, 5m or 1h30m");
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u32 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = unit_of(&rest[..letters]).ok_or_else(wrong)?;
        rest = &rest[letters..];
        total =
            unit.checked_mul(number).and_then(|span| total.checked_add(span)).ok_or_else(wrong)?;
    }
    if total.is_zero() && text.is_empty() { Err(wrong()) } else { Ok(total) }
}

/// Reads `512KiB`, `1MiB`, `2MB`, `1048576`; without a unit it is bytes.
pub fn size(text: &str) -> Result<usize, String> {
    let wrong = || format!("`{text}` is not a size: write it like 512KiB or 1MiB");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: usize = text[..digits].parse().map_err(|_| wrong())?;
    let unit = match text[digits..].trim() {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).filter(|bytes| *bytes > 0).ok_or_else(wrong)
}

fn unit_of(text: &str) -> Option<Duration> {
    Some(match text {
        "ms" => Duration::from_millis(1),
        "s" => Duration::from_secs(1),
        "m" | "min" => Duration::from_secs(60),
        "h" => Duration::from_secs(3_600),
        "d" => Duration::from_secs(86_400),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let good = [
            ("0", 0),
            ("0m", 0),
            ("90s", 90),
            ("5m", 300),
            ("1h30m", 5_400),
            ("2d", 172_800),
            ("1m30s", 90),
        ];
        for (text, seconds) in good {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        for text in ["", "m", "5 m", "5x", "-5m", "1.5h", "99999999999s", "5m3"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!(duration("5"), Err("`5` lacks a unit: write 5s, 5m or 5h".into()));
    }

    #[test]
    fn rates_and_sizes_have_units() {
        let rate = Rate::parse("3/h").expect("a rate");
        assert_eq!(
            (rate.to_string().as_str(), rate.interval()),
            ("3/h", Duration::from_secs(1_200))
        );
        for text in ["3", "0/s", "3/y", "/s", "1.5/s"] {
            assert!(Rate::parse(text).is_err(), "{text}");
        }
        assert_eq!(size("1MiB"), Ok(1 << 20));
        assert_eq!(size("1048576"), Ok(1 << 20));
        for text in ["", "1 GiB", "MiB", "0", "1.5MiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
