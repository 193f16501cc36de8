//! How text of others is shown in a form: on one line, unable to act, and no longer than the form allows.

use evidence::{Claimed, text::is_active};

/// Names and titles are cut here in XML and in the letter, as in `notice.txt`.
pub(super) const NAME_CHARS: usize = 240;
/// Sentences of a record are cut here in XML.
pub(super) const SENTENCE_CHARS: usize = 600;

/// Longest UTF-8 encoding of a character.
const MAX_CHARACTER_BYTES: usize = 4;

/// A stranger's name: escaped visibly as `Claimed` shows it, and cut to `limit` characters with a remark.
pub(super) fn name(claimed: &Claimed, limit: usize) -> String {
    let bytes = claimed.as_bytes();
    // A character takes at most four bytes and shows as one or more, so this much always passes the limit, and
    // what a cut does to its last character is beyond it.
    let enough = bytes.len().min(MAX_CHARACTER_BYTES * (limit + 2));
    shortened(inert(&Claimed::new(&bytes[..enough]).to_string()), limit, bytes.len())
}

/// A text of the record, treated as strangers' names are.
pub(super) fn text(text: &str, limit: usize) -> String {
    name(&Claimed::new(text), limit)
}

/// A sentence of the record, in which names have been escaped already.
pub(super) fn sentence(text: &str, limit: usize) -> String {
    shortened(inert(text), limit, text.len())
}

/// Escapes what acts and what XML 1.0 cannot hold. Escapes already made are left alone.
pub(super) fn inert(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let is_escape_mark = character == '\\';
        if is_active(character) && !is_escape_mark || matches!(character, '\u{fffe}' | '\u{ffff}') {
            out.push_str(&format!("\\u{{{:x}}}", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    out
}

fn shortened(shown: String, limit: usize, bytes: usize) -> String {
    if shown.chars().count() <= limit {
        return shown;
    }
    let remark = format!(" (shortened; {bytes} bytes in all)");
    let mut kept: String = shown.chars().take(limit.saturating_sub(remark.len())).collect();
    // Half an escape would read as another name.
    if let Some(start) = kept.rfind('\\') {
        let escape = &kept[start..];
        let is_whole = if escape.starts_with("\\x") { escape.len() >= 4 } else { escape.contains('}') };
        if !is_whole {
            kept.truncate(start);
        }
    }
    kept + &remark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_inert_and_cut_between_escapes() {
        for (bytes, limit, shown) in [
            (&b"film.mkv"[..], 240, "film.mkv"),
            (b"a\nb\\", 240, "a\\u{a}b\\u{5c}"),
            ("\u{fffe}\u{202e}é".as_bytes(), 240, "\\u{fffe}\\u{202e}é"),
            (&[b'x'; 40], 40, &"x".repeat(40)),
            (&[b'x'; 60], 40, "xxxxxxxxxxx (shortened; 60 bytes in all)"),
            (&[0xff; 20], 40, "\\xff\\xff (shortened; 20 bytes in all)"),
            (&[b'\n'; 20], 40, "\\u{a}\\u{a} (shortened; 20 bytes in all)"),
            ("é".repeat(32_768).as_bytes(), 40, "éééééééé (shortened; 65536 bytes in all)"),
        ] {
            let out = name(&Claimed::new(bytes), limit);
            assert!(out.chars().count() <= limit, "{out}");
            assert_eq!(out, shown);
            assert_eq!(inert(&out), out, "escaping again changes nothing");
        }
    }
}
