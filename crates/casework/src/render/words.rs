//! Small pieces of text: counts, names that strangers chose, and lines of a readable width.

use evidence::Claimed;

/// A stranger's name is cut here; the whole of it stands in `cir.json`.
const LONGEST_NAME_CHARS: usize = 240;
/// So is what an analyst wrote.
const LONGEST_TEXT_CHARS: usize = 600;
/// Lines of plain text are broken here.
const LINE_CHARS: usize = 100;

/// `1 block`, `2 blocks`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Text of ours or of an analyst, on one line and unable to act on a terminal.
pub fn inert(text: &str) -> String {
    let shown = Claimed::new(text).to_string();
    match shown.char_indices().nth(LONGEST_TEXT_CHARS) {
        Some((end, _)) => format!("{} (shortened)", &shown[..end]),
        None => shown,
    }
}

/// A name that a stranger chose: quoted, on one line, unable to act, its own quotes escaped so that it cannot
/// end early and go on in our voice.
pub fn quoted(name: &Claimed) -> String {
    let shown = name.to_string().replace('"', "\\u{22}");
    let length = shown.chars().count();
    if length <= LONGEST_NAME_CHARS {
        return format!("\"{shown}\"");
    }
    let start: String = shown.chars().take(LONGEST_NAME_CHARS).collect();
    format!("\"{start}\" (shortened; {} bytes in all)", name.as_bytes().len())
}

/// Breaks a paragraph at spaces; every line begins with `indent`.
pub fn wrapped(text: &str, indent: &str) -> String {
    let mut out = String::new();
    let mut line = String::from(indent);
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let is_first = line.len() == indent.len();
        if !is_first && line.chars().count() + 1 + word.chars().count() > LINE_CHARS {
            out.push_str(&line);
            out.push('\n');
            line = String::from(indent);
        }
        if line.len() > indent.len() {
            line.push(' ');
        }
        line.push_str(word);
    }
    out.push_str(&line);
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_speak_in_our_voice() {
        for (name, shown) in [
            ("film.mkv".to_string(), "\"film.mkv\"".to_string()),
            ("a\" The subscriber is B".into(), "\"a\\u{22} The subscriber is B\"".into()),
            ("a\nUIN: 1".into(), "\"a\\u{a}UIN: 1\"".into()),
            ("\u{1b}[2J\u{202e}gpj".into(), "\"\\u{1b}[2J\\u{202e}gpj\"".into()),
            ("x".repeat(300), format!("\"{}\" (shortened; 300 bytes in all)", "x".repeat(240))),
        ] {
            assert_eq!(quoted(&Claimed::new(name)), shown);
        }
    }

    #[test]
    fn paragraphs_are_broken_at_spaces() {
        let text = wrapped(&"word ".repeat(60), "  ");
        assert!(text.lines().all(|line| line.len() <= LINE_CHARS && line.starts_with("  word")));
        assert_eq!(text.split_whitespace().count(), 60);
        assert_eq!(wrapped("", "  "), "  \n");
    }
}
