//! Okta's search expressions, as far as users and log entries go: `profile.login eq "x" and status eq "ACTIVE"`.

/// An expression, read: one of these groups must hold as a whole.
#[derive(Debug)]
pub struct Filter(Vec<Vec<Term>>);

#[derive(Debug)]
struct Term {
    property: String,
    how: String,
    value: String,
}

impl Filter {
    /// Reads an expression; an empty one means everything.
    pub fn parse(text: &str) -> Result<Self, ()> {
        let words = words(text).ok_or(())?;
        if words.is_empty() {
            return Ok(Self(vec![Vec::new()]));
        }
        let mut groups = vec![Vec::new()];
        let mut rest = words.as_slice();
        loop {
            let [Word::Bare(property), Word::Bare(how), Word::Quoted(value), after @ ..] = rest
            else {
                return Err(());
            };
            let how = how.to_lowercase();
            if !matches!(how.as_str(), "eq" | "ne" | "sw" | "co") {
                return Err(());
            }
            let term = Term { property: property.clone(), how, value: value.to_lowercase() };
            groups.last_mut().ok_or(())?.push(term);
            match after {
                [] => return Ok(Self(groups)),
                [Word::Bare(and), next @ ..] if and.eq_ignore_ascii_case("and") => rest = next,
                [Word::Bare(or), next @ ..] if or.eq_ignore_ascii_case("or") => {
                    groups.push(Vec::new());
                    rest = next;
                }
                _ => return Err(()),
            }
        }
    }

    /// Whether something with these properties is meant; what it has not is no match.
    pub fn holds(&self, property: &dyn Fn(&str) -> Option<String>) -> bool {
        let term = |term: &Term| {
            let Some(is) = property(&term.property).map(|is| is.to_lowercase()) else {
                return false;
            };
            match term.how.as_str() {
                "eq" => is == term.value,
                "ne" => is != term.value,
                "sw" => is.starts_with(&term.value),
                _ => is.contains(&term.value),
            }
        };
        self.0.iter().any(|group| group.iter().all(term))
    }
}

#[derive(Debug)]
enum Word {
    Bare(String),
    /// A backslash in it took the next sign as it is.
    Quoted(String),
}

fn words(text: &str) -> Option<Vec<Word>> {
    let (mut words, mut rest) = (Vec::new(), text.chars().peekable());
    loop {
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        let Some(first) = rest.next() else { return Some(words) };
        let mut word = String::new();
        if first != '"' {
            word.push(first);
            while let Some(letter) = rest.next_if(|c| !c.is_whitespace() && *c != '"') {
                word.push(letter);
            }
            words.push(Word::Bare(word));
            continue;
        }
        loop {
            match rest.next()? {
                '\\' => word.push(rest.next()?),
                '"' => break,
                letter => word.push(letter),
            }
        }
        words.push(Word::Quoted(word));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_means_what_okta_means_by_it() {
        let ana = |name: &str| match name {
            "profile.login" => Some("ana@example.com".to_owned()),
            "status" => Some("ACTIVE".to_owned()),
            _ => None,
        };
        for (text, expected) in [
            ("", Some(true)),
            (r#"profile.login eq "ANA@example.com""#, Some(true)),
            (r#"profile.login sw "ana@" and status eq "ACTIVE""#, Some(true)),
            (r#"profile.login eq "x" or profile.login co "example""#, Some(true)),
            (r#"profile.login eq "x" or status ne "ACTIVE""#, Some(false)),
            (r#"profile.nickname eq "ana""#, Some(false)),
            (r#"profile.login eq "x\" or status eq \"ACTIVE""#, Some(false)),
            ("profile.login eq ana", None),
            (r#"profile.login is "ana""#, None),
            (r#"profile.login eq "ana"#, None),
            (r#"profile.login eq "ana" but status eq "ACTIVE""#, None),
        ] {
            assert_eq!(
                Filter::parse(text).ok().map(|filter| filter.holds(&ana)),
                expected,
                "{text}"
            );
        }
    }
}
