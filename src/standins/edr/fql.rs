//! Falcon's query language, as far as filters go: `hostname:'x'+status:!'contained'`, `,` is or, `+` is and.

use std::iter::Peekable;
use std::str::Chars;

/// A filter, read.
#[derive(Debug)]
pub enum Filter {
    Any(Vec<Filter>),
    All(Vec<Filter>),
    Is(String, Compare, Vec<String>),
}

/// How a value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    Same,
    Other,
    /// With `*` for whatever stands there.
    Like,
    Above,
    AtLeast,
    Below,
    AtMost,
}

impl Filter {
    /// Reads a filter over these properties; an empty one means everything. The error is in Falcon's manner.
    pub fn parse(text: &str, properties: &[&str]) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::All(Vec::new()));
        }
        let mut reader = Reader { rest: text.chars().peekable(), properties };
        let filter = reader.any().filter(|_| reader.rest.next().is_none());
        filter.ok_or_else(|| format!("invalid filter: {text}"))
    }

    /// Whether something with these properties is meant.
    pub fn holds(&self, property: &dyn Fn(&str) -> Vec<String>) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.holds(property)),
            Self::All(parts) => parts.iter().all(|part| part.holds(property)),
            Self::Is(name, Compare::Other, values) => {
                let has = property(name);
                !has.iter().any(|is| values.iter().any(|value| same(is, value)))
            }
            Self::Is(name, how, values) => {
                let has = property(name);
                has.iter().any(|is| values.iter().any(|value| fits(is, *how, value)))
            }
        }
    }
}

fn same(is: &str, value: &str) -> bool {
    is.eq_ignore_ascii_case(value)
}

fn fits(is: &str, how: Compare, value: &str) -> bool {
    let order = match (is.parse::<f64>(), value.parse::<f64>()) {
        (Ok(is), Ok(value)) => is.partial_cmp(&value),
        _ => Some(is.cmp(value)),
    };
    match how {
        Compare::Same => same(is, value),
        Compare::Other => !same(is, value),
        Compare::Like => like(&is.to_lowercase(), &value.to_lowercase()),
        Compare::Above => order.is_some_and(std::cmp::Ordering::is_gt),
        Compare::AtLeast => order.is_some_and(std::cmp::Ordering::is_ge),
        Compare::Below => order.is_some_and(std::cmp::Ordering::is_lt),
        Compare::AtMost => order.is_some_and(std::cmp::Ordering::is_le),
    }
}

fn like(is: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => is == pattern,
        Some((begins, rest)) => is.strip_prefix(begins).is_some_and(|is| {
            (0..=is.len()).filter(|at| is.is_char_boundary(*at)).any(|at| like(&is[at..], rest))
        }),
    }
}

struct Reader<'t> {
    rest: Peekable<Chars<'t>>,
    properties: &'t [&'t str],
}

impl Reader<'_> {
    fn any(&mut self) -> Option<Filter> {
        let mut parts = vec![self.all()?];
        while self.takes(',') {
            parts.push(self.all()?);
        }
        Some(Filter::Any(parts))
    }

    fn all(&mut self) -> Option<Filter> {
        let mut parts = vec![self.one()?];
        while self.takes('+') {
            parts.push(self.one()?);
        }
        Some(Filter::All(parts))
    }

    fn one(&mut self) -> Option<Filter> {
        if self.takes('(') {
            let inner = self.any()?;
            return self.takes(')').then_some(inner);
        }
        let mut name = String::new();
        while let Some(letter) =
            self.rest.next_if(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
        {
            name.push(letter);
        }
        if !self.properties.contains(&name.as_str()) || !self.takes(':') {
            return None;
        }
        let how = self.compare();
        Some(Filter::Is(name, how, self.values()?))
    }

    fn compare(&mut self) -> Compare {
        if self.takes('!') {
            Compare::Other
        } else if self.takes('*') || self.takes('~') {
            Compare::Like
        } else if self.takes('>') {
            if self.takes('=') { Compare::AtLeast } else { Compare::Above }
        } else if self.takes('<') {
            if self.takes('=') { Compare::AtMost } else { Compare::Below }
        } else {
            Compare::Same
        }
    }

    fn values(&mut self) -> Option<Vec<String>> {
        if !self.takes('[') {
            return self.value().map(|value| vec![value]);
        }
        let mut values = vec![self.value()?];
        while self.takes(',') {
            values.push(self.value()?);
        }
        self.takes(']').then_some(values)
    }

    /// A text in quotes, where a backslash takes the next sign as it is, or a bare number or word.
    fn value(&mut self) -> Option<String> {
        let mut value = String::new();
        let Some(quote) = self.rest.next_if(|c| matches!(c, '\'' | '"')) else {
            let bare = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
            while let Some(letter) = self.rest.next_if(bare) {
                value.push(letter);
            }
            return (!value.is_empty()).then_some(value);
        };
        loop {
            match self.rest.next()? {
                '\\' => value.push(self.rest.next()?),
                letter if letter == quote => return Some(value),
                letter => value.push(letter),
            }
        }
    }

    fn takes(&mut self, sign: char) -> bool {
        self.rest.next_if_eq(&sign).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn means(filter: &str, hostname: &str, status: &str) -> Option<bool> {
        let property = |name: &str| match name {
            "hostname" => vec![hostname.to_owned()],
            _ => vec![status.to_owned()],
        };
        Filter::parse(filter, &["hostname", "status"]).ok().map(|filter| filter.holds(&property))
    }

    #[test]
    fn a_filter_means_what_falcon_means_by_it() {
        for (filter, expected) in [
            ("", Some(true)),
            ("hostname:'db-1'", Some(true)),
            ("hostname:'DB-1'", Some(true)),
            ("hostname:'db'", Some(false)),
            ("hostname:*'db*'", Some(true)),
            ("hostname:*'*-2'", Some(false)),
            ("hostname:!'db-1'", Some(false)),
            ("hostname:['web-1','db-1']", Some(true)),
            ("hostname:'db-1'+status:'contained'", Some(false)),
            ("hostname:'db-1',status:'contained'", Some(true)),
            ("(hostname:'x',hostname:'db-1')+status:'normal'", Some(true)),
            ("hostname:>'da'", Some(true)),
            ("hostname:<='da'", Some(false)),
        ] {
            assert_eq!(means(filter, "db-1", "normal"), expected, "{filter}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused_and_no_quote_breaks_out() {
        for filter in [
            "hostname",
            "hostname:",
            "nothing:'x'",
            "hostname:'x",
            "hostname:'x'+",
            "hostname:'a'b",
        ] {
            assert_eq!(means(filter, "db-1", "normal"), None, "{filter}");
        }
        let quoted = r"hostname:'x\',status:\'normal'";
        assert_eq!(means(quoted, "db-1", "normal"), Some(false));
        assert_eq!(means(quoted, "x',status:'normal", "normal"), Some(true));
    }
}
