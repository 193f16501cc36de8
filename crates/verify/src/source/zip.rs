//! A bundle as a zip archive. The archive's own words are bounded before they are believed.

use std::io::{self, Read, Seek, SeekFrom};

use zip::{CompressionMethod, ZipArchive};

use super::{Exactly, Listed, MAX_FILES, MAX_PATH_BYTES, Source, refuse_excess};

const END_BYTES: u64 = 22;
const END_MAGIC: [u8; 4] = *b"PK\x05\x06";
const END64_BYTES: u64 = 56;
const END64_MAGIC: [u8; 4] = *b"PK\x06\x06";
const LOCATOR64_BYTES: u64 = 20;
const LOCATOR64_MAGIC: [u8; 4] = *b"PK\x06\x07";
/// A directory entry without its name, and room for the extra fields that large archives need.
const MAX_ENTRY_BYTES: u64 = 46 + MAX_PATH_BYTES as u64 + 64;

/// A file beyond this size that shrank to less than a two-hundredth is a bomb: nothing in a bundle is that regular.
const BOMB_BYTES: u64 = 1 << 20;
const BOMB_RATIO: u64 = 200;

/// A zip archive over anything that can seek.
pub struct Zip<R> {
    state: State<R>,
}

enum State<R> {
    Unread(R),
    Read(ZipArchive<R>),
    Refused,
}

impl<R: Read + Seek + 'static> Zip<R> {
    /// Reads nothing yet.
    pub fn new(reader: R) -> Self {
        Self { state: State::Unread(reader) }
    }

    /// Whether the bytes begin as a zip archive does.
    pub fn looks_like_one(reader: &mut R) -> io::Result<bool> {
        let mut magic = Vec::new();
        reader.by_ref().take(4).read_to_end(&mut magic)?;
        reader.rewind()?;
        Ok(magic == b"PK\x03\x04" || magic == END_MAGIC)
    }
}

impl<R: Read + Seek + 'static> Source for Zip<R> {
    fn list(&mut self) -> Result<Vec<Listed>, Vec<String>> {
        let State::Unread(mut reader) = std::mem::replace(&mut self.state, State::Refused) else {
            return Err(vec!["the archive was listed before".into()]);
        };
        let entries = check_end(&mut reader).map_err(|fault| vec![fault])?;
        let mut archive =
            ZipArchive::new(reader).map_err(|fault| vec![format!("the archive's directory is refused: {fault}")])?;
        let mut faults = Vec::new();
        if archive.has_duplicate_names() || archive.len() as u64 != entries {
            faults.push("two entries of the archive have one name".into());
        }
        let mut listed = list_entries(&mut archive, &mut faults);
        if !listed.is_sorted_by(|a, b| a.path < b.path) {
            faults.push("the archive's entries are not sorted by path".into());
        }
        if faults.is_empty()
            && let Err(fault) = archive.validate_header_consistency()
        {
            faults.push(format!("the archive contradicts itself: {fault}"));
        }
        refuse_excess(&mut listed, &mut faults);
        self.state = State::Read(archive);
        if faults.is_empty() { Ok(listed) } else { Err(faults) }
    }

    fn open(&mut self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        let State::Read(archive) = &mut self.state else {
            return Err(io::Error::other("the archive was refused"));
        };
        let entry = archive.by_name(path).map_err(io::Error::other)?;
        let bytes = entry.size();
        Ok(Box::new(Exactly::new(entry, bytes)))
    }
}

fn list_entries<R: Read + Seek>(archive: &mut ZipArchive<R>, faults: &mut Vec<String>) -> Vec<Listed> {
    let mut listed = Vec::new();
    for position in 0..archive.len() {
        let entry = match archive.by_index_raw(position) {
            Ok(entry) => entry,
            Err(fault) => {
                faults.push(format!("entry {position} of the archive is refused: {fault}"));
                continue;
            }
        };
        let Ok(path) = std::str::from_utf8(entry.name_raw()).map(str::to_owned) else {
            faults.push(format!("the name of entry {position} is not UTF-8"));
            continue;
        };
        let mut refuse = |holds: bool, fault: &str| {
            if !holds {
                faults.push(format!("archive entry '{path}' {fault}"));
            }
        };
        refuse(!entry.encrypted(), "is encrypted");
        refuse(!entry.is_dir() && !entry.is_symlink(), "is a folder or a link, not a plain file");
        // The type bits of a Unix mode: absent, or those of a plain file.
        refuse(entry.unix_mode().is_none_or(|mode| matches!(mode & 0o170_000, 0 | 0o100_000)), "is not a plain file");
        let method_fits = matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated);
        refuse(method_fits, "is packed by a method other than stored and deflate");
        let midnight_1980 = entry.last_modified().is_some_and(|date| {
            (date.year(), date.month(), date.day(), date.hour(), date.minute(), date.second()) == (1980, 1, 1, 0, 0, 0)
        });
        refuse(midnight_1980, "is not dated 1980-01-01");
        let bomb = entry.size() > BOMB_BYTES && entry.size() / BOMB_RATIO > entry.compressed_size();
        refuse(!bomb, "unpacks to more than 200 times its packed size");
        listed.push(Listed { path, bytes: entry.size() });
    }
    listed
}

/// Reads the archive's last record by hand: it must end the file, and the directory must fit in the limits and end
/// where the record begins. Otherwise two readers could see two archives. Returns the number of entries.
fn check_end<R: Read + Seek>(reader: &mut R) -> Result<u64, String> {
    let unreadable = |fault: io::Error| format!("the archive cannot be read: {fault}");
    let length = reader.seek(SeekFrom::End(0)).map_err(unreadable)?;
    let end_at = length.checked_sub(END_BYTES).ok_or("the archive is shorter than its last record")?;
    let end = read_at(reader, end_at, END_BYTES).map_err(unreadable)?;
    if end[..4] != END_MAGIC || end[20..22] != [0, 0] {
        return Err("the archive does not end with its directory's last record, or has a comment".into());
    }
    let (mut entries, mut size, mut start) = (number(&end[10..12]), number(&end[12..16]), number(&end[16..20]));
    let mut directory_end = end_at;
    if entries == 0xffff || size == 0xffff_ffff || start == 0xffff_ffff {
        let locator_at = end_at.checked_sub(LOCATOR64_BYTES).ok_or("the archive's 64-bit record is missing")?;
        directory_end = locator_at.checked_sub(END64_BYTES).ok_or("the archive's 64-bit record is missing")?;
        let locator = read_at(reader, locator_at, LOCATOR64_BYTES).map_err(unreadable)?;
        let end64 = read_at(reader, directory_end, END64_BYTES).map_err(unreadable)?;
        if locator[..4] != LOCATOR64_MAGIC || number(&locator[8..16]) != directory_end || end64[..4] != END64_MAGIC {
            return Err("the archive's 64-bit record is not where it must be".into());
        }
        (entries, size, start) = (number(&end64[32..40]), number(&end64[40..48]), number(&end64[48..56]));
    }
    if entries > MAX_FILES as u64 {
        return Err(format!("the archive has more than {MAX_FILES} entries"));
    }
    if size > entries * MAX_ENTRY_BYTES {
        return Err("the archive's directory is longer than its entries can be".into());
    }
    if start.checked_add(size) != Some(directory_end) {
        return Err("the archive's directory does not end where its last record begins".into());
    }
    reader.rewind().map_err(unreadable)?;
    Ok(entries)
}

fn read_at<R: Read + Seek>(reader: &mut R, at: u64, bytes: u64) -> io::Result<Vec<u8>> {
    reader.seek(SeekFrom::Start(at))?;
    let mut record = Vec::new();
    reader.by_ref().take(bytes).read_to_end(&mut record)?;
    if record.len() as u64 == bytes { Ok(record) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn number(little_endian: &[u8]) -> u64 {
    little_endian.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}
