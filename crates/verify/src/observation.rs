//! Step 7.9: what a record must say if it says the rest.

use std::{collections::BTreeSet, net::SocketAddr};

use evidence::{
    Challenge, Check, Chooser, Direction, Encryption, Grade, Observation, Outcome, PortRole, Transport, Verification, Version,
    candidates::Candidates,
    challenge::BLOCK_BYTES,
    extension::CLIENT_BYTES_MAX,
    observation::{Purpose, TargetIds},
    run::{Fact, LookUpEnding, RunFact},
};

/// The challenges that were answered with the content.
pub(crate) fn matching(observation: &Observation) -> impl Iterator<Item = &Challenge> {
    observation.challenges.iter().filter(|challenge| matches!(challenge.verification, Verification::Match { .. }))
}

/// The rules of `opening.md` that an observation breaks.
pub(crate) fn faults(observation: &Observation) -> Vec<&'static str> {
    let mut broken = Vec::new();
    let mut need = |holds: bool, fault: &'static str| {
        if !holds {
            broken.push(fault);
        }
    };
    let served = observation.grade == Grade::Served;
    let is_probe = observation.purpose == Purpose::Probe;
    let outgoing = observation.direction == Direction::Outgoing;
    let matched: Vec<&Challenge> = matching(observation).collect();
    let pieces: BTreeSet<u32> = matched.iter().map(|challenge| challenge.piece).collect();

    need(is_canonical(observation.peer), "the peer's address is not in canonical text");
    need(is_canonical(observation.observer), "the observer's address is not in canonical text");
    need(has_hash(&observation.target), "the target has no info-hash");
    need(has_version(&observation.target, observation.spoken), "the target is not of the version that was spoken");
    need((observation.port_role == PortRole::Listening) == outgoing, "the port's role does not follow from the direction");
    need(observation.volume.piece_bytes_out == 0, "content was sent: piece_bytes_out is not 0");
    need(is_probe || !served, "what is no probe is graded served");
    need(!is_probe || served != matched.is_empty(), "the grade is not served exactly if a challenge matched");
    let is_covered = matches!(observation.encryption, Encryption::MsePlain | Encryption::MseRc4);
    let has_failed = observation.encryption == Encryption::MseFailed;
    need(!has_failed || observation.peer_id.is_none(), "a handshake came over a stream that never came about");
    need(observation.mse_secret.is_some() == is_covered, "an MSE secret is not stated exactly for an encrypted stream");
    need(observation.found.is_some() == outgoing, "how the address was found is not stated exactly for an outgoing contact");
    let tells_on_nobody = observation.found.as_ref().is_none_or(|found| found.source.as_found_via(&found.via) == found.via);
    need(tells_on_nobody, "it says which node or peer named the address");
    let by_dossier = matched.iter().any(|challenge| challenge.verification != Verification::Match { check: Check::Merkle });
    need(!by_dossier || observation.dossier_sha256.is_some(), "a block was compared with a dossier, and none is named");
    need(
        observation.challenges.iter().all(proof_holds),
        "a Merkle path is not there exactly for the blocks it decides on, or is wrong",
    );
    need(!served || observation.transcript_sha256.is_some(), "a served observation names no transcript");
    need(!served || observation.peer_id.is_some(), "a served observation has no peer id");
    let complete =
        |challenge: &&Challenge| challenge.first_byte.is_some() && challenge.answered.is_some() && challenge.sha256.is_some();
    need(matched.iter().all(complete), "a matching challenge lacks its times or its digest");
    need(
        matched.iter().all(|challenge| (1..=BLOCK_BYTES).contains(&challenge.length)),
        "a matching challenge is not 1 to 16,384 bytes long",
    );
    let verified: u64 = matched.iter().map(|challenge| u64::from(challenge.length)).sum();
    need(observation.volume.verified_bytes == verified, "verified_bytes is not the sum of the matching challenges' lengths");
    need(observation.volume.bytes_in >= verified, "fewer bytes were received than verified");
    if let Outcome::Served { blocks, pieces: stated } = observation.outcome {
        let counted = usize::try_from(blocks) == Ok(matched.len()) && usize::try_from(stated) == Ok(pieces.len());
        need(counted, "the outcome does not count the matching challenges and their pieces");
    }
    let is_rendezvous = observation.purpose == Purpose::Rendezvous;
    let is_utp_dial = outgoing && observation.transport == Transport::Utp;
    need(
        observation.rendezvous.is_none() || observation.transport == Transport::Utp && !is_rendezvous,
        "a rendezvous is named by something other than a contact over µTP",
    );
    need(
        !is_rendezvous || is_utp_dial && observation.challenges.is_empty(),
        "a rendezvous is not a dial over µTP, or asks for blocks",
    );
    if let Outcome::Introduced { asked, connects } = observation.outcome {
        need(is_rendezvous && connects <= asked, "introductions are counted that were not asked for");
    }
    need(claims_hold(observation), "what the peer said of itself is too long, in no order, or said without a handshake");
    need(
        observation
            .challenges
            .iter()
            .all(|challenge| challenge.among > 0 && (challenge.choked || challenge.chosen_by != Chooser::Rule)),
        "a challenge was drawn from nothing, or by the rule of a choking peer from one that did not choke",
    );
    need(
        times_hold(observation, served, &matched),
        "first_block and last_block are not those of the matching challenges within the contact",
    );
    need(clocks_agree(observation), "the wall clock did not run with the monotonic one, and the clock's error is not null");
    broken
}

/// Whether a path is there exactly if the block was checked by one, leads to its root, and decides as the record says.
fn proof_holds(challenge: &Challenge) -> bool {
    let is_match = match challenge.verification {
        Verification::Match { check: Check::Merkle } => true,
        Verification::Mismatch { check: Check::Merkle } => false,
        _ => return challenge.proof.is_none(),
    };
    let (Some(proof), Some(received)) = (&challenge.proof, challenge.sha256) else { return false };
    let mut index = proof.index;
    let mut node = proof.leaf;
    for sibling in &proof.hashes {
        let (left, right) = if index % 2 == 1 { (sibling, &node) } else { (&node, sibling) };
        node = evidence::sha256(&[*left.as_bytes(), *right.as_bytes()].concat());
        index /= 2;
    }
    // Bits that are left would be of layers that the path does not have.
    index == 0 && node == proof.root && (received == proof.leaf) == is_match
}

/// The matching challenges that name a mandated work.
pub(crate) fn work_blocks(observation: &Observation) -> impl Iterator<Item = &Challenge> {
    matching(observation).filter(|challenge| challenge.work.is_some())
}

/// What the peer said of itself: `v` within its bound, software for each handshake, disagreements in order.
fn claims_hold(observation: &Observation) -> bool {
    let client = observation.client();
    let has_said = observation.peer_id.is_some();
    let software = observation.software.as_ref();
    client.is_none_or(|client| client.as_bytes().len() <= CLIENT_BYTES_MAX)
        && (has_said || observation.extension.is_none())
        && software.is_some() == has_said
        && software.is_none_or(|software| {
            let words = &software.disagreements;
            software.by_client.is_some() == client.is_some() && words.windows(2).all(|pair| pair[0] < pair[1])
        })
}

/// Readings of the two clocks are rounded, and taken one after the other.
const ROUNDING_MS: u32 = 2;

fn clocks_agree(observation: &Observation) -> bool {
    let times = &observation.times;
    let Some(error_ms) = times.error_ms else { return true };
    let whole = [Some(times.ended), times.connected, times.handshake, times.first_block, times.last_block, times.last_byte];
    let asked =
        observation.challenges.iter().flat_map(|challenge| [Some(challenge.asked), challenge.first_byte, challenge.answered]);
    let most_us = (i128::from(error_ms) + i128::from(ROUNDING_MS)) * 1000;
    whole.into_iter().chain(asked).flatten().all(|stamp| {
        let wall_us = (i128::from(stamp.utc.ms()) - i128::from(times.began.utc.ms())) * 1000;
        let mono_us = i128::from(stamp.mono_us) - i128::from(times.began.mono_us);
        (wall_us - mono_us).abs() <= most_us
    })
}

fn times_hold(observation: &Observation, served: bool, matched: &[&Challenge]) -> bool {
    let times = &observation.times;
    let (Some(first), Some(last)) = (times.first_block, times.last_block) else {
        return !served && times.first_block.is_none() && times.last_block.is_none();
    };
    let earliest = matched.iter().filter_map(|challenge| challenge.first_byte).min_by_key(|stamp| stamp.mono_us);
    let latest = matched.iter().filter_map(|challenge| challenge.answered).max_by_key(|stamp| stamp.mono_us);
    let ordered = times.began.mono_us <= first.mono_us && first.mono_us <= last.mono_us && last.mono_us <= times.ended.mono_us;
    served && earliest == Some(first) && latest == Some(last) && ordered
}

/// The rules that a list of candidates breaks.
pub(crate) fn candidate_faults(candidates: &Candidates) -> Vec<&'static str> {
    let mut broken = Vec::new();
    if !candidates.peers.iter().all(|peer| is_canonical(*peer)) {
        broken.push("an address is not in canonical text");
    }
    if !has_hash(&candidates.target) {
        broken.push("the target has no info-hash");
    }
    if candidates.spoken.is_some_and(|spoken| !has_version(&candidates.target, spoken)) {
        broken.push("the target is not of the version that was asked about");
    }
    broken
}

/// The rules that a fact about a run breaks.
pub(crate) fn fact_faults(fact: &RunFact) -> Vec<&'static str> {
    match &fact.fact {
        Fact::Announced { target, spoken, .. } | Fact::Scraped { target, spoken, .. } if !has_version(target, *spoken) => {
            vec!["the target is not of the version that was asked about"]
        }
        Fact::Ended { piece_bytes_out, .. } if *piece_bytes_out != 0 => vec!["the run sent content: piece_bytes_out is not 0"],
        Fact::LookedUp {
            agreed, answered, asked, began, closest, distinct, ending, info_hash, named, naming, target, ..
        } => {
            let is_of_target =
                target.v1 == Some(*info_hash) || target.v2.is_some_and(|v2| v2.as_bytes().starts_with(info_hash.as_bytes()));
            let rules = [
                (is_of_target, "the info-hash looked up is none of the target's"),
                (began.mono_us <= fact.at.mono_us, "the look-up ended before it began"),
                (agreed <= closest && closest <= answered && answered <= asked, "more nodes answered than were asked"),
                (naming <= asked, "more answers named peers than queries were sent"),
                (distinct <= named, "more distinct addresses than were named"),
                (*ending != LookUpEnding::Silence || *answered == 0, "nobody answered, and somebody did"),
            ];
            rules.into_iter().filter(|(holds, _)| !holds).map(|(_, fault)| fault).collect()
        }
        _ => Vec::new(),
    }
}

fn is_canonical(address: SocketAddr) -> bool {
    let plain = match address {
        SocketAddr::V4(_) => true,
        SocketAddr::V6(v6) => v6.scope_id() == 0 && v6.flowinfo() == 0,
    };
    plain && address.ip().to_canonical() == address.ip()
}

fn has_version(target: &TargetIds, spoken: Version) -> bool {
    match spoken {
        Version::V1 => target.v1.is_some(),
        Version::V2 => target.v2.is_some(),
    }
}

fn has_hash(target: &TargetIds) -> bool {
    target.v1.is_some() || target.v2.is_some()
}
