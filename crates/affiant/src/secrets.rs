//! Where passwords and PINs come from, and which keys a command may use.

use std::{
    fs,
    io::IsTerminal,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use ledger::{
    Store,
    keys::{AskPassword, Password, TokenPlace},
};

use crate::{args::Place, config::Config};

/// The keys of the station that the command line names.
pub fn store(place: &Place, config: &Config) -> Store {
    let token = config.log_key.clone().map(|key| TokenPlace { module: key.module, token: key.token, label: key.label });
    Store::of(&place.station)
        .with_root_at(place.root_key.clone())
        .with_credentials(credentials())
        .with_log_token(token)
        .asking(Arc::new(Secrets::of(place)))
}

/// Asked for passwords: a file, a credential of systemd, the terminal, whichever there is.
#[derive(Debug)]
pub struct Secrets {
    file: Option<PathBuf>,
}

impl Secrets {
    /// What the command line says.
    pub fn of(place: &Place) -> Self {
        let credential = credentials().map(|folder| folder.join("affiant.password")).filter(|path| path.exists());
        Self { file: place.password_file.clone().or(credential) }
    }

    /// A new password for what is named, typed twice where it is typed.
    pub fn new_password(&self, of: &str) -> Result<Password> {
        if let Some(file) = &self.file {
            return first_line(file).map(Password::new);
        }
        if !std::io::stdin().is_terminal() {
            bail!("{of} needs a password: give --password-file, or run this at a terminal");
        }
        let ask = |what: &str| rpassword::prompt_password(format!("{what} for {of}: ")).context("cannot read from the terminal");
        let (first, second) = (ask("new password")?, ask("the same again")?);
        if first.is_empty() || first != second {
            bail!("the two passwords are not the same, or empty; nothing is changed");
        }
        Ok(Password::new(first))
    }
}

impl AskPassword for Secrets {
    fn password(&self, of: &str) -> Result<Password, String> {
        if let Some(file) = &self.file {
            return first_line(file).map(Password::new).map_err(|fault| format!("{fault:#}"));
        }
        if !std::io::stdin().is_terminal() {
            return Err("give --password-file, or run this at a terminal".into());
        }
        rpassword::prompt_password(format!("password or PIN of {of}: ")).map(Password::new).map_err(|fault| fault.to_string())
    }
}

/// systemd's folder of credentials: `LoadCredential=` and `LoadCredentialEncrypted=` put them there.
fn credentials() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

fn first_line(file: &Path) -> Result<String> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read the password file {}", file.display()))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_string()),
        _ => bail!("the first line of the password file {} is empty", file.display()),
    }
}
