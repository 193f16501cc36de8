//! Openings: every tag, and each rule broken once.

use evidence::{
    Blind, Claimed, Class, Digest, Direction, Encryption, Exclusion, Grade, InfoHashV1, InfoHashV2, MerkleProof, Numbered,
    Observation, Outcome, Phase, PortRole, Tag, TargetIds, Transport, Verification, Version,
    challenge::{Check, Chooser, Hashes},
    extension::Extension,
    observation::{ChokeChange, ClaimForm, Found, PieceClaim, Source},
    opening,
    run::{AnnounceResult, DhtAnnounce, Fact, LookUpEnding, NodeFamily, RunFact},
    sha256,
    software::{Disagreement, Family, Software},
};
use serde::Serialize;

use super::{Made, add, changed};
use crate::{keys, records};

fn sealed<T: Serialize>(tag: Tag, body: &T) -> String {
    let blind = Blind::from(*sha256(b"affiant test blind 0").as_bytes());
    opening::seal(tag, &blind, &Numbered { body, kid: keys::kid("w1"), seq: 7 }).unwrap()
}

fn list() -> Digest {
    sha256(b"a list of candidates")
}

fn served() -> Observation {
    records::served(records::PEER, 0, list(), sha256(b"a mandate"), sha256(b"a dossier"), 0)
}

fn said(observation: &mut Observation) -> &mut Extension {
    observation.extension.get_or_insert_default()
}

fn with(change: impl FnOnce(&mut Observation)) -> String {
    let mut observation = served();
    change(&mut observation);
    sealed(Tag::Obs, &observation)
}

pub fn add_all(made: &mut Made) {
    good(made);
    outcomes(made);
    facts(made);
    impossible_look_ups(made);
    forms(made);
    contradictions(made);
    proofs(made);
}

fn good(made: &mut Made) {
    let mut ok = |name: &str, why: &str, line: String| add(made, &format!("opening/good-{name}"), "ok", "7.6", why, &[], line);
    ok("served", "a peer that served one block", with(|_| {}));
    ok("candidates", "an answer of a tracker", sealed(Tag::Cand, &records::candidates()));
    ok("clock", "a reading of the clock", sealed(Tag::Clock, &records::reading()));
    ok("control", "a control visit that was not answered", {
        sealed(Tag::Obs, &records::control(records::PEER, list(), sha256(b"a mandate"), sha256(b"an observation"), 0))
    });
    ok("introduced", "a peer that was reached by a rendezvous", {
        with(|o| (o.transport, o.rendezvous) = (Transport::Utp, Some(sha256(b"a rendezvous"))))
    });
    ok("rendezvous", "a peer that was asked for introductions", {
        let mut o = records::refused(records::OTHER, 1, list(), sha256(b"a mandate"), 0);
        (o.outcome, o.transport) = (Outcome::Introduced { asked: 2, connects: 1 }, Transport::Utp);
        o.purpose = evidence::observation::Purpose::Rendezvous;
        sealed(Tag::Obs, &o)
    });
    ok("refused", "a peer that refused", sealed(Tag::Obs, &records::refused(records::OTHER, 1, list(), sha256(b"a mandate"), 0)));
    for source in [Source::Dht, Source::Pex, Source::Local] {
        let word = source.word();
        let why = "a peer that others than a tracker named: it is not said who";
        ok(&format!("named-by-{word}"), why, with(|o| o.found = found(source, word)));
    }
    ok(
        "incoming",
        "a peer that dialled: no list named it, its port is ephemeral",
        with(|observation| {
            observation.direction = Direction::Incoming;
            observation.port_role = PortRole::Ephemeral;
            observation.found = None;
        }),
    );
    ok(
        "covered",
        "a stream under RC4: the secret of its handshake is stated",
        with(|observation| {
            observation.encryption = Encryption::MseRc4;
            observation.mse_secret = Some([0x33; 96].into());
        }),
    );
    ok("mse-failed", "an MSE handshake that came to nothing", {
        let mut o = records::refused(records::OTHER, 1, list(), sha256(b"a mandate"), 0);
        (o.encryption, o.grade) = (Encryption::MseFailed, Grade::Connected);
        o.outcome = Outcome::Closed { phase: Phase::Handshake };
        sealed(Tag::Obs, &o)
    });
    ok(
        "ipv6",
        "IPv6 on both ends",
        with(|observation| {
            observation.peer = "[2001:db8::7]:51413".parse().unwrap();
            observation.observer = "[2001:db8::1]:6881".parse().unwrap();
        }),
    );
    ok(
        "client-not-utf8",
        "a client name that is no UTF-8 is kept as hexadecimal",
        with(|observation| said(observation).client = Some(Claimed::new(*b"\xff\x00"))),
    );
    ok(
        "client-hostile",
        "a client name that would move a terminal's cursor is kept as it came",
        with(|observation| said(observation).client = Some(Claimed::new("a\u{1b}[2J\u{202e}b"))),
    );
    ok(
        "everything",
        "a record with every optional member",
        with(|observation| {
            observation.choke = vec![ChokeChange { at: records::stamp(-200), choked: false }];
            observation.claim =
                Some(PieceClaim { at: records::stamp(-300), by: ClaimForm::HaveAll, of: 2, pieces: 2, withdrawn: 1 });
            observation.peer_id = Some([b'a'; 20].into());
            *said(observation) = Extension {
                client: Some(Claimed::new("c".repeat(128))),
                listening_port: Some(51_413),
                request_queue: Some(u32::MAX),
                sees_observer: Some(false),
                upload_only: Some(true),
            };
            observation.software = Some(Software {
                by_client: Some(Family::Other),
                by_peer_id: Family::Unknown,
                disagreements: vec![Disagreement::AllowedFast, Disagreement::ReservedBits],
            });
            observation.reserved = Some([0, 0, 0, 0, 0, 0x10, 0, 4].into());
            observation.times.handshake = Some(records::stamp(-350));
            observation.times.last_byte = Some(records::stamp(60));
            observation.target.v2 = Some([0x22; 32].into());
            (observation.challenges[0].choked, observation.challenges[0].chosen_by) = (true, Chooser::Rule);
            let mut rejected = records::challenge(1, 10);
            (rejected.answered, rejected.first_byte, rejected.sha256, rejected.verification) =
                (None, None, None, Verification::Rejected);
            let mut wrong = records::challenge(1, 20);
            wrong.verification = Verification::Mismatch { check: Check::Merkle };
            wrong.proof = Some(proof(sha256(b"another block"), 5));
            let mut unproved = records::challenge(1, 30);
            unproved.verification = Verification::Unproved { hashes: Hashes::Rejected };
            let mut withdrawn = rejected.clone();
            (withdrawn.verification, withdrawn.chosen_by, withdrawn.among) = (Verification::Withdrawn, Chooser::Peer, 1);
            observation.challenges.extend([rejected, wrong, unproved, withdrawn]);
        }),
    );
}

/// A path of three layers from a leaf of this number.
fn proof(leaf: Digest, index: u32) -> MerkleProof {
    let hashes = [b"sibling", b"an uncl", b"another"].map(|name| sha256(name)).to_vec();
    let root = hashes.iter().enumerate().fold(leaf, |node, (layer, sibling)| {
        let (left, right) = if index >> layer & 1 == 1 { (*sibling, node) } else { (node, *sibling) };
        sha256(&[*left.as_bytes(), *right.as_bytes()].concat())
    });
    MerkleProof { hashes, index, leaf, root }
}

/// A peer of a torrent of version 2 of which there is no dossier: its block is proved by a Merkle path.
fn proved(change: impl FnOnce(&mut Observation)) -> String {
    with(|observation| {
        observation.target = TargetIds::of_v2([0x22; 32].into());
        observation.spoken = Version::V2;
        observation.dossier_sha256 = None;
        let challenge = &mut observation.challenges[0];
        challenge.verification = Verification::Match { check: Check::Merkle };
        challenge.work = None;
        challenge.proof = challenge.sha256.map(|leaf| proof(leaf, 5));
        change(observation);
    })
}

fn proofs(made: &mut Made) {
    add(made, "opening/good-proved", "ok", "7.6", "a block that a Merkle path proves needs no dossier", &[], proved(|_| {}));
    add(
        made,
        "opening/good-proved-whole-file",
        "ok",
        "7.6",
        "a block that is its whole file is the root",
        &[],
        proved(|o| {
            let leaf = o.challenges[0].sha256.unwrap();
            o.challenges[0].proof = Some(MerkleProof { hashes: vec![], index: 0, leaf, root: leaf });
        }),
    );
    let mut bad = |name: &str, why: &str, line: String| {
        add(made, &format!("opening/contradiction-{name}"), "fail", "7.9", why, &[], line);
    };
    fn path(o: &mut Observation) -> &mut MerkleProof {
        o.challenges[0].proof.as_mut().unwrap()
    }
    bad("no-proof", "a block checked by a Merkle path has one", proved(|o| o.challenges[0].proof = None));
    bad("proof-of-other-block", "the path is of the block received", proved(|o| *path(o) = proof(sha256(b"x"), 5)));
    bad("proof-root", "the path leads to the root", proved(|o| path(o).root = sha256(b"x")));
    bad("proof-hash", "each hash of the path counts", proved(|o| path(o).hashes[1] = sha256(b"x")));
    bad("proof-index", "the index says on which side", proved(|o| path(o).index = 4));
    bad("proof-index-beyond", "the index has no more bits than there are layers", proved(|o| path(o).index = 13));
    bad("proof-short", "no layer is left out", proved(|o| path(o).hashes.truncate(2)));
    bad(
        "proof-without-merkle",
        "a block that was compared with a dossier has no path",
        with(|o| o.challenges[0].proof = o.challenges[0].sha256.map(|leaf| proof(leaf, 5))),
    );
    bad(
        "proof-mismatch",
        "a mismatch is of a block that the path does not lead from",
        with(|o| {
            let mut wrong = records::challenge(1, 20);
            wrong.verification = Verification::Mismatch { check: Check::Merkle };
            wrong.proof = wrong.sha256.map(|leaf| proof(leaf, 0));
            o.challenges.push(wrong);
        }),
    );
    bad("spoken", "only a version that the torrent has is spoken", with(|o| o.spoken = Version::V2));
    bad("spoken-v1", "nor version 1 of a torrent of version 2 alone", proved(|o| o.spoken = Version::V1));
    let mut candidates = records::candidates();
    candidates.spoken = Some(Version::V2);
    bad("spoken-candidates", "nor is a list asked for by another", sealed(Tag::Cand, &candidates));
    let mut listed = records::candidates();
    listed.spoken = None;
    let line = sealed(Tag::Cand, &listed);
    add(made, "opening/good-candidates-of-a-magnet", "ok", "7.6", "a list that was not asked for by a hash", &[], line);
}

fn outcomes(made: &mut Made) {
    let phase = Phase::Handshake;
    for outcome in [
        Outcome::BadBlock { blocks: 1 },
        Outcome::NoBlock { after_ms: 9000 },
        Outcome::Unproved { blocks: 1 },
        Outcome::Choked { for_ms: 30_000 },
        Outcome::Rejected { requests: 2 },
        Outcome::NothingClaimed { after_ms: 9000 },
        Outcome::Unreachable,
        Outcome::NoAnswer { phase: Phase::Connect, after_ms: 3000 },
        Outcome::Closed { phase },
        Outcome::Reset { phase: Phase::Transfer },
        Outcome::WrongInfoHash { got: InfoHashV1::from([9; 20]) },
        Outcome::Garbage { rule: "handshake".into(), phase },
        Outcome::Ourselves,
        Outcome::Excluded { rule: Exclusion::OwnersSeed },
        Outcome::NotTried,
        Outcome::LocalFault { what: "no free socket".into() },
    ] {
        let mut observation = records::refused(records::OTHER, 1, list(), sha256(b"a mandate"), 0);
        let name = format!("opening/good-outcome-{}", outcome.word());
        observation.outcome = outcome;
        add(made, &name, "ok", "7.6", "failure is a record: one of each outcome", &[], sealed(Tag::Obs, &observation));
    }
}

fn facts(made: &mut Made) {
    let announced = |result| Fact::Announced {
        event: "started".into(),
        interval_s: Some(1800),
        result,
        spoken: Version::V1,
        target: records::target(),
        tracker: "http://tracker.example/announce".into(),
    };
    for (name, fact) in [
        ("started", records::started().fact),
        ("announced-peers", announced(AnnounceResult::Peers { named: 50 })),
        ("announced-failure", announced(AnnounceResult::Failure { reason: "unregistered torrent".into() })),
        ("announced-malformed", announced(AnnounceResult::Malformed { rule: "dictionary".into() })),
        ("announced-no-answer", announced(AnnounceResult::NoAnswer { why: "timed out".into() })),
        ("announced-excluded", announced(AnnounceResult::Excluded { why: "reserved address".into() })),
        (
            "scraped",
            Fact::Scraped {
                complete: 3,
                downloaded: 9,
                incomplete: 2,
                spoken: Version::V1,
                target: records::target(),
                tracker: "udp://tracker.example:6969".into(),
            },
        ),
        ("looked-up", looked_up(|_| {})),
        (
            "looked-up-v2",
            looked_up(|fact| {
                let Fact::LookedUp { announced, family, info_hash, target, .. } = fact else { return };
                let v2 = InfoHashV2::from([0x52; 32]);
                (target.v2, *info_hash, *family) = (Some(v2), InfoHashV1::from([0x52; 20]), NodeFamily::Ipv6);
                *announced = Some(DhtAnnounce { accepted: 7, port: 6_881, refused: 1, silent: 0 });
            }),
        ),
        ("ended", Fact::Ended { observations: 12, piece_bytes_out: 0, reason: "idle".into() }),
    ] {
        let line = sealed(Tag::Run, &RunFact { at: records::stamp(0), fact, run: records::run() });
        add(made, &format!("opening/good-run-{name}"), "ok", "7.6", "a fact about a run", &[], line);
    }
    let sent = Fact::Ended { observations: 12, piece_bytes_out: 1, reason: "idle".into() };
    let line = sealed(Tag::Run, &RunFact { at: records::stamp(0), fact: sent, run: records::run() });
    add(made, "opening/run-sent-content", "fail", "7.9", "a run never sends content", &[], line);
}

/// A look-up in the DHT, changed as wished.
fn looked_up(change: impl FnOnce(&mut Fact)) -> Fact {
    let mut fact = Fact::LookedUp {
        agreed: 6,
        announced: None,
        answered: 17,
        asked: 20,
        began: records::stamp(-900),
        closest: 8,
        crowded: false,
        distinct: 31,
        ending: LookUpEnding::Complete,
        family: NodeFamily::Ipv4,
        info_hash: records::target().v1.unwrap(),
        named: 120,
        naming: 5,
        target: records::target(),
    };
    change(&mut fact);
    fact
}

/// Look-ups whose numbers contradict each other.
fn impossible_look_ups(made: &mut Made) {
    type Change = fn(&mut Fact);
    let cases: [(&str, &str, Change); 8] = [
        ("other-hash", "the info-hash is none of the target's", |fact| {
            if let Fact::LookedUp { info_hash, .. } = fact {
                *info_hash = InfoHashV1::from([9; 20]);
            }
        }),
        ("began-late", "the look-up ended before it began", |fact| {
            if let Fact::LookedUp { began, .. } = fact {
                *began = records::stamp(1);
            }
        }),
        ("answers", "more answers than queries", |fact| {
            if let Fact::LookedUp { asked, .. } = fact {
                *asked = 16;
            }
        }),
        ("closest", "more closest nodes than answers", |fact| {
            if let Fact::LookedUp { closest, .. } = fact {
                *closest = 18;
            }
        }),
        ("agreed", "more agreed nodes than closest ones", |fact| {
            if let Fact::LookedUp { agreed, .. } = fact {
                *agreed = 9;
            }
        }),
        ("naming", "more answers that name peers than queries", |fact| {
            if let Fact::LookedUp { naming, .. } = fact {
                *naming = 21;
            }
        }),
        ("distinct", "more distinct addresses than were named", |fact| {
            if let Fact::LookedUp { distinct, .. } = fact {
                *distinct = 121;
            }
        }),
        ("silence", "nobody answered, and somebody did", |fact| {
            if let Fact::LookedUp { ending, .. } = fact {
                *ending = LookUpEnding::Silence;
            }
        }),
    ];
    for (name, why, change) in cases {
        let line = sealed(Tag::Run, &RunFact { at: records::stamp(0), fact: looked_up(change), run: records::run() });
        add(made, &format!("opening/run-looked-up-{name}"), "fail", "7.9", why, &[], line);
    }
}

fn forms(made: &mut Made) {
    let line = with(|_| {});
    for (name, why, from, to) in [
        ("version", "a version that does not exist", "affiant.obs/1", "affiant.obs/2"),
        ("tag", "a tag that does not exist", "affiant.obs/1", "affiant.seen/1"),
        ("wrong-tag", "the record is not of the tag's shape", "affiant.obs/1", "affiant.clock/1"),
        ("blind-short", "a blind has 64 digits", "259462b7", "259462"),
        ("blind-upper-case", "hexadecimal digits are lower case", "259462b7", "259462B7"),
        ("no-line-feed", "an opening ends with a line feed", "\n", ""),
        ("two-lines", "an opening is one line", "\n", "\n\n"),
        ("space-in-json", "canonical JSON has no spaces", "{\"body\":", "{ \"body\":"),
        ("escaped", "canonical JSON escapes nothing that need not be", "\"probe\"", "\"\\u0070robe\""),
        ("float", "numbers are integers", "\"seq\":7", "\"seq\":7.0"),
        ("exponent", "numbers are plain integers", "\"seq\":7", "\"seq\":7e0"),
        ("too-large", "integers stay within 2^53 - 1", "\"seq\":7", "\"seq\":9007199254740993"),
        ("duplicate-key", "a key stands once", "\"seq\":7", "\"seq\":7,\"seq\":7"),
        ("unknown-member", "no member that the schema does not name", "\"seq\":7", "\"seq\":7,\"surplus\":1"),
        ("missing-member", "absent values are null, never left out", "\"client\":\"Transmission 4.0.6\",", ""),
        ("order", "members are sorted", "\"kid\":\"ba29f59ba00a8cea\",\"seq\":7", "\"seq\":7,\"kid\":\"ba29f59ba00a8cea\""),
        ("address-leading-zero", "an address has one text", "203.0.113.7:51413", "203.0.113.07:51413"),
        ("port-too-large", "a port fits 16 bits", "203.0.113.7:51413", "203.0.113.7:65536"),
        ("ipv6-not-shortened", "an IPv6 address has one text", "203.0.113.7:51413", "[2001:db8:0:0:0:0:0:7]:51413"),
        ("instant-without-ms", "an instant has milliseconds", "2026-09-01T12:00:00.000Z", "2026-09-01T12:00:00Z"),
        ("instant-leap-second", "an instant is no leap second", "2026-09-01T12:00:00.000Z", "2026-09-01T12:00:60.000Z"),
        ("instant-offset", "an instant is UTC", "2026-09-01T12:00:00.000Z", "2026-09-01T12:00:00.000+00:00"),
        ("unknown-outcome", "the list of outcomes is closed", "\"kind\":\"served\"", "\"kind\":\"guilty\""),
        ("hex-of-utf8", "text that is UTF-8 is a string", "\"Transmission 4.0.6\"", "{\"hex\":\"61\"}"),
        ("laboratory-number", "laboratory is true or false", "\"laboratory\":false", "\"laboratory\":0"),
        ("listening-port-too-large", "a port fits 16 bits", "\"listening_port\":null", "\"listening_port\":65536"),
        ("unknown-chooser", "the list of choosers is closed", "\"chosen_by\":\"monitor\"", "\"chosen_by\":\"chance\""),
        (
            "unknown-family",
            "the list of families is closed",
            "\"by_peer_id\":\"transmission\"",
            "\"by_peer_id\":\"Transmission\"",
        ),
        ("unknown-disagreement", "the list of disagreements is closed", "\"disagreements\":[]", "\"disagreements\":[\"tone\"]"),
        ("sees-observer-number", "whether is true, false or null", "\"sees_observer\":null", "\"sees_observer\":1"),
        ("unknown-port-role", "the list of port roles is closed", "\"listening\"", "\"unknown\""),
    ] {
        add(made, &format!("opening/form-{name}"), "fail", "7.6", why, &[], changed(&line, from, to));
    }
    add(
        made,
        "opening/form-not-json",
        "fail",
        "7.6",
        "the JSON is not JSON",
        &[],
        "affiant.obs/1 259462b7796f32230861aaa965c3102bb9cc65257b586e46f360ec8132865b04 {\n",
    );
    let deep = format!("affiant.obs/1 259462b7796f32230861aaa965c3102bb9cc65257b586e46f360ec8132865b04 {}\n", "[".repeat(2000));
    add(made, "opening/form-deep", "fail", "7.6", "nesting is bounded", &[], deep);
    add(
        made,
        "opening/form-worked-example",
        "fail",
        "7.6",
        "the worked example's record is abbreviated: its line is well formed, its record is none",
        &[],
        super::examples::OPENING,
    );
}

fn found(source: Source, via: &str) -> Option<Found> {
    let at = records::stamp(-2000);
    Some(Found { at, index: 0, list: sha256(b"a list"), source, via: via.into() })
}

fn contradictions(made: &mut Made) {
    let mut bad =
        |name: &str, why: &str, line: String| add(made, &format!("opening/contradiction-{name}"), "fail", "7.9", why, &[], line);
    bad("content-sent", "the monitor sends no content", with(|o| o.volume.piece_bytes_out = 1));
    bad("port-role", "we dial listening ports", with(|o| o.port_role = PortRole::Ephemeral));
    for source in [Source::Dht, Source::Pex, Source::Local] {
        let word = source.word();
        let why = "who else shares the torrent is not said in an observation, which others may be handed";
        bad(&format!("via-of-{word}"), why, with(|o| o.found = found(source, &format!("{word}:192.0.2.9:6881"))));
    }
    bad("not-found", "an outgoing contact was found somewhere", with(|o| o.found = None));
    bad(
        "found-incoming",
        "nobody named a peer that dialled",
        with(|o| (o.direction, o.port_role) = (Direction::Incoming, PortRole::Ephemeral)),
    );
    bad(
        "served-without-match",
        "served needs a verified block",
        with(|o| o.challenges[0].verification = Verification::Mismatch { check: Check::PieceSha1 }),
    );
    bad("match-without-served", "a verified block makes the grade served", with(|o| o.grade = Grade::Claimed));
    bad(
        "control-served",
        "a control visit is never served",
        with(|o| {
            o.purpose = evidence::observation::Purpose::Control { about: sha256(b"x"), info_hash: InfoHashV1::from([1; 20]) };
        }),
    );
    bad("rendezvous-over-tcp", "nobody is introduced over TCP", with(|o| o.rendezvous = Some(sha256(b"a rendezvous"))));
    bad(
        "rendezvous-served",
        "a rendezvous asks for no block",
        with(|o| {
            o.purpose = evidence::observation::Purpose::Rendezvous;
            o.transport = Transport::Utp;
        }),
    );
    let introduced = |asked, connects, transport, purpose| {
        let mut o = records::refused(records::OTHER, 1, list(), sha256(b"a mandate"), 0);
        (o.outcome, o.transport, o.purpose) = (Outcome::Introduced { asked, connects }, transport, purpose);
        sealed(Tag::Obs, &o)
    };
    let (probe, rendezvous) = (evidence::observation::Purpose::Probe, evidence::observation::Purpose::Rendezvous);
    bad("introduced-by-probe", "only a rendezvous introduces", introduced(1, 1, Transport::Utp, probe));
    bad("introduced-over-tcp", "a rendezvous is over µTP", introduced(1, 1, Transport::Tcp, rendezvous));
    bad("introduced-unasked", "no more are introduced than were asked for", introduced(1, 2, Transport::Utp, rendezvous));
    bad("no-mse-secret", "an encrypted stream has a secret", with(|o| o.encryption = Encryption::MsePlain));
    bad("handshake-over-nothing", "no handshake without a stream", with(|o| o.encryption = Encryption::MseFailed));
    bad("mse-secret-of-nothing", "a stream that never came about has no secret", {
        let mut o = records::refused(records::OTHER, 1, list(), sha256(b"a mandate"), 0);
        (o.encryption, o.mse_secret) = (Encryption::MseFailed, Some([0x33; 96].into()));
        sealed(Tag::Obs, &o)
    });
    bad("mse-secret", "a plain stream has no secret", with(|o| o.mse_secret = Some([0x33; 96].into())));
    bad(
        "client-too-long",
        "a client's name has at most 128 bytes",
        with(|o| said(o).client = Some(Claimed::new("c".repeat(129)))),
    );
    bad(
        "client-hex-too-long",
        "in whatever form it is written",
        with(|o| said(o).client = Some(Claimed::new([&[0xff][..], &[b'c'; 128]].concat()))),
    );
    bad("no-software", "a handshake came, so the peer id says something", with(|o| o.software = None));
    bad(
        "said-without-handshake",
        "nothing was said before a handshake",
        with(|o| {
            let refused = records::refused(records::OTHER, 1, list(), sha256(b"a mandate"), 0);
            *o = evidence::Observation { extension: o.extension.take(), ..refused };
        }),
    );
    bad("software-without-name", "no family without a name", with(|o| said(o).client = None));
    for (name, why, words) in [
        ("disagreements-order", "disagreements ascend", [Disagreement::ReservedBits, Disagreement::AllowedFast]),
        ("disagreements-twice", "each disagreement stands once", [Disagreement::AllowedFast, Disagreement::AllowedFast]),
    ] {
        bad(name, why, with(|o| o.software.as_mut().unwrap().disagreements = words.to_vec()));
    }
    bad("among-none", "a piece is drawn from some", with(|o| o.challenges[0].among = 0));
    bad("rule-unchoked", "the rule of BEP 6 is for choked ones", with(|o| o.challenges[0].chosen_by = Chooser::Rule));
    bad("verified-bytes", "verified bytes are the sum of the blocks", with(|o| o.volume.verified_bytes = 16_385));
    bad("bytes-in", "what was verified was received", with(|o| o.volume.bytes_in = 16_000));
    bad("blocks", "the outcome counts the blocks", with(|o| o.outcome = Outcome::Served { blocks: 2, pieces: 1 }));
    bad("pieces", "the outcome counts the pieces", with(|o| o.outcome = Outcome::Served { blocks: 1, pieces: 2 }));
    bad("first-block", "first_block is the first byte of a block", with(|o| o.times.first_block = Some(records::stamp(1))));
    bad("last-block", "last_block is the last byte of a block", with(|o| o.times.last_block = Some(records::stamp(51))));
    bad("no-first-block", "served has a first block", with(|o| o.times.first_block = None));
    bad("before-began", "no block before the contact", with(|o| o.times.began = records::stamp(20)));
    bad("after-ended", "no block after the contact", with(|o| o.times.ended = records::stamp(20)));
    bad("no-dossier", "served was checked against a dossier", with(|o| o.dossier_sha256 = None));
    bad("no-transcript", "served has a transcript", with(|o| o.transcript_sha256 = None));
    bad("no-peer-id", "served had a handshake", with(|o| o.peer_id = None));
    bad("clocks-apart", "the two clocks ran together", with(|o| o.times.ended.utc = o.times.ended.utc.plus_ms(15)));
    bad(
        "clocks-apart-in-a-challenge",
        "each moment of a challenge as well",
        with(|o| o.challenges[0].asked.utc = o.challenges[0].asked.utc.plus_ms(-15)),
    );
    bad("no-digest", "a matching block has a digest", with(|o| o.challenges[0].sha256 = None));
    bad(
        "long-block",
        "a block is at most 16 KiB",
        with(|o| {
            (o.challenges[0].length, o.volume.verified_bytes, o.volume.bytes_in) = (16_385, 16_385, 20_000);
        }),
    );
    bad("mapped-peer", "an address is never IPv4-mapped", with(|o| o.peer = "[::ffff:203.0.113.7]:51413".parse().unwrap()));
    bad("scoped-observer", "an address has no scope", with(|o| o.observer = "[2001:db8::1%3]:6881".parse().unwrap()));
    bad("no-info-hash", "a torrent has an info-hash", with(|o| o.target = TargetIds { v1: None, v2: None }));
    let mut candidates = records::candidates();
    candidates.peers[0] = "[::ffff:203.0.113.7]:51413".parse().unwrap();
    bad("mapped-candidate", "an address is never IPv4-mapped", sealed(Tag::Cand, &candidates));
    // Not contradictions: rounding, and a clock that was stepped in a run that knows it.
    for (name, why, error_ms, ms) in [
        ("clocks-rounded", "the clocks may be apart by the error and 2 ms", Some(12), 14),
        ("clock-stepped", "a run that saw its clock stepped knows no error", None, 3_600_000),
    ] {
        let mut o = served();
        (o.times.error_ms, o.times.ended.utc) = (error_ms, o.times.ended.utc.plus_ms(ms));
        add(made, &format!("opening/good-{name}"), "ok", "7.6", why, &[], sealed(Tag::Obs, &o));
    }
    add(
        made,
        "opening/good-laboratory",
        "ok",
        "7.6",
        "a peer of a laboratory that says where it listens",
        &[],
        with(|o| (o.laboratory, said(o).listening_port) = (true, Some(51_413))),
    );
    // Nor this: what the tables said is what they said.
    add(
        made,
        "opening/good-unknown-network",
        "ok",
        "7.6",
        "an address that no table covers",
        &[],
        with(|o| {
            (o.attribution.asn, o.attribution.class, o.attribution.isp, o.attribution.prefix) =
                (None, Class::Unknown, None, None);
        }),
    );
}
