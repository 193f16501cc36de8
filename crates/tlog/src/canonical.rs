//! Values that have exactly one spelling: decimals without leading zeroes and padded standard base64.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Reads an unsigned decimal: digits only, no sign, no leading zero, within `u64`.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let digits_only = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    if !digits_only || leading_zero {
        return None;
    }
    text.parse().ok()
}

/// Writes standard base64 (RFC 4648, section 4) with padding.
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads standard base64; `None` unless writing the answer gives back the same text.
pub(crate) fn parse_base64(text: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(text).ok()?;
    // The decoder already refuses stray bits and missing padding; comparing keeps that promise ours, not the library's.
    (to_base64(&bytes) == text).then_some(bytes)
}

/// Reads lowercase hex of exactly `N` bytes.
pub(crate) fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = (hex_digit(pair[0])? << 4) | hex_digit(pair[1])?;
    }
    Some(bytes)
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_has_one_spelling() {
        assert_eq!(parse_decimal("0"), Some(0));
        assert_eq!(parse_decimal("18446744073709551615"), Some(u64::MAX));
        for bad in ["", "00", "01", "+1", "-1", " 1", "1 ", "1_0", "0x1", "١", "18446744073709551616"] {
            assert_eq!(parse_decimal(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(parse_base64("AQ=="), Some(alloc::vec![1]));
        for bad in ["AQ", "AQ=", "AR==", "AQ==\n", " AQ==", "AQ==AQ==", "-_8=", "AQ==="] {
            assert_eq!(parse_base64(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn hex_is_lowercase_and_of_one_length() {
        assert_eq!(parse_hex::<2>("0aff"), Some([0x0a, 0xff]));
        for bad in ["0AFF", "0af", "0afff", "0xff", "", "0a f", "é0a"] {
            assert_eq!(parse_hex::<2>(bad), None, "{bad:?}");
        }
    }
}
