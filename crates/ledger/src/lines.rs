//! Reading a file of lines that may still be growing.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::Fault;

/// What comes next in the file.
#[derive(Debug)]
pub(crate) enum Line {
    /// A line with its line feed.
    Whole(String),
    /// Bytes without a line feed, or more of them than a line may have. They will be read again.
    Torn,
    /// Nothing.
    End,
}

/// The lines of a file.
#[derive(Debug)]
pub(crate) struct Lines {
    reader: BufReader<File>,
    path: PathBuf,
    max_bytes: usize,
    /// Where the next line starts.
    pub(crate) offset: u64,
}

impl Lines {
    pub(crate) fn open(path: &Path, offset: u64, max_bytes: usize) -> Result<Self, Fault> {
        let mut file = File::open(path).map_err(Fault::io("open", path))?;
        file.seek(SeekFrom::Start(offset)).map_err(Fault::io("read", path))?;
        Ok(Self { reader: BufReader::with_capacity(1 << 18, file), path: path.into(), max_bytes, offset })
    }

    pub(crate) fn next(&mut self) -> Result<Line, Fault> {
        let mut bytes = Vec::with_capacity(512);
        let read = (&mut self.reader)
            .take(self.max_bytes as u64)
            .read_until(b'\n', &mut bytes)
            .map_err(Fault::io("read", &self.path))?;
        if read == 0 {
            return Ok(Line::End);
        }
        if bytes.last() != Some(&b'\n') {
            self.reader.seek(SeekFrom::Start(self.offset)).map_err(Fault::io("read", &self.path))?;
            return Ok(Line::Torn);
        }
        let line = String::from_utf8(bytes).map_err(|_| {
            Fault::strange(format!("the line at byte {} of {} is not UTF-8: it is damaged", self.offset, self.path.display()))
        })?;
        self.offset += read as u64;
        Ok(Line::Whole(line))
    }

    /// Everything from the next line on, if it is at most `max_bytes`.
    pub(crate) fn rest(&mut self, max_bytes: u64) -> Result<Option<Vec<u8>>, Fault> {
        let mut bytes = Vec::new();
        (&mut self.reader).take(max_bytes + 1).read_to_end(&mut bytes).map_err(Fault::io("read", &self.path))?;
        self.reader.seek(SeekFrom::Start(self.offset)).map_err(Fault::io("read", &self.path))?;
        Ok((bytes.len() as u64 <= max_bytes).then_some(bytes))
    }
}
