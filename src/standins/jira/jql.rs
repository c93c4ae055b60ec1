//! JQL, as far as our searches go: `project = SEC AND labels in ("a", "b") AND summary ~ "words" ORDER BY created DESC`.

const FIELDS: [&str; 12] = [
    "project",
    "key",
    "issue",
    "issuekey",
    "id",
    "status",
    "labels",
    "issuetype",
    "type",
    "summary",
    "description",
    "text",
];

/// A query, read: one of these lists of clauses must hold as a whole.
#[derive(Debug)]
pub struct Query {
    pub clauses: Vec<Vec<Clause>>,
    pub newest_first: bool,
}

#[derive(Debug)]
pub struct Clause {
    pub field: String,
    how: How,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Same,
    Other,
    /// All its words stand there.
    Words,
    Empty,
    NotEmpty,
}

impl Clause {
    /// Whether something with these values is meant.
    pub fn holds(&self, has: &[String]) -> bool {
        let same =
            || has.iter().any(|is| self.values.iter().any(|value| is.eq_ignore_ascii_case(value)));
        match self.how {
            How::Same => same(),
            How::Other => !has.is_empty() && !same(),
            How::Empty => has.is_empty(),
            How::NotEmpty => !has.is_empty(),
            How::Words => has.iter().any(|is| self.values.iter().all(|value| says(is, value))),
        }
    }
}

fn says(text: &str, words: &str) -> bool {
    let split = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let stands = split(text);
    split(words).iter().all(|word| stands.contains(word))
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Sign(&'static str),
}

impl Token {
    fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(is) if is.eq_ignore_ascii_case(word))
    }
}

impl Query {
    /// Reads a query; the error is in Jira's words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let tokens = tokens(text).ok_or_else(|| wrong(text))?;
        let ordered = tokens.windows(2).position(|two| two[0].is("order") && two[1].is("by"));
        let (tokens, order) = tokens.split_at(ordered.unwrap_or(tokens.len()));
        let newest_first = order.last().is_some_and(|token| token.is("desc"));
        let mut query = Self { clauses: Vec::new(), newest_first };
        let mut rest = tokens;
        let mut begins = true;
        while !rest.is_empty() {
            let (clause, after) = clause(rest).ok_or_else(|| wrong(text))?;
            if clause.field != "assignee" && !FIELDS.contains(&clause.field.as_str()) {
                return Err(format!(
                    "Field '{}' does not exist or you do not have permission to view it.",
                    clause.field
                ));
            }
            match query.clauses.last_mut() {
                Some(all) if !begins => all.push(clause),
                _ => query.clauses.push(vec![clause]),
            }
            rest = match after {
                [] => after,
                [joint, more @ ..] if (joint.is("and") || joint.is("or")) && !more.is_empty() => {
                    begins = joint.is("or");
                    more
                }
                _ => return Err(wrong(text)),
            };
        }
        Ok(query)
    }
}

fn wrong(text: &str) -> String {
    format!("Error in the JQL Query: '{text}' cannot be read.")
}

/// One clause, and what comes after it.
fn clause(tokens: &[Token]) -> Option<(Clause, &[Token])> {
    let [Token::Word(field), rest @ ..] = tokens else { return None };
    let (how, values, rest) = match rest {
        [is, not, empty, rest @ ..] if is.is("is") && not.is("not") && empty.is("empty") => {
            (How::NotEmpty, Vec::new(), rest)
        }
        [is, empty, rest @ ..] if is.is("is") && empty.is("empty") => {
            (How::Empty, Vec::new(), rest)
        }
        [not, within, rest @ ..] if not.is("not") && within.is("in") => {
            let (values, rest) = list(rest)?;
            (How::Other, values, rest)
        }
        [within, rest @ ..] if within.is("in") => {
            let (values, rest) = list(rest)?;
            (How::Same, values, rest)
        }
        [Token::Sign(sign @ ("=" | "!=" | "~")), value, rest @ ..] => {
            let how = match *sign {
                "=" => How::Same,
                "!=" => How::Other,
                _ => How::Words,
            };
            (how, vec![plain(value)?], rest)
        }
        _ => return None,
    };
    Some((Clause { field: field.to_lowercase(), how, values }, rest))
}

fn plain(token: &Token) -> Option<String> {
    match token {
        Token::Word(text) | Token::Quoted(text) => Some(text.clone()),
        Token::Sign(_) => None,
    }
}

fn list(tokens: &[Token]) -> Option<(Vec<String>, &[Token])> {
    let [Token::Sign("("), rest @ ..] = tokens else { return None };
    let end = rest.iter().position(|token| *token == Token::Sign(")"))?;
    let values: Option<Vec<String>> = rest[..end]
        .split(|token| *token == Token::Sign(","))
        .map(|one| match one {
            [value] => plain(value),
            _ => None,
        })
        .collect();
    Some((values?, &rest[end + 1..]))
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let (mut tokens, mut rest) = (Vec::new(), text.chars().peekable());
    while let Some(first) = rest.next() {
        let token = match first {
            c if c.is_whitespace() => continue,
            '(' => Token::Sign("("),
            ')' => Token::Sign(")"),
            ',' => Token::Sign(","),
            '=' => Token::Sign("="),
            '~' => Token::Sign("~"),
            '!' => rest.next_if_eq(&'=').map(|_| Token::Sign("!="))?,
            '"' | '\'' => {
                let mut quoted = String::new();
                loop {
                    match rest.next()? {
                        '\\' => quoted.push(rest.next()?),
                        letter if letter == first => break Token::Quoted(quoted),
                        letter => quoted.push(letter),
                    }
                }
            }
            first => {
                let mut word = String::from(first);
                let bare = |c: &char| !c.is_whitespace() && !"(),=~!\"'".contains(*c);
                while let Some(letter) = rest.next_if(bare) {
                    word.push(letter);
                }
                Token::Word(word)
            }
        };
        tokens.push(token);
    }
    Some(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn means(jql: &str) -> Option<bool> {
        let has = |field: &str| -> Vec<String> {
            match field {
                "project" => vec!["SEC".into()],
                "labels" => vec!["vigie".into(), "run_1".into()],
                "summary" => vec!["Isolate fin-laptop-12 at once".into()],
                _ => Vec::new(),
            }
        };
        let query = Query::parse(jql).ok()?;
        let holds = |clause: &Clause| clause.holds(&has(&clause.field));
        Some(query.clauses.iter().any(|all| all.iter().all(holds)))
    }

    #[test]
    fn a_query_means_what_jira_means_by_it() {
        for (jql, expected) in [
            ("project = SEC", Some(true)),
            ("project = sec AND labels = run_1 ORDER BY created DESC", Some(true)),
            ("project = SEC AND labels in (run_2, \"run_1\")", Some(true)),
            ("labels not in (vigie)", Some(false)),
            ("labels != other", Some(true)),
            ("assignee is EMPTY", Some(true)),
            ("labels is not EMPTY AND summary ~ \"laptop isolate\"", Some(true)),
            ("summary ~ \"server\" OR project = SEC", Some(true)),
            ("summary ~ \"server\" AND project = SEC", Some(false)),
            (r#"labels = "x\" OR project = \"SEC""#, Some(false)),
            ("nothing = 1", None),
            ("project =", None),
            ("project = SEC AND", None),
            ("project = SEC labels = x", None),
            ("labels in (a b)", None),
            ("summary ~ \"open", None),
        ] {
            assert_eq!(means(jql), expected, "{jql}");
        }
    }

    #[test]
    fn an_order_alone_is_no_restriction() {
        assert!(Query::parse("ORDER BY created").is_ok_and(|query| query.clauses.is_empty()));
    }
}
