//! The log's side: asks every witness of the anchor to cosign a checkpoint, and never keeps the log waiting for long.

use std::time::Duration;

use evidence::Utc;
use tlog::{Policy, SignedCheckpoint, VerifierKey, cosignature};
use tokio::task::JoinSet;

use crate::place::{Place, PlaceFault, bounded_body, http_client, why};
use crate::proofs;
use crate::request::{Request, read_size};
use crate::signatures::signed_by_log;

/// A witness and where it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessAt {
    /// Its key, as the anchor names it.
    pub key: VerifierKey,
    /// What `/add-checkpoint` is relative to, without a slash at its end.
    pub url: String,
}

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For one answer.
    pub request: Duration,
    /// For everything.
    pub total: Duration,
    /// For the others, once the quorum is reached.
    pub after_quorum: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let s = Duration::from_secs;
        Self { request: s(8), total: s(20), after_quorum: s(2) }
    }
}

/// What came of one witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its cosignature was there already.
    Held,
    /// It cosigned, at this time by its own clock, in seconds since the Unix epoch.
    Cosigned(u64),
    /// It has cosigned a larger tree than this one. Whoever signed that has the log's key.
    Ahead(u64),
    /// It has cosigned another tree of this size: the log has forked.
    Forked,
    /// It refused, with this status, after the retries that the status allows.
    Refused(u16),
    /// It answered something that is no cosignature of it.
    BadAnswer(&'static str),
    /// It did not answer.
    Unreachable(&'static str),
    /// The proof that it asks for cannot be made from what this log serves.
    NoProof(String),
}

impl Outcome {
    /// Whether the checkpoint carries its cosignature.
    #[must_use]
    pub const fn is_cosigned(&self) -> bool {
        matches!(self, Self::Held | Self::Cosigned(_))
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Held => f.write_str("had cosigned before"),
            Self::Cosigned(_) => f.write_str("cosigned"),
            Self::Ahead(size) => {
                write!(f, "has cosigned a larger tree, of {size} entries: this log is an old copy, or somebody else signs for it")
            }
            Self::Forked => f.write_str("has cosigned another tree of this size: this log has forked"),
            Self::Refused(403) => f.write_str("refused: it has another key for this log"),
            Self::Refused(404) => f.write_str("refused: it does not know this log; ask its operator to take on the log's key"),
            Self::Refused(422) => f.write_str("refused: the tree does not extend the one that it cosigned last"),
            Self::Refused(status) => write!(f, "refused with status {status}"),
            Self::BadAnswer(what) => write!(f, "answered badly: {what}"),
            Self::Unreachable(why) => write!(f, "could not be reached: {why}"),
            Self::NoProof(why) => write!(f, "could not be given a proof: {why}"),
        }
    }
}

/// What came of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collected {
    /// The checkpoint with every cosignature that was had.
    pub signed: SignedCheckpoint,
    /// Each witness of the policy, in its order.
    pub witnesses: Vec<(VerifierKey, Outcome)>,
    /// How many are asked for.
    pub quorum: usize,
}

impl Collected {
    /// How many have cosigned.
    #[must_use]
    pub fn cosigned(&self) -> usize {
        self.witnesses.iter().filter(|(_, outcome)| outcome.is_cosigned()).count()
    }

    /// Whether a verifier will believe the checkpoint.
    #[must_use]
    pub fn has_quorum(&self) -> bool {
        self.cosigned() >= self.quorum
    }
}

/// Witness clocks may differ from ours by this much; a verifier takes their time for the truth.
const CLOCKS_APART_MAX_S: u64 = 300;
/// A size may be told once and be outdated once.
const PROOFS_MAX: usize = 4;
/// Signature lines of one witness.
const ANSWER_MAX_BYTES: usize = 16 << 10;
/// Before a witness that could not answer is asked again, doubling.
const RETRY_FIRST: Duration = Duration::from_millis(500);
/// How often it is asked again.
const RETRIES_MAX: u32 = 3;

/// Asks all witnesses of the policy at once, within the patience given. `place` serves the log; `now` is the time now.
///
/// # Errors
/// Only if the checkpoint is not the log's or the HTTP client cannot be set up: what witnesses do is an outcome.
pub async fn collect(
    signed: &SignedCheckpoint,
    policy: &Policy,
    witnesses: &[WitnessAt],
    place: &Place,
    patience: Patience,
    now: Utc,
) -> Result<Collected, PlaceFault> {
    let plain = signed_by_log(signed, policy.log()).map_err(PlaceFault::new)?;
    let client = http_client(patience.request)?;
    let mut collected = Collected { signed: signed.clone(), witnesses: Vec::new(), quorum: policy.quorum() };
    let mut asked = JoinSet::new();
    for (position, key) in policy.witnesses().iter().enumerate() {
        let outcome = match (cosignature::verify(signed, key), witnesses.iter().find(|at| at.key == *key)) {
            (Ok(_), _) => Outcome::Held,
            (Err(_), None) => Outcome::Unreachable("the configuration has no address for it"),
            (Err(_), Some(at)) => {
                let asking = Asking { at: at.clone(), plain: plain.clone(), place: place.clone(), client: client.clone() };
                asked.spawn(async move { (position, asking.until_answered(now).await) });
                Outcome::Unreachable("no answer in time")
            }
        };
        collected.witnesses.push((key.clone(), outcome));
    }

    let mut deadline = tokio::time::Instant::now() + patience.total;
    // Those still asked when time is up are dropped with the set; their outcome stays "no answer in time".
    while let Ok(Some(answered)) = tokio::time::timeout_at(deadline, asked.join_next()).await {
        let Ok((position, answer)) = answered else { continue };
        let Some((key, outcome)) = collected.witnesses.get_mut(position) else { continue };
        *outcome = match answer {
            Answer::Line(line, time) => match cosignature::add_cosignature_line(&mut collected.signed, key, &line) {
                Ok(_) => Outcome::Cosigned(time),
                Err(_) => Outcome::BadAnswer("its cosignature does not fit the checkpoint"),
            },
            Answer::None(outcome) => outcome,
        };
        if collected.has_quorum() {
            deadline = deadline.min(tokio::time::Instant::now() + patience.after_quorum);
        }
    }
    Ok(collected)
}

enum Answer {
    Line(String, u64),
    None(Outcome),
}

/// What one witness said to one request.
enum Said {
    Lines(Vec<u8>),
    Size(u64),
    Refused(u16),
    /// Worth asking again.
    Nothing(&'static str),
}

struct Asking {
    at: WitnessAt,
    plain: SignedCheckpoint,
    place: Place,
    client: reqwest::Client,
}

impl Asking {
    /// Asks until the witness has said something final; whoever waits sets the limit.
    async fn until_answered(&self, now: Utc) -> Answer {
        let size = self.plain.checkpoint().size();
        let (mut old_size, mut proofs, mut retries) = (0, 0, 0);
        let mut pause = RETRY_FIRST;
        loop {
            let proof = match proofs::consistency(&self.place, old_size, size).await {
                Ok(proof) => proof,
                Err(fault) => return Answer::None(Outcome::NoProof(fault.to_string())),
            };
            match self.ask(Request { old_size, proof, signed: self.plain.clone() }).await {
                Said::Lines(lines) => return self.read(&lines, now),
                Said::Refused(status) => return Answer::None(Outcome::Refused(status)),
                Said::Size(told) if told > size => return Answer::None(Outcome::Ahead(told)),
                // It was asked from the very size that it tells, so it is the root that it does not know.
                Said::Size(told) if told == size && old_size == size => return Answer::None(Outcome::Forked),
                Said::Size(_) if proofs == PROOFS_MAX => return Answer::None(Outcome::Refused(409)),
                Said::Size(told) => (old_size, proofs) = (told, proofs + 1),
                Said::Nothing(why) if retries == RETRIES_MAX => return Answer::None(Outcome::Unreachable(why)),
                Said::Nothing(why) => {
                    retries += 1;
                    tracing::info!(witness = %self.at.key.name(), why, "asking again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
            }
        }
    }

    async fn ask(&self, request: Request) -> Said {
        let url = format!("{}/add-checkpoint", self.at.url.trim_end_matches('/'));
        let sent = self.client.post(url).body(request.to_bytes()).send().await;
        let response = match sent {
            Ok(response) => response,
            Err(fault) => return Said::Nothing(why(&fault)),
        };
        let status = response.status().as_u16();
        let body = bounded_body(response, ANSWER_MAX_BYTES).await;
        match (status, body) {
            (200, Ok(body)) => Said::Lines(body),
            (409, Ok(body)) => {
                let told = std::str::from_utf8(&body).ok().and_then(|body| read_size(body.strip_suffix('\n')?));
                told.map_or(Said::Refused(409), Said::Size)
            }
            (200 | 409, Err(why)) => Said::Nothing(why),
            (408 | 429 | 500..=599, _) => Said::Nothing("it cannot answer now"),
            (status, _) => Said::Refused(status),
        }
    }

    /// Finds this witness's own line; lines of others are ignored, as C2SP asks.
    fn read(&self, lines: &[u8], now: Utc) -> Answer {
        let bad = |what| Answer::None(Outcome::BadAnswer(what));
        let Ok(lines) = std::str::from_utf8(lines) else {
            return bad("it is not UTF-8");
        };
        let now_s = u64::try_from(now.ms().div_euclid(1000)).unwrap_or(0);
        for line in lines.split_inclusive('\n') {
            let mut trial = self.plain.clone();
            match cosignature::add_cosignature_line(&mut trial, &self.at.key, line) {
                Ok(time) if time.abs_diff(now_s) > CLOCKS_APART_MAX_S => {
                    return bad("its clock and ours differ by more than five minutes");
                }
                Ok(time) => return Answer::Line(line.into(), time),
                Err(_) => {}
            }
        }
        bad("no line of it is a cosignature by this witness")
    }
}

#[cfg(test)]
mod tests;
