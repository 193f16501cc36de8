use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use evidence::{Content, Numbered, Opening, Transport};
use pcap_file::pcapng::{Block, PcapNgReader};

use super::*;
use crate::testlog::{Sight, TestLog};

const CONTENT: &[u8] = b"sixteen KiB of a film, were it one";

fn header() -> Vec<u8> {
    b"affiant.transcript/1\n".to_vec()
}

fn push(transcript: &mut Vec<u8>, kind: u8, ms: u64, count: usize, body: &[u8]) {
    transcript.push(kind);
    transcript.extend((ms * 1000).to_be_bytes());
    transcript.extend((count as u32).to_be_bytes());
    transcript.extend(body);
}

/// A handshake each way, a request, and a block whose content is not kept.
fn transcript(began_ms: u64) -> Vec<u8> {
    let mut bytes = header();
    push(&mut bytes, 2, began_ms + 10, 68, &[b'u'; 68]);
    push(&mut bytes, 1, began_ms + 20, 68, &[b'p'; 68]);
    push(&mut bytes, 2, began_ms + 30, 17, &[b'r'; 17]);
    let mut digested = vec![13];
    digested.extend([b'h'; 13]);
    digested.extend(sha256(CONTENT).as_bytes());
    push(&mut bytes, 3, began_ms + 40, 13 + 16_384, &digested);
    push(&mut bytes, 4, began_ms + 50, 7, b"");
    bytes
}

fn observation(change: impl FnOnce(&mut Observation)) -> Observation {
    let mut log = TestLog::new();
    let index = log.see(&Sight::at("192.0.2.7:51413", "2026-09-01T12:00:00.000Z", 5));
    let Content::Opening(line) = &log.entries[usize::try_from(index).unwrap()].content else { panic!("no opening") };
    let mut observation = Opening::parse(line).unwrap().decode::<Numbered<Observation>>().unwrap().body;
    let began_ms = observation.times.began.mono_us / 1000;
    observation.transcript_sha256 = Some(sha256(&transcript(began_ms)));
    change(&mut observation);
    observation
}

struct Packet {
    at_ms: u128,
    whole: usize,
    bytes: Vec<u8>,
    comment: String,
}

fn packets(capture: &[u8]) -> (String, Vec<Packet>) {
    let mut reader = PcapNgReader::new(capture).unwrap();
    let section = reader.section().options.iter().find_map(|option| match option {
        SectionHeaderOption::Comment(comment) => Some(comment.to_string()),
        _ => None,
    });
    let mut packets = Vec::new();
    while let Some(block) = reader.next_block() {
        if let Block::EnhancedPacket(packet) = block.unwrap() {
            let comment = packet.options.iter().find_map(|option| match option {
                EnhancedPacketOption::Comment(comment) => Some(comment.to_string()),
                _ => None,
            });
            packets.push(Packet {
                at_ms: packet.timestamp.as_millis(),
                whole: packet.original_len as usize,
                bytes: packet.data.to_vec(),
                comment: comment.unwrap_or_default(),
            });
        }
    }
    (section.unwrap(), packets)
}

#[test]
fn a_tcp_stream_is_framed_in_order_and_what_is_not_kept_is_cut_off() {
    let observation = observation(|_| {});
    let began = observation.times.began;
    let transcript = transcript(began.mono_us / 1000);
    let capture = super::capture(&observation, &transcript).unwrap();
    assert_eq!(capture, super::capture(&observation, &transcript).unwrap(), "the same input, other bytes");
    let (section, packets) = packets(&capture);
    assert!(section.contains("Reconstructed") && section.contains(&sha256(&transcript).to_string()), "{section}");
    assert!(section.contains("7 further records were not kept") && !section.contains("MSE"), "{section}");
    assert_eq!(packets.len(), 3 + 4);

    let mut said = Vec::new();
    for packet in &packets[..6] {
        let sliced = SlicedPacket::from_ip(&packet.bytes).unwrap();
        let Some(NetSlice::Ipv4(ip)) = &sliced.net else { panic!("not IPv4") };
        let Some(TransportSlice::Tcp(tcp)) = &sliced.transport else { panic!("not TCP") };
        assert_eq!(tcp.calc_checksum_ipv4(ip.header().source(), ip.header().destination()).unwrap(), tcp.checksum());
        assert_eq!(packet.whole, packet.bytes.len());
        said.push((
            tcp.source_port(),
            tcp.syn(),
            tcp.ack(),
            tcp.sequence_number(),
            tcp.acknowledgment_number(),
            tcp.payload().len(),
        ));
    }
    assert_eq!(
        said,
        [
            (6881, true, false, 0, 0, 0),
            (51413, true, true, 0, 1, 0),
            (6881, false, true, 1, 1, 0),
            (6881, false, true, 1, 1, 68),
            (51413, false, true, 1, 69, 68),
            (6881, false, true, 69, 69, 17),
        ]
    );
    let block = &packets[6];
    assert_eq!((block.bytes.len(), block.whole), (40 + 13, 40 + 13 + 16_384));
    assert!(block.comment.contains(&sha256(CONTENT).to_string()) && block.comment.contains("16384 bytes"), "{}", block.comment);
    let start = u128::try_from(began.utc.ms()).unwrap();
    assert_eq!(packets[3..].iter().map(|packet| packet.at_ms - start).collect::<Vec<_>>(), [10, 20, 30, 40]);
}

#[test]
fn a_utp_stream_of_a_caller_is_framed_in_udp() {
    let observation = observation(|observation| {
        observation.transport = Transport::Utp;
        observation.direction = Direction::Incoming;
        observation.observer = "[2001:db8::1]:6881".parse().unwrap();
        observation.peer = "[2001:db8::7]:51413".parse().unwrap();
    });
    let transcript = transcript(observation.times.began.mono_us / 1000);
    let (section, packets) = packets(&super::capture(&observation, &transcript).unwrap());
    assert!(section.contains("the peer called"), "{section}");
    let mut said = Vec::new();
    for packet in &packets[..5] {
        let sliced = SlicedPacket::from_ip(&packet.bytes).unwrap();
        let Some(TransportSlice::Udp(udp)) = &sliced.transport else { panic!("not UDP") };
        let body = udp.payload();
        said.push((udp.source_port(), body[0], u16::from_be_bytes([body[2], body[3]]), body[17], body[19], body.len() - 20));
    }
    assert_eq!(
        said,
        [
            (51413, 0x41, 1, 1, 0, 0),
            (6881, 0x21, 1, 1, 1, 0),
            (6881, 0x01, 1, 2, 1, 68),
            (51413, 0x01, 2, 2, 2, 68),
            (6881, 0x01, 1, 3, 2, 17),
        ]
    );
}

#[test]
fn another_transcript_and_ends_of_two_families_are_refused() {
    let good = observation(|_| {});
    let transcript = transcript(good.times.began.mono_us / 1000);
    let mut other = transcript.clone();
    *other.last_mut().unwrap() ^= 1;
    assert!(matches!(super::capture(&good, &other), Err(CaptureFault::Another { .. })));
    let none = observation(|observation| observation.transcript_sha256 = None);
    assert!(matches!(super::capture(&none, &transcript), Err(CaptureFault::Another { .. })));
    let mixed = observation(|observation| observation.peer = "[2001:db8::7]:51413".parse().unwrap());
    assert_eq!(super::capture(&mixed, &transcript), Err(CaptureFault::Families));
    let noise = observation(|observation| observation.transcript_sha256 = Some(sha256(b"noise")));
    assert_eq!(super::capture(&noise, b"noise"), Err(CaptureFault::Transcript(NotATranscript::Header)));
}
