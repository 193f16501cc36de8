//! Every client, by every means, over both families: served, or the reason why that client cannot.
//!
//! Each test runs in a network namespace of its own, starts one client in every way that it can be set up, and has whole
//! runs of the crawler visit it by one means each. What is due lies in `tests/matrix/<client>.toml`, and the page
//! `INTEROPERABILITY.md` is made of those files. `AFFIANT_WRITE_MATRIX=1` writes both anew from what was measured; a reason
//! is then written by hand.

mod call;
mod cell;
mod due;
mod page;
mod subject;
mod visit;

use std::collections::BTreeMap;
use std::sync::Arc;

use swarm::ladder::Means;
use swarmlab::clients::Role;
use tokio::task::JoinSet;

use cell::{Cell, Kind};
use due::{Due, Entry, Section, Seen};
use subject::{Setup, Subject};

use crate::lab::torrent::Torrent;

/// Visits to each cell, each from an address that the client has never seen, and all of which must be served: a recall of
/// 99 % of so few is every one.
pub const VISITS: u32 = 4;

/// Tries of the first visit, which is not counted: a client that takes no plain stream cannot be asked whether it has
/// checked its content yet.
const FIRST_TRIES: u32 = 4;

/// Tries of each further visit; the crawler's own policy has three. By its source (`src/pe_crypto.cpp`), libtorrent covers the
/// info-hash with a mask of the shared secret without its leading zeros, so that one MSE handshake in 256 fails with it.
const TRIES: u32 = 2;

macro_rules! clients {
    ($($name:ident: $subject:expr;)*) => {
        $(#[test]
        fn $name() {
            swarmlab::namespace::inside(concat!("matrix::", stringify!($name)), || {
                let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
                runtime.block_on(is_as_due($subject));
            });
        })*

        /// The names of the files of what is due, in the order of the page's rows.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

clients! {
    transmission: Subject::Client(swarmlab::clients::Client::Transmission);
    qbittorrent: Subject::Client(swarmlab::clients::Client::QBittorrent);
    deluge: Subject::Client(swarmlab::clients::Client::Deluge);
    libtorrent: Subject::Client(swarmlab::clients::Client::Libtorrent);
    rtorrent: Subject::Client(swarmlab::clients::Client::Rtorrent);
    aria2: Subject::Client(swarmlab::clients::Client::Aria2);
    librqbit: Subject::Librqbit;
    webtorrent: Subject::Client(swarmlab::clients::Client::Webtorrent);
}

async fn is_as_due(subject: Subject) {
    let Some(version) = subject.version() else { return };
    let due = Due::read(&subject.file());
    let torrents: BTreeMap<Kind, Arc<Torrent>> = Kind::ALL.into_iter().map(|kind| (kind, Arc::new(kind.torrent()))).collect();
    let setups = Setup::of_cells(subject);
    let started = subject::start_all(subject, Role::Seed, &setups, &torrents, |_, _| vec![]).await;
    let mut measured: BTreeMap<Cell, Vec<Seen>> = Cell::all().into_iter().map(|cell| (cell, vec![])).collect();
    for round in 0..=VISITS {
        let mut visits = JoinSet::new();
        for kind in Kind::ALL {
            for means in Means::ALL {
                // A cell that cannot be served is tried once.
                let of_these = |cell: &&Cell| cell.kind == kind && cell.means == means;
                let is_open = |cell: &&Cell| round == 0 || measured[*cell].first().is_some_and(|seen| seen.is_served);
                let cells: Vec<Cell> = measured.keys().filter(of_these).filter(is_open).copied().collect();
                for hopeless in [false, true] {
                    let is_wanted = |cell: &&Cell| due.says_no(Section::Dialled, &cell.to_string()) == hopeless;
                    let at = |cell: &Cell| Some((started.get(&Setup::of(subject, *cell))?.address(), *cell));
                    let peers: BTreeMap<_, _> = cells.iter().filter(is_wanted).filter_map(at).collect();
                    let tries = match (round, hopeless) {
                        (_, true) => 1,
                        (0, false) => FIRST_TRIES,
                        _ => TRIES,
                    };
                    if !peers.is_empty() {
                        visits.spawn(visit::visit(Arc::clone(&torrents[&kind]), means, peers, tries));
                    }
                }
            }
        }
        for (cell, seen) in visits.join_all().await.into_iter().flatten() {
            measured.get_mut(&cell).unwrap().push(seen);
        }
    }
    let entry =
        |(cell, seen): (Cell, Vec<Seen>)| (cell.to_string(), Entry::of(&seen, started.trouble(&Setup::of(subject, cell))));
    let measured: BTreeMap<String, Entry> = measured.into_iter().map(entry).collect();
    started.stop().await;
    due.compare_or_write(&subject.file(), subject.name(), &version, Section::Dialled, &measured);
}
