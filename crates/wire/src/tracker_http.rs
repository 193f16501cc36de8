//! HTTP trackers: what is asked and what is answered. BEP 3, 7 (IPv6), 23 (compact), 31 (retry in), 48 (scrape).
//!
//! Only bytes: the request is a URL, the answer is a body. Trackers write dictionaries carelessly, so unsorted keys
//! are tolerated in answers, and a count or an interval that is
//! none is set aside by its key without spoiling the peers beside it.

mod answer;
mod request;

pub use answer::{Announce, AnnounceAnswer, Limits, Scrape, ScrapeAnswer, ScrapeCounts, TrackerPeer};
pub use request::{AnnounceRequest, Event, scrape_url};

use crate::bencode;
use crate::fault::{Fault, rules};

/// Bytes that are not a tracker's answer.
pub type Error = Fault<Rule>;

rules! {
    /// The rules of tracker answers over HTTP.
    pub enum Rule {
        [Bencode(bencode::Rule)]
        NotADict "tracker-not-a-dict" "a tracker's answer must be a dictionary",
        Empty "tracker-empty" "a tracker's announce answer must have peers, an interval or a failure reason",
        Reason "tracker-reason" "a tracker's failure reason must be a string",
        Peers "tracker-peers" "peers must be whole packed addresses or a list of dictionaries",
        Peer "tracker-peer" "a peer's dictionary must have an ip and a port",
        TooMany "tracker-too-many" "a tracker's answer names more than the limit",
        Files "tracker-files" "a scrape answer must have files by info-hash",
    }
}
