//! `transcripts.pack`: the wire transcripts, one frame each: SHA-256 (32 bytes), length (8 bytes, big-endian), bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use evidence::{Digest, sha256};

use crate::Fault;

const HEADER_BYTES: u64 = 40;

/// No transcript is longer: what a probe receives is bounded to a few blocks.
pub const MAX_TRANSCRIPT_BYTES: usize = 16 << 20;

/// Writes a frame.
pub(crate) fn push_frame(group: &mut Vec<u8>, digest: Digest, transcript: &[u8]) {
    group.extend_from_slice(digest.as_bytes());
    group.extend_from_slice(&(transcript.len() as u64).to_be_bytes());
    group.extend_from_slice(transcript);
}

/// Where a transcript lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) digest: Digest,
    start: u64,
    length: u64,
}

impl Frame {
    /// Where the next frame starts.
    pub(crate) fn end(&self) -> u64 {
        self.start + self.length
    }
}

/// The pack, read frame by frame.
#[derive(Debug)]
pub(crate) struct Pack {
    file: File,
    path: PathBuf,
    /// Where the next frame starts.
    offset: u64,
}

impl Pack {
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        Ok(Self { file: File::open(path).map_err(Fault::io("open", path))?, path: path.into(), offset: 0 })
    }

    /// The next whole frame; nothing at the end or where a frame is torn.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Frame>, Fault> {
        let length = self.file.metadata().map_err(Fault::io("look at", &self.path))?.len();
        if length < self.offset + HEADER_BYTES {
            return Ok(None);
        }
        let mut header = [0; HEADER_BYTES as usize];
        self.file.read_exact_at(&mut header, self.offset).map_err(Fault::io("read", &self.path))?;
        let (mut digest, mut bytes) = ([0; 32], [0; 8]);
        digest.copy_from_slice(&header[..32]);
        bytes.copy_from_slice(&header[32..]);
        let frame = Frame { digest: Digest::from(digest), start: self.offset + HEADER_BYTES, length: u64::from_be_bytes(bytes) };
        if frame.length > MAX_TRANSCRIPT_BYTES as u64 || frame.end() > length {
            return Ok(None);
        }
        self.offset = frame.end();
        Ok(Some(frame))
    }

    /// Whether the frames read so far are all there is.
    pub(crate) fn is_at_end(&self) -> Result<bool, Fault> {
        Ok(self.file.metadata().map_err(Fault::io("look at", &self.path))?.len() == self.offset)
    }

    /// The transcript in a frame, if it is the one that the frame names.
    pub(crate) fn read(&self, frame: &Frame) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; frame.length as usize];
        self.file.read_exact_at(&mut bytes, frame.start).map_err(Fault::io("read", &self.path))?;
        if sha256(&bytes) == frame.digest {
            Ok(bytes)
        } else {
            Err(Fault::strange(format!("the transcript {} in {} is damaged", frame.digest, self.path.display())))
        }
    }
}

/// Finds transcripts by digest. Reads the pack's headers once, and further only for what it has not met.
#[derive(Debug)]
pub(crate) struct Finder {
    pack: Pack,
    frames: BTreeMap<Digest, Frame>,
}

impl Finder {
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        Ok(Self { pack: Pack::open(path)?, frames: BTreeMap::new() })
    }

    pub(crate) fn find(&mut self, digest: Digest) -> Result<Option<Vec<u8>>, Fault> {
        if !self.frames.contains_key(&digest) {
            while let Some(frame) = self.pack.next_frame()? {
                self.frames.insert(frame.digest, frame);
            }
        }
        self.frames.get(&digest).map(|frame| self.pack.read(frame)).transpose()
    }
}
