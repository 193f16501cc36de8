//! Names of files as a torrent gives them: kept as data, judged, and made harmless for display.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Longest name most file systems take, in bytes.
const LENGTH_MAX: usize = 255;

/// One part of a path: the bytes the info-hash covers, and text for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    raw: Vec<u8>,
    utf8: Option<String>,
}

/// The path of a file inside its torrent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilePath {
    parts: Vec<Name>,
}

/// Why a name must not be used on a file system, or shown as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hazard {
    /// It is empty.
    Empty,
    /// It is `.` or `..`.
    Traversal,
    /// It contains `/`, `\` or `:`, which separate parts of a path somewhere.
    Separator,
    /// It contains a control character, or one that turns the direction of text.
    Control,
    /// It is not UTF-8, and no UTF-8 name was given beside it.
    NotUtf8,
    /// Its two forms are both UTF-8 and differ.
    TwoNames,
    /// It is longer than file systems take.
    TooLong,
}

impl Name {
    pub(crate) fn new(raw: &[u8], utf8: Option<&str>) -> Self {
        Self { raw: raw.to_vec(), utf8: utf8.filter(|text| text.as_bytes() != raw).map(String::from) }
    }

    /// The bytes of `name` or of a part of `path`.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The name as text: the `utf-8` form where there is one, else the bytes, with U+FFFD for what is not UTF-8.
    pub fn text(&self) -> alloc::borrow::Cow<'_, str> {
        match &self.utf8 {
            Some(text) => text.into(),
            None => String::from_utf8_lossy(&self.raw),
        }
    }

    /// The bytes of the form that is meant to be UTF-8, which is the only one that version 2 has.
    pub(super) fn utf8(&self) -> &[u8] {
        self.utf8.as_ref().map_or(&self.raw, |text| text.as_bytes())
    }

    /// What is wrong with it.
    pub fn hazards(&self) -> BTreeSet<Hazard> {
        let text = self.text();
        let raw_is_utf8 = core::str::from_utf8(&self.raw).is_ok();
        let found = [
            (text.is_empty(), Hazard::Empty),
            (matches!(&*text, "." | ".."), Hazard::Traversal),
            (text.contains(is_separator), Hazard::Separator),
            (text.contains(is_control), Hazard::Control),
            (!raw_is_utf8 && self.utf8.is_none(), Hazard::NotUtf8),
            (raw_is_utf8 && self.utf8.is_some(), Hazard::TwoNames),
            (text.len() > LENGTH_MAX, Hazard::TooLong),
        ];
        found.into_iter().filter(|(is, _)| *is).map(|(_, hazard)| hazard).collect()
    }

    /// A name that is safe to show and to create: hazardous characters become `_`. Two names may become the same.
    pub fn sanitised(&self) -> String {
        let text = self.text();
        let mut safe = String::new();
        for character in text.chars() {
            let character = if is_separator(character) || is_control(character) { '_' } else { character };
            if safe.len() + character.len_utf8() > LENGTH_MAX {
                break;
            }
            safe.push(character);
        }
        match safe.as_str() {
            "" | "." => String::from("_"),
            ".." => String::from("__"),
            _ => safe,
        }
    }
}

impl FilePath {
    pub(super) const fn new(parts: Vec<Name>) -> Self {
        Self { parts }
    }

    /// Its parts, the file's own name last.
    pub fn parts(&self) -> &[Name] {
        &self.parts
    }

    /// What is wrong with any part.
    pub fn hazards(&self) -> BTreeSet<Hazard> {
        self.parts.iter().flat_map(Name::hazards).collect()
    }

    /// A relative path that stays inside its folder: parts sanitised, joined by `/`.
    pub fn sanitised(&self) -> String {
        self.parts.iter().map(Name::sanitised).collect::<Vec<_>>().join("/")
    }
}

/// Shows the sanitised form, so that a torrent cannot write to a terminal or a page.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sanitised())
    }
}

/// Shows the sanitised form, so that a torrent cannot write to a terminal or a page.
impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sanitised())
    }
}

const fn is_separator(character: char) -> bool {
    matches!(character, '/' | '\\' | ':')
}

/// Controls, line and paragraph separators, marks and overrides of direction, and invisible joiners.
fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(raw: &[u8], utf8: Option<&str>, hazards: &[Hazard], safe: &str) {
        let name = Name::new(raw, utf8);
        assert_eq!(name.hazards().into_iter().collect::<Vec<_>>(), hazards, "{name:?}");
        assert_eq!(name.sanitised(), safe);
    }

    #[test]
    fn judges_and_sanitises() {
        check(b"film.mkv", None, &[], "film.mkv");
        check("фильм".as_bytes(), None, &[], "фильм");
        check(b"", None, &[Hazard::Empty], "_");
        check(b".", None, &[Hazard::Traversal], "_");
        check(b"..", None, &[Hazard::Traversal], "__");
        check(b"../../etc/passwd", None, &[Hazard::Separator], ".._.._etc_passwd");
        check(b"C:\\x", None, &[Hazard::Separator], "C__x");
        check(b"a\x1b[31mb\0", None, &[Hazard::Control], "a_[31mb_");
        check("gpj.\u{202e}exe".as_bytes(), None, &[Hazard::Control], "gpj._exe");
        check(b"caf\xe9", None, &[Hazard::NotUtf8], "caf\u{fffd}");
        check(b"caf\xe9", Some("café"), &[], "café");
        check(b"same", Some("same"), &[], "same");
        check(b"one", Some("two"), &[Hazard::TwoNames], "two");
        check(&[b'a'; 256], None, &[Hazard::TooLong], &"a".repeat(255));
    }

    proptest! {
        #[test]
        fn sanitised_names_have_no_hazard(raw: Vec<u8>, text in prop::option::of("\\PC{0,100}")) {
            let safe = Name::new(&raw, text.as_deref()).sanitised();
            prop_assert_eq!(Name::new(safe.as_bytes(), None).hazards(), BTreeSet::new());
        }
    }
}
