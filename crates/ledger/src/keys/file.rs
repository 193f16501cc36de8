//! Keys in files: PKCS#8 (RFC 8410) in PEM, as `openssl genpkey -algorithm ed25519` writes them, with or without a
//! password.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use zeroize::Zeroizing;

use super::sealed::{self, Pem};
use super::{AskPassword, Key, Password};
use crate::{Fault, durable};

impl<Role> Key<Role> {
    /// Reads a key file that is under no password.
    ///
    /// # Errors
    /// If others than its owner may read it, it is not an Ed25519 key in PKCS#8 PEM, it is under a password, or the key
    /// is weak.
    pub fn load(path: &Path) -> Result<Self, Fault> {
        Self::load_asking(path, None)
    }

    /// As [`Key::load`], also of a file under a password, which `ask` is asked for.
    ///
    /// # Errors
    /// As [`Key::load`], or if there is no password or it is the wrong one.
    pub fn load_asking(path: &Path, ask: Option<&dyn AskPassword>) -> Result<Self, Fault> {
        let refuse = |why: String| Fault::Key { path: path.into(), why };
        let pem = read(path)?;
        let seed = match sealed::parse(&pem) {
            Some(Pem::Plain(seed)) => seed,
            Some(Pem::Sealed(sealed)) => {
                let ask = ask.ok_or_else(|| refuse("is under a password, and nobody is asked for one here".into()))?;
                let password =
                    ask.password(&path.display().to_string()).map_err(|why| refuse(format!("is under a password: {why}")))?;
                sealed.open(&password).ok_or_else(|| refuse("does not open under this password".into()))?
            }
            None => return Err(refuse("is not an ed25519 private key in PKCS#8 PEM".into())),
        };
        Self::from_seed(&seed).map_err(|_| refuse("holds a weak key: make another".into()))
    }

    /// Writes a key file for its owner's eyes only, under a password if one is given.
    ///
    /// # Errors
    /// If a file is there already, writing fails, or the key stays in its token.
    pub fn save(&self, path: &Path, password: Option<&Password>) -> Result<(), Fault> {
        durable::create_secret(path, self.pem(path, password)?.as_bytes())
    }

    /// Writes the key over its own file, under a password. The old file is there, whole, until the new one is.
    ///
    /// # Errors
    /// As [`Key::save`].
    pub fn save_over(&self, path: &Path, password: &Password) -> Result<(), Fault> {
        durable::replace_secret(path, self.pem(path, Some(password))?.as_bytes())
    }

    fn pem(&self, path: &Path, password: Option<&Password>) -> Result<Zeroizing<String>, Fault> {
        let refuse = |why: &str| Fault::Key { path: path.into(), why: why.into() };
        let seed = Zeroizing::new(self.secret.seed().ok_or_else(|| refuse("cannot hold a key that stays in its token"))?);
        let pem = match password {
            None => sealed::plain(&seed),
            Some(password) => sealed::seal(&seed, password),
        };
        pem.ok_or_else(|| refuse("could not be encoded"))
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let file = File::open(path).map_err(Fault::io("open the key file", path))?;
    // Asked of the open file, so that it cannot be exchanged in between.
    let mode = file.metadata().map_err(Fault::io("look at the key file", path))?.permissions().mode();
    if mode & 0o077 != 0 {
        let mode = mode & 0o7777;
        let why = format!("may be read by others (mode {mode:04o}): chmod 600 it, and replace the key if others have read it");
        return Err(Fault::Key { path: path.into(), why });
    }
    // As long as it may become, so that no copy of it is left behind by growing.
    let mut pem = Zeroizing::new(Vec::with_capacity(sealed::MAX_BYTES + 1));
    file.take(sealed::MAX_BYTES as u64 + 1).read_to_end(&mut pem).map_err(Fault::io("read the key file", path))?;
    Ok(pem)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::path::PathBuf;
    use std::process::{Command, Output};

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::keys::RootKey;
    use crate::testing::{Says, seed};

    const HEAD: &str = "-----BEGIN PRIVATE KEY-----\n";
    const FOOT: &str = "\n-----END PRIVATE KEY-----\n";

    fn saved() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        RootKey::from_seed(&seed("root")).unwrap().save(&path, None).unwrap();
        (folder, path)
    }

    #[test]
    fn a_key_file_reads_back_and_is_not_written_over() {
        let (_folder, path) = saved();
        let key = RootKey::load(&path).unwrap();
        assert_eq!(key.kid(), RootKey::from_seed(&seed("root")).unwrap().kid());
        assert!(key.save(&path, None).is_err());
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

    fn openssl(words: &[&str]) -> Output {
        let answer = Command::new("openssl").args(words).output().unwrap();
        assert!(answer.status.success(), "{words:?}: {}", String::from_utf8_lossy(&answer.stderr));
        answer
    }

    #[test]
    fn a_file_under_a_password_opens_under_it_and_under_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.pem");
        let key = RootKey::from_seed(&seed("root")).unwrap();
        key.save(&path, Some(&Password::new("correct horse".into()))).unwrap();
        let load = |password| RootKey::load_asking(&path, Some(&Says(password)));
        assert_eq!(load("correct horse").unwrap().kid(), key.kid());
        assert!(load("battery staple").unwrap_err().to_string().contains("does not open under this password"));
        assert!(load("").unwrap_err().to_string().contains("no password in a test"));
        assert!(RootKey::load(&path).unwrap_err().to_string().contains("is under a password"));
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(&STANDARD.encode(seed("root"))[..16]), "the seed shows");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        key.save_over(&path, &Password::new("another".into())).unwrap();
        assert_eq!(load("another").unwrap().kid(), key.kid());
        assert!(load("correct horse").is_err());
        let text = fs::read_to_string(&path).unwrap();
        // One bit of the sealed bytes, at the start, in the middle and at the end.
        for at in [40, text.len() / 2, text.len() - 40] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            fs::write(&path, bytes).unwrap();
            assert!(matches!(load("another"), Err(Fault::Key { .. })), "{at}");
        }
    }

    #[test]
    fn openssl_and_we_open_each_others_passwords() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let key = RootKey::from_seed(&seed("root")).unwrap();
        key.save(at("ours").as_ref(), Some(&Password::new("secret".into()))).unwrap();
        let answer = openssl(&["pkey", "-in", &at("ours"), "-passin", "pass:secret", "-pubout", "-outform", "DER"]);
        assert_eq!(&answer.stdout[12..], key.public().as_bytes());

        key.save(at("plain").as_ref(), None).unwrap();
        for scheme in [&["-scrypt"][..], &["-v2", "aes-256-cbc"], &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512"]] {
            let (plain, theirs) = (at("plain"), at("theirs"));
            let mut words = vec!["pkcs8", "-topk8", "-in", &plain, "-out", &theirs, "-passout", "pass:secret"];
            words.extend(scheme);
            openssl(&words);
            fs::set_permissions(&theirs, Permissions::from_mode(0o600)).unwrap();
            let read = RootKey::load_asking(theirs.as_ref(), Some(&Says("secret"))).unwrap();
            assert_eq!(read.kid(), key.kid(), "{scheme:?}");
        }
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
        let mut der = STANDARD.decode(good[HEAD.len()..].strip_suffix(FOOT).unwrap()).unwrap();
        der[16..].fill(0);
        let zeros = format!("{HEAD}{}{FOOT}", STANDARD.encode(der));
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
}
