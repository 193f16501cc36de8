//! Announce and scrape requests as URLs.

use alloc::format;
use alloc::string::String;

use crate::infohash::InfoHashV1;
use crate::peer_id::PeerId;
use crate::tracker_url::{Scheme, TrackerUrl};

/// What we tell a tracker. BEP 3.
///
/// The counts are what is true of a monitor: `left` is the whole content for as long as it has none of it, and
/// `uploaded` is zero for ever, so there is no field for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnounceRequest<'a> {
    /// The torrent.
    pub info_hash: InfoHashV1,
    /// What we call ourselves in this torrent.
    pub peer_id: PeerId,
    /// The port we listen on.
    pub port: u16,
    /// Content received from peers since `started`, in bytes.
    pub downloaded: u64,
    /// Content not yet had, in bytes. More than zero, or we would be announcing a seed.
    pub left: u64,
    /// Why we announce, if not only because time has passed.
    pub event: Option<Event>,
    /// How many peers we would like.
    pub numwant: Option<u32>,
    /// What identifies us when our address changes.
    pub key: Option<u32>,
    /// What the tracker told us to repeat.
    pub tracker_id: Option<&'a [u8]>,
}

/// Why an announce is made. There is no `completed`: a monitor completes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// The first announce.
    Started,
    /// The last announce.
    Stopped,
}

impl AnnounceRequest<'_> {
    /// The query, without a question mark.
    pub fn query(&self) -> String {
        let mut query = format!(
            "info_hash={}&peer_id={}&port={}&uploaded=0&downloaded={}&left={}&compact=1",
            percent(&self.info_hash.0),
            percent(&self.peer_id.0),
            self.port,
            self.downloaded,
            self.left,
        );
        if let Some(event) = self.event {
            query.push_str(match event {
                Event::Started => "&event=started",
                Event::Stopped => "&event=stopped",
            });
        }
        if let Some(numwant) = self.numwant {
            query.push_str(&format!("&numwant={numwant}"));
        }
        if let Some(key) = self.key {
            query.push_str(&format!("&key={key:08x}"));
        }
        if let Some(id) = self.tracker_id {
            query.push_str(&format!("&trackerid={}", percent(id)));
        }
        query
    }

    /// The URL to get. `None` for a UDP tracker.
    pub fn url(&self, announce: &TrackerUrl) -> Option<String> {
        is_http(announce).then(|| with_query(announce.without_fragment(), &self.query()))
    }
}

/// The URL that answers for these torrents' counts, or `None` where the tracker has none: a UDP tracker, or a path
/// whose last part does not begin with `announce`. BEP 48.
pub fn scrape_url(announce: &TrackerUrl, info_hashes: &[InfoHashV1]) -> Option<String> {
    if !is_http(announce) {
        return None;
    }
    let url = announce.without_fragment();
    let (before_query, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    let path_at = before_query.len() - announce.path_and_query().split('?').next()?.len();
    let slash = before_query[path_at..].rfind('/')? + path_at;
    let (folder, last) = before_query.split_at(slash + 1);
    let mut scrape = format!("{folder}scrape{}", last.strip_prefix("announce")?);
    if let Some(query) = query {
        scrape.push('?');
        scrape.push_str(query);
    }
    Some(info_hashes.iter().fold(scrape, |url, hash| with_query(&url, &format!("info_hash={}", percent(&hash.0)))))
}

const fn is_http(url: &TrackerUrl) -> bool {
    matches!(url.scheme(), Scheme::Http | Scheme::Https)
}

fn with_query(url: &str, query: &str) -> String {
    let joint = match url.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some((_, before)) if before.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{url}{joint}{query}")
}

/// Percent-encodes every byte but RFC 3986's unreserved ones.
fn percent(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(*byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request() -> AnnounceRequest<'static> {
        AnnounceRequest {
            info_hash: InfoHashV1(*b"\x00\x12ABCabc-._~ &=%\xff\xfe/?"),
            peer_id: PeerId(*b"-AF0100-abcdefghijkl"),
            port: 6881,
            downloaded: 16_384,
            left: 5_000_000_000,
            event: None,
            numwant: None,
            key: None,
            tracker_id: None,
        }
    }

    #[test]
    fn writes_the_query() {
        assert_eq!(
            request().query(),
            "info_hash=%00%12ABCabc-._~%20%26%3D%25%FF%FE%2F%3F&peer_id=-AF0100-abcdefghijkl&port=6881\
             &uploaded=0&downloaded=16384&left=5000000000&compact=1"
        );
        let full = AnnounceRequest {
            event: Some(Event::Started),
            numwant: Some(200),
            key: Some(0xbeef),
            tracker_id: Some(b"a b"),
            ..request()
        };
        assert!(full.query().ends_with("&compact=1&event=started&numwant=200&key=0000beef&trackerid=a%20b"));
        let last = AnnounceRequest { event: Some(Event::Stopped), numwant: Some(0), ..request() };
        assert!(last.query().ends_with("&event=stopped&numwant=0"));
    }

    #[test]
    fn joins_the_query_to_any_url() {
        let joined = |text: &str| request().url(&TrackerUrl::parse(text).unwrap());
        let query = request().query();
        for (url, start) in [
            ("http://a.example/announce", "http://a.example/announce?"),
            ("http://a.example", "http://a.example?"),
            ("http://a.example/announce?", "http://a.example/announce?"),
            ("http://a.example/announce?pass=1", "http://a.example/announce?pass=1&"),
            ("http://a.example/announce?pass=1&", "http://a.example/announce?pass=1&"),
            ("http://a.example/announce?x#frag", "http://a.example/announce?x&"),
        ] {
            assert_eq!(joined(url), Some(format!("{start}{query}")));
        }
        assert_eq!(joined("udp://a.example:1/announce"), None);
    }

    #[test]
    fn scrape_follows_the_rule_of_the_last_part() {
        let scrape = |text: &str| scrape_url(&TrackerUrl::parse(text).unwrap(), &[]);
        for (announce, due) in [
            ("http://a.example/announce", Some("http://a.example/scrape")),
            ("http://a.example/x/announce", Some("http://a.example/x/scrape")),
            ("http://a.example/announce.php", Some("http://a.example/scrape.php")),
            ("http://a.example/announce?x2%0644", Some("http://a.example/scrape?x2%0644")),
            ("http://a.example/announce?x=2/4", Some("http://a.example/scrape?x=2/4")),
            ("http://a.example/a", None),
            ("http://a.example/", None),
            ("http://a.example", None),
            ("http://announce.example", None),
            ("http://a.example/x%064announce", None),
            ("http://a.example/announce/x", None),
            ("udp://a.example:1/announce", None),
        ] {
            assert_eq!(scrape(announce).as_deref(), due, "{announce}");
        }
        let url = TrackerUrl::parse("http://a.example/announce?k=1").unwrap();
        let two = scrape_url(&url, &[InfoHashV1([0x41; 20]), InfoHashV1([0x42; 20])]).unwrap();
        let due = format!("http://a.example/scrape?k=1&info_hash={}&info_hash={}", "A".repeat(20), "B".repeat(20));
        assert_eq!(two, due);
    }

    proptest! {
        #[test]
        fn a_url_always_reads_back(hash: [u8; 20], id: [u8; 20], path in "[/a-z?&=#]{0,20}") {
            let base = TrackerUrl::parse(&format!("http://a.example/{path}")).unwrap();
            let ours = AnnounceRequest { info_hash: InfoHashV1(hash), peer_id: PeerId(id), ..request() };
            let url = ours.url(&base).unwrap();
            prop_assert!(url.bytes().all(|byte| byte.is_ascii_graphic()) && !url.contains('#'));
            prop_assert!(TrackerUrl::parse(&url).is_ok());
            let _ = scrape_url(&base, &[InfoHashV1(hash)]);
        }
    }
}
