//! Where a tracker is: the few forms of URL that announces are sent to.
//!
//! Whether a tracker may be contacted (scope, resolved addresses) is not decided here.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

use crate::fault::{Fault, rules};

/// Longest URL that is accepted, in bytes.
pub const LENGTH_MAX: usize = 2_048;

/// Text that is not the URL of a tracker.
pub type Error = Fault<Rule>;

rules! {
    /// The rules for tracker URLs.
    pub enum Rule {
        NotUtf8 "tracker-url-utf8" "a tracker URL must be UTF-8 text",
        TooLong "tracker-url-too-long" "a tracker URL is longer than the limit",
        Character "tracker-url-character" "a tracker URL must be printable ASCII without spaces or quotes",
        Scheme "tracker-url-scheme" "a tracker URL must begin with http://, https:// or udp://",
        UserInfo "tracker-url-user-info" "a tracker URL must not carry a user name",
        Host "tracker-url-host" "a tracker URL must name a host or an IP address",
        Port "tracker-url-port" "a tracker URL's port must be 1 to 65535, and is required for udp",
    }
}

/// How a tracker is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// BEP 3 over plain HTTP.
    Http,
    /// BEP 3 over HTTPS.
    Https,
    /// BEP 15.
    Udp,
}

/// The URL of a tracker, checked and taken apart. It displays exactly as it was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackerUrl {
    text: String,
    scheme: Scheme,
    host: String,
    port: u16,
    path_at: usize,
}

impl TrackerUrl {
    /// Reads a URL from bytes as a torrent has them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let text = core::str::from_utf8(bytes).map_err(|error| Fault::at(error.valid_up_to(), Rule::NotUtf8))?;
        Self::parse(text)
    }

    /// Reads a URL.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > LENGTH_MAX {
            return Err(Fault::at(LENGTH_MAX, Rule::TooLong));
        }
        if let Some(at) = text.bytes().position(|byte| !byte.is_ascii_graphic() || matches!(byte, b'"' | b'<' | b'>' | b'\\')) {
            return Err(Fault::at(at, Rule::Character));
        }
        let (scheme, start, default_port) =
            [("http://", Scheme::Http, Some(80)), ("https://", Scheme::Https, Some(443)), ("udp://", Scheme::Udp, None)]
                .into_iter()
                .find(|(prefix, ..)| text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix)))
                .map(|(prefix, scheme, port)| (scheme, prefix.len(), port))
                .ok_or(Fault::at(0, Rule::Scheme))?;
        let rest = &text[start..];
        let path_at = start + rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let authority = &text[start..path_at];
        if let Some(at) = authority.find('@') {
            return Err(Fault::at(start + at, Rule::UserInfo));
        }
        let (host, port) = split_port(authority).ok_or(Fault::at(start, Rule::Host))?;
        let port = match port {
            None | Some("") => default_port,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
            Some(_) => None,
        };
        let port = port.filter(|port| *port != 0).ok_or(Fault::at(start + host.len(), Rule::Port))?;
        Ok(Self { text: text.to_owned(), scheme, host: host.to_ascii_lowercase(), port, path_at })
    }

    /// The URL as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How the tracker is spoken to.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host in lower case: a name, an IPv4 address, or an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, written or implied.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Everything after host and port, for example `/announce?key=1`; possibly empty. A fragment is left out.
    pub fn path_and_query(&self) -> &str {
        let rest = &self.text[self.path_at..];
        rest.split_once('#').map_or(rest, |(before, _)| before)
    }

    /// The URL without a fragment, to which a query may be added.
    pub(crate) fn without_fragment(&self) -> &str {
        self.text.split_once('#').map_or(&self.text, |(before, _)| before)
    }
}

impl fmt::Display for TrackerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Splits `host:port`, where an IPv6 host is in brackets. `None` if the host is not one.
pub(crate) fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if authority.starts_with('[') {
        let end = authority.find(']')? + 1;
        let (host, rest) = authority.split_at(end);
        host[1..end - 1].parse::<core::net::Ipv6Addr>().ok()?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None if rest.is_empty() => Some((host, None)),
            None => None,
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let named = !host.is_empty()
        && host.len() <= 253
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    named.then_some((host, port))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn takes_urls_apart() {
        let cases = [
            ("http://tracker.example/announce", Scheme::Http, "tracker.example", 80, "/announce"),
            ("https://Tracker.Example:8443/a?k=1#x", Scheme::Https, "tracker.example", 8443, "/a?k=1"),
            ("UDP://192.0.2.1:6969", Scheme::Udp, "192.0.2.1", 6969, ""),
            ("udp://[2001:db8::1]:6969/announce", Scheme::Udp, "[2001:db8::1]", 6969, "/announce"),
            ("http://[2001:db8::1]/announce", Scheme::Http, "[2001:db8::1]", 80, "/announce"),
            ("http://tracker.example:?k=1", Scheme::Http, "tracker.example", 80, "?k=1"),
        ];
        for (text, scheme, host, port, path) in cases {
            let url = TrackerUrl::parse(text).unwrap();
            assert_eq!((url.scheme(), url.host(), url.port(), url.path_and_query()), (scheme, host, port, path));
            assert_eq!(url.as_str(), text);
        }
    }

    #[test]
    fn refuses_other_urls() {
        let cases = [
            ("", 0, Rule::Scheme),
            ("wss://tracker.example/", 0, Rule::Scheme),
            ("file:///etc/passwd", 0, Rule::Scheme),
            ("http:/tracker.example", 0, Rule::Scheme),
            ("http://", 7, Rule::Host),
            ("http:///announce", 7, Rule::Host),
            ("http://a b/", 8, Rule::Character),
            ("http://a/\n", 9, Rule::Character),
            ("http://trackér.example/", 12, Rule::Character),
            ("http://user:pw@tracker.example/", 14, Rule::UserInfo),
            ("http://[::1/announce", 7, Rule::Host),
            ("http://[nonsense]/announce", 7, Rule::Host),
            ("http://[2001:db8::1]x/", 7, Rule::Host),
            ("http://a:0/", 8, Rule::Port),
            ("http://a:65536/", 8, Rule::Port),
            ("http://a:+80/", 8, Rule::Port),
            ("http://a:80:80/", 8, Rule::Port),
            ("udp://tracker.example/announce", 21, Rule::Port),
        ];
        for (text, offset, rule) in cases {
            assert_eq!(TrackerUrl::parse(text), Err(Fault::at(offset, rule)), "{text}");
        }
        assert_eq!(TrackerUrl::from_bytes(b"http://\xff/"), Err(Fault::at(7, Rule::NotUtf8)));
        let long = alloc::format!("http://a/{}", "x".repeat(LENGTH_MAX));
        assert_eq!(TrackerUrl::parse(&long), Err(Fault::at(LENGTH_MAX, Rule::TooLong)));
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,40}", like in "(http|udp)://[a\\[\\]:@/?#0-9.é]{0,20}") {
            let _ = TrackerUrl::parse(&text);
            if let Ok(url) = TrackerUrl::parse(&like) {
                prop_assert!(url.port() != 0 && !url.host().is_empty());
                let _ = url.path_and_query();
            }
        }
    }
}
