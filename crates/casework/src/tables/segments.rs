//! Nested ranges flattened into sorted segments, so that the longest prefix is found in one binary search.
//!
//! Every range is first cut into the prefixes that it consists of. Prefixes either nest or are disjoint; a sweep
//! with a stack gives each address to the innermost one.

use super::TableFault;

/// An address as a number: `u32` for IPv4, `u128` for IPv6.
pub(super) trait Number: Copy + Ord {
    const BITS: u8;
    fn wide(self) -> u128;
    fn narrow(wide: u128) -> Self;
}

impl Number for u32 {
    const BITS: u8 = 32;
    fn wide(self) -> u128 {
        u128::from(self)
    }
    fn narrow(wide: u128) -> Self {
        wide as Self
    }
}

impl Number for u128 {
    const BITS: u8 = 128;
    fn wide(self) -> u128 {
        self
    }
    fn narrow(wide: u128) -> Self {
        wide
    }
}

/// One row: every address from `first` to `last`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range<N> {
    pub first: N,
    pub last: N,
    /// 0: nobody announces it.
    pub asn: u32,
    /// Counted from 1.
    pub line: usize,
}

/// Who announces a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    One(u32),
    Several,
}

#[derive(Debug, Clone, Copy)]
struct Segment<N> {
    first: N,
    last: N,
    length: u8,
    origin: Origin,
}

/// Segments in ascending order, without overlap.
#[derive(Debug, Clone)]
pub(super) struct Segments<N>(Vec<Segment<N>>);

impl<N: Number> Segments<N> {
    /// Flattens rows that nest or are disjoint.
    pub fn new(mut ranges: Vec<Range<N>>) -> Result<Self, TableFault> {
        ranges.sort_by(|a, b| a.first.cmp(&b.first).then(b.last.cmp(&a.last)).then(a.line.cmp(&b.line)));
        refuse_crossings(&ranges)?;
        let mut blocks: Vec<Segment<N>> = ranges.iter().flat_map(blocks).collect();
        blocks.sort_by(|a, b| a.first.cmp(&b.first).then(a.length.cmp(&b.length)));
        blocks.dedup_by(|next, kept| {
            let same = next.first == kept.first && next.length == kept.length;
            if same && next.origin != kept.origin {
                kept.origin = Origin::Several;
            }
            same
        });
        Ok(Self(flatten(&blocks)))
    }

    /// The length of the longest prefix that holds the address, and who announces it.
    pub fn find(&self, address: N) -> Option<(u8, Origin)> {
        let after = self.0.partition_point(|segment| segment.first <= address);
        let segment = self.0.get(after.checked_sub(1)?)?;
        (address <= segment.last).then_some((segment.length, segment.origin))
    }
}

fn refuse_crossings<N: Number>(ranges: &[Range<N>]) -> Result<(), TableFault> {
    let mut open: Vec<&Range<N>> = Vec::new();
    for range in ranges {
        while open.last().is_some_and(|outer| outer.last < range.first) {
            open.pop();
        }
        if let Some(outer) = open.last().filter(|outer| outer.last < range.last) {
            return Err(TableFault::Crossing { line: range.line.max(outer.line), other: range.line.min(outer.line) });
        }
        open.push(range);
    }
    Ok(())
}

/// The fewest prefixes that make up a range.
fn blocks<N: Number>(range: &Range<N>) -> impl Iterator<Item = Segment<N>> + use<N> {
    let (last, origin) = (range.last.wide(), Origin::One(range.asn));
    let mut next = Some(range.first.wide());
    std::iter::from_fn(move || {
        let first = next?;
        let bits = u32::from(N::BITS);
        // The block may be as large as its alignment allows, and no larger than what is left.
        let mut free_bits = first.trailing_zeros().min(bits);
        while free_bits > 0 && last - first < (u128::MAX >> (128 - free_bits)) {
            free_bits -= 1;
        }
        let end = if free_bits == 0 { first } else { first + (u128::MAX >> (128 - free_bits)) };
        next = end.checked_add(1).filter(|start| *start <= last);
        let length = N::BITS - free_bits as u8;
        Some(Segment { first: N::narrow(first), last: N::narrow(end), length, origin })
    })
}

fn flatten<N: Number>(blocks: &[Segment<N>]) -> Vec<Segment<N>> {
    let mut flat = Vec::with_capacity(blocks.len());
    // Blocks that hold the cursor, the innermost last; addresses below the cursor are dealt with.
    let mut open: Vec<&Segment<N>> = Vec::new();
    let mut cursor = Some(0);
    for block in blocks {
        while let Some(inner) = open.pop_if(|inner| inner.last < block.first) {
            cursor = emit(&mut flat, cursor, inner, inner.last.wide());
        }
        if let (Some(outer), Some(before)) = (open.last(), block.first.wide().checked_sub(1)) {
            emit(&mut flat, cursor, outer, before);
        }
        cursor = Some(block.first.wide());
        open.push(block);
    }
    while let Some(inner) = open.pop() {
        cursor = emit(&mut flat, cursor, inner, inner.last.wide());
    }
    flat
}

/// Gives the addresses from the cursor to `last` to `block`, and returns the cursor behind them.
fn emit<N: Number>(flat: &mut Vec<Segment<N>>, cursor: Option<u128>, block: &Segment<N>, last: u128) -> Option<u128> {
    let first = cursor.filter(|first| *first <= last);
    if let Some(first) = first {
        flat.push(Segment { first: N::narrow(first), last: N::narrow(last), ..*block });
    }
    if first.is_some() { last.checked_add(1) } else { cursor }
}
