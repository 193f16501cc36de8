//! A tile and its path: `tile/<level>/<index>[.p/<width>]` and `tile/entries/<index>[.p/<width>]`.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use crate::MAX_TREE_SIZE;
use crate::canonical::parse_decimal;

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Content {
    /// Hashes of complete subtrees with 256^level leaves each.
    Hashes {
        /// Tile level: 0 holds leaf hashes.
        level: u8,
    },
    /// The leaves themselves.
    Entries,
}

/// One tile of a tree that can exist. Shown as its path, without a leading slash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    content: Content,
    index: u64,
    width: u16,
}

impl Tile {
    /// Names the tile of this content, index and width.
    ///
    /// # Errors
    /// [`BadTile`] if the width is not 1 to 256, or no tree within [`MAX_TREE_SIZE`] has such a tile.
    pub fn new(content: Content, index: u64, width: u16) -> Result<Self, BadTile> {
        let level = match content {
            Content::Hashes { level } => level,
            Content::Entries => 0,
        };
        let leaves_each = 1_u64.checked_shl(8 * u32::from(level)).ok_or(BadTile)?;
        let end = index
            .checked_mul(u64::from(TILE_WIDTH))
            .and_then(|first| first.checked_add(u64::from(width)))
            .and_then(|hashes| hashes.checked_mul(leaves_each))
            .ok_or(BadTile)?;
        if width == 0 || width > TILE_WIDTH || end > MAX_TREE_SIZE {
            return Err(BadTile);
        }
        Ok(Self { content, index, width })
    }

    /// What the tile holds.
    #[must_use]
    pub const fn content(&self) -> Content {
        self.content
    }

    /// Position among the tiles of this content, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Hashes or entries in the tile, 1 to 256.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether the tile can still grow.
    #[must_use]
    pub const fn is_partial(&self) -> bool {
        self.width < TILE_WIDTH
    }

    /// Position of the tile's first hash within its level, or of its first entry.
    #[must_use]
    pub const fn first(&self) -> u64 {
        self.index * TILE_WIDTH as u64
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.content {
            Content::Hashes { level } => write!(f, "tile/{level}/")?,
            Content::Entries => f.write_str("tile/entries/")?,
        }
        write_index(f, self.index)?;
        if self.is_partial() {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

/// Writes the index in groups of three digits, each but the last marked with an `x`: 1234067 is `x001/x234/067`.
fn write_index(f: &mut fmt::Formatter<'_>, index: u64) -> fmt::Result {
    let mut divisor = 1;
    while index / divisor >= 1000 {
        divisor *= 1000;
    }
    while divisor > 1 {
        write!(f, "x{:03}/", index / divisor % 1000)?;
        divisor /= 1000;
    }
    write!(f, "{:03}", index % 1000)
}

impl FromStr for Tile {
    type Err = BadTile;

    fn from_str(path: &str) -> Result<Self, BadTile> {
        // The longest path is tile/entries/ with seven groups and a width; nothing longer is worth reading.
        if path.len() > 64 {
            return Err(BadTile);
        }
        let rest = path.strip_prefix("tile/").ok_or(BadTile)?;
        let (kind, rest) = rest.split_once('/').ok_or(BadTile)?;
        let content = match kind {
            "entries" => Content::Entries,
            level => {
                let level = parse_decimal(level).and_then(|level| u8::try_from(level).ok()).ok_or(BadTile)?;
                Content::Hashes { level }
            }
        };
        let (index, width) = match rest.split_once(".p/") {
            None => (rest, TILE_WIDTH),
            Some((index, width)) => {
                let width = parse_decimal(width).and_then(|width| u16::try_from(width).ok()).ok_or(BadTile)?;
                if width >= TILE_WIDTH {
                    return Err(BadTile);
                }
                (index, width)
            }
        };
        let tile = Self::new(content, parse_index(index)?, width)?;
        // Leading x000 groups read as the same index; only the spelling we write is the tile's name.
        let canonical: String = alloc::format!("{tile}");
        if canonical == path { Ok(tile) } else { Err(BadTile) }
    }
}

fn parse_index(text: &str) -> Result<u64, BadTile> {
    let mut index = 0_u64;
    for group in text.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadTile);
        }
        let group: u64 = digits.parse().map_err(|_| BadTile)?;
        index = index.checked_mul(1000).and_then(|index| index.checked_add(group)).ok_or(BadTile)?;
    }
    Ok(index)
}

/// The tile cannot exist, or the path is not the one spelling of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadTile;

impl fmt::Display for BadTile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no tree has such a tile, or its path is not in canonical form")
    }
}

impl core::error::Error for BadTile {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn paths_read_back() {
        for (path, content, index, width) in [
            ("tile/0/000", Content::Hashes { level: 0 }, 0, 256),
            ("tile/0/000.p/1", Content::Hashes { level: 0 }, 0, 1),
            ("tile/1/x001/x234/067", Content::Hashes { level: 1 }, 1_234_067, 256),
            ("tile/entries/x273/000.p/112", Content::Entries, 273_000, 112),
            ("tile/entries/999.p/255", Content::Entries, 999, 255),
            ("tile/entries/x001/000", Content::Entries, 1000, 256),
            ("tile/7/000.p/127", Content::Hashes { level: 7 }, 0, 127),
        ] {
            let tile = Tile::new(content, index, width).unwrap();
            assert_eq!(tile.to_string(), path);
            assert_eq!(path.parse(), Ok(tile));
        }
    }

    #[test]
    fn other_spellings_and_impossible_tiles_are_refused() {
        for bad in [
            "",
            "tile/",
            "tile/0",
            "tile/0/",
            "/tile/0/000",
            "tile/00/000",
            "tile/64/000",
            "tile/-1/000",
            "tile/8/000",
            "tile/7/000",
            "tile/256/000",
            "tile/0/0",
            "tile/0/0000",
            "tile/0/x000",
            "tile/0/x000/001",
            "tile/0/001/002",
            "tile/0/x001/x002",
            "tile/0/001/",
            "tile/0//001",
            "tile/0/../000",
            "tile/0/000.p/",
            "tile/0/000.p/0",
            "tile/0/000.p/01",
            "tile/0/000.p/256",
            "tile/0/000.p/65537",
            "tile/0/000.p/1/",
            "tile/0/000.p/1.p/1",
            "tile/0/000.P/1",
            "tile/0/+01",
            "tile/Entries/000",
            "tile/data/000",
            "tile/0/x018/x446/x744/x073/x709/x551/615",
            "tile/0/x099/x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(bad.parse::<Tile>(), Err(BadTile), "{bad:?}");
        }
        assert_eq!(Tile::new(Content::Entries, 0, 0), Err(BadTile));
        assert_eq!(Tile::new(Content::Entries, 0, 257), Err(BadTile));
        assert_eq!(Tile::new(Content::Hashes { level: 255 }, 0, 1), Err(BadTile));
        assert_eq!(Tile::new(Content::Entries, u64::MAX, 1), Err(BadTile));
    }
}
