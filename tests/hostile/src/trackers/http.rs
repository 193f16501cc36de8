//! Answers over HTTP, to announces and scrapes. BEP 3, 7, 23, 31, 48.

use wire::tracker_http::{AnnounceAnswer, Limits, ScrapeAnswer};

use crate::{Seed, seeds as named};

/// Small, so that they are met.
const SMALL: Limits = Limits { bytes_max: 512, items_max: 40 };

pub(crate) fn run(data: &[u8]) {
    for limits in [Limits::default(), SMALL] {
        match AnnounceAnswer::parse(data, &limits) {
            Ok(AnnounceAnswer::Peers(announce)) => {
                assert!(data.len() <= limits.bytes_max);
                assert!(announce.peers.len() <= data.len() / 6, "every peer has its bytes");
                let _ = format!("{announce:?}");
            }
            Ok(other) => drop(format!("{other:?}")),
            Err(fault) => assert!(fault.offset <= data.len(), "a fault lies within the input: {fault}"),
        }
        match ScrapeAnswer::parse(data, &limits) {
            Ok(ScrapeAnswer::Counts(scrape)) => assert!(scrape.files.len() <= data.len() / 20),
            Ok(other) => drop(format!("{other:?}")),
            Err(fault) => assert!(fault.offset <= data.len(), "a fault lies within the input: {fault}"),
        }
    }
}

pub(crate) fn seeds() -> Vec<Seed> {
    named([
        (
            "compact",
            b"d8:completei3e10:incompletei2e8:intervali1800e12:min intervali60e5:peers12:\xc0\x00\x02\x01\x1a\xe1\xc0\x00\x02\x02\x1a\xe1\
              6:peers618:\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\x1a\xe1e",
        ),
        (
            "dictionaries",
            b"d8:intervali900e5:peersld2:ip9:192.0.2.17:peer id20:-qB4520-abcdefghijkl4:porti6881eed2:ip12:peer.example4:porti1eeee",
        ),
        ("failure", b"d14:failure reason9:not today8:retry in5:nevere"),
        ("retry", b"d14:failure reason4:busy8:retry ini5ee"),
        ("warning", b"d11:external ip4:\xc0\x00\x02\x638:intervali60e5:peers0:10:tracker id3:abc15:warning message4:slowe"),
        ("half-a-peer", b"d8:intervali60e5:peers7:\xc0\x00\x02\x01\x1a\xe1\xc0e"),
        ("wide-interval", b"d8:intervali99999999999999999999e5:peers0:e"),
        ("negative-interval", b"d8:intervali-1e5:peers0:e"),
        ("scrape", b"d5:filesd20:\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07d8:completei1e10:downloadedi2e10:incompletei3eeee"),
        ("scrape-flags", b"d5:filesde5:flagsd20:min_request_intervali300eee"),
        ("page", b"<html><body>404 not found</body></html>"),
    ])
}
