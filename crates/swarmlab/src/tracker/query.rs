//! The query of an announce or a scrape: bytes, not text, percent-encoded.

/// The parameters in order, decoded.
pub(super) fn parameters(query: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(key, value)| (decode(key), decode(value))).collect()
}

/// Percent-decoding. A percent sign without two digits stands for itself, and so does a plus sign.
fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).and_then(|two| Some((digit(two[0])?, digit(two[1])?)));
        match (byte, digits) {
            (b'%', Some((high, low))) => {
                out.push(high << 4 | low);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::parameters;

    #[test]
    fn bytes_are_decoded_and_the_odd_is_left() {
        let read = parameters("a=%00%fF+x&b&&c=%&%64=%2");
        let due: [(&[u8], &[u8]); 4] = [(b"a", b"\x00\xff+x"), (b"b", b""), (b"c", b"%"), (b"d", b"%2")];
        assert_eq!(read.iter().map(|(key, value)| (&key[..], &value[..])).collect::<Vec<_>>(), due);
    }
}
