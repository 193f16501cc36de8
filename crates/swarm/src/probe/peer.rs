//! What one peer has said of itself in one contact.

use evidence::observation::{ChokeChange, ClaimForm, PieceClaim};
use evidence::{Chooser, Extension, Now};
use wire::bitfield::{self, Bitfield};
use wire::handshake::Handshake;

use super::habit::Kind;

/// Claims, choke state and offers.
#[derive(Debug)]
pub(super) struct Peer {
    piece_count: Option<u32>,
    pieces: Option<Bitfield>,
    claim: Option<PieceClaim>,
    claims_any: bool,
    allowed_fast: Vec<u32>,
    /// Those that BEP 6 computes for our address.
    computed_fast: Vec<u32>,
    pub(super) handshake: Option<Handshake>,
    pub(super) extension: Option<Extension>,
    /// The number by which it wants to be asked for introductions.
    pub(super) holepunch_id: Option<u8>,
    /// Whether its extension handshake left out what its client always offers.
    pub(super) lacks_extensions: bool,
    /// Of what kind its first messages were.
    pub(super) first_messages: Vec<Kind>,
    pub(super) choked: bool,
    pub(super) choke: Vec<ChokeChange>,
    /// Whether what may be asked for has changed since this was last taken down.
    pub(super) is_news: bool,
}

/// Who goes by the rule gives at least these: libtorrent five, the BEP ten.
const UNBIDDEN_OF: usize = 5;

/// Clients offer five to ten pieces.
const ALLOWED_FAST_MAX: usize = 64;

/// The peer named a piece that the torrent does not have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoSuchPiece;

impl Peer {
    pub(super) fn new(piece_count: Option<u32>) -> Self {
        Self {
            piece_count,
            pieces: None,
            claim: None,
            claims_any: false,
            allowed_fast: Vec::new(),
            computed_fast: Vec::new(),
            handshake: None,
            extension: None,
            holepunch_id: None,
            lacks_extensions: false,
            first_messages: Vec::new(),
            // Every connection begins choked (BEP 3).
            choked: true,
            choke: Vec::new(),
            is_news: false,
        }
    }

    pub(super) fn is_fast(&self) -> bool {
        self.handshake.is_some_and(|handshake| handshake.reserved.fast())
    }

    pub(super) fn set_choked(&mut self, now: Now, choked: bool) {
        if self.choked != choked {
            self.choked = choked;
            self.is_news = true;
            self.choke.push(ChokeChange { at: now.stamp(), choked });
        }
    }

    pub(super) fn claims_bitfield(&mut self, now: Now, payload: &[u8]) -> Result<(), bitfield::Error> {
        if let Some(count) = self.piece_count {
            let pieces = Bitfield::parse(payload, count)?;
            self.note(now, ClaimForm::Bitfield, pieces.count());
            self.pieces = Some(pieces);
        } else {
            self.note(now, ClaimForm::Bitfield, payload.iter().map(|byte| byte.count_ones()).sum());
        }
        Ok(())
    }

    pub(super) fn claims_all(&mut self, now: Now) {
        self.pieces = self.piece_count.map(Bitfield::full);
        self.note(now, ClaimForm::HaveAll, self.piece_count.unwrap_or(0));
        self.claims_any = self.piece_count != Some(0);
    }

    pub(super) fn claims_none(&mut self, now: Now) {
        self.pieces = self.piece_count.map(Bitfield::empty);
        self.note(now, ClaimForm::HaveNone, 0);
    }

    pub(super) fn claims_piece(&mut self, now: Now, piece: u32) -> Result<(), NoSuchPiece> {
        let Some(count) = self.piece_count else {
            let known = self.claim.map_or(0, |claim| claim.pieces);
            self.note(now, ClaimForm::Have, known.saturating_add(1));
            return Ok(());
        };
        let pieces = self.pieces.get_or_insert_with(|| Bitfield::empty(count));
        if pieces.get(piece) {
            return Ok(());
        }
        if !pieces.insert(piece) {
            return Err(NoSuchPiece);
        }
        let known = self.claim.map_or(0, |claim| claim.pieces);
        self.note(now, ClaimForm::Have, known + 1);
        Ok(())
    }

    /// Whether it offered any piece to be asked for while it chokes us.
    pub(super) fn has_allowed_fast(&self) -> bool {
        !self.allowed_fast.is_empty()
    }

    /// Takes back the claim to a piece (BEP 54). False if there was none.
    pub(super) fn withdraws(&mut self, now: Now, piece: u32) -> bool {
        let was_claimed = self.pieces.as_mut().is_some_and(|pieces| pieces.remove(piece));
        if let Some(claim) = self.claim.as_mut().filter(|_| was_claimed) {
            claim.at = now.stamp();
            claim.pieces -= 1;
            claim.withdrawn += 1;
        }
        was_claimed
    }

    /// A single have adds to an earlier claim and leaves its form, unless that claim was to nothing.
    fn note(&mut self, now: Now, by: ClaimForm, pieces: u32) {
        let earlier = self.claim.filter(|_| by == ClaimForm::Have);
        let by = earlier.filter(|_| self.claims_any).map_or(by, |claim| claim.by);
        let withdrawn = earlier.map_or(0, |claim| claim.withdrawn);
        self.claims_any |= pieces > 0;
        self.is_news = true;
        self.claim = Some(PieceClaim { at: now.stamp(), by, of: self.piece_count.unwrap_or(0), pieces, withdrawn });
    }

    pub(super) fn allows_fast(&mut self, piece: u32) {
        if self.allowed_fast.len() < ALLOWED_FAST_MAX && !self.allowed_fast.contains(&piece) {
            self.allowed_fast.push(piece);
            self.is_news = true;
        }
    }

    pub(super) fn claim(&self) -> Option<PieceClaim> {
        self.claim
    }

    /// Whether it ever said that it has a piece.
    pub(super) fn has_claimed_any(&self) -> bool {
        self.claims_any
    }

    pub(super) fn claims(&self, piece: u32) -> bool {
        self.pieces.as_ref().is_some_and(|pieces| pieces.get(piece))
    }

    /// Sets which pieces the rule of BEP 6 gives us.
    pub(super) fn computes_fast(&mut self, pieces: Vec<u32>) {
        self.computed_fast = pieces;
    }

    /// What may be asked of it unbidden, while it chokes us and has offered nothing: the first that the rule gives us.
    pub(super) fn unbidden(&self) -> Option<&[u32]> {
        let first = &self.computed_fast[..self.computed_fast.len().min(UNBIDDEN_OF)];
        (self.choked && self.is_fast() && self.allowed_fast.is_empty()).then_some(first)
    }

    /// Who decided which pieces may be asked for now.
    pub(super) fn chooser(&self) -> Chooser {
        match self.allowed_fast() {
            Some(allowed) if self.follows_the_rule(allowed) => Chooser::Rule,
            Some(_) => Chooser::Peer,
            None if self.claim.is_some_and(|claim| claim.by == ClaimForm::Have) => Chooser::Peer,
            None => Chooser::Monitor,
        }
    }

    /// Whether these are the first of those that BEP 6 computes for us, or the first of which it claims. Which of a set
    /// come first is not the peer's choice, or it could name whichever it likes of a small torrent.
    fn follows_the_rule(&self, allowed: &[u32]) -> bool {
        let are_first = |pieces: &mut dyn Iterator<Item = u32>| {
            let due: Vec<u32> = pieces.take(allowed.len()).collect();
            due.len() == allowed.len() && allowed.iter().all(|piece| due.contains(piece))
        };
        let computed = || self.computed_fast.iter().copied();
        are_first(&mut computed()) || are_first(&mut computed().filter(|piece| self.claims(*piece)))
    }

    /// While it chokes us: the only pieces for which it would answer a request, provided that it claims them.
    pub(super) fn allowed_fast(&self) -> Option<&[u32]> {
        self.choked.then_some(&self.allowed_fast)
    }
}
