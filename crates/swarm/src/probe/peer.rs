//! What one peer has said of itself in one contact.

use evidence::observation::{ChokeChange, ClaimForm, PieceClaim};
use evidence::{Claimed, Now};
use wire::bitfield::{self, Bitfield};
use wire::handshake::Handshake;

/// Claims, choke state and offers.
#[derive(Debug)]
pub(super) struct Peer {
    piece_count: Option<u32>,
    pieces: Option<Bitfield>,
    claim: Option<PieceClaim>,
    claims_any: bool,
    allowed_fast: Vec<u32>,
    pub(super) handshake: Option<Handshake>,
    pub(super) client: Option<Claimed>,
    pub(super) listening_port: Option<u16>,
    pub(super) choked: bool,
    pub(super) choke: Vec<ChokeChange>,
    /// Whether what may be asked for has changed since this was last taken down.
    pub(super) is_news: bool,
}

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
            handshake: None,
            client: None,
            listening_port: None,
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

    /// A single have adds to an earlier claim and leaves its form.
    fn note(&mut self, now: Now, by: ClaimForm, pieces: u32) {
        let by = match (&self.claim, by) {
            (Some(claim), ClaimForm::Have) if claim.by != ClaimForm::HaveNone => claim.by,
            _ => by,
        };
        self.claims_any |= pieces > 0;
        self.is_news = true;
        self.claim = Some(PieceClaim { at: now.stamp(), by, of: self.piece_count.unwrap_or(0), pieces });
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

    /// While it chokes us: the only pieces for which it would answer a request, provided that it claims them.
    pub(super) fn allowed_fast(&self) -> Option<&[u32]> {
        self.choked.then_some(&self.allowed_fast)
    }
}
