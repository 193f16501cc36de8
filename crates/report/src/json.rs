//! The document as JSON: for programs, and attached to the PDF.

use evidence::document::Document;
use serde_json::{Map, Value};

use crate::inert::acts_unseen;

/// The document as indented JSON with sorted keys and a line end.
///
/// It holds the texts exactly as they are, also those that PDF and HTML show escaped. In the source, characters
/// that act unseen are written as JSON escapes, so that a terminal or an editor shows the file as it is.
pub fn json(document: &Document) -> String {
    let value = serde_json::to_value(document).expect("a document holds only strings, integers and lists");
    let mut source = String::new();
    write(&mut source, &sorted(value), 0);
    source.push('\n');
    source
}

/// Sorts the keys here: whether serde_json does it depends on which features other crates have enabled.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<_> = object.into_iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().map(|(key, value)| (key, sorted(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

fn write(source: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(object) if !object.is_empty() => {
            let entries = object.iter().map(|(key, value)| (Some(key.as_str()), value));
            write_list(source, ('{', '}'), entries, depth);
        }
        Value::Array(items) if !items.is_empty() => {
            write_list(source, ('[', ']'), items.iter().map(|value| (None, value)), depth);
        }
        Value::String(text) => write_string(source, text),
        leaf => source.push_str(&leaf.to_string()),
    }
}

fn write_list<'a>(
    source: &mut String,
    (open, close): (char, char),
    entries: impl Iterator<Item = (Option<&'a str>, &'a Value)>,
    depth: usize,
) {
    source.push(open);
    for (at, (key, value)) in entries.enumerate() {
        source.push_str(if at == 0 { "\n" } else { ",\n" });
        source.push_str(&"  ".repeat(depth + 1));
        if let Some(key) = key {
            write_string(source, key);
            source.push_str(": ");
        }
        write(source, value, depth + 1);
    }
    source.push('\n');
    source.push_str(&"  ".repeat(depth));
    source.push(close);
}

fn write_string(source: &mut String, text: &str) {
    source.push('"');
    for character in text.chars() {
        match character {
            '"' => source.push_str("\\\""),
            '\\' => source.push_str("\\\\"),
            '\n' => source.push_str("\\n"),
            '\t' => source.push_str("\\t"),
            unseen if acts_unseen(unseen) => {
                for unit in unseen.encode_utf16(&mut [0; 2]) {
                    source.push_str(&format!("\\u{unit:04x}"));
                }
            }
            plain => source.push(plain),
        }
    }
    source.push('"');
}

#[cfg(test)]
mod tests {
    use evidence::document::Block;

    use super::*;

    #[test]
    fn keys_are_sorted_and_the_last_line_ends() {
        let source = json(&Document::new("T", "S").particular("Owner", "O"));
        assert_eq!(
            source,
            "{\n  \"format\": \"affiant.document/1\",\n  \"meta\": [\n    {\n      \"label\": \"Owner\",\n      \
             \"value\": \"O\"\n    }\n  ],\n  \"notices\": [],\n  \"sections\": [],\n  \"subtitle\": \"S\",\n  \
             \"title\": \"T\"\n}\n"
        );
    }

    #[test]
    fn hostile_text_survives_and_is_not_in_the_source_as_itself() {
        let hostile = "\"\\\n\t\u{0}\u{1f}\u{7f}\u{202e}\u{2028}\u{feff}\u{e0041}\u{10ffff}日本";
        let document = Document::new(hostile, "").section(1, hostile, vec![Block::paragraph(hostile)]);
        let source = json(&document);
        assert!(!source.chars().any(|c| c != '\n' && acts_unseen(c)), "{source}");
        assert_eq!(serde_json::from_str::<Document>(&source).unwrap(), document);
    }
}
