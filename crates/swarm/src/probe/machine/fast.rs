//! The Fast Extension (BEP 6).
//!
//! A suggested piece is never asked for on that account. The peer would choose what it is asked, and a suggestion says nothing
//! that its claim has not said.

use core::net::IpAddr;

use evidence::Now;
use wire::allowed_fast;
use wire::message::Message;

use super::Probe;

/// Pieces of the set that BEP 6 computes for us: as many as the BEP proposes and any client measured gives.
const COMPUTED: usize = 10;

impl Probe<'_> {
    /// Computes which pieces the rule gives us at this address of ours. There is no rule for IPv6.
    pub(super) fn compute_fast(&mut self, ours: IpAddr) {
        if let IpAddr::V4(ours) = ours {
            let count = self.target.piece_count.unwrap_or(0);
            self.peer.computes_fast(allowed_fast::set(ours, self.ours.info_hash, count, COMPUTED));
        }
    }

    /// Asks a peer that chokes us, and has not said which pieces it would give all the same, for those that it should.
    pub(super) fn ask_unbidden(&mut self, now: Now) {
        let Some(pieces) = self.peer.unbidden().map(<[u32]>::to_vec) else { return };
        for _ in 0..self.limits.unbidden {
            let peer = &self.peer;
            let Some(asking) = self.exam.ask_unbidden(now, &pieces, |piece| peer.claims(piece)) else { return };
            self.send_request(now, asking);
        }
    }

    /// The rule of the extension that a message breaks, if it does. We have offered it, so the peer's word decides whether
    /// it is spoken.
    ///
    /// That what it has be said once, before all else, is a rule that nobody is held to: aria2 1.36 says it again, and the last
    /// word counts.
    pub(super) fn breaks_fast(&self, message: &Message<'_>) -> Option<&'static str> {
        match message {
            Message::HaveAll | Message::HaveNone | Message::Suggest(_) | Message::Reject(_) | Message::AllowedFast(_)
                if !self.peer.is_fast() =>
            {
                Some("fast-not-offered")
            }
            _ => None,
        }
    }
}
