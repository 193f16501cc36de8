//! Lines of a file that may be hostile: bounded, UTF-8, each with its line feed.

use std::io::{BufRead, BufReader, Read};

/// Reads one line after the other and holds only one.
pub(crate) struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    max_bytes: usize,
}

/// Why there is no next line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LineFault {
    /// The line is longer than it may be; what follows was not read.
    TooLong,
    /// The last line has no line feed.
    NoLineFeed,
    /// The line is not UTF-8.
    NotUtf8,
    /// The file cannot be read further.
    Unreadable(String),
}

impl std::fmt::Display for LineFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLong => f.write_str("is longer than a line here may be"),
            Self::NoLineFeed => f.write_str("does not end with a line feed"),
            Self::NotUtf8 => f.write_str("is not UTF-8"),
            Self::Unreadable(why) => write!(f, "cannot be read: {why}"),
        }
    }
}

impl<R: Read> Lines<R> {
    /// Lines of at most `max_bytes`, line feed included.
    pub(crate) fn new(reader: R, max_bytes: usize) -> Self {
        Self { reader: BufReader::with_capacity(1 << 16, reader), line: Vec::new(), max_bytes }
    }

    /// The next line with its line feed; `None` at the end.
    pub(crate) fn next_line(&mut self) -> Option<Result<&str, LineFault>> {
        self.line.clear();
        let limit = self.max_bytes as u64 + 1;
        match (&mut self.reader).take(limit).read_until(b'\n', &mut self.line) {
            Err(fault) => Some(Err(LineFault::Unreadable(fault.to_string()))),
            Ok(0) => None,
            Ok(_) if self.line.len() > self.max_bytes => Some(Err(LineFault::TooLong)),
            Ok(_) if self.line.last() != Some(&b'\n') => Some(Err(LineFault::NoLineFeed)),
            Ok(_) => Some(std::str::from_utf8(&self.line).map_err(|_| LineFault::NotUtf8)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<Result<String, LineFault>> {
        let mut lines = Lines::new(bytes, 4);
        let mut read = Vec::new();
        while let Some(line) = lines.next_line() {
            let stop = line.is_err();
            read.push(line.map(Into::into));
            if stop {
                break;
            }
        }
        read
    }

    #[test]
    fn lines_are_bounded_and_end_with_a_line_feed() {
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"abc\n\n"), [Ok("abc\n".into()), Ok("\n".into())]);
        assert_eq!(lines(b"abcd\n"), [Err(LineFault::TooLong)]);
        assert_eq!(lines(b"a\nb"), [Ok("a\n".into()), Err(LineFault::NoLineFeed)]);
        assert_eq!(lines(b"\xff\n"), [Err(LineFault::NotUtf8)]);
    }
}
