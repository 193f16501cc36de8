//! Ed25519 as this project decides it: one signature at a time, strictly.
//!
//! Batch and cofactored verification disagree with strict verification on crafted signatures, so they never decide.

use core::fmt;

use ed25519_dalek::{Signature, VerifyingKey};

/// Why a public key or a signature was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The 32 bytes are not the canonical encoding of a curve point.
    NotAKey,
    /// The key is a point of small order, under which anybody can sign.
    WeakKey,
    /// The signature is not one of this key over this message.
    BadSignature,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAKey => "the bytes are not an ed25519 public key in canonical form",
            Self::WeakKey => "the ed25519 public key is weak: anybody can sign for it",
            Self::BadSignature => "the ed25519 signature does not verify",
        })
    }
}

impl core::error::Error for Refused {}

/// Says whether these bytes may serve as a public key at all.
///
/// # Errors
/// [`Refused::NotAKey`] or [`Refused::WeakKey`].
pub fn check_public_key(public_key: &[u8; 32]) -> Result<(), Refused> {
    strong_key(public_key).map(|_| ())
}

/// Verifies one signature by RFC 8032 with the strict rules: canonical `s`, no small-order key and no small-order `R`.
///
/// # Errors
/// Says whether the key or the signature was at fault.
pub fn verify_strict(public_key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Result<(), Refused> {
    strong_key(public_key)?.verify_strict(message, &Signature::from_bytes(signature)).map_err(|_| Refused::BadSignature)
}

fn strong_key(public_key: &[u8; 32]) -> Result<VerifyingKey, Refused> {
    if !is_reduced(public_key) {
        return Err(Refused::NotAKey);
    }
    let key = VerifyingKey::from_bytes(public_key).map_err(|_| Refused::NotAKey)?;
    if key.is_weak() {
        return Err(Refused::WeakKey);
    }
    Ok(key)
}

/// Whether the y coordinate is below p = 2^255 - 19. The curve library reduces larger ones, which would give some keys
/// two spellings and so two key ids.
fn is_reduced(public_key: &[u8; 32]) -> bool {
    let top = public_key[31] & 0x7f;
    let all_ones = top == 0x7f && public_key[1..31].iter().all(|byte| *byte == 0xff);
    !(all_ones && public_key[0] >= 0xed)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;

    #[test]
    fn only_the_signed_message_verifies() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let public_key = key.verifying_key().to_bytes();
        let signature = key.sign(b"message").to_bytes();
        assert_eq!(verify_strict(&public_key, b"message", &signature), Ok(()));
        assert_eq!(verify_strict(&public_key, b"massage", &signature), Err(Refused::BadSignature));
        for bit in 0..512 {
            let mut flipped = signature;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(verify_strict(&public_key, b"message", &flipped), Err(Refused::BadSignature), "bit {bit}");
        }
    }

    #[test]
    fn weak_and_unreduced_keys_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(check_public_key(&identity), Err(Refused::WeakKey));
        assert_eq!(check_public_key(&[0; 32]), Err(Refused::WeakKey));
        // With the identity as key, R = identity and s = 0 satisfy the equation for every message.
        let mut universal = [0; 64];
        universal[0] = 1;
        assert_eq!(verify_strict(&identity, b"anything", &universal), Err(Refused::WeakKey));

        // p + 1 is a second spelling of the identity, p + 3 of an ordinary y.
        let mut unreduced = [0xff; 32];
        unreduced[31] = 0x7f;
        for low in 0xed..=0xff {
            unreduced[0] = low;
            assert_eq!(check_public_key(&unreduced), Err(Refused::NotAKey), "{low:#x}");
        }
        // p - 1 is reduced, and of order two.
        unreduced[0] = 0xec;
        assert_eq!(check_public_key(&unreduced), Err(Refused::WeakKey));
        // y = 2 is not on the curve.
        let mut off_curve = [0; 32];
        off_curve[0] = 2;
        assert_eq!(check_public_key(&off_curve), Err(Refused::NotAKey));
    }

    #[test]
    fn an_unreduced_s_is_refused() {
        const GROUP_ORDER: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let key = SigningKey::from_bytes(&[7; 32]);
        let mut signature = key.sign(b"message").to_bytes();
        let mut carry = 0;
        for (byte, order) in signature[32..].iter_mut().zip(GROUP_ORDER) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            *byte = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        assert_eq!(verify_strict(&key.verifying_key().to_bytes(), b"message", &signature), Err(Refused::BadSignature));
    }

    #[test]
    fn a_small_order_r_is_refused() {
        // R is the identity and s = H(R, A, M) · a: the owner of the key made it, and lenient verifiers (OpenSSL among
        // them) accept it. Strict ones do not, and ours must be among those.
        const S: [u8; 32] = [
            0xd4, 0xc5, 0x32, 0x31, 0x31, 0xff, 0x96, 0x83, 0xcf, 0xb3, 0xd3, 0x01, 0x97, 0xc7, 0x86, 0xc9, 0x04, 0x3f, 0x10,
            0x52, 0xd6, 0xc2, 0xd5, 0x29, 0x3f, 0x19, 0xd6, 0xf3, 0x6b, 0x91, 0x11, 0x04,
        ];
        let public_key = SigningKey::from_bytes(&[7; 32]).verifying_key();
        let mut signature = [0; 64];
        signature[0] = 1;
        signature[32..].copy_from_slice(&S);
        assert!(ed25519_dalek::Verifier::verify(&public_key, b"message", &Signature::from_bytes(&signature)).is_ok());
        assert_eq!(verify_strict(public_key.as_bytes(), b"message", &signature), Err(Refused::BadSignature));
    }
}
