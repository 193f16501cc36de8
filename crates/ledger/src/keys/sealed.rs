//! The text of a key file: `PRIVATE KEY`, or `ENCRYPTED PRIVATE KEY` under a password (PBES2, RFC 8018).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use zeroize::Zeroizing;

use super::Password;

/// `PrivateKeyInfo { version 0, algorithm id-Ed25519, OCTET STRING { OCTET STRING seed } }`, up to the seed.
const PREFIX: [u8; 16] = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
const DER_BYTES: usize = PREFIX.len() + 32;
/// Longer than any key file under any of the schemes that are read.
pub(super) const MAX_BYTES: usize = 2048;
/// Characters on a line of PEM. RFC 7468.
const LINE: usize = 64;

type Seed = Zeroizing<[u8; 32]>;

/// What a key file holds.
pub(super) enum Pem {
    /// The seed of a key.
    Plain(Seed),
    /// Something that opens under a password.
    Sealed(Sealed),
}

/// A key under a password.
pub(super) struct Sealed(Vec<u8>);

/// Reads the text of a key file: one PEM block and nothing else.
pub(super) fn parse(pem: &[u8]) -> Option<Pem> {
    if pem.len() > MAX_BYTES {
        return None;
    }
    let pem = str::from_utf8(pem).ok()?;
    if let Some(der) = unwrap(pem, "PRIVATE KEY") {
        return seed_in(&der).map(Pem::Plain);
    }
    let der = unwrap(pem, "ENCRYPTED PRIVATE KEY")?;
    EncryptedPrivateKeyInfoRef::try_from(der.as_slice()).ok()?;
    Some(Pem::Sealed(Sealed(der.to_vec())))
}

impl Sealed {
    /// The seed, if the password is the right one.
    pub(super) fn open(&self, password: &Password) -> Option<Seed> {
        let opened = EncryptedPrivateKeyInfoRef::try_from(self.0.as_slice()).ok()?.decrypt(password.text()).ok()?;
        seed_in(opened.as_bytes())
    }
}

/// The text of a file under no password.
pub(super) fn plain(seed: &[u8; 32]) -> Option<Zeroizing<String>> {
    Some(wrap(&*der_of(seed), "PRIVATE KEY"))
}

/// The text of a file under a password: scrypt (RFC 7914) and AES-256-CBC, which `openssl pkey` reads.
pub(super) fn seal(seed: &[u8; 32], password: &Password) -> Option<Zeroizing<String>> {
    let der = der_of(seed);
    let sealed = PrivateKeyInfoRef::try_from(&der[..]).ok()?.encrypt(password.text()).ok()?;
    Some(wrap(sealed.as_bytes(), "ENCRYPTED PRIVATE KEY"))
}

fn der_of(seed: &[u8; 32]) -> Zeroizing<[u8; DER_BYTES]> {
    let mut der = Zeroizing::new([0; DER_BYTES]);
    der[..PREFIX.len()].copy_from_slice(&PREFIX);
    der[PREFIX.len()..].copy_from_slice(seed);
    der
}

fn seed_in(der: &[u8]) -> Option<Seed> {
    let seed: &[u8; 32] = der.strip_prefix(&PREFIX)?.try_into().ok()?;
    Some(Zeroizing::new(*seed))
}

fn wrap(der: &[u8], label: &str) -> Zeroizing<String> {
    let text = Zeroizing::new(STANDARD.encode(der));
    let mut pem = Zeroizing::new(String::with_capacity(MAX_BYTES));
    pem.push_str(&format!("-----BEGIN {label}-----\n"));
    for start in (0..text.len()).step_by(LINE) {
        pem.push_str(&text[start..text.len().min(start + LINE)]);
        pem.push('\n');
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}

/// The bytes of the one block, if the text is exactly as [`wrap`] writes it.
fn unwrap(pem: &str, label: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = pem.strip_prefix(&format!("-----BEGIN {label}-----\n"))?.strip_suffix(&format!("-----END {label}-----\n"))?;
    let joined = Zeroizing::new(text.split('\n').collect::<String>());
    let der = Zeroizing::new(STANDARD.decode(joined.as_bytes()).ok()?);
    (*wrap(&der, label) == *pem).then_some(der)
}
