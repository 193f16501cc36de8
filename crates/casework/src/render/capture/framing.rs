//! Packets round the bytes of a stream: IP with TCP, or with UDP and µTP (BEP 29). All of it is made up but the
//! addresses, the ports and the payload.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::err::packet::BuildWriteError;
use etherparse::{IpHeaders, PacketBuilder, PacketBuilderStep, TcpHeader};
use evidence::{Direction, Observation, Transport};

const TTL: u8 = 64;
const WINDOW: u16 = u16::MAX;
/// Identifies the µTP connection of whoever called; the other side's is one more.
const CONNECTION: u16 = 1;

/// Both ends of a connection, and how far each has spoken. Of each pair the first is ours.
pub(super) struct Framing {
    addresses: Addresses,
    ports: [u16; 2],
    /// TCP: the number of the next byte. µTP: the number of the last packet.
    spoken: [u32; 2],
    transport: Transport,
    direction: Direction,
}

enum Addresses {
    V4([Ipv4Addr; 2]),
    V6([Ipv6Addr; 2]),
}

/// The types of µTP's packets.
#[derive(Clone, Copy)]
enum Utp {
    Data = 0,
    State = 2,
    Syn = 4,
}

impl Framing {
    /// `None` if the two ends are of different families.
    pub(super) fn new(observation: &Observation) -> Option<Self> {
        let Observation { observer, peer, transport, direction, .. } = *observation;
        let addresses = match (observer.ip(), peer.ip()) {
            (IpAddr::V4(us), IpAddr::V4(peer)) => Addresses::V4([us, peer]),
            (IpAddr::V6(us), IpAddr::V6(peer)) => Addresses::V6([us, peer]),
            _ => return None,
        };
        Some(Self { addresses, ports: [observer.port(), peer.port()], spoken: [0; 2], transport, direction })
    }

    /// The packets by which the connection begins.
    pub(super) fn opening(&mut self) -> Result<Vec<Vec<u8>>, BuildWriteError> {
        let is_ours = self.direction == Direction::Outgoing;
        match self.transport {
            Transport::Tcp => {
                let syn = self.tcp(is_ours, &[], |header| (header.syn, header.ack) = (true, false))?;
                self.speak(is_ours, 1);
                let answer = self.tcp(!is_ours, &[], |header| header.syn = true)?;
                self.speak(!is_ours, 1);
                Ok(vec![syn, answer, self.tcp(is_ours, &[], |_| {})?])
            }
            Transport::Utp => {
                self.speak(is_ours, 1);
                let syn = self.utp(is_ours, Utp::Syn, &[])?;
                self.speak(!is_ours, 1);
                Ok(vec![syn, self.utp(!is_ours, Utp::State, &[])?])
            }
        }
    }

    /// The packet of `length` bytes of payload, of which the first are `held` and the others are zeros.
    pub(super) fn data(&mut self, is_ours: bool, held: &[u8], length: usize) -> Result<Vec<u8>, BuildWriteError> {
        let mut payload = held.to_vec();
        payload.resize(length, 0);
        match self.transport {
            Transport::Tcp => {
                let packet = self.tcp(is_ours, &payload, |header| header.psh = true)?;
                self.speak(is_ours, length);
                Ok(packet)
            }
            Transport::Utp => {
                self.speak(is_ours, 1);
                self.utp(is_ours, Utp::Data, &payload)
            }
        }
    }

    fn speak(&mut self, is_ours: bool, count: usize) {
        let spoken = &mut self.spoken[usize::from(!is_ours)];
        // Numbers of TCP go round as these do.
        *spoken = spoken.wrapping_add(count as u32);
    }

    /// Who sends a packet and who gets it, as places in the pairs.
    fn way(is_ours: bool) -> (usize, usize) {
        if is_ours { (0, 1) } else { (1, 0) }
    }

    fn tcp(&self, is_ours: bool, payload: &[u8], change: impl FnOnce(&mut TcpHeader)) -> Result<Vec<u8>, BuildWriteError> {
        let (from, to) = Self::way(is_ours);
        let mut header = TcpHeader::new(self.ports[from], self.ports[to], self.spoken[from], WINDOW);
        (header.ack, header.acknowledgment_number) = (true, self.spoken[to]);
        change(&mut header);
        let mut bytes = Vec::with_capacity(payload.len() + 60);
        self.ip(from, to).tcp_header(header).write(&mut bytes, payload).map(|()| bytes)
    }

    fn utp(&self, is_ours: bool, kind: Utp, payload: &[u8]) -> Result<Vec<u8>, BuildWriteError> {
        let (from, to) = Self::way(is_ours);
        let is_caller = is_ours == (self.direction == Direction::Outgoing);
        // A SYN, and whatever goes to the caller, carries the caller's number.
        let connection = if is_caller && !matches!(kind, Utp::Syn) { CONNECTION + 1 } else { CONNECTION };
        let mut body = vec![(kind as u8) << 4 | 1, 0];
        body.extend(connection.to_be_bytes());
        body.extend([0; 8]);
        body.extend(u32::from(WINDOW).to_be_bytes());
        // Numbers of µTP have sixteen bits and go round.
        body.extend((self.spoken[from] as u16).to_be_bytes());
        body.extend((self.spoken[to] as u16).to_be_bytes());
        body.extend(payload);
        let mut bytes = Vec::with_capacity(body.len() + 48);
        self.ip(from, to).udp(self.ports[from], self.ports[to]).write(&mut bytes, &body).map(|()| bytes)
    }

    fn ip(&self, from: usize, to: usize) -> PacketBuilderStep<IpHeaders> {
        match &self.addresses {
            Addresses::V4(pair) => PacketBuilder::ipv4(pair[from].octets(), pair[to].octets(), TTL),
            Addresses::V6(pair) => PacketBuilder::ipv6(pair[from].octets(), pair[to].octets(), TTL),
        }
    }
}
