//! Synthetic torrents: content that is a pure function of a seed, and a metainfo file that fits it.

mod stream;
mod version2;

use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Component, Path};

use sha1::{Digest as _, Sha1};
use wire::bencode::Item;
use wire::bitfield::Bitfield;
use wire::infohash::InfoHashV1;
use wire::message::Block;
use wire::metainfo::{Info, Layout, Metainfo, Name};

pub use stream::Stream;
pub use version2::Versions;

/// How many bytes are made at a time.
const CHUNK: usize = 256 << 10;

/// The files of a synthetic torrent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One file, called what the torrent is called.
    File {
        /// Its length in bytes.
        length: u64,
    },
    /// A folder, called what the torrent is called.
    Folder(Vec<FileSpec>),
}

/// One file of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSpec {
    /// Its path in the folder, parts separated by `/`.
    pub path: String,
    /// Its length in bytes.
    pub length: u64,
    /// It is padding (BEP 47): zeros that no client stores.
    pub padding: bool,
}

impl Shape {
    /// A film, padding to the end of its last piece, and an `.nfo` text in a piece of its own: the torrent of a peer that
    /// shares something, but not the work.
    #[must_use]
    pub fn film_with_nfo(film_length: u64, piece_length: u32) -> Self {
        let padding = (u64::from(piece_length) - film_length % u64::from(piece_length)) % u64::from(piece_length);
        let mut files = vec![FileSpec { path: "film.mkv".to_owned(), length: film_length, padding: false }];
        if padding > 0 {
            files.push(FileSpec { path: format!(".pad/{padding}"), length: padding, padding: true });
        }
        files.push(FileSpec { path: "film.nfo".to_owned(), length: 4_096, padding: false });
        Self::Folder(files)
    }
}

/// A torrent and its whole content.
#[derive(Clone, Debug)]
pub struct SyntheticTorrent {
    metainfo: Vec<u8>,
    info: Info,
    info_hash: InfoHashV1,
    stream: Stream,
}

impl SyntheticTorrent {
    /// Makes the torrent. `trackers` are announce URLs, each a tier of its own.
    ///
    /// # Errors
    ///
    /// What was asked for is no torrent: no content, a piece length of zero, an empty name or path.
    pub fn new(name: &str, seed: u64, shape: Shape, piece_length: u32, trackers: &[&str]) -> Result<Self, wire::metainfo::Error> {
        Self::of(Versions::One, name, seed, shape, piece_length, trackers)
    }

    /// Makes a torrent of these versions. With version 2 the files are in the order of their names, and padding is where
    /// it has to be.
    ///
    /// # Errors
    ///
    /// What was asked for is no torrent: as above, or with version 2 a piece length that is no power of two of 16 KiB or more.
    pub fn of(
        versions: Versions,
        name: &str,
        seed: u64,
        shape: Shape,
        piece_length: u32,
        trackers: &[&str],
    ) -> Result<Self, wire::metainfo::Error> {
        let stream = Stream::new(seed);
        let (entries, layers) = match versions {
            Versions::One => (version1(&stream, shape, piece_length), None),
            Versions::Two | Versions::Both => {
                let is_hybrid = versions == Versions::Both;
                let described = version2::describe(name, shape, &stream, piece_length, is_hybrid);
                (described.info, Some(described.layers))
            }
        };
        let mut info = Item::dict([("name", name.into()), ("piece length", int(piece_length.into()))]);
        if let Item::Dict(info) = &mut info {
            info.extend(entries.into_iter().map(|(key, item)| (key.as_bytes().to_vec(), item)));
        }
        let mut file = Item::dict([("created by", "swarmlab".into()), ("info", info)]);
        if let (Item::Dict(entries), Some(layers)) = (&mut file, layers) {
            entries.insert(b"piece layers".to_vec(), layers);
        }
        if let (Item::Dict(entries), Some(first)) = (&mut file, trackers.first()) {
            entries.insert(b"announce".to_vec(), (*first).into());
            let tiers = trackers.iter().map(|url| Item::List(vec![(*url).into()]));
            entries.insert(b"announce-list".to_vec(), Item::List(tiers.collect()));
        }
        let metainfo = file.encode();
        let info = Metainfo::parse(&metainfo)?.info;
        let info_hash = match (info.v1(), info.v2()) {
            (None, Some(v2)) => v2.truncated(),
            _ => InfoHashV1::of_info(info.raw()),
        };
        Ok(Self { metainfo, info, info_hash, stream })
    }

    /// The `.torrent` file.
    #[must_use]
    pub fn metainfo(&self) -> &[u8] {
        &self.metainfo
    }

    /// What the `.torrent` file says.
    #[must_use]
    pub const fn info(&self) -> &Info {
        &self.info
    }

    /// What it is called on the wire: the info-hash of version 1, or without one the first 20 bytes of that of version 2.
    #[must_use]
    pub const fn info_hash(&self) -> InfoHashV1 {
        self.info_hash
    }

    /// A magnet link with these trackers.
    #[must_use]
    pub fn magnet(&self, trackers: &[&str]) -> String {
        let topics = [
            self.info.v1().map(|hash| format!("xt=urn:btih:{hash}")),
            self.info.v2().map(|hash| format!("xt=urn:btmh:1220{hash}")),
        ];
        let mut magnet = format!("magnet:?{}", topics.into_iter().flatten().collect::<Vec<_>>().join("&"));
        for url in trackers {
            magnet.push_str("&tr=");
            for byte in url.bytes() {
                match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => magnet.push(char::from(byte)),
                    _ => magnet.push_str(&format!("%{byte:02X}")),
                }
            }
        }
        magnet
    }

    /// Fills `into` with content from `offset` on: all files laid end to end, padding as zeros. Beyond the end it is zeros.
    pub fn read(&self, offset: u64, into: &mut [u8]) {
        self.stream.read(offset, into);
        let wanted = offset..offset + into.len() as u64;
        let padding = self.info.files_in(wanted.clone()).filter(|file| file.padding).map(|file| file.range());
        let beyond = self.info.total_length()..wanted.end.max(self.info.total_length());
        for range in padding.chain([beyond]) {
            clear(into, offset, &range);
        }
    }

    /// The bytes of a block, or `None` if they are not all inside one piece of the torrent.
    #[must_use]
    pub fn block(&self, block: Block) -> Option<Vec<u8>> {
        let range = self.info.block_range(block)?;
        let mut bytes = vec![0; block.length as usize];
        self.read(range.start, &mut bytes);
        Some(bytes)
    }

    /// Every piece, as a claim.
    #[must_use]
    pub fn all_pieces(&self) -> Bitfield {
        Bitfield::full(self.info.piece_count())
    }

    /// Writes the content below `dir` as a client would keep it: the file, or the folder without its padding.
    ///
    /// # Errors
    ///
    /// A file cannot be created or written.
    pub fn write_to(&self, dir: &Path) -> io::Result<()> {
        let name = plain(self.info.name())?;
        for file in self.info.files().iter().filter(|file| !file.padding) {
            let mut path = dir.join(name);
            if self.info.layout() == Layout::Folder {
                for part in file.path.parts() {
                    path.push(plain(part)?);
                }
            }
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            let mut out = std::fs::File::create(&path)?;
            let mut chunk = vec![0; CHUNK];
            let Range { mut start, end } = file.range();
            while start < end {
                let length = (end - start).min(CHUNK as u64) as usize;
                self.read(start, &mut chunk[..length]);
                out.write_all(&chunk[..length])?;
                start += length as u64;
            }
        }
        Ok(())
    }
}

/// Entries of an info dictionary of version 1.
fn version1(stream: &Stream, shape: Shape, piece_length: u32) -> Vec<(&'static str, Item)> {
    let (total, padding) = extent(&shape);
    // The parser refuses a piece length of zero later; this only keeps the division alive until then.
    let pieces = hashes(stream, total, piece_length.max(1), &padding);
    let files = match shape {
        Shape::File { length } => ("length", int(length)),
        Shape::Folder(files) => ("files", Item::List(files.iter().map(file_item).collect())),
    };
    vec![("pieces", Item::Bytes(pieces)), files]
}

/// A name that is one part of a path and leads nowhere else.
fn plain(name: &Name) -> io::Result<&str> {
    let refused = || io::Error::new(io::ErrorKind::InvalidInput, format!("the name {} is not written to disk", name.sanitised()));
    let text = std::str::from_utf8(name.raw()).map_err(|_| refused())?;
    let mut parts = Path::new(text).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(part)), None) if part == text => Ok(text),
        _ => Err(refused()),
    }
}

/// The total length, and where padding lies.
fn extent(shape: &Shape) -> (u64, Vec<Range<u64>>) {
    match shape {
        Shape::File { length } => (*length, Vec::new()),
        Shape::Folder(files) => {
            let mut end = 0;
            let mut padding = Vec::new();
            for file in files {
                if file.padding {
                    padding.push(end..end + file.length);
                }
                end += file.length;
            }
            (end, padding)
        }
    }
}

fn hashes(stream: &Stream, total: u64, piece_length: u32, padding: &[Range<u64>]) -> Vec<u8> {
    let mut hashes = Vec::new();
    let mut piece = vec![0; CHUNK];
    let mut start = 0;
    while start < total {
        let end = (start + u64::from(piece_length)).min(total);
        let mut hash = Sha1::new();
        while start < end {
            let chunk = &mut piece[..(end - start).min(CHUNK as u64) as usize];
            stream.read(start, chunk);
            for range in padding {
                clear(chunk, start, range);
            }
            hash.update(&*chunk);
            start += chunk.len() as u64;
        }
        hashes.extend_from_slice(&hash.finalize());
    }
    hashes
}

/// Zeroes the part of `bytes`, which lie at `offset`, that is inside `range`.
fn clear(bytes: &mut [u8], offset: u64, range: &Range<u64>) {
    let end = offset + bytes.len() as u64;
    let from = range.start.clamp(offset, end) - offset;
    let to = range.end.clamp(offset, end) - offset;
    bytes[from as usize..to.max(from) as usize].fill(0);
}

fn file_item(file: &FileSpec) -> Item {
    let path = Item::List(file.path.split('/').map(Item::from).collect());
    let mut item = Item::dict([("length", int(file.length)), ("path", path)]);
    if let (Item::Dict(entries), true) = (&mut item, file.padding) {
        entries.insert(b"attr".to_vec(), "p".into());
    }
    item
}

/// Lengths beyond 63 bits become the largest there is, which the parser then refuses by its own rules.
fn int(value: u64) -> Item {
    Item::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
