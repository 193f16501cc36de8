//! What clients were seen to do, against what one peer did. It never identifies anybody.
//!
//! A rule is a fact that was measured with the real client of that version, against its defaults, and that no common
//! setting changes: `probe.md`, and `tests/all/real_clients.rs`, which finds each of them in agreement with itself. Other
//! versions are not judged, but by whether peer id and name are of one family.

use evidence::software::{Disagreement, Software};
use wire::client::Family;
use wire::extension::ExtensionHandshake;
use wire::handshake::Handshake;
use wire::message::Message;

use super::peer::Peer;
use crate::convert::evidence_family;

/// One version of one client.
struct Habit {
    family: Family,
    /// As the peer id writes it.
    version: &'static str,
    /// Whether it speaks the Fast Extension.
    is_fast: bool,
    /// Whether it offers pieces to whom it chokes.
    allows_fast: bool,
    /// `reqq`, where no setting changes it.
    request_queue: Option<u32>,
    /// Extensions that it offers for every torrent.
    extensions: &'static [&'static [u8]],
}

/// What programs made of libtorrent offer for every torrent.
const OF_LIBTORRENT: &[&[u8]] = &[b"lt_donthave", b"upload_only"];

/// All of them send an extension handshake first, with a `v`.
const HABITS: [Habit; 5] = [
    Habit {
        family: Family::Transmission,
        version: "3.00",
        is_fast: true,
        allows_fast: false,
        request_queue: Some(512),
        extensions: &[],
    },
    Habit {
        family: Family::QBittorrent,
        version: "4.5.2",
        is_fast: true,
        allows_fast: true,
        request_queue: None,
        extensions: OF_LIBTORRENT,
    },
    Habit {
        family: Family::Deluge,
        version: "2.0.3",
        is_fast: true,
        allows_fast: true,
        request_queue: None,
        extensions: OF_LIBTORRENT,
    },
    Habit {
        family: Family::RTorrent,
        version: "0.13.8",
        is_fast: false,
        allows_fast: false,
        request_queue: Some(2_048),
        extensions: &[],
    },
    Habit { family: Family::Aria2, version: "1.36.0", is_fast: true, allows_fast: true, request_queue: None, extensions: &[] },
];

/// Programs made of libtorrent, which may name the library instead of themselves.
const MADE_OF_LIBTORRENT: [Family; 3] = [Family::QBittorrent, Family::Deluge, Family::FrostWire];

/// Of what kind a message is, as far as the order of the first ones tells clients apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    ExtensionHandshake,
    Claims,
    Other,
}

/// The first messages are these.
pub(super) const FIRST: usize = 2;

impl Kind {
    pub(super) fn of(message: &Message<'_>) -> Self {
        match message {
            Message::Extended { id: 0, .. } => Self::ExtensionHandshake,
            Message::Bitfield(_) | Message::HaveAll | Message::HaveNone => Self::Claims,
            _ => Self::Other,
        }
    }
}

fn habit(theirs: &Handshake) -> Option<&'static Habit> {
    let claim = theirs.peer_id.claim();
    HABITS.iter().find(|habit| (habit.family, habit.version) == (claim.family, claim.version.as_str()))
}

/// Whether an extension handshake leaves out what the client of this peer id always offers.
pub(super) fn lacks_extensions(theirs: &Handshake, said: &ExtensionHandshake<'_>) -> bool {
    habit(theirs).is_some_and(|habit| habit.extensions.iter().any(|name| !said.messages.contains_key(name)))
}

/// Two claims about a peer's software, and what does not fit them.
pub(super) fn software(theirs: &Handshake, peer: &Peer) -> Software {
    let by_peer_id = theirs.peer_id.claim().family;
    let client = peer.extension.as_ref().and_then(|said| said.client.as_ref());
    let by_client = client.map(|client| Family::of_name(client.as_bytes()));
    let broken = |habit: &Habit, disagreement| {
        let is_fast = theirs.reserved.fast();
        match disagreement {
            Disagreement::AllowedFast => !habit.allows_fast && peer.has_allowed_fast(),
            Disagreement::ClientSaid => peer.extension.is_some() && client.is_none(),
            Disagreement::Extensions => peer.lacks_extensions,
            Disagreement::FirstMessages => {
                let first = peer.first_messages.first().is_some_and(|kind| *kind != Kind::ExtensionHandshake);
                first || (is_fast && peer.first_messages.get(1).is_some_and(|kind| *kind != Kind::Claims))
            }
            Disagreement::RequestQueue => {
                let said = peer.extension.as_ref().map(|said| said.request_queue);
                habit.request_queue.is_some() && said.is_some_and(|said| said != habit.request_queue)
            }
            Disagreement::ReservedBits => !theirs.reserved.extension() || is_fast != habit.is_fast,
            // This needs no habit.
            Disagreement::Families => false,
        }
    };
    let is_broken = |disagreement: &Disagreement| match disagreement {
        Disagreement::Families => by_client.is_some_and(|by_client| !are_of_one_kind(by_client, by_peer_id)),
        _ => habit(theirs).is_some_and(|habit| broken(habit, *disagreement)),
    };
    let disagreements = ALL.into_iter().filter(is_broken).collect();
    Software { by_client: by_client.map(evidence_family), by_peer_id: evidence_family(by_peer_id), disagreements }
}

/// In the order of the record.
const ALL: [Disagreement; 7] = [
    Disagreement::AllowedFast,
    Disagreement::ClientSaid,
    Disagreement::Extensions,
    Disagreement::Families,
    Disagreement::FirstMessages,
    Disagreement::RequestQueue,
    Disagreement::ReservedBits,
];

fn are_of_one_kind(by_client: Family, by_peer_id: Family) -> bool {
    let is_known = |family| !matches!(family, Family::Named | Family::Unknown | Family::Azureus(_) | Family::Shadow(_));
    let names_the_library = by_client == Family::LibtorrentRasterbar && MADE_OF_LIBTORRENT.contains(&by_peer_id);
    by_client == by_peer_id || names_the_library || !is_known(by_client) || !is_known(by_peer_id)
}
