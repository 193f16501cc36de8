//! The key exchange of Diffie and Hellman in the group that MSE fixes.

use core::fmt;

use crypto_bigint::modular::ConstMontyForm;
use crypto_bigint::{U192, U768, const_monty_params};

use super::Fault;
use super::cipher::Secret;

const_monty_params!(
    Prime,
    U768,
    "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a63a36210000000000090563",
    "The prime p. It is safe: (p − 1) / 2 is prime too, so that only 1 and p − 1 generate small groups."
);

type Element = ConstMontyForm<Prime, { U768::LIMBS }>;

const GENERATOR: Element = Element::new(&U768::from_u8(2));

/// Length of a public key, and of the secret, in bytes.
pub(super) const KEY_LENGTH: usize = 96;

/// Length of a private exponent in bytes. The specification asks for 128 bits or more, advises 160, and says that more
/// than 180 gain nothing.
pub(super) const EXPONENT_LENGTH: usize = 20;

/// A private exponent. It serves one handshake.
pub(super) struct PrivateKey(U192);

impl PrivateKey {
    pub(super) fn new(exponent: [u8; EXPONENT_LENGTH]) -> Self {
        let mut wide = [0; 24];
        wide[24 - EXPONENT_LENGTH..].copy_from_slice(&exponent);
        Self(U192::from_be_slice(&wide))
    }

    /// The public key, in a time that does not depend on the exponent.
    pub(super) fn public(&self) -> [u8; KEY_LENGTH] {
        self.raise(&GENERATOR)
    }

    /// The secret shared with the holder of the other public key, in a time that does not depend on the exponent.
    pub(super) fn agree(&self, theirs: &[u8; KEY_LENGTH]) -> Result<Secret, Fault> {
        let theirs = U768::from_be_slice(theirs);
        let last = Element::MODULUS.as_ref().wrapping_sub(&U768::ONE);
        if theirs <= U768::ONE || theirs >= last {
            return Err(Fault::WeakKey);
        }
        Ok(Secret(self.raise(&Element::new(&theirs))))
    }

    fn raise(&self, base: &Element) -> [u8; KEY_LENGTH] {
        const EXPONENT_BITS: u32 = EXPONENT_LENGTH as u32 * 8;
        let mut bytes = [0; KEY_LENGTH];
        bytes.copy_from_slice(base.pow_bounded_exp(&self.0, EXPONENT_BITS).retrieve().to_be_bytes().as_ref());
        bytes
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(number: u8) -> PrivateKey {
        let mut exponent = [0; EXPONENT_LENGTH];
        exponent[EXPONENT_LENGTH - 1] = number;
        PrivateKey::new(exponent)
    }

    fn number(value: &U768) -> [u8; KEY_LENGTH] {
        let mut bytes = [0; KEY_LENGTH];
        bytes.copy_from_slice(value.to_be_bytes().as_ref());
        bytes
    }

    #[test]
    fn a_public_key_is_a_power_of_two() {
        assert_eq!(small(1).public(), number(&U768::from_u8(2)));
        assert_eq!(small(100).public(), number(&(U768::ONE << 100)));
        // 2^768 lies between p and 2 p.
        let p = *Element::MODULUS.as_ref();
        let mut exponent = [0; EXPONENT_LENGTH];
        exponent[EXPONENT_LENGTH - 2..].copy_from_slice(&768_u16.to_be_bytes());
        assert_eq!(PrivateKey::new(exponent).public(), number(&p.wrapping_neg()));
    }

    #[test]
    fn both_sides_agree() {
        let (one, other) = (PrivateKey::new([0xa5; 20]), PrivateKey::new([0x5a; 20]));
        assert_eq!(one.agree(&other.public()).unwrap().0, other.agree(&one.public()).unwrap().0);
        assert_eq!(format!("{one:?} {:?}", one.agree(&other.public())), "PrivateKey(..) Ok(Secret(..))");
    }

    #[test]
    fn weak_public_keys_are_refused() {
        let p = *Element::MODULUS.as_ref();
        let one = U768::ONE;
        for weak in [U768::ZERO, one, p.wrapping_sub(&one), p, p.wrapping_add(&one), U768::MAX] {
            assert_eq!(small(3).agree(&number(&weak)).unwrap_err(), Fault::WeakKey, "{weak}");
        }
        for fair in [U768::from_u8(2), p.wrapping_sub(&U768::from_u8(2))] {
            assert!(small(3).agree(&number(&fair)).is_ok(), "{fair}");
        }
    }
}
