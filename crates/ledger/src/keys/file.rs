//! Keys in files: PKCS#8 (RFC 8410) in PEM, as `openssl genpkey -algorithm ed25519` writes them.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{AnalystKey, ErasureKey, Key, Keys, LogKey, RegistrarKey, RootKey, WorkerKey, wipe};
use crate::{Fault, durable};

/// `PrivateKeyInfo { version 0, algorithm 1.3.101.112, OCTET STRING { OCTET STRING seed } }`, up to the seed.
const PREFIX: [u8; 16] = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
const DER_BYTES: usize = PREFIX.len() + 32;
const HEAD: &str = "-----BEGIN PRIVATE KEY-----\n";
const FOOT: &str = "\n-----END PRIVATE KEY-----\n";
/// Sixty-four characters of base64 between head and foot; one byte more tells that a file is longer.
const PEM_BYTES: usize = HEAD.len() + 64 + FOOT.len();

impl<Role> Key<Role> {
    /// Reads a key file.
    ///
    /// # Errors
    /// If others than its owner may read it, it is not an Ed25519 key in PKCS#8 PEM without a password, or the key is weak.
    pub fn load(path: &Path) -> Result<Self, Fault> {
        let refuse = |why: String| Fault::Key { path: path.into(), why };
        let mut file = File::open(path).map_err(Fault::io("open the key file", path))?;
        // Asked of the open file, so that it cannot be exchanged in between.
        let mode = file.metadata().map_err(Fault::io("look at the key file", path))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(refuse(format!(
                "may be read by others (mode {:04o}): chmod 600 it, and replace the key if others have read it",
                mode & 0o7777
            )));
        }
        let mut pem = [0; PEM_BYTES + 1];
        let mut length = 0;
        while length < pem.len() {
            match file.read(&mut pem[length..]).map_err(Fault::io("read the key file", path))? {
                0 => break,
                count => length += count,
            }
        }
        let mut seed = parse(&pem[..length]);
        wipe(&mut pem);
        let key = match &seed {
            Some(seed) => Self::from_seed(seed).map_err(|_| refuse("holds a weak key: make another".into())),
            None => Err(refuse("is not an ed25519 private key in PKCS#8 PEM without a password".into())),
        };
        if let Some(seed) = &mut seed {
            wipe(seed);
        }
        key
    }

    /// Writes a key file for its owner's eyes only.
    ///
    /// # Errors
    /// If a file is there already, or writing fails.
    pub fn save(&self, path: &Path) -> Result<(), Fault> {
        let mut der = [0; DER_BYTES];
        let mut seed = self.seed();
        der[..PREFIX.len()].copy_from_slice(&PREFIX);
        der[PREFIX.len()..].copy_from_slice(&seed);
        let mut text = [0; 64];
        let encoded = STANDARD.encode_slice(der, &mut text);
        let mut pem = Vec::with_capacity(PEM_BYTES);
        pem.extend_from_slice(HEAD.as_bytes());
        pem.extend_from_slice(&text);
        pem.extend_from_slice(FOOT.as_bytes());
        let saved = match encoded {
            Ok(64) => durable::create_secret(path, &pem),
            _ => Err(Fault::Key { path: path.into(), why: "could not be encoded".into() }),
        };
        for secret in [&mut der[..], &mut seed, &mut text, &mut pem] {
            wipe(secret);
        }
        saved
    }
}

fn parse(pem: &[u8]) -> Option<[u8; 32]> {
    let text = pem.strip_prefix(HEAD.as_bytes())?.strip_suffix(FOOT.as_bytes()).filter(|text| text.len() == 64)?;
    let mut der = [0; DER_BYTES + 2];
    let length = STANDARD.decode_slice(text, &mut der);
    let seed = match length {
        Ok(DER_BYTES) => der[..DER_BYTES].strip_prefix(&PREFIX).and_then(|seed| seed.try_into().ok()),
        _ => None,
    };
    wipe(&mut der);
    seed
}

/// The `keys/` folder of a station.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The keys of the station at `station`.
    pub fn of(station: &Path) -> Self {
        Self { folder: station.join("keys") }
    }

    /// Writes the founding keys.
    pub(crate) fn save(&self, keys: &Keys) -> Result<(), Fault> {
        durable::create_folder(&self.folder)?;
        keys.root.save(&self.folder.join("root.pem"))?;
        keys.log.save(&self.folder.join("log.pem"))?;
        keys.registrar.save(&self.folder.join("registrar.pem"))?;
        keys.worker.save(&self.folder.join("worker.pem"))
    }

    /// Reads `root.pem`, which may be elsewhere than on the station.
    ///
    /// # Errors
    /// As [`Key::load`].
    pub fn root(&self) -> Result<RootKey, Fault> {
        Key::load(&self.folder.join("root.pem"))
    }

    pub(crate) fn log(&self) -> Result<LogKey, Fault> {
        Key::load(&self.folder.join("log.pem"))
    }

    pub(crate) fn registrar(&self) -> Result<RegistrarKey, Fault> {
        Key::load(&self.folder.join("registrar.pem"))
    }

    pub(crate) fn worker(&self) -> Result<WorkerKey, Fault> {
        Key::load(&self.folder.join("worker.pem"))
    }

    /// Reads `people/<slug>.pem` as an analyst's key.
    ///
    /// # Errors
    /// As [`Key::load`], or if the slug is not lower-case letters, digits and hyphens.
    pub fn analyst(&self, slug: &str) -> Result<AnalystKey, Fault> {
        Key::load(&self.person(slug)?)
    }

    /// Reads `people/<slug>.pem` as an erasure officer's key.
    ///
    /// # Errors
    /// As [`Store::analyst`].
    pub fn erasure(&self, slug: &str) -> Result<ErasureKey, Fault> {
        Key::load(&self.person(slug)?)
    }

    /// Writes `people/<slug>.pem`.
    ///
    /// # Errors
    /// As [`Key::save`], or if the slug is not lower-case letters, digits and hyphens.
    pub fn save_person<Role>(&self, slug: &str, key: &Key<Role>) -> Result<(), Fault> {
        let path = self.person(slug)?;
        durable::create_folder(&self.folder.join("people"))?;
        key.save(&path)
    }

    fn person(&self, slug: &str) -> Result<PathBuf, Fault> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if slug.is_empty() || slug.len() > 64 || !slug.bytes().all(fits) {
            return Err(Fault::refused(format!("'{slug}' cannot name a key file: use lower-case letters, digits and hyphens")));
        }
        Ok(self.folder.join("people").join(format!("{slug}.pem")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::seed;
    use std::fs::{self, Permissions};
    use std::process::Command;

    fn saved() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        RootKey::from_seed(&seed("root")).unwrap().save(&path).unwrap();
        (folder, path)
    }

    #[test]
    fn a_key_file_reads_back_and_is_not_written_over() {
        let (_folder, path) = saved();
        let key = RootKey::load(&path).unwrap();
        assert_eq!(key.kid(), RootKey::from_seed(&seed("root")).unwrap().kid());
        assert!(key.save(&path).is_err());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    }

    #[test]
    fn openssl_and_we_read_each_others_files() {
        let (folder, path) = saved();
        let Ok(answer) = Command::new("openssl").args(["pkey", "-pubout", "-outform", "DER", "-in"]).arg(&path).output() else {
            return;
        };
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
        assert_eq!(&answer.stdout[12..], RootKey::load(&path).unwrap().public().as_bytes());

        let theirs = folder.path().join("theirs.pem");
        let made = Command::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(&theirs).status().unwrap();
        assert!(made.success());
        fs::set_permissions(&theirs, Permissions::from_mode(0o600)).unwrap();
        RootKey::load(&theirs).unwrap();
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let (_folder, path) = saved();
        for mode in [0o640, 0o604, 0o644, 0o620, 0o602, 0o610, 0o601, 0o660] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let fault = RootKey::load(&path).unwrap_err().to_string();
            assert!(fault.contains("chmod 600"), "{mode:o} {fault}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        RootKey::load(&path).unwrap();
    }

    #[test]
    fn other_files_are_refused() {
        let (_folder, path) = saved();
        let good = fs::read_to_string(&path).unwrap();
        let zeros = format!("{HEAD}{}{FOOT}", STANDARD.encode([&PREFIX[..], &[0; 32]].concat()));
        for bad in [
            String::new(),
            good.replace("PRIVATE", "PUBLIC"),
            good.replace("PRIVATE", "ENCRYPTED PRIVATE"),
            good.trim_end().into(),
            format!("{good}\n"),
            format!("\n{good}"),
            good.replace("MC4CAQ", "MC4CAA"),
            good.replace("MC4CAQ", "MC4C-Q"),
            good.replace("MC4CAQ", "MC4C"),
            good.replace('\n', "\r\n"),
            good.repeat(9),
            zeros,
        ] {
            fs::write(&path, &bad).unwrap();
            assert!(matches!(RootKey::load(&path), Err(Fault::Key { .. })), "{bad}");
        }
        fs::write(&path, good).unwrap();
        RootKey::load(&path).unwrap();
    }

    #[test]
    fn a_slug_cannot_leave_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::of(folder.path());
        let key = AnalystKey::from_seed(&seed("a")).unwrap();
        for bad in ["", "../root", "a/b", "A", "a.b", "é", &"a".repeat(65)] {
            assert!(store.save_person(bad, &key).is_err(), "{bad}");
        }
        store.save_person("a-reviewer", &key).unwrap();
        assert_eq!(store.analyst("a-reviewer").unwrap().kid(), key.kid());
    }
}
