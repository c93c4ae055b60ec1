//! What is wrong in a file, said so that a stranger can mend it: where, what, and the nearest right word.

use super::hidden;
use super::tree::Node;
use std::fmt;

/// Where in the file something stands. Lines and columns count from 1; `width` is in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spot {
    pub line: u64,
    pub column: u64,
    pub width: u64,
}

/// What a problem is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A place in the file; `excerpt` is its line.
    File { file: String, spot: Spot, excerpt: String },
    /// The file as a whole: it cannot be read, or lacks something.
    Whole { file: String },
    /// An environment variable.
    Variable(String),
}

/// One thing that is wrong, or that is worth a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub place: Place,
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// Something about a file as a whole.
    pub fn whole(file: &str, message: impl Into<String>) -> Self {
        Self { place: Place::Whole { file: file.into() }, message: message.into(), hint: None }
    }

    /// The first line of what is printed: `vigie.yaml:12:5: unknown key …`.
    pub fn headline(&self) -> String {
        match &self.place {
            Place::File { file, spot, .. } => {
                format!("{file}:{}:{}: {}", spot.line, spot.column, self.message)
            }
            Place::Whole { file } => format!("{file}: {}", self.message),
            Place::Variable(name) => format!("{name}: {}", self.message),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.headline())?;
        if let Place::File { spot, excerpt, .. } = &self.place
            && spot.line > 0
        {
            let number = spot.line.to_string();
            let gutter = " ".repeat(number.len());
            let before: String = excerpt
                .chars()
                .take(usize::try_from(spot.column.saturating_sub(1)).unwrap_or(0))
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .collect();
            let mark = "^".repeat(usize::try_from(spot.width.clamp(1, 60)).unwrap_or(1));
            write!(f, "\n {gutter} |\n {number} | {excerpt}\n {gutter} | {before}{mark}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n   = {hint}")?;
        }
        Ok(())
    }
}

/// Stands for each letter of what is not shown: what stands beside it keeps its column.
const DOT: char = '•';

/// Collects all that is wrong with one file, so that it is said at once and not one mistake a run.
#[derive(Debug)]
pub struct Report {
    pub file: String,
    lines: Vec<String>,
    hidden: bool,
    pub problems: Vec<Problem>,
    pub warnings: Vec<Problem>,
}

impl Report {
    pub fn new(file: &str, text: &str) -> Self {
        Self {
            file: file.to_owned(),
            lines: text.lines().map(str::to_owned).collect(),
            hidden: false,
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The file cannot be used like this.
    pub fn wrong(&mut self, at: Spot, message: impl Into<String>, hint: impl Into<Option<String>>) {
        let problem = self.at(at, message.into(), hint.into());
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// It can be used, but someone should know.
    pub fn warn(&mut self, at: Spot, message: impl Into<String>, hint: impl Into<Option<String>>) {
        let warning = self.at(at, message.into(), hint.into());
        self.warnings.push(warning);
    }

    /// A problem that will be one only if something else turns out so: it is handed back, and not told.
    pub fn problem(&self, at: Spot, message: String) -> Problem {
        self.at(at, message, None)
    }

    /// The file lacks something.
    pub fn lacks(&mut self, message: impl Into<String>, hint: impl Into<Option<String>>) {
        let place = Place::Whole { file: self.file.clone() };
        self.problems.push(Problem { place, message: message.into(), hint: hint.into() });
    }

    /// Something about an environment variable.
    pub fn variable(&mut self, name: &str, message: impl Into<String>) {
        let place = Place::Variable(name.to_owned());
        self.problems.push(Problem { place, message: message.into(), hint: None });
    }

    /// Something that should be known about an environment variable.
    pub fn warn_of_variable(&mut self, name: &str, message: impl Into<String>) {
        let place = Place::Variable(name.to_owned());
        self.warnings.push(Problem { place, message: message.into(), hint: None });
    }

    /// Leaves out of every excerpt what must not be shown. Nothing may have been said before.
    pub fn hide(&mut self, root: &Node) {
        for (node, text) in hidden::literals(root) {
            self.hidden = true;
            self.cover(node.at);
            // It may stand elsewhere too: in a comment, behind an anchor, on further lines.
            for piece in text.lines().map(str::trim).filter(|piece| piece.len() >= 4) {
                let dots = DOT.to_string().repeat(piece.chars().count());
                self.lines.iter_mut().for_each(|line| *line = line.replace(piece, &dots));
            }
        }
    }

    fn cover(&mut self, at: Spot) {
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let (mut start, mut left) = (count(at.column.saturating_sub(1)), count(at.width));
        for line in self.lines.iter_mut().skip(count(at.line.saturating_sub(1))) {
            let length = line.chars().count();
            let end = length.min(start.saturating_add(left));
            *line = line
                .chars()
                .enumerate()
                .map(|(n, c)| if (start..end).contains(&n) && c != ' ' { DOT } else { c })
                .collect();
            // The line's end counts as one.
            left = left.saturating_sub(length.saturating_sub(start) + 1);
            start = 0;
            if left == 0 {
                return;
            }
        }
    }

    /// The same where the file is no YAML: of each line that may hold a secret only the key is left.
    pub fn hide_values(&mut self) {
        let doubtful = hidden::doubtful(&self.lines);
        for (line, _) in self.lines.iter_mut().zip(doubtful).filter(|(_, doubtful)| *doubtful) {
            let key = line.find(": ").map_or(0, |colon| colon + 2);
            let (key, value) = line.split_at(key);
            let value: String = value.chars().map(|c| if c == ' ' { c } else { DOT }).collect();
            *line = format!("{key}{value}");
        }
    }

    /// The file's text without what must not be shown.
    pub fn shown(&self, text: &str) -> String {
        if !self.hidden {
            return text.to_owned();
        }
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// The text of the line on which something stands.
    pub fn line(&self, at: Spot) -> &str {
        let index = usize::try_from(at.line.saturating_sub(1)).unwrap_or(usize::MAX);
        self.lines.get(index).map_or("", String::as_str)
    }

    /// All that is wrong, and what should be known, each in the order of the file.
    pub fn finish(mut self) -> (Vec<Problem>, Vec<Problem>) {
        self.problems.sort_by_key(place_in_file);
        self.warnings.sort_by_key(place_in_file);
        (self.problems, self.warnings)
    }

    /// Where a word stands within the value at `at`: a long text is not marked as a whole. `at` itself where it is not found.
    pub fn within(&self, at: Spot, word: &str) -> Spot {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let skipped = usize::try_from(at.line.saturating_sub(1)).unwrap_or(usize::MAX);
        let mut before = usize::try_from(at.column.saturating_sub(1)).unwrap_or(0);
        let mut left = at.width.max(1);
        for (line, number) in self.lines.iter().skip(skipped).zip(at.line..) {
            let start = line.char_indices().nth(before).map_or(line.len(), |(index, _)| index);
            if let Some(found) = line[start..].find(word) {
                let column = count(line[..start + found].chars().count()) + 1;
                return Spot { line: number, column, width: count(word.chars().count()) };
            }
            let length = count(line.chars().count().saturating_sub(before)) + 1;
            if left <= length {
                break;
            }
            (left, before) = (left - length, 0);
        }
        at
    }

    fn at(&self, spot: Spot, message: String, hint: Option<String>) -> Problem {
        let place = if spot.line == 0 {
            Place::Whole { file: self.file.clone() }
        } else {
            Place::File { file: self.file.clone(), spot, excerpt: self.line(spot).to_owned() }
        };
        Problem { place, message, hint }
    }
}

fn place_in_file(problem: &Problem) -> (u64, u64) {
    match &problem.place {
        Place::File { spot, .. } => (spot.line, spot.column),
        Place::Whole { .. } | Place::Variable(_) => (u64::MAX, 0),
    }
}

/// The right word that someone may have meant: at most a third of its letters differ.
pub fn nearest<'a>(word: &str, right: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    right
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A hint that names the nearest right word, else all of them.
pub fn suggest(word: &str, right: &[&str]) -> Option<String> {
    match nearest(word, right.iter().copied()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if right.is_empty() => None,
        None => Some(format!("it can be {}", listed(right))),
    }
}

/// `a`, `b` or `c`.
pub fn listed(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_near() {
        let right = ["members", "lead", "on_call"];
        assert_eq!(nearest("membres", right), Some("members"));
        assert_eq!(nearest("oncall", right), Some("on_call"));
        assert_eq!(nearest("routes", right), None);
        assert_eq!(suggest("x", &["one", "each"]).as_deref(), Some("it can be `one` or `each`"));
    }

    #[test]
    fn a_word_is_found_within_its_value_and_nowhere_else() {
        let text = "say: |\n  it is {{ alrt.title }}\n  here\nother: alrt.title\n";
        let report = Report::new("t.yaml", text);
        let at = Spot { line: 1, column: 6, width: 31 };
        assert_eq!(report.within(at, "alrt.title"), Spot { line: 2, column: 12, width: 10 });
        let short = Spot { width: 4, ..at };
        assert_eq!(report.within(short, "other"), short);
    }

    #[test]
    fn a_problem_shows_its_line_and_marks_the_word() {
        let mut report = Report::new("vigie.yaml", "teams:\n  blue: {membres: 1}\n");
        let at = Spot { line: 2, column: 10, width: 7 };
        report.wrong(at, "unknown key `membres`", Some("did you mean `members`?".to_owned()));
        assert_eq!(
            report.problems[0].to_string(),
            "vigie.yaml:2:10: unknown key `membres`\n   |\n 2 |   blue: {membres: 1}\n   |          ^^^^^^^\n   = did you mean `members`?"
        );
    }
}
