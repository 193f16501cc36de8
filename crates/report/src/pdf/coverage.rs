//! Which characters the fonts within the PDF can draw.

use std::sync::LazyLock;

use typst::foundations::Bytes;
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;

use crate::inert::escape;

/// The family that words are set in.
const WORDS_FAMILY: &str = "libertinus serif";

/// The fonts that the report may use; no others, so that every machine sets it alike.
pub(super) struct Fonts {
    pub(super) book: LazyHash<FontBook>,
    pub(super) fonts: Vec<Font>,
}

pub(super) static FONTS: LazyLock<Fonts> = LazyLock::new(|| {
    let fonts: Vec<Font> = typst_assets::fonts().flat_map(|data| Font::iter(Bytes::new(data))).collect();
    Fonts { book: LazyHash::new(FontBook::from_fonts(&fonts)), fonts }
});

/// Escapes what the fonts can not draw: an empty box in print could stand for anything.
///
/// Only characters that *every* style of the words' family has are drawn. A character that some other font
/// might have is escaped too, so that no text decides how a page is set.
pub(super) fn within_fonts(text: &str) -> String {
    let faces: Vec<usize> = FONTS.book.select_family(WORDS_FAMILY).collect();
    let drawn = |character: char| {
        !faces.is_empty()
            && faces.iter().all(|face| FONTS.book.info(*face).is_some_and(|info| info.coverage.contains(u32::from(character))))
    };
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if drawn(character) {
            shown.push(character);
        } else {
            shown.push_str(&escape(character));
        }
    }
    shown
}
