//! Public keys in files: `SubjectPublicKeyInfo` (RFC 8410) in PEM, as `openssl pkey -pubout` writes it.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evidence::PublicKey;

use crate::Fault;

/// `SubjectPublicKeyInfo { algorithm id-Ed25519, BIT STRING key }`, up to the key.
const PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const HEAD: &str = "-----BEGIN PUBLIC KEY-----\n";
const FOOT: &str = "\n-----END PUBLIC KEY-----\n";

/// The text of a public key's file.
pub fn public_pem(key: &PublicKey) -> String {
    let der = [&PREFIX[..], key.as_bytes()].concat();
    format!("{HEAD}{}{FOOT}", STANDARD.encode(der))
}

/// Reads the file of a public key.
///
/// # Errors
/// If it cannot be read, is not an Ed25519 public key in PEM, or the key is weak.
pub fn read_public(path: &Path) -> Result<PublicKey, Fault> {
    let refuse = |why: &str| Fault::Key { path: path.into(), why: why.into() };
    let text = fs::read_to_string(path).map_err(Fault::io("read the key file", path))?;
    let key = parse(&text).ok_or_else(|| refuse("is not an ed25519 public key in PEM: make it with 'openssl pkey -pubout'"))?;
    tlog::ed25519::check_public_key(key.as_bytes()).map_err(|_| refuse("holds a weak key: make another"))?;
    Ok(key)
}

fn parse(text: &str) -> Option<PublicKey> {
    let der = STANDARD.decode(text.strip_prefix(HEAD)?.strip_suffix(FOOT)?).ok()?;
    let key: [u8; 32] = der.strip_prefix(&PREFIX)?.try_into().ok()?;
    Some(PublicKey::from(key))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::keys::RootKey;
    use crate::testing::seed;

    #[test]
    fn what_openssl_writes_is_what_we_write() {
        let folder = tempfile::tempdir().unwrap();
        let (private, public) = (folder.path().join("a.pem"), folder.path().join("a.pub"));
        let key = RootKey::from_seed(&seed("root")).unwrap();
        key.save(&private, None).unwrap();
        let made = Command::new("openssl").args(["pkey", "-pubout", "-in"]).arg(&private).arg("-out").arg(&public).status();
        assert!(made.unwrap().success());
        assert_eq!(fs::read_to_string(&public).unwrap(), public_pem(&key.public()));
        assert_eq!(read_public(&public).unwrap(), key.public());
    }

    #[test]
    fn other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pub");
        let good = public_pem(&RootKey::from_seed(&seed("root")).unwrap().public());
        let identity: [u8; 32] = std::array::from_fn(|at| u8::from(at == 0));
        for bad in [
            String::new(),
            good.trim_end().into(),
            good.replace("PUBLIC", "PRIVATE"),
            good.replace("MCowBQ", "MCowBA"),
            good.replace('\n', "\r\n"),
            good.repeat(2),
            public_pem(&PublicKey::from(identity)),
        ] {
            fs::write(&path, &bad).unwrap();
            assert!(matches!(read_public(&path), Err(Fault::Key { .. })), "{bad}");
        }
        fs::write(&path, good).unwrap();
        read_public(&path).unwrap();
    }
}
