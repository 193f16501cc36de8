//! Bytes that arrived and were not yet understood.

/// Received bytes, taken from the front. A handshake leaves little in it: every state takes what it needs as soon as it
/// is there, and none needs more than 64 KiB.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    bytes: Vec<u8>,
    /// The pattern looked for does not begin before this offset.
    searched: usize,
    /// Bytes taken so far.
    taken: usize,
}

/// The pattern did not come.
pub(super) struct NotFound;

impl Inbox {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next `N` bytes, once they are there.
    pub(super) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let taken = *self.bytes.first_chunk()?;
        self.remove(N);
        Some(taken)
    }

    /// The next `length` bytes, once they are there.
    pub(super) fn take_vec(&mut self, length: usize) -> Option<Vec<u8>> {
        let taken = self.bytes.get(..length)?.to_vec();
        self.remove(length);
        Some(taken)
    }

    /// How many bytes were taken so far.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// Everything.
    pub(super) fn take_all(&mut self) -> Vec<u8> {
        self.searched = 0;
        self.taken += self.bytes.len();
        core::mem::take(&mut self.bytes)
    }

    /// Takes everything up to and including the first `pattern`, which may follow at most `pad_max` other bytes. False
    /// while it may still come.
    pub(super) fn skip_past(&mut self, pattern: &[u8], pad_max: usize) -> Result<bool, NotFound> {
        while self.searched <= pad_max {
            let Some(window) = self.bytes.get(self.searched..self.searched + pattern.len()) else { return Ok(false) };
            if window == pattern {
                self.remove(self.searched + pattern.len());
                return Ok(true);
            }
            self.searched += 1;
        }
        Err(NotFound)
    }

    fn remove(&mut self, length: usize) {
        self.bytes.drain(..length);
        self.searched = 0;
        self.taken += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_may_follow_just_so_many_bytes() {
        for (pad, found) in [(0, true), (4, true), (5, false)] {
            let mut inbox = Inbox::default();
            let mut last = Ok(false);
            for byte in [vec![b'.'; pad], b"ab!".to_vec()].concat() {
                if matches!(last, Ok(false)) {
                    inbox.push(&[byte]);
                    last = inbox.skip_past(b"ab", 4);
                }
            }
            assert_eq!(matches!(last, Ok(true)), found, "{pad}");
            assert_eq!(last.is_err(), !found, "{pad}");
        }
    }

    #[test]
    fn what_follows_a_pattern_stays() {
        let mut inbox = Inbox::default();
        inbox.push(b"..abcdefgh");
        assert!(matches!(inbox.skip_past(b"ab", 4), Ok(true)));
        assert_eq!((inbox.take::<2>(), inbox.take_vec(9), inbox.take_vec(1)), (Some(*b"cd"), None, Some(b"e".to_vec())));
        assert_eq!((inbox.take::<4>(), inbox.take_all(), inbox.take_all()), (None, b"fgh".to_vec(), vec![]));
    }
}
