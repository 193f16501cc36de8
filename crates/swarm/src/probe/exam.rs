//! The challenges of one contact.

use evidence::challenge::Hashes;
use evidence::{Challenge, Check, Chooser, Digest, MerkleProof, Mono, Now, Verification, sha256};
use wire::merkle;
use wire::message::{Block, HashRange};

use crate::chance::{Chance, Seed};
use crate::content::{Content, Question, Right};

/// What was asked, what came, and what may be asked next.
#[derive(Debug)]
pub(super) struct Exam<'a> {
    content: Option<&'a Content>,
    chance: Chance,
    asked: Vec<Asked>,
    outstanding: Option<usize>,
    first_asked: Option<Mono>,
    /// How often a question was looked for.
    pub(super) looks: u32,
    pub(super) verified: u32,
    pub(super) wrong: u32,
    /// Blocks that came without a proof that they needed.
    pub(super) unproved: u32,
    /// Rejected requests, while choked and while not.
    rejected: [u32; 2],
    /// Which were asked unbidden, by number: no answer to them is due.
    unbidden: Vec<usize>,
    withdrawn: u32,
}

/// A challenge and what it takes to judge the answer.
#[derive(Debug)]
struct Asked {
    challenge: Challenge,
    key: Key,
}

/// What the answer is judged by.
#[derive(Debug)]
enum Key {
    /// The digest in the dossier.
    Sha256(Digest),
    /// Hashes that are on their way.
    Awaited { range: HashRange, index: u64 },
    /// The way to the root.
    Path(merkle::Path),
    /// Nothing, for this reason.
    None(Hashes),
}

/// What is asked of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asking {
    pub(super) block: Block,
    /// The hashes that are needed to judge it, to be asked for after it: so the peer must not refuse them (BEP 52).
    pub(super) hashes: Option<HashRange>,
}

/// What a block turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Right,
    Wrong,
    NotAsked,
    /// There is nothing yet to judge it by, or never will be.
    Open,
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
            unproved: 0,
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
    ) -> Option<Asking> {
        let choked = allowed.is_some();
        self.looks += 1;
        if self.outstanding.is_some() || self.asked.len() >= ASKED_MAX {
            return None;
        }
        let content = self.content?;
        let asked = &self.asked;
        let fresh = |piece| may(piece) && asked.iter().all(|asked| asked.challenge.piece != piece);
        let mut question = content.pick(&mut self.chance, allowed, fresh);
        if question.is_none() && self.verified == 0 && !choked {
            question = content.pick(&mut self.chance, None, &may);
        }
        let asking = self.put(now, question?, choked, chosen_by);
        self.first_asked.get_or_insert(now.mono);
        self.outstanding = Some(self.asked.len() - 1);
        Some(asking)
    }

    /// Asks a choking peer for a block out of pieces that it has not offered. It owes no answer, not even a rejection, so
    /// nothing waits for one, and nothing follows from there being none.
    pub(super) fn ask_unbidden(&mut self, now: Now, pieces: &[u32], may: impl Fn(u32) -> bool) -> Option<Asking> {
        let asked = &self.asked;
        let fresh = |piece| may(piece) && asked.iter().all(|asked| asked.challenge.piece != piece);
        let question = self.content?.pick(&mut self.chance, Some(pieces), fresh)?;
        self.unbidden.push(self.asked.len());
        Some(self.put(now, question, true, Chooser::Rule))
    }

    fn put(&mut self, now: Now, question: Question, choked: bool, chosen_by: Chooser) -> Asking {
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
        let key = Key::of(&question);
        let hashes = match &key {
            Key::Awaited { range, .. } => Some(*range),
            _ => None,
        };
        self.asked.push(Asked { challenge, key });
        Asking { block, hashes }
    }

    /// The first byte of an answer is there. True if it is news.
    pub(super) fn first_byte(&mut self, now: Now, piece: u32, begin: u32) -> bool {
        let Some(number) = self.open(piece, begin) else { return false };
        let challenge = &mut self.asked[number].challenge;
        let is_news = challenge.first_byte.is_none();
        challenge.first_byte.get_or_insert(now.stamp());
        is_news
    }

    /// A block is there. A late answer, to a request that was given up meanwhile, counts like any other.
    pub(super) fn answer(&mut self, now: Now, piece: u32, begin: u32, block: &[u8]) -> Answer {
        let Some(number) = self.open(piece, begin) else { return Answer::NotAsked };
        let challenge = &mut self.asked[number].challenge;
        challenge.answered = Some(now.stamp());
        challenge.first_byte.get_or_insert(now.stamp());
        challenge.sha256 = Some(sha256(block));
        self.judge(number)
    }

    /// Hashes are there. What the block that they are for turned out to be, with its length, if that is decided by them.
    pub(super) fn hashes(&mut self, range: &HashRange, hashes: &[u8]) -> Option<(Answer, u32)> {
        self.settle(range, |asked, index| match merkle::read(asked, index, range, hashes) {
            Ok(path) => Key::Path(path),
            Err(_) => Key::None(Hashes::Wrong),
        })
    }

    /// The peer will not send these hashes.
    pub(super) fn reject_hashes(&mut self, range: &HashRange) -> Option<(Answer, u32)> {
        self.settle(range, |_, _| Key::None(Hashes::Rejected))
    }

    fn settle(&mut self, range: &HashRange, key: impl Fn(&HashRange, u64) -> Key) -> Option<(Answer, u32)> {
        let is_it = |asked: &Asked| matches!(&asked.key, Key::Awaited { range: awaited, .. } if awaited == range);
        let number = self.asked.iter().position(is_it)?;
        if let Key::Awaited { range, index } = &self.asked[number].key {
            self.asked[number].key = key(range, *index);
        }
        let challenge = &self.asked[number].challenge;
        let is_due =
            challenge.sha256.is_some() && matches!(challenge.verification, Verification::Unanswered | Verification::Withdrawn);
        let length = challenge.length;
        is_due.then(|| (self.judge(number), length))
    }

    /// Judges a block that has come, as far as that can be done.
    fn judge(&mut self, number: usize) -> Answer {
        let Asked { challenge, key } = &mut self.asked[number];
        let Some(digest) = challenge.sha256 else { return Answer::Open };
        let (check, is_right) = match key {
            Key::Sha256(due) => (Check::DossierBlock, digest == *due),
            Key::Path(path) => {
                challenge.proof = Some(proof(path));
                (Check::Merkle, digest.as_bytes() == &path.leaf)
            }
            Key::Awaited { .. } => return Answer::Open,
            Key::None(hashes) => {
                challenge.verification = Verification::Unproved { hashes: *hashes };
                self.unproved += 1;
                self.close(number);
                return Answer::Open;
            }
        };
        challenge.verification = if is_right { Verification::Match { check } } else { Verification::Mismatch { check } };
        self.close(number);
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
        let Some(number) = self.open(block.piece, block.begin) else { return false };
        let challenge = &mut self.asked[number].challenge;
        if challenge.verification == Verification::Withdrawn {
            return true;
        }
        challenge.verification = Verification::Rejected;
        let choked = challenge.choked;
        if !self.unbidden.contains(&number) {
            self.rejected[usize::from(choked)] += 1;
        }
        self.close(number);
        true
    }

    /// The peer takes back its claim to a piece: what was asked of it there is no longer due. True if something was.
    pub(super) fn withdraw(&mut self, piece: u32) -> bool {
        // What has come already is judged as if nothing had been taken back.
        let is_open = |challenge: &&mut Challenge| {
            challenge.verification == Verification::Unanswered && challenge.sha256.is_none() && challenge.piece == piece
        };
        let mut was_due = false;
        for challenge in self.asked.iter_mut().map(|asked| &mut asked.challenge).filter(is_open) {
            challenge.verification = Verification::Withdrawn;
            was_due = true;
        }
        self.withdrawn += u32::from(was_due);
        let is_gone = self
            .outstanding
            .and_then(|number| self.asked.get(number))
            .is_some_and(|asked| asked.challenge.piece == piece && asked.challenge.verification == Verification::Withdrawn);
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
        let asked = self.asked.get(self.outstanding?)?;
        Some(Mono::from_us(asked.challenge.asked.mono_us))
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
        due.any(|(_, asked)| asked.challenge.verification == Verification::Unanswered)
    }

    /// Distinct pieces that verified blocks came from.
    pub(super) fn pieces(&self) -> u32 {
        let pieces: std::collections::BTreeSet<u32> = self.verified_challenges().map(|challenge| challenge.piece).collect();
        pieces.len() as u32
    }

    pub(super) fn verified_challenges(&self) -> impl DoubleEndedIterator<Item = &Challenge> {
        self.asked.iter().map(|asked| &asked.challenge).filter(|challenge| challenge.is_verified())
    }

    /// Blocks that came without a proof that they needed, or before it.
    pub(super) fn unproved(&self) -> u32 {
        let awaits =
            |asked: &&Asked| asked.challenge.sha256.is_some() && asked.challenge.verification == Verification::Unanswered;
        self.unproved + self.asked.iter().filter(awaits).count() as u32
    }

    pub(super) fn into_challenges(self) -> Vec<Challenge> {
        let ended = |Asked { mut challenge, .. }: Asked| {
            if challenge.verification == Verification::Unanswered && challenge.sha256.is_some() {
                challenge.verification = Verification::Unproved { hashes: Hashes::Unanswered };
            }
            challenge
        };
        self.asked.into_iter().map(ended).collect()
    }

    /// The number of a challenge that a block may still come for.
    fn open(&self, piece: u32, begin: u32) -> Option<usize> {
        self.asked.iter().position(|Asked { challenge, .. }| {
            let is_due = matches!(challenge.verification, Verification::Unanswered | Verification::Withdrawn);
            is_due && challenge.sha256.is_none() && (challenge.piece, challenge.offset) == (piece, begin)
        })
    }

    fn close(&mut self, number: usize) {
        if self.outstanding == Some(number) {
            self.outstanding = None;
        }
    }
}

impl Key {
    fn of(question: &Question) -> Self {
        let (root, file_length, index) = match question.right {
            Right::Sha256(digest) => return Self::Sha256(digest),
            Right::Leaf { root, file_length, index } => (root, file_length, index),
        };
        match merkle::request(root, file_length, index) {
            Some(range) => Self::Awaited { range, index },
            None if merkle::depth(file_length) == 0 => Self::Path(merkle::whole_file(root)),
            // A file of 64 TiB, whose blocks no request can name: nobody was asked, so nobody answered.
            None => Self::None(Hashes::Unanswered),
        }
    }
}

fn proof(path: &merkle::Path) -> MerkleProof {
    MerkleProof {
        hashes: path.siblings.iter().map(|hash| Digest::from(*hash)).collect(),
        // A request names it with 32 bits.
        index: path.index as u32,
        leaf: Digest::from(path.leaf),
        root: Digest::from(path.root()),
    }
}
