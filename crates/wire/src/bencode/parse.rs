//! The parser: one pass, recursion bounded by the depth limit.

use alloc::vec::Vec;

use super::{Dict, Entry, Error, Kind, Limits, Rule, Strictness, Value};
use crate::Fault;

/// The longest integer a peer may send, in digits. Enough for 128 bits; more says nothing to anybody.
const WIDE_DIGITS_MAX: usize = 40;

/// Parses `input`, all of it, as one value.
pub fn parse<'a>(input: &'a [u8], limits: &Limits) -> Result<Value<'a>, Error> {
    let value = parse_prefix(input, limits)?;
    match value.raw.len() {
        length if length == input.len() => Ok(value),
        length => Err(Fault::at(length, Rule::Trailing)),
    }
}

/// Parses the value at the start of `input`; its [`Value::raw`] tells how long it is. Bytes may follow it.
pub fn parse_prefix<'a>(input: &'a [u8], limits: &Limits) -> Result<Value<'a>, Error> {
    if input.len() > limits.bytes_max {
        return Err(Fault::at(limits.bytes_max, Rule::TooLong));
    }
    let mut parser = Parser { input, at: 0, items: 0, limits };
    parser.value(0)
}

struct Parser<'a, 'l> {
    input: &'a [u8],
    at: usize,
    items: usize,
    limits: &'l Limits,
}

impl<'a> Parser<'a, '_> {
    fn value(&mut self, depth: u8) -> Result<Value<'a>, Error> {
        let offset = self.at;
        self.count_item()?;
        let kind = match self.peek()? {
            b'i' => self.int()?,
            b'0'..=b'9' => Kind::Bytes(self.bytes()?),
            b'l' => Kind::List(self.list(depth)?),
            b'd' => Kind::Dict(self.dict(depth)?),
            _ => return Err(Fault::at(offset, Rule::UnknownType)),
        };
        Ok(Value { raw: &self.input[offset..self.at], offset, kind })
    }

    fn int(&mut self) -> Result<Kind<'a>, Error> {
        let offset = self.at;
        self.at += 1;
        let start = self.at;
        let negative = self.peek()? == b'-';
        if negative {
            self.at += 1;
        }
        let digits = self.digits(b'e').map_err(|rule| rule_or(self.at, rule, Rule::IntForm))?;
        let text = &self.input[start..self.at];
        self.at += 1;
        if digits[0] == b'0' && (digits.len() > 1 || negative) {
            return Err(Fault::at(offset, Rule::IntLeadingZero));
        }
        // The text is ASCII digits with an optional sign, so the only way to fail is the range.
        match core::str::from_utf8(text).ok().and_then(|text| text.parse().ok()) {
            Some(int) => Ok(Kind::Int(int)),
            None if self.limits.strictness == Strictness::Peer && digits.len() <= WIDE_DIGITS_MAX => Ok(Kind::Wide(text)),
            None => Err(Fault::at(offset, Rule::IntRange)),
        }
    }

    fn bytes(&mut self) -> Result<&'a [u8], Error> {
        let offset = self.at;
        let digits = self.digits(b':').map_err(|rule| rule_or(self.at, rule, Rule::LengthForm))?;
        if digits.len() > 1 && digits[0] == b'0' {
            return Err(Fault::at(offset, Rule::LengthForm));
        }
        self.at += 1;
        // A length beyond usize is certainly beyond the input.
        let length = core::str::from_utf8(digits).ok().and_then(|text| text.parse::<usize>().ok());
        let end = length.and_then(|length| self.at.checked_add(length));
        let bytes = end.and_then(|end| self.input.get(self.at..end));
        let bytes = bytes.ok_or(Fault::at(offset, Rule::Truncated))?;
        self.at += bytes.len();
        Ok(bytes)
    }

    fn list(&mut self, depth: u8) -> Result<Vec<Value<'a>>, Error> {
        let depth = self.deeper(depth)?;
        let mut values = Vec::new();
        while self.peek()? != b'e' {
            values.push(self.value(depth)?);
        }
        self.at += 1;
        Ok(values)
    }

    fn dict(&mut self, depth: u8) -> Result<Dict<'a>, Error> {
        let depth = self.deeper(depth)?;
        let mut entries: Vec<Entry<'a>> = Vec::new();
        let mut was_sorted = true;
        while self.peek()? != b'e' {
            let offset = self.at;
            if !self.peek()?.is_ascii_digit() {
                return Err(Fault::at(offset, Rule::KeyType));
            }
            self.count_item()?;
            let key = self.bytes()?;
            match entries.last().map(|last| last.key.cmp(key)) {
                Some(core::cmp::Ordering::Equal) => return Err(Fault::at(offset, Rule::KeyDuplicate)),
                Some(core::cmp::Ordering::Greater) => {
                    if self.limits.strictness == Strictness::Strict {
                        return Err(Fault::at(offset, Rule::KeyOrder));
                    }
                    was_sorted = false;
                }
                _ => {}
            }
            let value = self.value(depth)?;
            entries.push(Entry { key, offset, value });
        }
        self.at += 1;
        if !was_sorted {
            entries.sort_by_key(|entry| (entry.key, entry.offset));
            let twice = entries.windows(2).find(|pair| pair[0].key == pair[1].key);
            if let Some(pair) = twice {
                return Err(Fault::at(pair[1].offset, Rule::KeyDuplicate));
            }
        }
        Ok(Dict { entries, was_sorted })
    }

    /// Reads at least one digit up to, and not including, `end`. Leaves the position at `end` or at the culprit.
    fn digits(&mut self, end: u8) -> Result<&'a [u8], Option<Rule>> {
        let start = self.at;
        loop {
            match self.input.get(self.at) {
                Some(b'0'..=b'9') => self.at += 1,
                Some(byte) if *byte == end && self.at > start => return Ok(&self.input[start..self.at]),
                Some(_) => return Err(None),
                None => return Err(Some(Rule::Truncated)),
            }
        }
    }

    fn deeper(&mut self, depth: u8) -> Result<u8, Error> {
        if depth >= self.limits.depth_max {
            return Err(Fault::at(self.at, Rule::TooDeep));
        }
        self.at += 1;
        Ok(depth + 1)
    }

    fn count_item(&mut self) -> Result<(), Error> {
        self.items += 1;
        if self.items > self.limits.items_max {
            return Err(Fault::at(self.at, Rule::TooMany));
        }
        Ok(())
    }

    fn peek(&self) -> Result<u8, Error> {
        self.input.get(self.at).copied().ok_or(Fault::at(self.at, Rule::Truncated))
    }
}

fn rule_or(offset: usize, rule: Option<Rule>, form: Rule) -> Error {
    Fault::at(offset, rule.unwrap_or(form))
}
