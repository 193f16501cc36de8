//! A witness: its key, its logs, and its answer to a request.

use std::fs;
use std::path::{Path, PathBuf};

use evidence::{Utc, sha256};
use ledger::durable;
use ledger::keys::WitnessKey;
use tlog::VerifierKey;
use tlog::note::KeyName;

use crate::Fault;
use crate::decision::{Refusal, decide};
use crate::request::Request;
use crate::signatures::{line_of, signed_by_log};
use crate::store::{Kept, Store, bounded};

/// How far the clock may stand before the last cosignature: small steps of a disciplined clock.
const CLOCK_TOLERANCE_S: u64 = 2;
/// Proofs of forks that are kept: each is one a log key had to sign, and the first says it all.
const MAX_FORKS: usize = 64;

/// What goes back to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The content type.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// A witness opened for work. There is one at a time for a folder.
///
/// ```text
/// <witness>/
///   writer.lock               held by the one process that works on it
///   witness.pem               the key: PKCS#8, mode 0600
///   witness.txt               its verifier key, which logs put in their anchors; written last when founding
///   logs.txt                  the verifier keys of the logs it knows
///   logs/<sha256 of origin>.txt   what it cosigned last for each
///   forks/<size>-<root>.txt   requests that prove a fork
/// ```
#[derive(Debug)]
pub struct Witness {
    folder: PathBuf,
    verifier: VerifierKey,
    key: WitnessKey,
    store: Store,
}

impl Witness {
    /// Founds a witness with a new key in an empty or new folder.
    ///
    /// # Errors
    /// If there is a witness already, or a file cannot be written.
    pub fn create(folder: &Path, name: &KeyName) -> Result<Self, Fault> {
        Self::create_with(folder, name, WitnessKey::generate()?)
    }

    /// As [`Witness::create`], with a key that was made before.
    ///
    /// # Errors
    /// As [`Witness::create`].
    pub fn create_with(folder: &Path, name: &KeyName, key: WitnessKey) -> Result<Self, Fault> {
        let verifier = key.verifier(name)?;
        durable::create_folder(folder)?;
        let store = Store::create(folder)?;
        key.save(&folder.join("witness.pem"), None)?;
        durable::replace(&folder.join("witness.txt"), format!("{verifier}\n").as_bytes())?;
        Ok(Self { folder: folder.into(), verifier, key, store })
    }

    /// Opens a witness.
    ///
    /// # Errors
    /// If another process works on it, or its past is strange.
    pub fn open(folder: &Path) -> Result<Self, Fault> {
        let verifier = Self::read_key(folder)?;
        let key = WitnessKey::load(&folder.join("witness.pem"))?;
        if key.public().as_bytes() != verifier.public_key() {
            return Err(Fault::strange("witness.pem is not the key that witness.txt names: bring the right one back"));
        }
        Ok(Self { folder: folder.into(), verifier, key, store: Store::open(folder)? })
    }

    /// Reads the verifier key of the witness in this folder, beside whoever works on it.
    ///
    /// # Errors
    /// If there is none.
    pub fn read_key(folder: &Path) -> Result<VerifierKey, Fault> {
        let path = folder.join("witness.txt");
        if !path.exists() {
            return Err(Fault::refused(format!("there is no witness in {}: found it first", folder.display())));
        }
        let text = bounded(&path, 1024)?;
        let key = text.strip_suffix('\n').and_then(|text| text.parse().ok());
        key.ok_or_else(|| Fault::strange(format!("{} is damaged: bring it back from a copy", path.display())))
    }

    /// The verifier key, for anchors.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Takes on a log, from its empty tree.
    ///
    /// # Errors
    /// If its origin is known already, the key is not a log's, or a file cannot be written.
    pub fn trust(&mut self, log: VerifierKey) -> Result<(), Fault> {
        if log.public_key() == self.verifier.public_key() {
            return Err(Fault::refused("the log's key is this witness's own"));
        }
        self.store.trust(log)
    }

    /// The logs it knows, and what it cosigned last for each.
    ///
    /// # Errors
    /// If a file is missing or damaged.
    pub fn logs(&self) -> Result<Vec<Kept>, Fault> {
        self.store.logs().iter().map(|log| self.store.read(log)).collect()
    }

    /// Answers `POST /add-checkpoint`. C2SP `tlog-witness`.
    pub fn add_checkpoint(&mut self, body: &[u8], now: Utc) -> Response {
        match self.cosign(body, now) {
            Ok(Ok(lines)) => Response { status: 200, content_type: "text/plain; charset=utf-8", body: lines },
            Ok(Err(refusal)) => refused(&refusal),
            Err(fault) => {
                // The log is told that it is not its doing; what it is, is for the witness's operator.
                tracing::error!(%fault, "nothing was cosigned");
                Response {
                    status: 500,
                    content_type: "text/plain; charset=utf-8",
                    body: "this witness cannot cosign now; its operator must look at its log\n".into(),
                }
            }
        }
    }

    fn cosign(&mut self, body: &[u8], now: Utc) -> Result<Result<String, Refusal>, Fault> {
        let request = match Request::parse(body) {
            Ok(request) => request,
            Err(fault) => return Ok(Err(fault.into())),
        };
        let new = request.signed.checkpoint();
        let Some(log) = self.store.key(new.origin()).cloned() else {
            return Ok(Err(Refusal::UnknownLog));
        };
        let kept = self.store.read(&log)?;
        if let Err(refusal) = decide(&log, &kept.last, &request) {
            if matches!(refusal, Refusal::OtherRoot { .. }) {
                self.keep_fork(&kept, &request)?;
            }
            return Ok(Err(refusal));
        }
        let time_unix_s = self.time(&kept, now)?;
        self.store.compare_and_swap(&kept, new, time_unix_s)?;
        let mut cosigned = signed_by_log(&request.signed, &log).map_err(Fault::strange)?;
        let at = Utc::from_ms(i64::try_from(time_unix_s).unwrap_or(i64::MAX / 1000).saturating_mul(1000));
        self.key.cosign(self.verifier.name(), &mut cosigned, at)?;
        Ok(Ok(line_of(&cosigned, &self.verifier).unwrap_or_default()))
    }

    /// Keeps what proves that a log has forked. Only the holder of the log's key can make such a request.
    fn keep_fork(&self, kept: &Kept, request: &Request) -> Result<(), Fault> {
        let checkpoint = request.signed.checkpoint();
        tracing::error!(origin = %checkpoint.origin(), size = checkpoint.size(), "the log has forked; both heads are signed");
        let folder = self.folder.join("forks");
        durable::create_folder(&folder)?;
        let name = sha256(checkpoint.to_text().as_bytes()).to_string();
        let path = folder.join(format!("{}-{}.txt", checkpoint.size(), &name[..16]));
        let held = fs::read_dir(&folder).map_err(Fault::io("list", &folder))?.count();
        if held >= MAX_FORKS || path.exists() {
            return Ok(());
        }
        let mut bytes = format!("cosigned\n{}\nsubmitted\n", kept.last.to_text()).into_bytes();
        bytes.extend(request.signed.to_bytes());
        Ok(durable::replace(&path, &bytes)?)
    }

    fn time(&self, kept: &Kept, now: Utc) -> Result<u64, Fault> {
        let now_s = u64::try_from(now.ms().div_euclid(1000)).unwrap_or(0);
        if now_s + CLOCK_TOLERANCE_S < kept.time_unix_s {
            return Err(Fault::strange(format!(
                "the clock shows {now}, before the last cosignature of {}: set the clock right",
                kept.last.origin()
            )));
        }
        Ok(now_s.max(kept.time_unix_s))
    }
}

fn refused(refusal: &Refusal) -> Response {
    let (content_type, body) = match refusal.last_size() {
        Some(size) => ("text/x.tlog.size", format!("{size}\n")),
        None => ("text/plain; charset=utf-8", format!("{refusal}\n")),
    };
    Response { status: refusal.status(), content_type, body }
}

#[cfg(test)]
mod tests;
