//! What a growing tree writes: which tiles become new, and their bytes.

use alloc::vec::Vec;
use core::fmt;

use super::path::{Content, TILE_WIDTH, Tile};
use super::read::{encode_hashes, parse_hashes};
use crate::MAX_TREE_SIZE;
use crate::merkle::{Hash, root_of};

/// Tile levels that a tree within [`MAX_TREE_SIZE`] can have.
const LEVELS: u8 = 8;

/// A tile to be written, with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTile {
    /// Names the tile.
    pub tile: Tile,
    /// Its hashes, one after the other.
    pub bytes: Vec<u8>,
}

/// Hash tiles that a tree of `new_size` leaves has and a tree of `old_size` leaves has not, level by level.
#[must_use]
pub fn new_hash_tiles(old_size: u64, new_size: u64) -> Vec<Tile> {
    let mut tiles = Vec::new();
    for level in 0..LEVELS {
        let shift = 8 * u32::from(level);
        push_new(&mut tiles, Content::Hashes { level }, old_size >> shift, new_size >> shift);
    }
    tiles
}

/// Entry bundles that a tree of `new_size` leaves has and a tree of `old_size` leaves has not.
#[must_use]
pub fn new_bundles(old_size: u64, new_size: u64) -> Vec<Tile> {
    let mut tiles = Vec::new();
    push_new(&mut tiles, Content::Entries, old_size, new_size);
    tiles
}

fn push_new(tiles: &mut Vec<Tile>, content: Content, old_count: u64, new_count: u64) {
    if old_count >= new_count {
        return;
    }
    let width = u64::from(TILE_WIDTH);
    let full = (old_count / width..new_count / width).map(|index| (index, TILE_WIDTH));
    let partial = u16::try_from(new_count % width).ok().map(|rest| (new_count / width, rest));
    // A width of zero, and a size past the limit, name no tile.
    tiles.extend(full.chain(partial).filter_map(|(index, width)| Tile::new(content, index, width).ok()));
}

/// Computes the hash tiles that become new when `leaves` are appended to a tree of `old_size`.
///
/// `fetch` gives the bytes of the old tree's partial tiles, at most one a level.
///
/// # Errors
/// If the tree would pass [`MAX_TREE_SIZE`], an old tile has the wrong length, or `fetch` fails.
pub fn grow<F, E>(old_size: u64, leaves: &[Hash], mut fetch: F) -> Result<Vec<NewTile>, GrowError<E>>
where
    F: FnMut(&Tile) -> Result<Vec<u8>, E>,
{
    let grown = old_size.checked_add(leaves.len() as u64).filter(|size| *size <= MAX_TREE_SIZE);
    grown.ok_or(GrowError::TooLarge)?;

    let mut new_tiles = Vec::new();
    let mut appended = leaves.to_vec();
    for level in 0..LEVELS {
        if appended.is_empty() {
            break;
        }
        let content = Content::Hashes { level };
        let old_count = old_size >> (8 * u32::from(level));
        let mut row = old_partial(content, old_count, &mut fetch)?;
        row.append(&mut appended);

        let first_index = old_count / u64::from(TILE_WIDTH);
        for (index, hashes) in (first_index..).zip(row.chunks(usize::from(TILE_WIDTH))) {
            // A chunk has 1 to 256 hashes and the tree is within its limit, so the tile exists.
            let width = u16::try_from(hashes.len()).map_err(|_| GrowError::TooLarge)?;
            let tile = Tile::new(content, index, width).map_err(|_| GrowError::TooLarge)?;
            new_tiles.push(NewTile { tile, bytes: encode_hashes(hashes) });
            if !tile.is_partial() {
                appended.push(root_of(hashes.iter().copied()));
            }
        }
    }
    Ok(new_tiles)
}

/// Hashes of the old partial tile on the right edge; none if that edge is full.
fn old_partial<F, E>(content: Content, old_count: u64, fetch: &mut F) -> Result<Vec<Hash>, GrowError<E>>
where
    F: FnMut(&Tile) -> Result<Vec<u8>, E>,
{
    let width = u16::try_from(old_count % u64::from(TILE_WIDTH)).map_err(|_| GrowError::TooLarge)?;
    if width == 0 {
        return Ok(Vec::new());
    }
    let tile = Tile::new(content, old_count / u64::from(TILE_WIDTH), width).map_err(|_| GrowError::TooLarge)?;
    let bytes = fetch(&tile).map_err(GrowError::Fetch)?;
    parse_hashes(&bytes, width).map_err(|_| GrowError::BadTile(tile))
}

/// Why the new tiles could not be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrowError<E> {
    /// The tree would have more leaves than a tree may have.
    TooLarge,
    /// The stored tile has another length than its name says.
    BadTile(Tile),
    /// An old tile could not be fetched.
    Fetch(E),
}

impl<E: fmt::Display> fmt::Display for GrowError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the tree would have more leaves than a tree may have"),
            Self::BadTile(tile) => write!(f, "{tile} does not hold {} hashes", tile.width()),
            Self::Fetch(error) => write!(f, "a tile could not be fetched: {error}"),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for GrowError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::TooLarge | Self::BadTile(_) => None,
            Self::Fetch(error) => Some(error),
        }
    }
}
