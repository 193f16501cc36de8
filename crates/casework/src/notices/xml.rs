//! XML that the plainest readers take: ASCII only, one element a line or an opening tag a line, no line break
//! inside a value or a tag.

use super::shown::inert;

/// A document under construction.
pub(super) struct Xml {
    text: String,
    open: Vec<&'static str>,
}

impl Xml {
    /// Starts with the declaration, alone on the first line.
    pub(super) fn new() -> Self {
        Self { text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".into(), open: Vec::new() }
    }

    /// Opens an element that holds others.
    pub(super) fn open(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.start(name, attributes);
        self.text.push_str(">\n");
        self.open.push(name);
    }

    /// Closes the element opened last.
    pub(super) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.indent();
            self.text.push_str(&format!("</{name}>\n"));
        }
    }

    /// An element with a value, on one line.
    pub(super) fn value(&mut self, name: &'static str, value: impl ToString) {
        self.value_with(name, &[], value);
    }

    /// An element with attributes and a value, on one line.
    pub(super) fn value_with(&mut self, name: &'static str, attributes: &[(&str, &str)], value: impl ToString) {
        self.start(name, attributes);
        self.text.push_str(&format!(">{}</{name}>\n", escaped(&value.to_string())));
    }

    /// An element that has only attributes.
    pub(super) fn empty(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.start(name, attributes);
        self.text.push_str("/>\n");
    }

    /// Closes what is open.
    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.text
    }

    fn start(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.indent();
        self.text.push_str(&format!("<{name}"));
        for (key, value) in attributes {
            self.text.push_str(&format!(" {key}=\"{}\"", escaped(value)));
        }
    }

    fn indent(&mut self) {
        self.text.push_str(&"  ".repeat(self.open.len()));
    }
}

/// Markup becomes entities, and everything beyond ASCII a character reference, so that no mail program and no
/// guess at an encoding can change what a reader sees. Of three hyphens the third becomes one too: receivers cut
/// the XML out of the mail at marks that begin with three.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for character in inert(value).chars() {
        match character {
            '-' if out.ends_with("--") => out.push_str("&#x2D;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            _ if character.is_ascii() => out.push(character),
            _ => out.push_str(&format!("&#x{:X};", u32::from(character))),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_leave_their_element() {
        for (value, text) in [
            ("a", "a"),
            ("<b a=\"'&'\">]]>", "&lt;b a=&quot;&apos;&amp;&apos;&quot;&gt;]]&gt;"),
            ("a\nb\t\0\u{1b}", "a\\u{a}b\\u{9}\\u{0}\\u{1b}"),
            ("a-b--c----d", "a-b--c--&#x2D;-d"),
            ("é\u{1f600}\u{ffff}", "&#xE9;&#x1F600;\\u{ffff}"),
        ] {
            assert_eq!(escaped(value), text);
        }
    }

    #[test]
    fn elements_are_indented_and_closed() {
        let mut xml = Xml::new();
        xml.open("A", &[("k", "\"")]);
        xml.open("B", &[]);
        xml.value("C", 1);
        xml.close();
        xml.empty("D", &[("k", "v")]);
        assert_eq!(
            xml.finish(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<A k=\"&quot;\">\n  <B>\n    <C>1</C>\n  </B>\n  <D k=\"v\"/>\n</A>\n"
        );
    }
}
