//! A claim to a piece taken back. BEP 54.

/// Reads the payload of an `lt_donthave` message: the piece that is no longer there, or nothing if it is not four bytes.
pub fn parse(payload: &[u8]) -> Option<u32> {
    payload.try_into().ok().map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_bytes_and_no_others() {
        assert_eq!(parse(&[0, 0, 1, 2]), Some(258));
        for bad in [&[][..], &[1, 2, 3], &[1, 2, 3, 4, 5]] {
            assert_eq!(parse(bad), None);
        }
    }
}
