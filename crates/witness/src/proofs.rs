//! Consistency proofs from the tiles that a log serves.

use std::collections::BTreeMap;
use std::fmt;

use tlog::merkle::{Hash, MakeError, consistency_proof, range_root};
use tlog::tile::{ReadError, Tile, TileReader};

use crate::place::{Place, PlaceFault};

/// A proof touches at most two tiles of each of eight levels; whatever asks for more is not one.
const MAX_TILES: usize = 64;

/// The proof from the first `old_size` leaves to the first `new_size`, unverified.
///
/// # Errors
/// If a tile cannot be had or has another length than its name says.
pub(crate) async fn consistency(place: &Place, old_size: u64, new_size: u64) -> Result<Vec<Hash>, PlaceFault> {
    gather(place, new_size, |reader| {
        consistency_proof(reader, old_size, new_size).map_err(|fault| match fault {
            MakeError::OutOfRange => ReadError::OutOfRange,
            MakeError::Read(fault) => fault,
        })
    })
    .await
}

/// The root of the first `size` leaves of the tree that has `of_size`, unverified.
///
/// # Errors
/// As [`consistency`].
pub(crate) async fn root_at(place: &Place, size: u64, of_size: u64) -> Result<Hash, PlaceFault> {
    gather(place, of_size, |reader| range_root(reader, 0, size)).await
}

/// A tile that is not fetched yet.
#[derive(Clone, Copy, Debug)]
struct Missing(Tile);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not fetched yet", self.0)
    }
}

type Fetched<'a> = dyn FnMut(&Tile) -> Result<Vec<u8>, Missing> + Send + 'a;

/// Tries, fetches the tile that was missing, and tries again: what to compute stays free of waiting.
async fn gather<T>(
    place: &Place,
    size: u64,
    compute: impl Fn(&mut TileReader<&mut Fetched<'_>>) -> Result<T, ReadError<Missing>>,
) -> Result<T, PlaceFault> {
    let mut tiles: BTreeMap<Tile, Vec<u8>> = BTreeMap::new();
    loop {
        let computed = {
            let mut fetch = |tile: &Tile| tiles.get(tile).cloned().ok_or(Missing(*tile));
            let fetch: &mut Fetched<'_> = &mut fetch;
            compute(&mut TileReader::new(size, fetch))
        };
        match computed {
            Ok(value) => return Ok(value),
            Err(ReadError::Fetch(Missing(tile))) if tiles.len() < MAX_TILES => {
                tiles.insert(tile, place.tile(&tile).await?);
            }
            Err(fault) => return Err(PlaceFault::new(format!("{place}: {fault}"))),
        }
    }
}
