//! Reading a tree back from its hash tiles.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

use super::path::{BadTile, Content, TILE_WIDTH, Tile};
use crate::merkle::{Hash, HashReader, node_hash};

/// Bytes of a hash tile: the hashes one after the other.
#[must_use]
pub fn encode_hashes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// Reads a hash tile that must hold exactly `width` hashes.
///
/// # Errors
/// [`BadTile`] if the length is another.
pub fn parse_hashes(bytes: &[u8], width: u16) -> Result<Vec<Hash>, BadTile> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() || hashes.len() != usize::from(width) {
        return Err(BadTile);
    }
    Ok(hashes.iter().copied().map(Hash).collect())
}

/// A [`HashReader`] over the hash tiles of a tree of known size.
///
/// `fetch` gives the bytes of one tile. It may answer a partial tile from the full tile that replaced it: only the
/// first hashes are used. Each tile is fetched once and kept, a few per proof.
#[derive(Debug)]
pub struct TileReader<F> {
    size: u64,
    fetch: F,
    fetched: BTreeMap<Tile, Vec<Hash>>,
}

impl<F, E> TileReader<F>
where
    F: FnMut(&Tile) -> Result<Vec<u8>, E>,
{
    /// Reads the tree of the first `size` leaves through `fetch`.
    pub const fn new(size: u64, fetch: F) -> Self {
        Self { size, fetch, fetched: BTreeMap::new() }
    }

    fn tile(&mut self, level: u8, index: u64) -> Result<&[Hash], ReadError<E>> {
        let hashes_at_level = self.size.checked_shr(8 * u32::from(level)).unwrap_or(0);
        let first = index.checked_mul(u64::from(TILE_WIDTH)).ok_or(ReadError::OutOfRange)?;
        let left = hashes_at_level.saturating_sub(first).min(u64::from(TILE_WIDTH));
        let width = u16::try_from(left).map_err(|_| ReadError::OutOfRange)?;
        let tile = Tile::new(Content::Hashes { level }, index, width).map_err(|_| ReadError::OutOfRange)?;
        if !self.fetched.contains_key(&tile) {
            let bytes = (self.fetch)(&tile).map_err(ReadError::Fetch)?;
            let hashes = parse_at_least(&bytes, width).ok_or(ReadError::BadTile(tile))?;
            self.fetched.insert(tile, hashes);
        }
        self.fetched.get(&tile).map(Vec::as_slice).ok_or(ReadError::OutOfRange)
    }
}

/// Reads the first `width` hashes of that partial tile, or of the full tile that replaced it.
fn parse_at_least(bytes: &[u8], width: u16) -> Option<Vec<Hash>> {
    parse_hashes(bytes, width).ok().or_else(|| {
        let mut full = parse_hashes(bytes, TILE_WIDTH).ok()?;
        full.truncate(usize::from(width));
        Some(full)
    })
}

impl<F, E> HashReader for TileReader<F>
where
    F: FnMut(&Tile) -> Result<Vec<u8>, E>,
{
    type Error = ReadError<E>;

    fn subtree(&mut self, level: u32, index: u64) -> Result<Hash, ReadError<E>> {
        let tile_level = u8::try_from(level / 8).map_err(|_| ReadError::OutOfRange)?;
        // The subtree is hashed up from the tile hashes below it; all lie in one tile, for 2^7 divides 256.
        let count = 1_u64 << (level % 8);
        let first = index.checked_mul(count).ok_or(ReadError::OutOfRange)?;
        let hashes = self.tile(tile_level, first / u64::from(TILE_WIDTH))?;
        let offset = usize::try_from(first % u64::from(TILE_WIDTH)).map_err(|_| ReadError::OutOfRange)?;
        let count = usize::try_from(count).map_err(|_| ReadError::OutOfRange)?;
        let mut row = hashes.get(offset..offset + count).ok_or(ReadError::OutOfRange)?.to_vec();
        while row.len() > 1 {
            row = row.chunks_exact(2).map(|pair| node_hash(pair[0], pair[1])).collect();
        }
        row.first().copied().ok_or(ReadError::OutOfRange)
    }
}

/// Why a hash could not be read from tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadError<E> {
    /// The tree has no such complete subtree.
    OutOfRange,
    /// The stored tile has another length than its name says.
    BadTile(Tile),
    /// The tile could not be fetched.
    Fetch(E),
}

impl<E: fmt::Display> fmt::Display for ReadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange => f.write_str("the subtree is not complete in this tree"),
            Self::BadTile(tile) => write!(f, "{tile} does not hold {} hashes", tile.width()),
            Self::Fetch(error) => write!(f, "a tile could not be fetched: {error}"),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for ReadError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::OutOfRange | Self::BadTile(_) => None,
            Self::Fetch(error) => Some(error),
        }
    }
}
