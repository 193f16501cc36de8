//! Identifiers of the messages about a report. All are derived from its UIN, so that writing a message again
//! gives the same message.

use evidence::{Cir, Digest, hex, sha256};

use super::addressing::Mailbox;

/// What the XARF `report_id` is derived under; another use of the UIN has another context.
const REPORT_CONTEXT: &str = "affiant.xarf-report-id/1\n";
/// Longest UIN that stands in a header as it is.
const MAX_TOKEN_BYTES: usize = 64;

/// The `report_id` of a report in XARF: a UUID of version 8 (RFC 9562) over the UIN's SHA-256.
pub fn report_id(cir: &Cir) -> String {
    uuid(&sha256(format!("{REPORT_CONTEXT}{}", cir.uin).as_bytes()))
}

/// The Message-ID of the mail that carries a report, without angle brackets.
pub fn message_id(cir: &Cir, from: &Mailbox) -> String {
    format!("{}@{}", token(cir), from.domain())
}

/// The Message-ID of the mail that retracts it, without angle brackets.
pub(super) fn retraction_id(cir: &Cir, from: &Mailbox) -> String {
    format!("{}.retraction@{}", token(cir), from.domain())
}

/// The UIN where it can stand in a header and a file name, which every UIN of ours can; else the UUID derived
/// from it, so that no record can write headers.
pub(super) fn token(cir: &Cir) -> String {
    let is_plain = (1..=MAX_TOKEN_BYTES).contains(&cir.uin.len())
        && cir.uin.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_plain { cir.uin.clone() } else { report_id(cir) }
}

fn uuid(digest: &Digest) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex::encode(&bytes);
    format!("{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
}
