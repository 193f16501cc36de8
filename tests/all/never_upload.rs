//! Peers that request everything, at every moment of a contact, receive nothing.
//!
//! They are written here byte by byte, so that they can break every rule of the order of messages.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::Stdio,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use evidence::{Direction, Grade};
use socket2::{Domain, Socket, Type};
use swarmlab::torrent::SyntheticTorrent;
use wire::message::Block;

use crate::{laboratory::Laboratory, station::Station};

const BLOCK_BYTES: u32 = 16 << 10;
/// Requests that one connection sends at most, in bursts.
const BURST: usize = 1_000;
const BURSTS: usize = 12;
/// Longer than any wait of the monitor in this test.
const SILENCE: Duration = Duration::from_secs(8);

/// When a peer makes its requests, and what it says before.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// Before any handshake.
    BeforeHandshake,
    /// In the same packet as the handshake.
    WithHandshake,
    /// After the handshake, claiming nothing and keeping the monitor choked.
    Choked,
    /// After saying that it wants content: `interested`.
    Interested,
    /// After claiming everything, keeping the monitor choked.
    Claimed,
    /// Before each block that it serves, as a peer would that trades.
    Trading,
}

const PHASES: [Phase; 6] =
    [Phase::BeforeHandshake, Phase::WithHandshake, Phase::Choked, Phase::Interested, Phase::Claimed, Phase::Trading];

/// What all peers of the test received and sent.
#[derive(Debug, Default)]
struct Seen {
    requests_sent: usize,
    connections: usize,
    handshakes: usize,
    /// Numbers of the messages received, with the length of what followed each.
    messages: Vec<(u8, usize)>,
    bitfield_bits: u32,
}

#[test]
fn a_peer_that_requests_everything_receives_nothing() {
    let laboratory = Laboratory::start(271);
    let monitor = Ipv4Addr::new(127, 2, 71, 1);
    let station = Station::ready(&laboratory, monitor);
    station.configure(|config| {
        let pace = config["pace"].as_table_mut().unwrap();
        pace.insert("choked_ms".into(), 3_000.into());
        pace.insert("claims_ms".into(), 3_000.into());
    });
    let seen = Arc::new(Mutex::new(Seen::default()));
    let peers: Vec<SocketAddr> = PHASES.iter().zip(2..).map(|(phase, host)| listen(*phase, host, &laboratory, &seen)).collect();
    laboratory.tracker.list(laboratory.torrent.info_hash(), peers.iter().copied(), 0);

    // Callers come once the monitor has announced where it listens.
    let callers = {
        let (tracker, torrent, seen) = (laboratory.tracker.log(), Arc::clone(&laboratory.torrent), Arc::clone(&seen));
        assert!(tracker.is_empty());
        let (sender, port) = std::sync::mpsc::channel::<u16>();
        let caller = thread::spawn(move || {
            let Ok(port) = port.recv() else { return };
            let calls = PHASES.iter().zip(102..).map(|(phase, host)| {
                let (torrent, seen, phase) = (Arc::clone(&torrent), Arc::clone(&seen), *phase);
                thread::spawn(move || {
                    let stream = dial(Ipv4Addr::new(127, 2, 71, host), SocketAddr::from((monitor, port)));
                    talk(stream, phase, &torrent, &seen);
                })
            });
            calls.collect::<Vec<_>>().into_iter().for_each(|call| call.join().unwrap());
        });
        (sender, caller)
    };
    let mut child = station.command(["watch", "--until-idle", "4s", "--for", "100s"]).stdout(Stdio::null()).spawn().unwrap();
    let port = loop {
        let log = laboratory.tracker.log();
        if let Some(announced) = log.iter().find(|announced| announced.address().ip() == monitor) {
            break announced.port;
        }
        assert!(child.try_wait().unwrap().is_none(), "the monitor ended before it announced itself");
        thread::sleep(Duration::from_millis(50));
    };
    callers.0.send(port).unwrap();
    callers.1.join().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));

    let seen = seen.lock().unwrap();
    assert!(seen.requests_sent > 20_000, "only {} requests were sent", seen.requests_sent);
    assert!(seen.connections >= 2 * PHASES.len() && seen.handshakes >= PHASES.len(), "{} {}", seen.connections, seen.handshakes);
    // Unchoke, have, bitfield with a bit, piece, have all.
    for (number, length) in &seen.messages {
        assert!(![1, 4, 7, 14].contains(number), "message {number} with {length} bytes was received");
    }
    assert_eq!(seen.bitfield_bits, 0, "a piece was claimed");

    let observations = station.observations();
    assert!(observations.iter().any(|seen| seen.grade == Grade::Served), "no contact came to its last phase: {observations:#?}");
    let of = |direction| observations.iter().filter(move |seen| seen.direction == direction).count();
    assert!(of(Direction::Outgoing) >= PHASES.len() && of(Direction::Incoming) > 0, "{observations:#?}");
    for seen in &observations {
        assert_eq!(seen.volume.piece_bytes_out, 0, "{seen:#?}");
        // A rejection is as long as the request; beside those little is said, and never as much as a block.
        assert!(seen.volume.bytes_out <= 4_096 + seen.volume.bytes_in, "{seen:#?}");
    }
    station.assert_sound();
}

/// A peer that waits to be dialled, and does the same to every caller.
fn listen(phase: Phase, host: u8, laboratory: &Laboratory, seen: &Arc<Mutex<Seen>>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::new(127, 2, 71, host), 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (torrent, seen) = (Arc::clone(&laboratory.torrent), Arc::clone(seen));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (torrent, seen) = (Arc::clone(&torrent), Arc::clone(&seen));
            thread::spawn(move || talk(stream, phase, &torrent, &seen));
        }
    });
    address
}

fn dial(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    socket.into()
}

/// Speaks and listens at the same time until the other side has had enough.
fn talk(stream: TcpStream, phase: Phase, torrent: &Arc<SyntheticTorrent>, seen: &Arc<Mutex<Seen>>) {
    seen.lock().unwrap().connections += 1;
    stream.set_read_timeout(Some(SILENCE)).unwrap();
    stream.set_write_timeout(Some(SILENCE)).unwrap();
    let writer = Arc::new(Mutex::new(stream.try_clone().unwrap()));
    let speech = {
        let (writer, torrent, seen) = (Arc::clone(&writer), Arc::clone(torrent), Arc::clone(seen));
        // A write that fails means that the monitor has hung up, which is its right.
        thread::spawn(move || drop(speak(&writer, phase, &torrent, &seen)))
    };
    let _ = hear(stream, &writer, phase, torrent, seen);
    speech.join().unwrap();
}

fn speak(writer: &Mutex<TcpStream>, phase: Phase, torrent: &SyntheticTorrent, seen: &Mutex<Seen>) -> std::io::Result<()> {
    let requests = requests(torrent, BURST);
    let handshake = handshake(torrent);
    let say = |bytes: &[u8]| writer.lock().unwrap().write_all(bytes);
    let flood = |bursts: usize| -> std::io::Result<()> {
        for _ in 0..bursts {
            say(&requests)?;
            seen.lock().unwrap().requests_sent += BURST;
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    };
    match phase {
        Phase::BeforeHandshake => flood(2)?,
        Phase::WithHandshake => {
            say(&[&handshake[..], &requests].concat())?;
            seen.lock().unwrap().requests_sent += BURST;
        }
        _ => say(&handshake)?,
    }
    let everything = message(5, torrent.all_pieces().as_bytes());
    match phase {
        // Have none, so that the fast extension is honoured.
        Phase::BeforeHandshake | Phase::WithHandshake | Phase::Choked => say(&message(15, &[]))?,
        Phase::Interested => say(&[message(15, &[]), message(2, &[])].concat())?,
        Phase::Claimed => say(&[message(14, &[]), message(2, &[])].concat())?,
        Phase::Trading => say(&[everything, message(2, &[]), message(1, &[])].concat())?,
    }
    flood(BURSTS)
}

/// Reads messages until the end; a trading peer serves what is asked of it, so that the contact comes to its last phase.
fn hear(
    mut stream: TcpStream,
    writer: &Mutex<TcpStream>,
    phase: Phase,
    torrent: &SyntheticTorrent,
    seen: &Mutex<Seen>,
) -> std::io::Result<()> {
    let mut handshake = [0; 68];
    stream.read_exact(&mut handshake)?;
    assert_eq!(&handshake[1..20], b"BitTorrent protocol");
    seen.lock().unwrap().handshakes += 1;
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length) as usize;
        assert!(length < 64 << 10, "a message of {length} bytes: is it content?");
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        let Some((number, rest)) = body.split_first() else { continue };
        {
            let mut seen = seen.lock().unwrap();
            seen.messages.push((*number, rest.len()));
            if *number == 5 {
                seen.bitfield_bits += rest.iter().map(|byte| byte.count_ones()).sum::<u32>();
            }
        }
        if *number == 6 && phase == Phase::Trading {
            let field = |at: usize| u32::from_be_bytes(rest[at..at + 4].try_into().unwrap());
            let block = Block { piece: field(0), begin: field(4), length: field(8) };
            let bytes = torrent.block(block).ok_or(ErrorKind::InvalidData)?;
            let answer = message(7, &[&rest[..8], &bytes].concat());
            let mut writer = writer.lock().unwrap();
            writer.write_all(&requests(torrent, BURST))?;
            writer.write_all(&answer)?;
            seen.lock().unwrap().requests_sent += BURST;
        }
    }
}

fn handshake(torrent: &SyntheticTorrent) -> Vec<u8> {
    // Fast Extension (BEP 6); no extension handshake, so that nothing more is due.
    let reserved = [0, 0, 0, 0, 0, 0, 0, 4];
    [&b"\x13BitTorrent protocol"[..], &reserved, &torrent.info_hash().0, b"-XX0001-requestsall0"].concat()
}

/// Requests for every block in turn.
fn requests(torrent: &SyntheticTorrent, count: usize) -> Vec<u8> {
    let info = torrent.info();
    let blocks = (0..info.piece_count()).flat_map(|piece| {
        let range = info.piece_range(piece).unwrap();
        let length = u32::try_from(range.end - range.start).unwrap();
        (0..length).step_by(BLOCK_BYTES as usize).map(move |begin| (piece, begin, BLOCK_BYTES.min(length - begin)))
    });
    let all: Vec<_> = blocks.collect();
    let cycle = all.iter().cycle().take(count);
    cycle
        .flat_map(|(piece, begin, length)| message(6, &[piece, begin, length].map(|field| field.to_be_bytes()).concat()))
        .collect()
}

fn message(number: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 1).unwrap();
    [&length.to_be_bytes()[..], &[number], body].concat()
}
