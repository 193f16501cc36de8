//! The durable, signed, append-only log of a station.
//!
//! A station has one writer. Records become openings with random blinds and signed leaves of a Merkle tree; a record
//! is acknowledged once both are durable, and from then on can neither change nor vanish unseen.
//!
//! ```text
//! <station>/
//!   writer.lock                 held by the one process that writes
//!   keys/                       root.pem, registrar.pem, log.pem, worker.pem, people/<slug>.pem: PKCS#8, mode 0600, or elsewhere
//!   log/<YYYY-MM>/              one shard
//!     anchor.txt                the keys that everything is verified under; written last when founding
//!     leaves.log                one line per entry: the log itself
//!     openings.log              one line per record, in the order of the leaves; an erased one is left out
//!     transcripts.pack          frames of digest, length, bytes, in the order of the openings
//!     notes/<index>.note        what `ctl` leaves commit to
//!     lock                      three lines of the last checkpoint that was allowed to be signed
//!     checkpoints/<size>.txt    every checkpoint
//!     checkpoint, tile/…        the log as C2SP tlog-tiles serves it; leaves.log cut into bundles and hashes
//! ```
//!
//! *In scope*: keys, sequence, durability, checkpoints, recovery, reading back, checking a shard.
//! *Out of scope*: what a record means (`evidence`), trees and signatures (`tlog`), clocks: `now` is an argument.
//!
//! Opening is recovering: after a crash, what was never acknowledged is dropped; every other difference is a strange
//! past, and is refused with what to do. Recovery reads the whole shard once.
//!
//! ```
//! use ledger::{Founding, Keys, Ledger, Month, Reader};
//!
//! let station = tempfile::tempdir()?;
//! let now: evidence::Utc = "2026-09-01T12:00:00.000Z".parse()?;
//! let founding = Founding {
//!     name: "log.example.org".into(),
//!     month: Month::of(now),
//!     now,
//!     not_before: now,
//!     not_after: now.plus_ms(30 * 86_400_000),
//!     keys: Keys::generate()?,
//!     witnesses: Vec::new(),
//!     quorum: 0,
//! };
//! let mut ledger = Ledger::create(station.path(), founding)?;
//! assert_eq!(ledger.checkpoint()?.checkpoint().size(), 2);
//! let reader = Reader::of_station(station.path())?;
//! assert_eq!(reader.entries()?.count(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod anchor;
mod cosigned;
pub mod durable;
mod fault;
mod fsck;
pub mod keys;
mod layout;
mod ledger;
mod lines;
mod lock;
mod pack;
mod publish;
mod reader;
mod record;
mod recovery;
mod replay;
#[cfg(test)]
mod testing;
mod walk;
mod writer;

pub use anchor::Anchor;
pub use fault::Fault;
pub use fsck::{FsckReport, FsckStep, fsck};
pub use keys::{Keys, NoteKey, Store};
pub use layout::Month;
pub use ledger::{Founding, GROUP_MAX_BYTES, GROUP_MAX_RECORDS, Ledger, sign_note};
pub use pack::MAX_TRANSCRIPT_BYTES;
pub use reader::{Entries, Reader};
pub use record::{Acked, Record};
pub use recovery::Dropped;
pub use writer::{AppendError, Appender, Writer};
