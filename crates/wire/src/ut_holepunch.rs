//! Introductions between peers that cannot dial each other. BEP 55.
//!
//! We ask for one, and give none: there is no encoder for a connect or an error. A peer that asks us is told nothing, for
//! any answer would say whom we are in contact with.

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use crate::compact;
use crate::fault::{Fault, rules};

/// Bytes that are not a message of `ut_holepunch`.
pub type Error = Fault<Rule>;

rules! {
    /// The rules of introductions.
    pub enum Rule {
        Length "holepunch-length" "an introduction must be as long as its address and error code need",
        Type "holepunch-type" "an introduction must be a rendezvous, a connect or an error",
        Family "holepunch-family" "an introduction's address must be of IPv4 or IPv6",
        Code "holepunch-code" "an error must come with a code other than 0, and nothing else with one",
        Endpoint "holepunch-endpoint" "an introduction must name a unicast address and a port",
    }
}

/// A message of `ut_holepunch` from a peer. The endpoint is hearsay, and so is the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HolepunchMessage {
    /// The peer asks us to introduce it to this endpoint.
    Rendezvous(SocketAddr),
    /// The peer asks us to dial this endpoint by µTP, which is told to dial us.
    Connect(SocketAddr),
    /// The peer cannot introduce us to this endpoint.
    Error(SocketAddr, ErrorCode),
}

/// Why a peer cannot introduce us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorCode {
    /// The endpoint is invalid.
    NoSuchPeer,
    /// It is not connected to the endpoint.
    NotConnected,
    /// The endpoint does not speak `ut_holepunch`.
    NoSupport,
    /// The endpoint is its own.
    NoSelf,
    /// A code that BEP 55 does not have.
    Other(u32),
}

const RENDEZVOUS: u8 = 0;
const CONNECT: u8 = 1;
const ERROR: u8 = 2;

const IPV4: u8 = 0;
const IPV6: u8 = 1;

/// Length of type and family, before the address.
const HEAD_BYTES: usize = 2;

/// Length of the error code. Most clients leave it out of anything but an error; BEP 55 would have it be 0 there.
const CODE_BYTES: usize = 4;

impl HolepunchMessage {
    /// Reads the payload of an extended message with the number we chose for `ut_holepunch`.
    pub fn parse(payload: &[u8]) -> Result<Self, Error> {
        let (&[kind, family], rest) = payload.split_first_chunk::<HEAD_BYTES>().ok_or(Fault::at(0, Rule::Length))?;
        let length = match family {
            IPV4 => compact::V4_LENGTH,
            IPV6 => compact::V6_LENGTH,
            _ => return Err(Fault::at(1, Rule::Family)),
        };
        let code_at = HEAD_BYTES + length;
        let (address, code) = rest.split_at_checked(length).ok_or(Fault::at(HEAD_BYTES, Rule::Length))?;
        let code = match code {
            [] => None,
            _ => Some(u32::from_be_bytes(code.try_into().map_err(|_| Fault::at(code_at, Rule::Length))?)),
        };
        let endpoint =
            endpoint(address).filter(|endpoint| is_dialable(*endpoint)).ok_or(Fault::at(HEAD_BYTES, Rule::Endpoint))?;
        match (kind, code) {
            (RENDEZVOUS, None | Some(0)) => Ok(Self::Rendezvous(endpoint)),
            (CONNECT, None | Some(0)) => Ok(Self::Connect(endpoint)),
            (ERROR, Some(code @ 1..)) => Ok(Self::Error(endpoint, ErrorCode::from(code))),
            (RENDEZVOUS | CONNECT | ERROR, _) => Err(Fault::at(code_at, Rule::Code)),
            _ => Err(Fault::at(0, Rule::Type)),
        }
    }
}

impl From<u32> for ErrorCode {
    fn from(code: u32) -> Self {
        match code {
            1 => Self::NoSuchPeer,
            2 => Self::NotConnected,
            3 => Self::NoSupport,
            4 => Self::NoSelf,
            _ => Self::Other(code),
        }
    }
}

fn endpoint(bytes: &[u8]) -> Option<SocketAddr> {
    match bytes.len() {
        compact::V4_LENGTH => compact::v4(bytes)?.next(),
        _ => compact::v6(bytes)?.next(),
    }
}

fn is_dialable(endpoint: SocketAddr) -> bool {
    let address = endpoint.ip();
    endpoint.port() != 0 && !address.is_unspecified() && !address.is_multicast() && address.to_canonical() == address
}

/// The payload that asks for an introduction to `target`. No error code follows, as in the clients that speak this.
pub(crate) fn rendezvous(target: SocketAddr) -> Vec<u8> {
    let mut payload = Vec::with_capacity(HEAD_BYTES + compact::V6_LENGTH + CODE_BYTES);
    match target.ip().to_canonical() {
        IpAddr::V4(four) => {
            payload.extend_from_slice(&[RENDEZVOUS, IPV4]);
            payload.extend_from_slice(&four.octets());
        }
        IpAddr::V6(six) => {
            payload.extend_from_slice(&[RENDEZVOUS, IPV6]);
            payload.extend_from_slice(&six.octets());
        }
    }
    payload.extend_from_slice(&target.port().to_be_bytes());
    payload
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn four() -> SocketAddr {
        "192.0.2.7:6881".parse().unwrap()
    }

    fn six() -> SocketAddr {
        "[2001:db8::7]:6881".parse().unwrap()
    }

    const FOUR: [u8; 6] = [192, 0, 2, 7, 0x1a, 0xe1];
    const SIX: [u8; 18] = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0x1a, 0xe1];

    fn payload(kind: u8, family: u8, address: &[u8], code: &[u8]) -> Vec<u8> {
        [&[kind, family], address, code].concat()
    }

    #[test]
    fn reads_each_message_of_each_family_with_and_without_the_code() {
        let no_code: [&[u8]; 2] = [&[], &[0; 4]];
        for code in no_code {
            assert_eq!(HolepunchMessage::parse(&payload(0, 0, &FOUR, code)), Ok(HolepunchMessage::Rendezvous(four())));
            assert_eq!(HolepunchMessage::parse(&payload(1, 1, &SIX, code)), Ok(HolepunchMessage::Connect(six())));
        }
        for (code, due) in [
            (1, ErrorCode::NoSuchPeer),
            (2, ErrorCode::NotConnected),
            (3, ErrorCode::NoSupport),
            (4, ErrorCode::NoSelf),
            (5, ErrorCode::Other(5)),
            (u32::MAX, ErrorCode::Other(u32::MAX)),
        ] {
            let read = HolepunchMessage::parse(&payload(2, 1, &SIX, &code.to_be_bytes()));
            assert_eq!(read, Ok(HolepunchMessage::Error(six(), due)));
        }
    }

    #[test]
    fn refuses_everything_else() {
        let mapped = [&[0; 10][..], &[0xff; 2], &FOUR].concat();
        let cases: &[(Vec<u8>, usize, Rule)] = &[
            (Vec::new(), 0, Rule::Length),
            (alloc::vec![1], 0, Rule::Length),
            (payload(1, 0, &FOUR[..5], &[]), 2, Rule::Length),
            (payload(1, 1, &SIX[..17], &[]), 2, Rule::Length),
            (payload(1, 1, &FOUR, &[]), 2, Rule::Length),
            (payload(1, 0, &FOUR, &[0; 3]), 8, Rule::Length),
            (payload(1, 0, &FOUR, &[0; 5]), 8, Rule::Length),
            (payload(1, 0, &SIX, &[]), 8, Rule::Length),
            (payload(3, 0, &FOUR, &[]), 0, Rule::Type),
            (payload(255, 0, &FOUR, &[0; 4]), 0, Rule::Type),
            (payload(1, 2, &FOUR, &[]), 1, Rule::Family),
            (payload(2, 0, &FOUR, &[]), 8, Rule::Code),
            (payload(2, 0, &FOUR, &[0; 4]), 8, Rule::Code),
            (payload(1, 0, &FOUR, &[0, 0, 0, 2]), 8, Rule::Code),
            (payload(0, 1, &SIX, &[0, 0, 0, 2]), 20, Rule::Code),
            (payload(1, 0, &[192, 0, 2, 7, 0, 0], &[]), 2, Rule::Endpoint),
            (payload(1, 0, &[0, 0, 0, 0, 26, 225], &[]), 2, Rule::Endpoint),
            (payload(1, 0, &[224, 0, 0, 1, 26, 225], &[]), 2, Rule::Endpoint),
            (payload(1, 1, &mapped, &[]), 2, Rule::Endpoint),
        ];
        for (bytes, offset, rule) in cases {
            assert_eq!(HolepunchMessage::parse(bytes), Err(Fault::at(*offset, *rule)), "{bytes:?}");
        }
    }

    #[test]
    fn what_we_ask_is_what_clients_ask() {
        assert_eq!(rendezvous(four()), payload(0, 0, &FOUR, &[]));
        assert_eq!(rendezvous(six()), payload(0, 1, &SIX, &[]));
        assert_eq!(HolepunchMessage::parse(&rendezvous(six())), Ok(HolepunchMessage::Rendezvous(six())));
        assert_eq!(rendezvous("[::ffff:192.0.2.7]:6881".parse().unwrap()), rendezvous(four()));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, kind in 0u8..4, family in 0u8..3, rest in proptest::collection::vec(any::<u8>(), 0..24)) {
            let _ = HolepunchMessage::parse(&bytes);
            let _ = HolepunchMessage::parse(&payload(kind, family, &rest, &[]));
        }
    }
}
