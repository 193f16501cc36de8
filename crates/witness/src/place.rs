//! Where a log is served: a folder, or an address on the web. C2SP `tlog-tiles`: `checkpoint` and `tile/…`.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tlog::SignedCheckpoint;
use tlog::tile::{TILE_WIDTH, Tile};

/// Longest `checkpoint`: three lines and at most 64 signatures.
const MAX_CHECKPOINT_BYTES: usize = 32 << 10;
/// A full hash tile.
const MAX_TILE_BYTES: usize = TILE_WIDTH as usize * 32;
/// How long one file may take.
const FILE_WITHIN: Duration = Duration::from_secs(10);

/// Where a log is served.
#[derive(Clone, Debug)]
pub enum Place {
    /// A folder, such as a shard's.
    Folder(PathBuf),
    /// What `checkpoint` and `tile/…` are relative to, without a slash at its end.
    Web {
        /// The address.
        base: String,
        /// Asks.
        client: reqwest::Client,
    },
}

impl Place {
    /// `https://…` and `http://…` are on the web, all else is a folder.
    ///
    /// # Errors
    /// If the HTTP client cannot be set up.
    pub fn of(text: &str) -> Result<Self, PlaceFault> {
        if !text.starts_with("https://") && !text.starts_with("http://") {
            return Ok(Self::Folder(text.into()));
        }
        Ok(Self::Web { base: text.trim_end_matches('/').into(), client: http_client(FILE_WITHIN)? })
    }

    /// The checkpoint served now, signatures unverified.
    ///
    /// # Errors
    /// If it cannot be had, or is none.
    pub async fn checkpoint(&self) -> Result<SignedCheckpoint, PlaceFault> {
        let bytes = self.read("checkpoint", MAX_CHECKPOINT_BYTES).await?;
        SignedCheckpoint::parse(&bytes).map_err(|fault| self.fault("checkpoint", fault, false))
    }

    /// The hashes of a tile, or of the full one that replaced it.
    pub(crate) async fn tile(&self, tile: &Tile) -> Result<Vec<u8>, PlaceFault> {
        let exact = self.read(&tile.to_string(), MAX_TILE_BYTES).await;
        match (exact, Tile::new(tile.content(), tile.index(), TILE_WIDTH)) {
            (Err(fault), Ok(full)) if fault.is_missing && full != *tile => {
                self.read(&full.to_string(), MAX_TILE_BYTES).await.map_err(|_| fault)
            }
            (exact, _) => exact,
        }
    }

    async fn read(&self, path: &str, max_bytes: usize) -> Result<Vec<u8>, PlaceFault> {
        match self {
            Self::Folder(folder) => {
                let file = folder.join(path);
                let read = async {
                    let length = tokio::fs::metadata(&file).await?.len();
                    if length > max_bytes as u64 {
                        return Err(std::io::Error::other("longer than it can be"));
                    }
                    tokio::fs::read(&file).await
                };
                read.await.map_err(|fault| self.fault(path, &fault, fault.kind() == std::io::ErrorKind::NotFound))
            }
            Self::Web { base, client } => {
                let response = client.get(format!("{base}/{path}")).send().await;
                let response = response.map_err(|fault| self.fault(path, why(&fault), false))?;
                let status = response.status().as_u16();
                if status != 200 {
                    return Err(self.fault(path, format!("status {status}"), status == 404 || status == 410));
                }
                bounded_body(response, max_bytes).await.map_err(|fault| self.fault(path, fault, false))
            }
        }
    }

    fn fault(&self, path: &str, why: impl fmt::Display, is_missing: bool) -> PlaceFault {
        PlaceFault { what: format!("could not read {path} of {self}: {why}"), is_missing }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::Web { base, .. } => f.write_str(base),
        }
    }
}

/// A file of a log could not be had.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct PlaceFault {
    what: String,
    /// It is not there, rather than out of reach.
    is_missing: bool,
}

impl PlaceFault {
    pub(crate) fn new(what: impl fmt::Display) -> Self {
        Self { what: what.to_string(), is_missing: false }
    }

    pub(crate) fn missing(what: impl fmt::Display) -> Self {
        Self { what: what.to_string(), is_missing: true }
    }

    pub(crate) const fn is_missing(&self) -> bool {
        self.is_missing
    }
}

/// A client without proxies from the environment, which only the program reads, and without redirects.
pub(crate) fn http_client(within: Duration) -> Result<reqwest::Client, PlaceFault> {
    let builder = reqwest::Client::builder()
        .user_agent("affiant-witness")
        .timeout(within)
        .connect_timeout(within)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false);
    builder.build().map_err(|_| PlaceFault::new("the HTTP client could not be set up"))
}

/// Reads a body that may not be longer.
pub(crate) async fn bounded_body(mut response: reqwest::Response, max_bytes: usize) -> Result<Vec<u8>, &'static str> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|fault| why(&fault))? {
        if bytes.len() + chunk.len() > max_bytes {
            return Err("the answer is longer than it can be");
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The kind of a failure. The library's own words name addresses.
pub(crate) fn why(fault: &reqwest::Error) -> &'static str {
    if fault.is_timeout() {
        "no answer in time"
    } else if fault.is_connect() {
        "no connection"
    } else if fault.is_builder() {
        "its address is not one"
    } else {
        "the answer was cut short"
    }
}

#[cfg(test)]
mod tests;
