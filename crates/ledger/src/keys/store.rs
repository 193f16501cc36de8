//! The `keys/` folder of a station, and where else its keys may be.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use evidence::PublicKey;
use evidence::control::Role;

use super::{
    AnalystKey, AskPassword, ErasureKey, Key, Keys, LogKey, Password, RegistrarKey, RootKey, TokenKey, TokenPlace, WorkerKey,
};
use crate::{Fault, durable};

/// The `keys/` folder of a station.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
    root: Option<PathBuf>,
    credentials: Option<PathBuf>,
    ask: Option<Arc<dyn AskPassword>>,
    log_token: Option<TokenPlace>,
}

impl Store {
    /// The keys of the station at `station`.
    pub fn of(station: &Path) -> Self {
        Self { folder: station.join("keys"), root: None, credentials: None, ask: None, log_token: None }
    }

    /// Who is asked for passwords and PINs. Without, only what is under none can be used.
    pub fn asking(self, ask: Arc<dyn AskPassword>) -> Self {
        Self { ask: Some(ask), ..self }
    }

    /// A root key that is kept elsewhere, as it should be: on a medium that is at the station only when root signs.
    pub fn with_root_at(self, path: Option<PathBuf>) -> Self {
        Self { root: path, ..self }
    }

    /// A folder that is looked into first, by the same file names: systemd's `$CREDENTIALS_DIRECTORY`.
    pub fn with_credentials(self, folder: Option<PathBuf>) -> Self {
        Self { credentials: folder, ..self }
    }

    /// A token that holds the log key.
    pub fn with_log_token(self, place: Option<TokenPlace>) -> Self {
        Self { log_token: place, ..self }
    }

    /// Writes the founding keys, root under a password if one is given.
    pub(crate) fn save(&self, keys: &Keys, root_password: Option<&Password>) -> Result<(), Fault> {
        durable::create_folder(&self.folder)?;
        let root = self.root.clone().unwrap_or_else(|| self.folder.join("root.pem"));
        keys.root.save(&root, root_password)?;
        if self.log_token.is_none() {
            keys.log.save(&self.folder.join("log.pem"), None)?;
        }
        keys.registrar.save(&self.folder.join("registrar.pem"), None)?;
        keys.worker.save(&self.folder.join("worker.pem"), None)
    }

    /// Reads the root key.
    ///
    /// # Errors
    /// As [`Key::load_asking`].
    pub fn root(&self) -> Result<RootKey, Fault> {
        match &self.root {
            Some(path) => self.load(path),
            None => self.load(&self.find("root.pem")),
        }
    }

    pub(crate) fn log(&self) -> Result<LogKey, Fault> {
        match &self.log_token {
            Some(place) => Key::in_token(TokenKey::open(place, &self.pin(place)?)?),
            None => self.load(&self.find("log.pem")),
        }
    }

    /// Makes a log key in the token, where the store names one.
    ///
    /// # Errors
    /// If the token does not serve.
    pub fn generate_log(&self) -> Result<LogKey, Fault> {
        match &self.log_token {
            Some(place) => Key::in_token(TokenKey::generate(place, &self.pin(place)?)?),
            None => Key::generate(),
        }
    }

    pub(crate) fn registrar(&self) -> Result<RegistrarKey, Fault> {
        self.load(&self.find("registrar.pem"))
    }

    pub(crate) fn worker(&self) -> Result<WorkerKey, Fault> {
        self.load(&self.find("worker.pem"))
    }

    /// The key that is to follow as the station's worker or registrar: made now, or by an attempt that was cut short.
    ///
    /// # Errors
    /// If it cannot be written or read, or the key in use is a credential, which only its owner can exchange.
    pub fn coming(&self, role: Role) -> Result<PublicKey, Fault> {
        let own = self.folder.join(format!("{role}.pem"));
        if self.find(&format!("{role}.pem")) != own {
            return Err(Fault::refused(format!("the {role}'s key is a credential from elsewhere: exchange it there")));
        }
        let next = self.folder.join(format!("{role}.next.pem"));
        if !next.exists() {
            // The role is only a type: the file is read back as the one that it is named for.
            Key::<super::Worker>::generate()?.save(&next, None)?;
        }
        Ok(self.load::<super::Worker>(&next)?.public())
    }

    /// Puts the key that is to follow in place of the one in use, which is gone.
    ///
    /// # Errors
    /// If the file cannot be renamed.
    pub fn exchange(&self, role: Role) -> Result<(), Fault> {
        durable::rename(&self.folder.join(format!("{role}.next.pem")), &self.folder.join(format!("{role}.pem")))
    }

    fn find(&self, file: &str) -> PathBuf {
        let credential = self.credentials.as_ref().map(|folder| folder.join(file));
        credential.filter(|path| path.exists()).unwrap_or_else(|| self.folder.join(file))
    }

    fn load<Role>(&self, path: &Path) -> Result<Key<Role>, Fault> {
        Key::load_asking(path, self.ask.as_deref())
    }

    fn pin(&self, place: &TokenPlace) -> Result<Password, Fault> {
        let of = format!("the token {}", place.token);
        let ask = self.ask.as_ref().ok_or_else(|| Fault::refused(format!("{of} has a PIN, and nobody is asked for it here")))?;
        ask.password(&of).map_err(|why| Fault::refused(format!("{of} has a PIN: {why}")))
    }

    /// Reads `people/<slug>.pem` as an analyst's key.
    ///
    /// # Errors
    /// As [`Key::load_asking`], or if the slug is not lower-case letters, digits and hyphens.
    pub fn analyst(&self, slug: &str) -> Result<AnalystKey, Fault> {
        self.load(&self.person(slug)?)
    }

    /// Reads `people/<slug>.pem` as an erasure officer's key.
    ///
    /// # Errors
    /// As [`Store::analyst`].
    pub fn erasure(&self, slug: &str) -> Result<ErasureKey, Fault> {
        self.load(&self.person(slug)?)
    }

    /// Writes `people/<slug>.pem`, under a password if one is given.
    ///
    /// # Errors
    /// As [`Key::save`], or if the slug is not lower-case letters, digits and hyphens.
    pub fn save_person<Role>(&self, slug: &str, key: &Key<Role>, password: Option<&Password>) -> Result<(), Fault> {
        let path = self.person(slug)?;
        durable::create_folder(&self.folder.join("people"))?;
        key.save(&path, password)
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
    use crate::testing::{Says, key, seed};

    #[test]
    fn a_slug_cannot_leave_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::of(folder.path());
        let key = AnalystKey::from_seed(&seed("a")).unwrap();
        for bad in ["", "../root", "a/b", "A", "a.b", "é", &"a".repeat(65)] {
            assert!(store.save_person(bad, &key, None).is_err(), "{bad}");
        }
        store.save_person("a-reviewer", &key, None).unwrap();
        assert_eq!(store.analyst("a-reviewer").unwrap().kid(), key.kid());
    }

    #[test]
    fn a_credential_comes_before_the_folder_and_root_may_be_elsewhere() {
        let (station, credentials, stick) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = Store::of(station.path()).with_root_at(Some(stick.path().join("root.pem"))).asking(Arc::new(Says("secret")));
        let keys = Keys { root: key("root"), log: key("log"), registrar: key("reg"), worker: key("w1") };
        store.save(&keys, Some(&Password::new("secret".into()))).unwrap();
        assert!(!station.path().join("keys/root.pem").exists());
        assert_eq!(store.root().unwrap().kid(), keys.root.kid());
        assert!(Store::of(station.path()).root().is_err(), "the station alone has no root key");

        let store = store.with_credentials(Some(credentials.path().into()));
        assert_eq!(store.worker().unwrap().kid(), keys.worker.kid());
        key::<super::super::Worker>("w2").save(&credentials.path().join("worker.pem"), None).unwrap();
        assert_eq!(store.worker().unwrap().kid(), key::<super::super::Worker>("w2").kid());
    }
}
