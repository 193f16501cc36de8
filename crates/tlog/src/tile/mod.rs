//! Tiles: how a tree and its entries are cut into files that never change. C2SP `tlog-tiles`.
//!
//! A hash tile holds up to 256 hashes of one tree level in eight; an entry bundle holds the leaves under one level-0
//! tile. Both are named by the same path scheme and both may be partial on the right edge.

mod bundle;
mod grow;
mod path;
mod read;

pub use bundle::{BundleError, MAX_ENTRY_BYTES, encode_bundle, parse_bundle};
pub use grow::{GrowError, NewTile, grow, new_bundles, new_hash_tiles};
pub use path::{BadTile, Content, TILE_WIDTH, Tile};
pub use read::{ReadError, TileReader, encode_hashes, parse_hashes};
