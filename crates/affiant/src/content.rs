//! Reads a reference copy from disk and checks it against the metainfo, piece by piece.
//!
//! Every piece must match its SHA-1, and with version 2 every file the root of its Merkle tree, before anything is said
//! about the content; what does not is named and nothing is written. A hybrid's copy is checked against both.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use evidence::{Digest, challenge::BLOCK_BYTES};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;
use wire::{
    merkle,
    metainfo::{Info, Layout},
};

/// A shorter block, such as the end of an archive, could be guessed by somebody who has not got the content.
const SHORTEST_FIT_BYTES: usize = 1024;

/// What the copy was found to be.
pub struct Checked {
    /// SHA-256 of every block, in order of piece and offset. With version 2 they are the leaves of the files' trees.
    pub blocks: Vec<Digest>,
    /// SHA-256 of every file, in torrent order.
    pub files: Vec<Digest>,
    /// Numbers of the blocks that prove nothing: constant, equal to another block of the torrent, with padding in them, or so
    /// short that their bytes might be guessed.
    pub unfit: Vec<u32>,
}

/// Checks the copy at `content`: the file itself of a single-file torrent, the folder of the torrent's name
/// otherwise (or the folder that holds it). Calls `progress` with the bytes done.
pub fn check(info: &Info, content: &Path, mut progress: impl FnMut(u64)) -> Result<Checked> {
    let mut source = Source::open(info, content)?;
    let mut checked = Checked { blocks: Vec::new(), files: Vec::new(), unfit: Vec::new() };
    let mut seen: BTreeMap<Digest, u32> = BTreeMap::new();
    let mut piece = Vec::new();
    let mut done = 0;
    // Where the leaves of the file begin that is being read.
    let mut leaves_from = 0;
    for index in 0..info.piece_count() {
        let (range, data) = info.piece_range(index).zip(info.data_range(index)).context("a piece below the count has a range")?;
        piece.resize(usize::try_from(range.end - range.start)?, 0);
        source.fill(&mut piece)?;
        if info.v1().is_some() && info.piece_hash(index) != Some(Sha1::digest(&piece).into()) {
            bail!(
                "piece {index} of {} does not match the torrent: the content differs, so no dossier is built",
                content.display()
            );
        }
        let data_length = usize::try_from(data.end - data.start)?;
        for (block, start) in piece[..data_length].chunks(BLOCK_BYTES as usize).zip((data.start..).step_by(BLOCK_BYTES as usize))
        {
            let number = u32::try_from(checked.blocks.len()).context("the torrent has more than 2^32 blocks")?;
            let digest = Digest::from(<[u8; 32]>::from(Sha256::digest(block)));
            let is_constant = block.iter().all(|byte| *byte == block[0]);
            let has_padding = info.files_in(start..start + block.len() as u64).any(|file| file.padding);
            if let Some(first) = seen.insert(digest, number) {
                checked.unfit.push(first);
                checked.unfit.push(number);
            } else if is_constant || has_padding || block.len() < SHORTEST_FIT_BYTES {
                checked.unfit.push(number);
            }
            checked.blocks.push(digest);
        }
        if let Some(file) = info.file_of(index).filter(|file| file.range().end == data.end) {
            check_root(file, &checked.blocks[leaves_from..])?;
            leaves_from = checked.blocks.len();
        }
        done += piece.len() as u64;
        progress(done);
    }
    checked.unfit.sort_unstable();
    checked.unfit.dedup();
    checked.files = source.finish()?;
    Ok(checked)
}

/// Whether the blocks of a file lead to its root in the info dictionary (BEP 52).
fn check_root(file: &wire::metainfo::File, leaves: &[Digest]) -> Result<()> {
    let leaves: Vec<merkle::Hash> = leaves.iter().map(|leaf| *leaf.as_bytes()).collect();
    if merkle::root(&leaves, 0) != file.pieces_root {
        bail!("{} does not match the version 2 hash of the torrent: the content differs, so no dossier is built", file.path);
    }
    Ok(())
}

/// The torrent's bytes as one stream over its files.
struct Source {
    /// Path, length and padding flag of each file, in torrent order.
    files: Vec<(PathBuf, u64, bool)>,
    current: Option<Open>,
    next: usize,
    digests: Vec<Digest>,
}

struct Open {
    /// Absent for padding, whose bytes are zero by definition (BEP 47).
    file: Option<File>,
    left: u64,
    hash: Sha256,
}

impl Source {
    fn open(info: &Info, content: &Path) -> Result<Self> {
        let files = match info.layout() {
            Layout::SingleFile => {
                let path = if content.is_dir() { content.join(info.name().sanitised()) } else { content.to_path_buf() };
                vec![(path, info.total_length(), false)]
            }
            Layout::Folder => {
                let inner = content.join(info.name().sanitised());
                let root = if inner.is_dir() { inner } else { content.to_path_buf() };
                info.files().iter().map(|file| (root.join(file.path.sanitised()), file.length, file.padding)).collect()
            }
        };
        for (path, length, padding) in &files {
            if *padding {
                continue;
            }
            let found = path.metadata().with_context(|| format!("cannot read {}", path.display()))?.len();
            if found != *length {
                bail!("{} has {found} bytes, and the torrent says {length}", path.display());
            }
        }
        Ok(Self { files, current: None, next: 0, digests: Vec::new() })
    }

    fn fill(&mut self, mut buffer: &mut [u8]) -> Result<()> {
        while !buffer.is_empty() {
            let open = match &mut self.current {
                Some(open) if open.left > 0 => open,
                _ => {
                    self.advance()?;
                    continue;
                }
            };
            let most = usize::try_from(open.left).unwrap_or(usize::MAX).min(buffer.len());
            let (part, rest) = buffer.split_at_mut(most);
            match &mut open.file {
                Some(file) => file.read_exact(part).map_err(|fault| match fault.kind() {
                    ErrorKind::UnexpectedEof => {
                        anyhow::anyhow!("{} became shorter while it was read", self.files[self.next - 1].0.display())
                    }
                    _ => fault.into(),
                })?,
                None => part.fill(0),
            }
            open.hash.update(&*part);
            open.left -= part.len() as u64;
            buffer = rest;
        }
        Ok(())
    }

    /// Ends the current file and opens the next.
    fn advance(&mut self) -> Result<()> {
        if let Some(open) = self.current.take() {
            self.digests.push(Digest::from(<[u8; 32]>::from(open.hash.finalize())));
        }
        let (path, length, padding) = self.files.get(self.next).context("the torrent's pieces are longer than its files")?;
        let file =
            if *padding { None } else { Some(File::open(path).with_context(|| format!("cannot read {}", path.display()))?) };
        self.current = Some(Open { file, left: *length, hash: Sha256::new() });
        self.next += 1;
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Digest>> {
        while self.next < self.files.len() {
            self.advance()?;
        }
        if let Some(open) = self.current.take() {
            self.digests.push(Digest::from(<[u8; 32]>::from(open.hash.finalize())));
        }
        Ok(self.digests)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use swarmlab::torrent::{FileSpec, Shape, SyntheticTorrent, Versions};

    use super::*;

    fn torrent(versions: Versions) -> SyntheticTorrent {
        let file = |path: &str, length| FileSpec { path: path.to_owned(), length, padding: false };
        let files = vec![file("a/film.mkv", 100_000), file("b.nfo", 500), file("c.bin", 40_000), file("empty", 0)];
        SyntheticTorrent::of(versions, "work", 3, Shape::Folder(files), 32 << 10, &[]).unwrap()
    }

    #[test]
    fn a_copy_is_checked_against_every_version() {
        for (versions, blocks) in [(Versions::One, 9), (Versions::Two, 11), (Versions::Both, 11)] {
            let (torrent, folder) = (torrent(versions), tempfile::tempdir().unwrap());
            torrent.write_to(folder.path()).unwrap();
            let info = torrent.info();
            let checked = check(info, folder.path(), |_| {}).unwrap();
            assert_eq!(checked.blocks.len(), blocks, "{versions:?}");
            assert_eq!(checked.files.len(), info.files().len());
            let of = |block| Digest::from(<[u8; 32]>::from(Sha256::digest(torrent.block(block).unwrap())));
            let due = (0..info.piece_count())
                .flat_map(|piece| (0..info.block_count(piece)).filter_map(move |at| info.block(piece, at)));
            assert_eq!(checked.blocks, due.map(of).collect::<Vec<_>>(), "{versions:?}");
            // With version 2 the short file has a block of its own, which could be guessed.
            assert_eq!(checked.unfit.is_empty(), versions == Versions::One, "{versions:?}");

            let path = folder.path().join("work/c.bin");
            let mut bytes = fs::read(&path).unwrap();
            bytes[39_999] ^= 1;
            fs::write(&path, bytes).unwrap();
            let fault = check(info, folder.path(), |_| {}).err().unwrap().to_string();
            assert!(fault.contains("no dossier is built"), "{versions:?}: {fault}");
        }
    }

    #[test]
    fn blocks_with_padding_in_them_are_unfit() {
        let (torrent, folder) = (
            SyntheticTorrent::new("work", 3, Shape::film_with_nfo(20_000, 32 << 10), 32 << 10, &[]).unwrap(),
            tempfile::tempdir().unwrap(),
        );
        torrent.write_to(folder.path()).unwrap();
        // The film's second block ends in the padding; the text is in a block of its own.
        assert_eq!(check(torrent.info(), folder.path(), |_| {}).unwrap().unfit, [1]);
    }
}
