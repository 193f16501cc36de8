//! The few encodings of mail that a notice needs: quoted-printable, base64 in lines, names and dates in headers.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use evidence::Utc;

/// Longest line that may go unencoded, without its line end (RFC 5322, 2.1.1).
pub(super) const MAX_LINE_BYTES: usize = 998;
/// Longest line of quoted-printable and base64 (RFC 2045, 6.7 and 6.8).
const ENCODED_LINE_BYTES: usize = 76;
/// Bytes of text in one encoded word: 39 give 52 of base64, so that a line with `From: ` stays below the 76 of RFC 2047.
const WORD_BYTES: usize = 39;

/// Whether text may travel as it is: printable ASCII in short lines, and none that a mail program would touch.
pub(super) fn is_seven_bit(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).all(|line| {
        line.len() <= MAX_LINE_BYTES
            && line.iter().all(|byte| matches!(byte, b' '..=b'~'))
            && !line.ends_with(b" ")
            && !line.starts_with(b"From ")
            && line != b"."
    })
}

/// The text with CRLF line ends.
pub(super) fn with_crlf(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 32);
    for line in lines(text) {
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Quoted-printable, with CRLF line ends (RFC 2045, 6.7).
pub(super) fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 5 / 4);
    for line in lines(text) {
        let mut width = 0;
        for (at, byte) in line.iter().enumerate() {
            let is_last = at + 1 == line.len();
            let is_mangled = at == 0 && (line.starts_with(b"From ") || line == b".");
            let is_plain = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || *byte == b' ' && !is_last;
            let is_bare = is_plain && !is_mangled;
            let taken = if is_bare { 1 } else { 3 };
            // One column is kept for the mark of a soft break.
            if width + taken > ENCODED_LINE_BYTES - 1 {
                out.extend_from_slice(b"=\r\n");
                width = 0;
            }
            width += taken;
            if is_bare {
                out.push(*byte);
            } else {
                out.extend_from_slice(format!("={byte:02X}").as_bytes());
            }
        }
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Base64 in lines of 76, with CRLF line ends (RFC 2045, 6.8).
pub(super) fn base64_lines(bytes: &[u8]) -> Vec<u8> {
    let digits = STANDARD.encode(bytes).into_bytes();
    digits.chunks(ENCODED_LINE_BYTES).flat_map(|line| line.iter().copied().chain(*b"\r\n")).collect()
}

/// A display name: quoted if it is printable ASCII, else in encoded words (RFC 2047), one a line.
pub(super) fn display_name(name: &str) -> String {
    if name.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
    }
    let mut words = vec![String::new()];
    for character in name.chars() {
        if words.last().is_some_and(|word| word.len() + character.len_utf8() > WORD_BYTES) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(character);
        }
    }
    words.iter().map(|word| format!("=?UTF-8?B?{}?=", STANDARD.encode(word))).collect::<Vec<_>>().join("\r\n ")
}

/// `Tue, 01 Sep 2026 12:00:00 +0000` (RFC 5322, 3.3).
pub(super) fn date(at: Utc) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day) = at.date().civil();
    // A weekday is 0 to 6 and a month 1 to 12.
    let (weekday, month) = (DAYS[at.date().weekday() as usize], MONTHS[month as usize - 1]);
    format!("{weekday}, {day:02} {month} {year:04} {} +0000", &at.to_string()[11..19])
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_encoded_only_where_it_must_be() {
        for (text, seven_bit, quoted) in [
            ("a b\n", true, "a b\r\n"),
            ("a=b\r\n", true, "a=3Db\r\n"),
            ("a \n", false, "a=20\r\n"),
            ("From me\n", false, "=46rom me\r\n"),
            (".\n", false, "=2E\r\n"),
            ("\u{b5}TP\n\n", false, "=C2=B5TP\r\n\r\n"),
            ("a\tb", false, "a=09b\r\n"),
        ] {
            assert_eq!(is_seven_bit(text.as_bytes()), seven_bit, "{text:?}");
            assert_eq!(String::from_utf8(quoted_printable(text.as_bytes())).unwrap(), quoted);
        }
        assert!(is_seven_bit(&[b'x'; MAX_LINE_BYTES]));
        assert!(!is_seven_bit(&[b'x'; MAX_LINE_BYTES + 1]));
        let long = quoted_printable("é".repeat(500).as_bytes());
        assert!(long.split(|byte| *byte == b'\n').all(|line| line.len() <= ENCODED_LINE_BYTES + 1));
        assert_eq!(with_crlf(b"a\r\nb\n"), b"a\r\nb\r\n");
    }

    #[test]
    fn headers_hold_names_and_dates() {
        assert_eq!(display_name("A \"B\" \\ C"), "\"A \\\"B\\\" \\\\ C\"");
        assert_eq!(display_name("Zoë"), "=?UTF-8?B?Wm/Dqw==?=");
        assert!(display_name(&"é".repeat(120)).lines().all(|line| line.len() <= 76));
        assert_eq!(date("2026-09-01T12:00:59.999Z".parse().unwrap()), "Tue, 01 Sep 2026 12:00:59 +0000");
        assert_eq!(date("2028-02-29T00:00:00.000Z".parse().unwrap()), "Tue, 29 Feb 2028 00:00:00 +0000");
    }
}
