use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::net::SocketAddr;

use proptest::prelude::*;

use super::*;
use crate::bencode;

const ID: NodeId = NodeId(*b"abcdefghij0123456789");
const PLACE: NodeId = NodeId(*b"mnopqrstuvwxyz123456");

fn parse(datagram: &[u8]) -> Result<Message<'_>, Error> {
    Message::parse(datagram, &Limits::default())
}

fn answer(datagram: &[u8]) -> Answer<'_> {
    match parse(datagram).unwrap().body {
        Body::Answer(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn queries_are_written_as_bep_5_shows_them() {
    let hash = InfoHashV1(PLACE.0);
    let cases: &[(Ask<'_>, &[u8])] = &[
        (Ask::Ping, b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:v4:AF\0\x011:y1:qe"),
        (
            Ask::FindNode { target: PLACE },
            b"d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q9:find_node1:t2:aa1:v4:AF\0\x011:y1:qe",
        ),
        (
            Ask::GetPeers { info_hash: hash },
            b"d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e1:q9:get_peers1:t2:aa1:v4:AF\0\x011:y1:qe",
        ),
        (
            Ask::AnnouncePeer { info_hash: hash, port: Some(6881), token: b"aoeusnth" },
            b"d1:ad2:id20:abcdefghij012345678912:implied_porti0e9:info_hash20:mnopqrstuvwxyz1234564:porti6881e\
            5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:v4:AF\0\x011:y1:qe",
        ),
        (
            Ask::SampleInfohashes { target: PLACE },
            b"d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q17:sample_infohashes1:t2:aa1:v4:AF\0\x011:y1:qe",
        ),
    ];
    for (ask, due) in cases {
        let query = Query { id: ID, ask: *ask, want: None };
        let written = encode_query(b"aa", &query, false);
        assert_eq!(written.escape_ascii().to_string(), due.escape_ascii().to_string());
        let read = parse(&written).unwrap();
        assert_eq!((read.transaction, read.read_only, read.body), (&b"aa"[..], false, Body::Query(query)));
    }
}

#[test]
fn a_query_says_what_it_wants_and_that_the_asker_is_read_only() {
    let want = Some(Want { v4: true, v6: true });
    let query = Query { id: ID, ask: Ask::GetPeers { info_hash: InfoHashV1(PLACE.0) }, want };
    let written = encode_query(&[0, 1, 2, 3], &query, true);
    let text = written.escape_ascii().to_string();
    assert!(text.contains("4:wantl2:n42:n6e") && text.contains("2:roi1e"), "{text}");
    let read = parse(&written).unwrap();
    assert!(read.read_only && read.version == Some(b"AF\0\x01") && read.body == Body::Query(query));
}

#[test]
fn an_announce_by_the_implied_port_needs_no_other() {
    let datagram = b"d1:ad2:id20:abcdefghij012345678912:implied_porti1e9:info_hash20:mnopqrstuvwxyz1234565:token1:xe\
        1:q13:announce_peer1:t2:aa1:y1:qe";
    let Body::Query(query) = parse(datagram).unwrap().body else { panic!() };
    let ask = Ask::AnnouncePeer { info_hash: InfoHashV1(PLACE.0), port: None, token: b"x" };
    assert_eq!(query.ask, ask);
    let again = encode_query(b"aa", &Query { id: ID, ask, want: None }, false);
    assert!(matches!(parse(&again).unwrap().body, Body::Query(query) if query.ask == ask));
}

#[test]
fn a_reply_names_nodes_of_both_families_and_where_the_asker_is() {
    let four = Node { id: PLACE, address: address("192.0.2.1:6881") };
    let six = Node { id: ID, address: address("[2001:db8::1]:6882") };
    let reply = Reply { id: ID, nodes: Some(&[four, six]), nodes6: Some(&[four, six]) };
    let written = encode_reply(b"aa", &reply, address("198.51.100.7:5000"));
    let read = parse(&written).unwrap();
    assert_eq!(read.seen_at, Some(address("198.51.100.7:5000")));
    let answer = answer(&written);
    assert_eq!((answer.id, &answer.nodes[..], &answer.nodes6[..]), (ID, &[four][..], &[six][..]));
    assert_eq!((answer.values, answer.token, answer.samples), (None, None, None));
}

#[test]
fn reads_peers_token_and_the_answers_own_bytes() {
    let datagram = b"d2:ip4:\xcb\x00\x71\x071:rd2:id20:abcdefghij01234567895:token8:aoeusnth6:valuesl6:\xc0\x00\x02\x01\x1a\xe1\
        5:short18:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09\x1a\xe1i7eee1:t2:aa1:y1:re";
    let read = answer(datagram);
    assert_eq!(read.values.unwrap(), [address("192.0.2.1:6881"), address("[2001:db8::9]:6881")]);
    assert_eq!((read.values_odd, read.token), (2, Some(&b"aoeusnth"[..])));
    assert!(read.raw.starts_with(b"d2:id20:") && read.raw.ends_with(b"i7eee"));
    assert_eq!(parse(datagram).unwrap().seen_at, Some(address("203.0.113.7:0")));
}

#[test]
fn reads_samples() {
    let datagram = b"d1:rd2:id20:abcdefghij01234567898:intervali21600e3:numi-1e7:samples40:\
        mnopqrstuvwxyz123456abcdefghij0123456789e1:t2:aa1:y1:re";
    let samples = answer(datagram).samples.unwrap();
    assert_eq!(samples.info_hashes, [InfoHashV1(PLACE.0), InfoHashV1(ID.0)]);
    assert_eq!((samples.interval_s, samples.count), (Some(21_600), None));
    assert_eq!(parse(datagram).unwrap().odd, ["num"]);
}

#[test]
fn reads_and_writes_a_refusal() {
    let datagram = b"d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee";
    assert_eq!(parse(datagram).unwrap().body, Body::Error { code: 201, text: b"A Generic Error Ocurred" });
    assert_eq!(parse(b"d1:eli-5ee1:t2:aa1:y1:ee").unwrap().body, Body::Error { code: -5, text: b"" });
    let written = encode_error(b"aa", 203, "no token of ours");
    assert_eq!(parse(&written).unwrap().body, Body::Error { code: 203, text: b"no token of ours" });
}

#[test]
fn an_unknown_method_is_not_garbage() {
    let datagram = b"d1:ad2:id20:abcdefghij0123456789e1:q4:vote1:t2:aa1:y1:qe";
    assert_eq!(parse(datagram).unwrap().body, Body::UnknownQuery { id: ID, method: b"vote" });
}

#[test]
fn an_odd_extra_spoils_nothing() {
    let datagram = b"d2:ip3:abc1:rd2:id20:abcdefghij0123456789e2:ro1:11:t2:aa1:vi5e1:y1:re";
    let read = parse(datagram).unwrap();
    assert_eq!((read.seen_at, read.read_only, read.version), (None, false, None));
    assert_eq!(read.odd, ["v", "ro", "ip"]);
    assert!(parse(b"d1:y1:r1:t2:aa1:rd2:id20:abcdefghij0123456789ee").is_ok(), "unsorted keys are met in practice");
}

#[test]
fn refuses_bad_datagrams() {
    use bencode::Rule as B;
    let long = [b"d1:rd2:id20:abcdefghij01234567895:token257:".as_slice(), &[b'x'; 257], b"e1:t2:aa1:y1:re"].concat();
    let many_nodes = [b"d1:rd2:id20:abcdefghij01234567895:nodes1690:".as_slice(), &[1; 1690], b"e1:t2:aa1:y1:re"].concat();
    let many_values =
        [b"d1:rd2:id20:abcdefghij01234567896:valuesl".as_slice(), &b"0:".repeat(1001), b"ee1:t2:aa1:y1:re"].concat();
    let many_samples = [b"d1:rd2:id20:abcdefghij01234567897:samples6020:".as_slice(), &[1; 6020], b"e1:t2:aa1:y1:re"].concat();
    let cases: &[(&[u8], Rule)] = &[
        (b"", Rule::Bencode(B::Truncated)),
        (b"hello", Rule::Bencode(B::UnknownType)),
        (b"d1:t2:aae", Rule::Type),
        (b"d1:t2:aa1:y1:re ", Rule::Bencode(B::Trailing)),
        (b"d1:t2:aa1:t2:aa1:y1:re", Rule::Bencode(B::KeyDuplicate)),
        (b"dlelelelelelelee", Rule::Bencode(B::KeyType)),
        (b"d1:xllllllllleeeeeeeeee", Rule::Bencode(B::TooDeep)),
        (b"le", Rule::NotADict),
        (b"de", Rule::Transaction),
        (b"d1:t0:1:y1:qe", Rule::Transaction),
        (b"d1:ti5e1:y1:qe", Rule::Transaction),
        (b"d1:t33:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx1:y1:qe", Rule::Transaction),
        (b"d1:t2:aa1:y1:ze", Rule::Type),
        (b"d1:t2:aa1:yi1ee", Rule::Type),
        (b"d1:ade1:t2:aa1:y1:qe", Rule::Method),
        (b"d1:ade1:q0:1:t2:aa1:y1:qe", Rule::Method),
        (b"d1:q4:ping1:t2:aa1:y1:qe", Rule::Arguments),
        (b"d1:ade1:q4:ping1:t2:aa1:y1:qe", Rule::Id),
        (b"d1:ad2:id19:abcdefghij012345678e1:q4:ping1:t2:aa1:y1:qe", Rule::Id),
        (b"d1:ad2:id20:abcdefghij0123456789e1:q9:find_node1:t2:aa1:y1:qe", Rule::Target),
        (b"d1:ad2:id20:abcdefghij01234567899:info_hash3:abce1:q9:get_peers1:t2:aa1:y1:qe", Rule::Target),
        (b"d1:ad2:id20:abcdefghij01234567896:targeti1ee1:q17:sample_infohashes1:t2:aa1:y1:qe", Rule::Target),
        (
            b"d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz1234564:porti0e5:token1:xe1:q13:announce_peer1:t2:aa1:y1:qe",
            Rule::Port,
        ),
        (
            b"d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz1234564:porti65536e5:token1:xe1:q13:announce_peer1:t2:aa1:y1:qe",
            Rule::Port,
        ),
        (
            b"d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz1234564:porti1ee1:q13:announce_peer1:t2:aa1:y1:qe",
            Rule::Token,
        ),
        (b"d1:t2:aa1:y1:re", Rule::Response),
        (b"d1:rle1:t2:aa1:y1:re", Rule::Response),
        (b"d1:rde1:t2:aa1:y1:re", Rule::Id),
        (b"d1:rd2:id20:abcdefghij01234567895:nodes25:aaaaaaaaaaaaaaaaaaaaaaaaae1:t2:aa1:y1:re", Rule::Nodes),
        (b"d1:rd2:id20:abcdefghij01234567895:nodeslee1:t2:aa1:y1:re", Rule::Nodes),
        (b"d1:rd2:id20:abcdefghij01234567896:nodes626:aaaaaaaaaaaaaaaaaaaaaaaaaae1:t2:aa1:y1:re", Rule::Nodes),
        (b"d1:rd2:id20:abcdefghij01234567896:values6:aaaaaae1:t2:aa1:y1:re", Rule::Values),
        (b"d1:rd2:id20:abcdefghij01234567895:tokeni5ee1:t2:aa1:y1:re", Rule::Token),
        (b"d1:rd2:id20:abcdefghij01234567897:samples21:aaaaaaaaaaaaaaaaaaaaae1:t2:aa1:y1:re", Rule::Samples),
        (&long, Rule::Token),
        (&many_nodes, Rule::TooMany),
        (&many_values, Rule::TooMany),
        (&many_samples, Rule::TooMany),
        (&[b'l'; 8193], Rule::Bencode(B::TooLong)),
        (b"d1:t2:aa1:y1:ee", Rule::Error),
        (b"d1:ele1:t2:aa1:y1:ee", Rule::Error),
        (b"d1:e3:bad1:t2:aa1:y1:ee", Rule::Error),
    ];
    for (datagram, rule) in cases {
        let got = parse(datagram).map(|message| message.body).unwrap_err();
        assert_eq!(got.rule, *rule, "{:?}", datagram.escape_ascii());
        assert!(got.offset <= datagram.len());
    }
}

/// Whatever is read is read from within the datagram, and within the limits.
fn check_bounds(datagram: &[u8]) {
    let limits = Limits { bytes_max: 1_000, nodes_max: 4, values_max: 4, samples_max: 4 };
    let Ok(message) = Message::parse(datagram, &limits) else { return };
    assert!(datagram.len() <= 1_000 && (1..=TRANSACTION_LENGTH_MAX).contains(&message.transaction.len()));
    if let Body::Answer(answer) = message.body {
        assert!(answer.nodes.len() <= 4 && answer.nodes6.len() <= 4);
        assert!(answer.values.is_none_or(|values| values.len() <= 4));
        assert!(answer.samples.is_none_or(|samples| samples.info_hashes.len() <= 4));
        assert!(answer.token.is_none_or(|token| token.len() <= TOKEN_LENGTH_MAX));
        assert!(datagram.windows(answer.raw.len()).any(|window| window == answer.raw));
    }
}

/// Datagrams that are nearly right, from pieces of real ones.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(Vec::from([
        &b"1:t2:aa"[..],
        b"1:y1:r",
        b"1:y1:q",
        b"1:y1:e",
        b"1:rd",
        b"1:ad",
        b"e",
        b"2:id20:abcdefghij0123456789",
        b"5:nodes26:aaaaaaaaaaaaaaaaaaaaaaaaaa",
        b"6:nodes6",
        b"6:valuesl6:aaaaaae",
        b"5:token1:x",
        b"1:q9:get_peers",
        b"9:info_hash20:mnopqrstuvwxyz123456",
        b"1:eli201e1:xe",
        b"4:wantl2:n4e",
        b"7:samples20:mnopqrstuvwxyz123456",
        b"2:roi1e",
        b"2:ip6:aaaaaa",
    ]));
    prop::collection::vec(piece, 0..12).prop_map(|pieces| [b"d".as_slice(), &pieces.concat(), b"e"].concat())
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, nearly in nearly()) {
        check_bounds(&bytes);
        check_bounds(&nearly);
    }

    #[test]
    fn a_changed_or_cut_byte_never_panics(at in 0usize..300, byte: u8, cut in 0usize..300) {
        let node = Node { id: PLACE, address: address("192.0.2.1:6881") };
        let reply = Reply { id: ID, nodes: Some(&[node; 4]), nodes6: Some(&[]) };
        let mut written = encode_reply(b"aa", &reply, address("198.51.100.7:5000"));
        let at = at % written.len();
        written[at] = byte;
        check_bounds(&written);
        check_bounds(&written[..cut.min(written.len())]);
    }

    #[test]
    fn every_query_reads_back(id: [u8; 20], target: [u8; 20], port in prop::option::of(1u16..), token in prop::collection::vec(any::<u8>(), 0..=256),
        transaction in prop::collection::vec(any::<u8>(), 1..=32), v4: bool, v6: bool, read_only: bool) {
        let target = NodeId(target);
        let info_hash = InfoHashV1(target.0);
        for ask in [Ask::Ping, Ask::FindNode { target }, Ask::GetPeers { info_hash }, Ask::SampleInfohashes { target },
            Ask::AnnouncePeer { info_hash, port, token: &token }] {
            let query = Query { id: NodeId(id), ask, want: Some(Want { v4, v6 }) };
            let written = encode_query(&transaction, &query, read_only);
            let read = parse(&written).unwrap();
            prop_assert_eq!((read.transaction, read.read_only, read.body), (&transaction[..], read_only, Body::Query(query)));
        }
    }
}
