//! The extension handshake: a dictionary in which every field is the peer's to invent. BEP 10.

use wire::extension::{ExtensionHandshake, LT_DONTHAVE, OwnHandshake, UT_HOLEPUNCH, UT_METADATA, UT_PEX};

use crate::{Seed, seeds as named};

pub(crate) fn run(data: &[u8]) {
    let theirs = match ExtensionHandshake::parse(data) {
        Ok(theirs) => theirs,
        Err(fault) => return assert!(fault.offset <= data.len(), "a fault lies within the input: {fault}"),
    };
    assert_eq!([theirs.raw, theirs.trailing].concat(), data, "a dictionary and what follows it");
    for name in [LT_DONTHAVE, UT_METADATA, UT_PEX] {
        assert_ne!(theirs.message_id(name), Some(0), "0 takes an offer back");
    }
    for odd in &theirs.odd {
        assert!(data.windows(odd.raw.len().max(1)).any(|part| part == odd.raw), "an odd field is quoted");
    }
    assert!(theirs.request_queue.is_none_or(|count| count >= 0));
    let alone = ExtensionHandshake::parse(theirs.raw).expect("the dictionary can be read alone");
    assert_eq!(format!("{:?}", ExtensionHandshake { trailing: &[], ..theirs.clone() }), format!("{alone:?}"));

    // What we would answer with the same facts is read as such.
    let client = theirs.client.map(String::from_utf8_lossy).unwrap_or_default();
    let ours = OwnHandshake {
        client: &client,
        lt_donthave: theirs.message_id(LT_DONTHAVE),
        ut_holepunch: theirs.message_id(UT_HOLEPUNCH),
        ut_metadata: theirs.message_id(UT_METADATA),
        ut_pex: theirs.message_id(UT_PEX),
        port: theirs.port,
        yourip: theirs.yourip,
    };
    let payload = ours.payload();
    let read = ExtensionHandshake::parse(&payload).expect("what we write can be read");
    assert!(read.odd.is_empty() && read.unknown.is_empty() && read.trailing.is_empty());
    assert_eq!(
        (read.client, read.message_id(UT_METADATA), read.message_id(UT_PEX), read.port, read.yourip),
        (Some(client.as_bytes()), ours.ut_metadata, ours.ut_pex, ours.port, ours.yourip)
    );
    assert_eq!(read.message_id(LT_DONTHAVE), ours.lt_donthave);
}

pub(crate) fn seeds() -> Vec<Seed> {
    named([
        ("every-field", EVERY_FIELD),
        // Another library ends its process upon this number of requests.
        ("regression-reqq-beyond-32-bits", b"d1:md11:ut_metadatai2ee4:reqqi5000000000ee"),
        ("reqq-negative", b"d1:mde4:reqqi-1ee"),
        ("port-too-large", b"d1:pi65536ee"),
        ("id-too-large", b"d1:md6:ut_pexi256eee"),
        ("taken-back", b"d1:md11:ut_metadatai0e6:ut_pexi0eee"),
        ("client-no-utf8", b"d1:v3:\xff\x00ze"),
        ("addresses-of-odd-length", b"d4:ipv43:\xc0\x00\x024:ipv64:\x20\x01\x0d\xb86:yourip5:\xc0\x00\x02\x01\x00e"),
        ("wide-size", b"d13:metadata_sizei99999999999999999999ee"),
        ("m-a-list", b"d1:mlee"),
        ("trailing", b"d1:mdeetrailing"),
        ("unsorted", b"d1:v1:a1:mdee"),
    ])
}

/// What a client says that says all it can.
pub(crate) const EVERY_FIELD: &[u8] = b"d1:ei1e12:complete_agoi5e4:ipv44:\xc0\x00\x02\x014:ipv616:\x20\x01\x0d\xb8\x00\x00\
    \x00\x00\x00\x00\x00\x00\x00\x00\x00\x071:md11:lt_donthavei7e11:upload_onlyi3e12:ut_holepunchi4e11:ut_metadatai2e6:ut_pexi1ee\
    13:metadata_sizei31235e1:pi51413e4:reqqi500e11:upload_onlyi1e1:v16:synthetic/1.2.306:yourip4:\xc0\x00\x02\x63e";
