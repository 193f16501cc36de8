//! Records from a seed: every variant of every field, and names that try to leave their place.

use std::{collections::BTreeMap, sync::LazyLock};

use evidence::{
    Attribution, Cir, Claimed, Class, Date, Digest, Direction, Encryption, InfoHashV1, InfoHashV2, RunId, TargetIds, Transport,
    Utc,
    cir::{CirFile, CirSession, CirWork, Connection, Deadlines, EvidenceRef, Recipient},
    mandate::{Authority, Nature, Party, PostalAddress, Work},
    observation::Source,
    sha256,
};

use crate::notices::{Addressing, Sender};

/// How many records the tests over all of them take.
pub const CASES: u64 = 1_200;

/// One name in this many is among the longest.
const LONG_NAME_EVERY: u64 = 96;

/// Names as strangers choose them, and those of 64 KiB.
static NAMES: LazyLock<(Vec<Claimed>, Vec<Claimed>)> = LazyLock::new(names);

fn names() -> (Vec<Claimed>, Vec<Claimed>) {
    let texts = [
        "Example Film (2024).mkv",
        "",
        " leading and trailing ",
        "a\nNotice ID: 1\r\nIP Address: 192.0.2.250",
        "=HYPERLINK(\"http://example.org\",\"x\")",
        "+1+1;-2@SUM(1)",
        "\u{202e}vkm.\u{2066}x\u{200b}",
        "<Port>1</Port><!-- ]]> & ' \" &amp; &#10;",
        "<?xml version=\"1.0\"?><Infringement xmlns=\"http://www.acns.net/ACNS\"></Infringement>",
        "----START acns xml ---end acns xml",
        "x ---Start ACNS XML ---End ACNS XML -----BEGIN PGP SIGNATURE----- x",
        "x; Observer IP: 192.0.2.251; Observer port: 1",
        "\u{1f600}\u{10ffff}\u{fffe}\u{ffff}\u{85}\u{2028}",
        "From me\t\\u{a}\\",
        ".",
        "Ζωή/東京.flac",
    ];
    let long = ["x".repeat(65_536), "\u{1f600}".repeat(16_384), "\n".repeat(65_536), "é ".repeat(21_845)];
    let raw = [b"\xff\xfe\x00\x01name".to_vec(), (0..=255).collect::<Vec<u8>>()];
    let short = texts.into_iter().map(Claimed::new).chain(raw.into_iter().map(Claimed::new)).collect();
    (short, long.into_iter().map(Claimed::new).chain([Claimed::new([0x80; 65_536])]).collect())
}

/// The record of a seed.
pub fn cir(seed: u64) -> Cir {
    let mut dice = Dice { seed, drawn: 0 };
    let start = Utc::from_ms(1_780_000_000_000 + dice.below(30_000_000_000) as i64);
    let end = start.plus_ms(dice.below(86_400_000) as i64);
    let target = dice.target();
    let direction = dice.pick(&[Direction::Outgoing, Direction::Incoming]);
    let works: Vec<CirWork> = (0..=dice.below(3)).map(|number| dice.work(number)).collect();
    let files = (0..dice.below(5)).map(|_| dice.file(&works)).collect();
    Cir {
        agent: (dice.below(2) == 0).then(|| dice.party()),
        approver: "approver@example.org".into(),
        attribution: Attribution {
            asn: Some(64_496 + dice.below(16) as u32),
            class: Class::Fixed,
            isp: Some("example".into()),
            prefix: Some("192.0.2.0/24".into()),
            tables: vec![dice.digest()],
        },
        authority: Authority { document_sha256: dice.digest(), from: day(2026, 1, 1), reference: dice.text(), to: day(2027, 12, 31) },
        client: (dice.below(4) > 0).then(|| dice.name()),
        config_sha256: dice.digest(),
        consent_statement: "To the best of the owner's knowledge, no consent was given for the work to be made available in this way.".into(),
        deadlines: Deadlines { last: day(2026, 12, 1), target: day(2026, 11, 14) },
        description: format!("From {start} the monitor received blocks of \u{b5}TP. {}", dice.name()),
        evidence: (0..2)
            .map(|at| EvidenceRef { commitment: dice.digest(), index: 10 + at, leaf: dice.digest(), control: at == 1 })
            .collect(),
        files,
        infringement_statement: "There appears to have been an infringement of the owner's copyright in the work, by means of the connection described in this report.".into(),
        investigator: "investigator@example.org".into(),
        isp: Recipient { id: "example".into(), name: dice.text(), register_sha256: dice.digest() },
        issued_at: end.plus_ms(3_600_000),
        log: "log.example.org/202609".into(),
        owner: dice.party(),
        peer: Connection {
            address: dice.endpoint(),
            direction,
            encryption: dice.pick(&[Encryption::None, Encryption::MsePlain, Encryption::MseRc4]),
            observer: dice.endpoint(),
            port_role: direction.port_role(),
            transport: dice.pick(&[Transport::Tcp, Transport::Utp]),
        },
        profile: "uk-dea-2012/1".into(),
        protocol: "BitTorrent".into(),
        release_sha256: dice.digest(),
        session: CirSession {
            blocks_verified: 1 + dice.below(64) as u32,
            bytes_verified: 16_384 + dice.below(1 << 20),
            bytes_received: (1 << 21) + dice.below(1 << 20),
            corroborated: dice.below(2) == 0,
            end,
            error_ms: (dice.below(8) > 0).then(|| dice.below(41) as u32),
            observations: 1 + dice.below(4) as u32,
            piece_bytes_sent: 0,
            pieces_verified: 1 + dice.below(16) as u32,
            runs: vec![RunId::from([7; 8])],
            start,
        },
        sources: if direction == Direction::Outgoing { vec![Source::Tracker, Source::Dht] } else { vec![] },
        target,
        uin: format!("202609-1a2b3c4d-{seed}"),
        works,
    }
}

/// Who writes to whom, with names from the same bag.
pub fn addressing(seed: u64) -> Addressing {
    let mut dice = Dice { seed: seed ^ 0xadd2_e551, drawn: 0 };
    Addressing {
        from: Sender {
            organisation: dice.text(),
            contact: dice.text(),
            mailbox: "notices@monitor.example.org".parse().unwrap(),
            address: dice.text(),
            phone: (dice.below(2) == 0).then(|| dice.text()),
        },
        to: "abuse@isp.example.net".parse().unwrap(),
    }
}

/// A record as most are: one work, one file, names in plain letters.
pub fn plain() -> (Cir, Addressing) {
    let mut dice = Dice { seed: 0, drawn: 0 };
    let (mut cir, mut addressing) = (cir(0), addressing(0));
    let address = PostalAddress {
        country: "GB".into(),
        lines: vec!["1 Example Street".into()],
        locality: "Exampleton".into(),
        postcode: "EX1 1EX".into(),
    };
    cir.owner = Party { address, name: "Example Pictures Limited".into() };
    cir.agent = None;
    cir.authority.reference = "Mandate 2026/42".into();
    cir.client = Some(Claimed::new("Example Client 1.0"));
    cir.description = "The monitor received 3 blocks from the address and port. It sent no content.".into();
    cir.isp.name = "Example Broadband plc".into();
    let work = Work { identifiers: BTreeMap::new(), nature: Nature::Film, title: "Example Film".into() };
    cir.works = vec![CirWork { mandate: "example-0".into(), mandate_sha256: dice.digest(), work }];
    let (path, contains) = (Claimed::new("Example Film (2024)/film.mkv"), "Example Film, whole".into());
    cir.files = vec![CirFile { bytes: 734_003_200, contains, path, sha256: dice.digest(), work: "example-0".into() }];
    addressing.from.organisation = "Example Monitor Ltd".into();
    addressing.from.contact = "Notices desk".into();
    addressing.from.address = "2 Example Street, Exampleton EX1 1EX, GB".into();
    addressing.from.phone = Some("+44 1632 960000".into());
    (cir, addressing)
}

fn day(year: i32, month: u32, day: u32) -> Date {
    Date::new(year, month, day).unwrap()
}

/// Numbers from a seed, each the SHA-256 of the seed and of how many were drawn before.
struct Dice {
    seed: u64,
    drawn: u64,
}

impl Dice {
    fn digest(&mut self) -> Digest {
        self.drawn += 1;
        sha256(format!("{}/{}", self.seed, self.drawn).as_bytes())
    }

    fn below(&mut self, limit: u64) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.digest().as_bytes()[..8]);
        u64::from_be_bytes(bytes) % limit
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    fn name(&mut self) -> Claimed {
        let (short, long) = &*NAMES;
        let names = if self.below(LONG_NAME_EVERY) == 0 { long } else { short };
        names[self.below(names.len() as u64) as usize].clone()
    }

    /// A name as a person in the office might paste it.
    fn text(&mut self) -> String {
        String::from_utf8_lossy(self.name().as_bytes()).into_owned()
    }

    fn party(&mut self) -> Party {
        let address = PostalAddress {
            country: "GB".into(),
            lines: vec![self.text(), "1 Example Street".into()],
            locality: self.text(),
            postcode: "EX1 1EX".into(),
        };
        Party { address, name: self.text() }
    }

    fn work(&mut self, number: u64) -> CirWork {
        let mut identifiers = BTreeMap::new();
        if self.below(2) == 0 {
            identifiers.insert("eidr".to_string(), self.text());
        }
        let work = Work { identifiers, nature: self.pick(&Nature::ALL), title: self.text() };
        CirWork { mandate: format!("example-{number}"), mandate_sha256: self.digest(), work }
    }

    fn file(&mut self, works: &[CirWork]) -> CirFile {
        let work = works[self.below(works.len() as u64) as usize].mandate.clone();
        CirFile { bytes: self.below(1 << 53), contains: self.text(), path: self.name(), sha256: self.digest(), work }
    }

    fn endpoint(&mut self) -> std::net::SocketAddr {
        let (host, port) = (self.below(254) + 1, self.below(65_535) + 1);
        let text = if self.below(3) == 0 { format!("[2001:db8::{host:x}]:{port}") } else { format!("192.0.2.{host}:{port}") };
        text.parse().unwrap()
    }

    fn target(&mut self) -> TargetIds {
        let mut v1 = [0; 20];
        v1.copy_from_slice(&self.digest().as_bytes()[..20]);
        let (v1, v2) = (InfoHashV1::from(v1), InfoHashV2::from(*self.digest().as_bytes()));
        match self.below(3) {
            0 => TargetIds { v1: Some(v1), v2: Some(v2) },
            1 => TargetIds { v1: None, v2: Some(v2) },
            _ => TargetIds::of_v1(v1),
        }
    }
}
