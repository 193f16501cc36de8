//! What strangers wrote, made visible and harmless.

/// How many marks may be stacked on one letter. Vietnamese needs two; more is a way to blot out the lines above.
const STACKED_MARKS_MAX: u32 = 2;

/// Shows `text` so that it can neither hide anything nor reorder what stands beside it.
///
/// Control, formatting, bidirectional, private and unassigned-by-design code points, odd spaces, and marks that
/// have nothing to stand on become `\u{..}` with the number of the code point. A backslash that would look like
/// the start of such an escape is escaped itself, so that two texts never look alike because of this.
pub fn inert(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    // A mark at the very start would stand on what precedes the text.
    let mut marks_left = 0;
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        let escaped = if is_mark(character) {
            let surplus = marks_left == 0;
            marks_left = u32::saturating_sub(marks_left, 1);
            surplus
        } else {
            marks_left = STACKED_MARKS_MAX;
            acts_unseen(character) || (character == '\\' && rest.as_str().starts_with("u{"))
        };
        if escaped {
            shown.push_str(&escape(character));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// The visible escape of one code point.
pub(crate) fn escape(character: char) -> String {
    format!("\\u{{{:x}}}", u32::from(character))
}

/// Whether a code point acts on its surroundings, or shows nothing of its own.
pub(crate) fn acts_unseen(character: char) -> bool {
    let code = u32::from(character);
    character.is_control()
        || (code & 0xfffe) == 0xfffe
        || matches!(code,
            // Soft hyphen, joiners, fillers and selectors, which take no room.
            0x00ad | 0x034f | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200d
            | 0x2060..=0x2065 | 0x2800 | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0
            // Marks of direction, embeddings, overrides and isolates.
            | 0x061c | 0x200e | 0x200f | 0x202a..=0x202e | 0x2066..=0x206f
            // Line and paragraph separators.
            | 0x2028 | 0x2029
            // Spaces that look like, or unlike, a space. No-break, thin and narrow spaces are how we set figures.
            | 0x1680 | 0x2000..=0x2008 | 0x200a | 0x205f
            // Prefixed format controls of several scripts, musical and shorthand controls, annotation anchors.
            | 0x0600..=0x0605 | 0x06dd | 0x070f | 0x0890 | 0x0891 | 0x08e2 | 0xfff9..=0xfffc
            | 0x110bd | 0x110cd | 0x13430..=0x1345f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a
            // Private use and non-characters: their look depends on the reader's machine.
            | 0xe000..=0xf8ff | 0xfdd0..=0xfdef | 0xf0000..=0x10ffff
            // Tags and supplementary selectors.
            | 0xe0000..=0xe0fff)
}

/// Whether a code point is drawn on top of the one before it.
fn is_mark(character: char) -> bool {
    matches!(u32::from(character),
        0x0300..=0x036f | 0x0483..=0x0489 | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff | 0xfe20..=0xfe2f)
        && !acts_unseen(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_writing_is_left_alone() {
        for text in [
            "",
            "Example – Work (2026).mkv",
            "a  b",
            "Ünïcödé",
            "Ελληνικά",
            "日本語\u{3000}名",
            "±\u{a0}5\u{202f}ms",
            r"C:\users\a",
            "e\u{301}\u{323}",
            "#[$x$] <b> &amp; *_*",
        ] {
            assert_eq!(inert(text), text);
        }
    }

    #[test]
    fn what_acts_unseen_is_shown() {
        for (text, shown) in [
            ("gpj.\u{202e}exe", r"gpj.\u{202e}exe"),
            ("a\nb\tc\r", r"a\u{a}b\u{9}c\u{d}"),
            ("\u{0}\u{1b}[31m", r"\u{0}\u{1b}[31m"),
            ("\u{7f}\u{85}\u{9b}", r"\u{7f}\u{85}\u{9b}"),
            ("a\u{200b}b\u{feff}", r"a\u{200b}b\u{feff}"),
            ("\u{2066}x\u{2069}", r"\u{2066}x\u{2069}"),
            ("\u{2028}\u{2029}", r"\u{2028}\u{2029}"),
            ("\u{e0041}\u{e000}\u{10ffff}", r"\u{e0041}\u{e000}\u{10ffff}"),
            ("\u{fffe}", r"\u{fffe}"),
        ] {
            assert_eq!(inert(text), shown);
        }
    }

    #[test]
    fn a_text_that_spells_an_escape_is_told_from_the_real_one() {
        assert_eq!(inert(r"a\u{202e}"), r"a\u{5c}u{202e}");
        assert_ne!(inert(r"\u{202e}"), inert("\u{202e}"));
    }

    #[test]
    fn marks_neither_pile_up_nor_reach_out_of_their_text() {
        assert_eq!(inert("\u{301}a"), r"\u{301}a");
        assert_eq!(inert("a\u{301}\u{302}\u{303}\u{304}b"), "a\u{301}\u{302}\\u{303}\\u{304}b");
    }
}
