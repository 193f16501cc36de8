//! A swarm's worth of synthetic content: 4 MiB of noise, its v1 torrent, and folders of its own.

use std::path::{Path, PathBuf};

use sha1::{Digest, Sha1};

pub const PIECE_BYTES: usize = 64 * 1024;
pub const PIECE_COUNT: u32 = 64;
const NAME: &str = "synthetic.bin";

/// One test's files.
pub struct Synthetic {
    root: PathBuf,
    pub content: Vec<u8>,
    pub info_hash: [u8; 20],
}

impl Synthetic {
    /// Makes the content and a torrent that names `announce`, in an empty folder named after the test.
    pub fn new(test: &str, announce: &str) -> Self {
        let root = root(test, std::process::id());
        let content = noise(PIECE_BYTES * PIECE_COUNT as usize);
        let pieces: Vec<u8> = content.chunks(PIECE_BYTES).flat_map(|piece| Sha1::digest(piece).to_vec()).collect();
        let mut info = Vec::new();
        info.extend(format!("d6:lengthi{}e4:name{}:{NAME}", content.len(), NAME.len()).bytes());
        info.extend(format!("12:piece lengthi{PIECE_BYTES}e6:pieces{}:", pieces.len()).bytes());
        info.extend(&pieces);
        info.push(b'e');
        let mut torrent = format!("d8:announce{}:{announce}4:info", announce.len()).into_bytes();
        torrent.extend(&info);
        torrent.push(b'e');
        std::fs::create_dir_all(&root).unwrap();
        std::fs::write(root.join("synthetic.torrent"), torrent).unwrap();
        Self { root, content, info_hash: Sha1::digest(&info).into() }
    }

    /// Clears away what a killed process made for a test.
    pub fn clear(test: &str, process_id: u32) {
        std::fs::remove_dir_all(root(test, process_id)).unwrap();
    }

    pub fn torrent(&self) -> PathBuf {
        self.root.join("synthetic.torrent")
    }

    /// A new empty folder.
    pub fn folder(&self, name: &str) -> PathBuf {
        let folder = self.root.join(name);
        std::fs::create_dir(&folder).unwrap();
        folder
    }

    /// A new folder with the whole content in it.
    pub fn content_folder(&self, name: &str) -> PathBuf {
        let folder = self.folder(name);
        std::fs::write(folder.join(NAME), &self.content).unwrap();
        folder
    }

    /// What is in a folder that a client downloaded into.
    pub fn downloaded(folder: &Path) -> Vec<u8> {
        std::fs::read(folder.join(NAME)).unwrap()
    }
}

fn root(test: &str, process_id: u32) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("clients-{test}-{process_id}"))
}

impl Drop for Synthetic {
    fn drop(&mut self) {
        // A killed client may still be writing; what is left lies in the target folder.
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// The same noise in every run (splitmix64), so that a failure can be repeated.
fn noise(length_bytes: usize) -> Vec<u8> {
    let mut state = 0x5eed_u64;
    let mut bytes = Vec::with_capacity(length_bytes);
    while bytes.len() < length_bytes {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend((word ^ (word >> 31)).to_be_bytes());
    }
    bytes.truncate(length_bytes);
    bytes
}
