//! The challenges of one contact.

use evidence::{Challenge, Check, Chooser, Mono, Now, Verification, sha256};
use wire::message::Block;

use crate::chance::{Chance, Seed};
use crate::content::{Content, Question};

/// What was asked, what came, and what may be asked next.
#[derive(Debug)]
pub(super) struct Exam<'a> {
    content: Option<&'a Content>,
    chance: Chance,
    asked: Vec<(Challenge, Question)>,
    outstanding: Option<usize>,
    first_asked: Option<Mono>,
    /// How often a question was looked for.
    pub(super) looks: u32,
    pub(super) verified: u32,
    pub(super) wrong: u32,
    /// Rejected requests, while choked and while not.
    rejected: [u32; 2],
    /// Which were asked unbidden, by number: no answer to them is due.
    unbidden: Vec<usize>,
    withdrawn: u32,
}

/// What a block turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Right,
    Wrong,
    NotAsked,
}

/// Requests in all, whatever the peer does with them.
const ASKED_MAX: usize = 16;

impl<'a> Exam<'a> {
    pub(super) fn new(content: Option<&'a Content>, seed: &Seed) -> Self {
        Self {
            content,
            chance: Chance::new(seed.split("challenge", &[])),
            asked: Vec::new(),
            outstanding: None,
            first_asked: None,
            looks: 0,
            verified: 0,
            wrong: 0,
            rejected: [0; 2],
            unbidden: Vec::new(),
            withdrawn: 0,
        }
    }

    /// Asks for a block out of the pieces that `may` names, a piece not asked for before. Only a peer that has proved
    /// nothing yet and lets us ask freely is asked for a piece again. While it chokes us, `allowed` lists all the pieces
    /// that come into question, so that the others are not looked at.
    /// `chosen_by` is who decided which these are.
    pub(super) fn ask(
        &mut self,
        now: Now,
        allowed: Option<&[u32]>,
        chosen_by: Chooser,
        may: impl Fn(u32) -> bool,
    ) -> Option<Block> {
        let choked = allowed.is_some();
        self.looks += 1;
        if self.outstanding.is_some() || self.asked.len() >= ASKED_MAX {
            return None;
        }
        let content = self.content?;
        let asked = &self.asked;
        let fresh = |piece| may(piece) && asked.iter().all(|(challenge, _)| challenge.piece != piece);
        let mut question = content.pick(&mut self.chance, allowed, fresh);
        if question.is_none() && self.verified == 0 && !choked {
            question = content.pick(&mut self.chance, None, &may);
        }
        let block = self.put(now, question?, choked, chosen_by);
        self.first_asked.get_or_insert(now.mono);
        self.outstanding = Some(self.asked.len() - 1);
        Some(block)
    }

    /// Asks a choking peer for a block out of pieces that it has not offered. It owes no answer, not even a rejection, so
    /// nothing waits for one, and nothing follows from there being none.
    pub(super) fn ask_unbidden(&mut self, now: Now, pieces: &[u32], may: impl Fn(u32) -> bool) -> Option<Block> {
        let asked = &self.asked;
        let fresh = |piece| may(piece) && asked.iter().all(|(challenge, _)| challenge.piece != piece);
        let question = self.content?.pick(&mut self.chance, Some(pieces), fresh)?;
        self.unbidden.push(self.asked.len());
        Some(self.put(now, question, true, Chooser::Rule))
    }

    fn put(&mut self, now: Now, question: Question, choked: bool, chosen_by: Chooser) -> Block {
        let challenge = Challenge {
            among: question.among,
            answered: None,
            asked: now.stamp(),
            choked,
            chosen_by,
            first_byte: None,
            length: question.length,
            offset: question.offset,
            piece: question.piece,
            proof: None,
            sha256: None,
            verification: Verification::Unanswered,
            work: question.work.clone(),
        };
        let block = Block { piece: question.piece, begin: question.offset, length: question.length };
        self.asked.push((challenge, question));
        block
    }

    /// The first byte of an answer is there. True if it is news.
    pub(super) fn first_byte(&mut self, now: Now, piece: u32, begin: u32) -> bool {
        let Some((challenge, _)) = self.open(piece, begin) else { return false };
        let is_news = challenge.first_byte.is_none();
        challenge.first_byte.get_or_insert(now.stamp());
        is_news
    }

    /// A block is there. A late answer, to a request that was given up meanwhile, counts like any other.
    pub(super) fn answer(&mut self, now: Now, piece: u32, begin: u32, block: &[u8]) -> Answer {
        let Some((challenge, question)) = self.open(piece, begin) else { return Answer::NotAsked };
        let digest = sha256(block);
        challenge.answered = Some(now.stamp());
        challenge.first_byte.get_or_insert(now.stamp());
        challenge.sha256 = Some(digest);
        let check = Check::DossierBlock;
        let is_right = digest == question.sha256 && block.len() == question.length as usize;
        challenge.verification = if is_right { Verification::Match { check } } else { Verification::Mismatch { check } };
        self.close(piece, begin);
        if is_right {
            self.verified += 1;
            Answer::Right
        } else {
            self.wrong += 1;
            Answer::Wrong
        }
    }

    /// The peer rejected a request. False if it was not ours.
    pub(super) fn reject(&mut self, block: Block) -> bool {
        let Some((challenge, _)) = self.open(block.piece, block.begin) else { return false };
        if challenge.verification == Verification::Withdrawn {
            return true;
        }
        challenge.verification = Verification::Rejected;
        let choked = challenge.choked;
        if !self.is_unbidden(block.piece, block.begin) {
            self.rejected[usize::from(choked)] += 1;
        }
        self.close(block.piece, block.begin);
        true
    }

    /// The peer takes back its claim to a piece: what was asked of it there is no longer due. True if something was.
    pub(super) fn withdraw(&mut self, piece: u32) -> bool {
        let is_open = |(challenge, _): &&mut (Challenge, Question)| {
            challenge.verification == Verification::Unanswered && challenge.piece == piece
        };
        let mut was_due = false;
        for (challenge, _) in self.asked.iter_mut().filter(is_open) {
            challenge.verification = Verification::Withdrawn;
            was_due = true;
        }
        self.withdrawn += u32::from(was_due);
        let is_gone = self.outstanding.and_then(|number| self.asked.get(number)).is_some_and(|(asked, _)| asked.piece == piece);
        if is_gone {
            self.outstanding = None;
        }
        was_due
    }

    /// The outstanding request will hardly be answered any more.
    pub(super) fn give_up(&mut self) {
        self.outstanding = None;
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.outstanding.is_some()
    }

    /// When the outstanding request was sent.
    pub(super) fn waiting_since(&self) -> Option<Mono> {
        let (challenge, _) = self.asked.get(self.outstanding?)?;
        Some(Mono::from_us(challenge.asked.mono_us))
    }

    pub(super) fn first_asked(&self) -> Option<Mono> {
        self.first_asked
    }

    pub(super) fn rejected(&self) -> u32 {
        self.rejected.iter().sum()
    }

    pub(super) fn rejected_while(&self, choked: bool) -> u32 {
        self.rejected[usize::from(choked)]
    }

    /// How often the peer took back its claim to a piece instead of answering.
    pub(super) fn withdrawn(&self) -> u32 {
        self.withdrawn
    }

    /// Whether a request that was due an answer was neither answered nor rejected.
    pub(super) fn has_unanswered(&self) -> bool {
        let mut due = self.asked.iter().enumerate().filter(|(number, _)| !self.unbidden.contains(number));
        due.any(|(_, (challenge, _))| challenge.verification == Verification::Unanswered)
    }

    /// Distinct pieces that verified blocks came from.
    pub(super) fn pieces(&self) -> u32 {
        let pieces: std::collections::BTreeSet<u32> = self.verified_challenges().map(|challenge| challenge.piece).collect();
        pieces.len() as u32
    }

    pub(super) fn verified_challenges(&self) -> impl DoubleEndedIterator<Item = &Challenge> {
        self.asked.iter().map(|(challenge, _)| challenge).filter(|challenge| challenge.is_verified())
    }

    pub(super) fn into_challenges(self) -> Vec<Challenge> {
        self.asked.into_iter().map(|(challenge, _)| challenge).collect()
    }

    fn open(&mut self, piece: u32, begin: u32) -> Option<&mut (Challenge, Question)> {
        self.asked.iter_mut().find(|(challenge, _)| {
            let is_due = matches!(challenge.verification, Verification::Unanswered | Verification::Withdrawn);
            is_due && (challenge.piece, challenge.offset) == (piece, begin)
        })
    }

    fn is_unbidden(&self, piece: u32, begin: u32) -> bool {
        let is_it = |number: &usize| {
            self.asked.get(*number).is_some_and(|(challenge, _)| (challenge.piece, challenge.offset) == (piece, begin))
        };
        self.unbidden.iter().any(is_it)
    }

    fn close(&mut self, piece: u32, begin: u32) {
        let is_it = |(challenge, _): &(Challenge, Question)| (challenge.piece, challenge.offset) == (piece, begin);
        if self.outstanding.and_then(|number| self.asked.get(number)).is_some_and(is_it) {
            self.outstanding = None;
        }
    }
}
