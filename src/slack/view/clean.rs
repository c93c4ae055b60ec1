//! Text of unknown origin made fit to be read: nothing hidden, nothing reordered, no longer than its place.

/// Whether a text may run over several lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// All white space becomes single spaces.
    Line,
    /// Line breaks stay, with at most one empty line in a row.
    Lines,
}

/// Stands for a character that is not shown: it was there, and that may matter.
const HIDDEN: char = '\u{FFFD}';
/// So many combining marks may stand on one letter; more would grow over the lines around it.
const MARKS: u32 = 3;

/// The text without anything hidden, cut to `limit` with an ellipsis.
///
/// Slack does not say whether it counts code points, UTF-16 units or escaped text; what fits here fits by each count.
pub fn fit(text: &str, limit: usize, shape: Shape) -> String {
    let mut out = String::new();
    let (mut weight, mut room) = (0, 0);
    for c in Seen::new(text, shape) {
        weight += weigh(c);
        if weight > limit {
            out.truncate(room);
            let kept = out.trim_end().len();
            out.truncate(kept);
            out.push('…');
            return out;
        }
        out.push(c);
        if weight < limit {
            room = out.len();
        }
    }
    let kept = out.trim_end().len();
    out.truncate(kept);
    out
}

/// How much of a limit a text takes, by the worst count.
pub fn weight(text: &str) -> usize {
    text.chars().map(weigh).sum()
}

fn weigh(c: char) -> usize {
    match c {
        '&' => 5,
        '<' | '>' => 4,
        other => other.len_utf16(),
    }
}

/// Slack's own escaping: exactly `&`, `<` and `>`.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Whether a character would hide, reorder or control, and so never reaches Slack. Line breaks are not among them.
pub fn is_hidden(c: char) -> bool {
    matches!(c,
        '\0'..='\u{9}' | '\u{B}'..='\u{1F}' | '\u{7F}'..='\u{9F}'
        | '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}' | '\u{200E}' | '\u{200F}'
        | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}'
        | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{FFFE}' | '\u{FFFF}'
        | '\u{E0000}'..='\u{E0FFF}')
}

fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36F}' | '\u{483}'..='\u{489}' | '\u{1AB0}'..='\u{1AFF}'
        | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

/// The characters of a text as they will be seen.
struct Seen<'a> {
    chars: std::str::Chars<'a>,
    shape: Shape,
    last: Option<char>,
    /// White space that waits for something to stand before: a space, or this many line breaks.
    gap: Gap,
    marks: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    None,
    Space,
    Breaks(u8),
}

impl<'a> Seen<'a> {
    fn new(text: &'a str, shape: Shape) -> Self {
        Self { chars: text.chars(), shape, last: None, gap: Gap::None, marks: 0 }
    }

    /// Notes white space; it is told when something follows.
    fn widen(&mut self, c: char) {
        let breaks = self.shape == Shape::Lines && matches!(c, '\n' | '\u{2028}' | '\u{2029}');
        self.gap = match self.gap {
            Gap::Breaks(n) if breaks => Gap::Breaks(n.saturating_add(1).min(2)),
            Gap::Breaks(n) => Gap::Breaks(n),
            Gap::None | Gap::Space if breaks => Gap::Breaks(1),
            Gap::None | Gap::Space => Gap::Space,
        };
    }

    /// The character as it may be shown; `None` for a mark too many.
    fn show(&mut self, c: char) -> Option<char> {
        if is_mark(c) {
            self.marks += 1;
            return (self.marks <= MARKS).then_some(c);
        }
        self.marks = 0;
        match c {
            '\0'..='\u{1F}' => char::from_u32(0x2400 + u32::from(c)),
            '\u{7F}' => Some('\u{2421}'),
            // Joiners belong between letters of some scripts and within emoji, and nowhere else.
            '\u{200C}' | '\u{200D}' if self.last.is_none_or(|l| l.is_ascii() || l == HIDDEN) => {
                Some(HIDDEN)
            }
            c if is_hidden(c) => Some(HIDDEN),
            c => Some(c),
        }
    }
}

impl Iterator for Seen<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        loop {
            let before = self.chars.clone();
            let c = self.chars.next()?;
            if c.is_whitespace() && c != '\u{85}' {
                self.widen(c);
                continue;
            }
            let gap = if self.last.is_none() { Gap::None } else { self.gap };
            match gap {
                Gap::None => self.gap = Gap::None,
                Gap::Space => {
                    (self.chars, self.gap, self.last) = (before, Gap::None, Some(' '));
                    return Some(' ');
                }
                Gap::Breaks(n) => {
                    let rest = if n > 1 { Gap::Breaks(n - 1) } else { Gap::None };
                    (self.chars, self.gap, self.last) = (before, rest, Some('\n'));
                    return Some('\n');
                }
            }
            let Some(shown) = self.show(c) else { continue };
            self.last = Some(shown);
            return Some(shown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_is_made_visible() {
        for (text, line) in [
            ("plain", "plain"),
            ("  a \t\r\n b  ", "a b"),
            ("a\0b\u{1b}[31m", "a␀b␛[31m"),
            ("invoice\u{202e}fdp.exe", "invoice\u{fffd}fdp.exe"),
            ("prod\u{200b}-db\u{2060}-1", "prod\u{fffd}-db\u{fffd}-1"),
            ("adm\u{200d}in", "adm\u{fffd}in"),
            ("👩\u{200d}💻 می\u{200c}خواهم", "👩\u{200d}💻 می\u{200c}خواهم"),
            ("e\u{301}\u{301}\u{301}\u{301}\u{301}x", "e\u{301}\u{301}\u{301}x"),
            ("\u{e0041}tag\u{85}", "\u{fffd}tag\u{fffd}"),
        ] {
            assert_eq!(fit(text, 100, Shape::Line), line, "{text:?}");
        }
        assert_eq!(fit("\n\na\r\n\r\n\n\n b\n", 100, Shape::Lines), "a\n\nb");
    }

    #[test]
    fn the_cut_falls_between_characters_and_counts_as_slack_might() {
        assert_eq!(fit("abcdef", 6, Shape::Line), "abcdef");
        assert_eq!(fit("abcdefg", 6, Shape::Line), "abcde…");
        assert_eq!(fit("ab cdefg", 4, Shape::Line), "ab…");
        assert_eq!(fit("😀😀😀", 5, Shape::Line), "😀😀…");
        assert_eq!(fit("<<<", 8, Shape::Line), "<…");
        assert!(weight(&fit(&"é<😀&".repeat(50_000), 150, Shape::Line)) <= 150);
    }

    #[test]
    fn what_is_fit_stays_as_it_is() {
        let once = fit("x\u{202e} \u{200d}y\n\n\nz <b> &", 12, Shape::Lines);
        assert_eq!(fit(&once, 12, Shape::Lines), once);
    }
}
