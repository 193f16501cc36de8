//! The log read through its index: the index says which entries there are, the log says what they hold.
//!
//! The index is brought up to date first and compared row by row while the log streams past, so that neither a stale
//! nor an edited index can add, hide or move an observation.

use anyhow::{Context, Result};
use casework::BoxError;
use evidence::{Content, Entry, Opening, Tag};
use index::{Filter, Index};
use ledger::Reader;

use crate::station::Station;

/// Opens the index and brings it up to the log's end.
pub fn catch_up(station: &Station, reader: &Reader) -> Result<Index> {
    let mut index = Index::open(&station.index_path())?;
    index.catch_up(reader.entries()?).context("the index could not be brought up to date; 'affiant log reindex' rebuilds it")?;
    Ok(index)
}

/// Every entry of the log, in order.
pub fn entries(reader: &Reader) -> Box<dyn Iterator<Item = Result<Entry, BoxError>> + '_> {
    match reader.entries() {
        Ok(entries) => Box::new(entries.map(|entry| entry.map_err(BoxError::from))),
        Err(fault) => Box::new(std::iter::once(Err(BoxError::from(fault)))),
    }
}

/// Every entry of the log, in order, each observation compared with its row in the index.
pub fn through_index<'a>(index: &'a Index, reader: &'a Reader) -> impl Iterator<Item = Result<Entry, BoxError>> + 'a {
    let mut rows = index.observations(&Filter::default());
    entries(reader).map(move |entry| {
        let entry = entry?;
        if is_observation(&entry) && rows.next().transpose()?.map(|row| row.index) != Some(entry.index) {
            let index = entry.index;
            return Err(format!("the index differs from the log at entry {index}; 'affiant log reindex' rebuilds it").into());
        }
        Ok(entry)
    })
}

fn is_observation(entry: &Entry) -> bool {
    match &entry.content {
        Content::Opening(line) => Opening::parse(line).is_ok_and(|opening| opening.tag == Tag::Obs),
        Content::Note(_) | Content::Absent => false,
    }
}
