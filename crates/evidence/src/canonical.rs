//! JSON with one encoding per value: RFC 8785 restricted to integers, with ASCII keys.
//!
//! Integers beyond ±(2^53 − 1) and all floats are refused, because readers in other languages would
//! silently change them. A reader decodes, encodes again and compares, so duplicate keys, unknown members,
//! other orders, spaces and escapes are all refused by one rule.

use alloc::{string::String, vec::Vec};
use core::fmt;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The largest magnitude that every JSON reader keeps exactly.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Why a value has no canonical form, or a text is not one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A number is a float or beyond ±(2^53 − 1).
    Number,
    /// An object key is not ASCII.
    Key,
    /// The value cannot be represented as JSON, or the text is not the JSON of such a value.
    Shape(String),
    /// The text decodes, but is not the canonical encoding of what it says.
    NotCanonical,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number => f.write_str("a number is not an integer within ±(2^53 − 1)"),
            Self::Key => f.write_str("an object key is not ASCII"),
            Self::Shape(why) => f.write_str(why),
            Self::NotCanonical => f.write_str("not the canonical (RFC 8785) encoding of what it says"),
        }
    }
}

impl core::error::Error for Fault {}

/// The canonical encoding of `value`, on one line.
pub fn to_text<T: Serialize + ?Sized>(value: &T) -> Result<String, Fault> {
    let value = serde_json::to_value(value).map_err(|fault| Fault::Shape(alloc::format!("{fault}")))?;
    let mut text = String::new();
    write(&value, &mut text)?;
    Ok(text)
}

/// Decodes `text` if it is the canonical encoding of a `T`.
pub fn from_text<T: DeserializeOwned + Serialize>(text: &str) -> Result<T, Fault> {
    let value: T = serde_json::from_str(text).map_err(|fault| Fault::Shape(alloc::format!("{fault}")))?;
    if to_text(&value)? == text { Ok(value) } else { Err(Fault::NotCanonical) }
}

fn write(value: &Value, text: &mut String) -> Result<(), Fault> {
    match value {
        Value::Number(number) => {
            let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            if magnitude.is_none_or(|magnitude| magnitude > MAX_INTEGER) {
                return Err(Fault::Number);
            }
            text.push_str(&alloc::format!("{number}"));
        }
        Value::Null | Value::Bool(_) | Value::String(_) => text.push_str(&alloc::format!("{value}")),
        Value::Array(items) => {
            text.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                write(item, text)?;
            }
            text.push(']');
        }
        Value::Object(members) => {
            // Sorted here and not left to serde_json, whose order depends on a feature anybody may switch on.
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| key.as_str());
            text.push('{');
            for (position, (key, item)) in members.into_iter().enumerate() {
                if !key.is_ascii() {
                    return Err(Fault::Key);
                }
                if position > 0 {
                    text.push(',');
                }
                text.push_str(&alloc::format!("{}", Value::from(key.as_str())));
                text.push(':');
                write(item, text)?;
            }
            text.push('}');
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{collections::BTreeMap, string::ToString, vec};
    use proptest::prelude::*;

    #[test]
    fn only_the_canonical_text_is_read() {
        type Record = BTreeMap<String, u64>;
        assert_eq!(from_text::<Record>(r#"{"a":1,"b":2}"#).unwrap().len(), 2);
        for bad in [
            r#"{"b":2,"a":1}"#,
            r#"{"a": 1}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"\u0061":1}"#,
            "{\"a\":1}\n",
            r#"{"a":1.0}"#,
            r#"{"a":9007199254740993}"#,
            r#"{"a":01}"#,
            r#"{"a":1e0}"#,
            "{",
            "",
        ] {
            assert!(from_text::<Record>(bad).is_err(), "{bad}");
        }
        assert_eq!(to_text(&(1u64 << 53)), Err(Fault::Number));
        assert_eq!(to_text(&1.0), Err(Fault::Number));
        assert_eq!(to_text(&-5), Ok("-5".to_string()));
        assert_eq!(to_text(&BTreeMap::from([("é", 1)])), Err(Fault::Key));
    }

    proptest! {
        #[test]
        fn agrees_with_an_independent_rfc_8785_writer(text in ".*", key in "[ -~]{0,6}", number in -(1i64 << 53) + 1..1i64 << 53) {
            let value = serde_json::json!({ key: [text, number], "z": null, "A": true });
            prop_assert_eq!(to_text(&value).unwrap(), serde_json_canonicalizer::to_string(&value).unwrap());
        }

        #[test]
        fn decoding_never_panics(text in "\\PC*") {
            let _ = from_text::<vec::Vec<String>>(&text);
        }
    }
}
