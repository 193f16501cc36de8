//! A look-up with what surrounds it: its aim, its family, and what is counted for its report.

use evidence::{Now, Stamp};
use wire::infohash::InfoHashV1;
use wire::krpc::Ask;

use super::lookup::Lookup;
use super::record::{Ending, Finished, SearchId};
use super::{Aim, Family};
use crate::convert::wire_hash;

#[derive(Debug)]
pub(super) struct Search {
    pub(super) id: SearchId,
    pub(super) aim: Aim,
    pub(super) family: Family,
    pub(super) lookup: Lookup,
    pub(super) began: Stamp,
    /// Whether it stands in the queue for its turn.
    pub(super) is_queued: bool,
}

impl Search {
    /// What it asks of a node. `is_sampling` says whether the node may be asked for samples now.
    pub(super) fn ask(&self, is_sampling: bool) -> Ask<'static> {
        match self.aim {
            Aim::Survey if is_sampling => Ask::SampleInfohashes { target: *self.lookup.target() },
            Aim::Nodes | Aim::Survey => Ask::FindNode { target: *self.lookup.target() },
            Aim::Peers(hash) | Aim::Announce(hash) => Ask::GetPeers { info_hash: wire_hash(hash) },
        }
    }

    /// The torrent, if the look-up is for one.
    pub(super) fn torrent(&self) -> Option<(evidence::InfoHashV1, InfoHashV1)> {
        match self.aim {
            Aim::Peers(hash) | Aim::Announce(hash) => Some((hash, wire_hash(hash))),
            Aim::Nodes | Aim::Survey => None,
        }
    }

    pub(super) fn report(&self, now: Now, ending: Ending) -> Finished {
        let (queries, repeats, answers) = self.lookup.work();
        Finished {
            search: self.id,
            aim: self.aim,
            target: *self.lookup.target(),
            family: self.family,
            ending,
            began: self.began,
            ended: now.stamp(),
            queries,
            repeats,
            answers,
            excluded: self.lookup.excluded(),
            left_aside: self.lookup.left_aside(),
            closest: self.lookup.closest(),
            announces: 0,
            crowded: self.lookup.is_crowded(),
        }
    }
}
