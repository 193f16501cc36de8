//! The few SVG elements that the charts are made of.

use std::fmt::Write;

use super::INKS;

/// The width of every chart, in tenths of a unit.
pub(crate) const WIDTH: i128 = 6000;

/// The colour of words.
pub(crate) const WORDS: &str = "#333a40";

/// The size of words, in units.
const WORDS_SIZE: u8 = 11;

/// An image under construction. Lengths are tenths of a unit.
pub(crate) struct Svg {
    body: String,
}

/// Which point of a word lies at its place.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    pub(crate) fn new() -> Self {
        Self { body: String::new() }
    }

    /// The finished image.
    pub(crate) fn finish(self, height: i128) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"Libertinus Serif\" \
             font-size=\"{WORDS_SIZE}\">\n{}</svg>\n",
            tenths(WIDTH),
            tenths(height),
            self.body
        )
    }

    pub(crate) fn words(&mut self, x: i128, y: i128, anchor: Anchor, text: &str) {
        self.coloured_words(x, y, anchor, "words", WORDS, text);
    }

    /// Words that explain rather than state.
    pub(crate) fn quiet_words(&mut self, x: i128, y: i128, anchor: Anchor, text: &str) {
        self.coloured_words(x, y, anchor, "quiet", "#5b646b", text);
    }

    fn coloured_words(&mut self, x: i128, y: i128, anchor: Anchor, class: &str, ink: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.line(format_args!(
            "<text class=\"{class}\" x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\" fill=\"{ink}\">{}</text>",
            tenths(x),
            tenths(y),
            escaped(text)
        ));
    }

    /// A thin rule across or down the chart.
    pub(crate) fn rule(&mut self, from: (i128, i128), to: (i128, i128)) {
        self.stroke("rule", "#cfd4d8", "0.6", "", from, to);
    }

    /// The rule from which amounts are measured.
    pub(crate) fn base_rule(&mut self, from: (i128, i128), to: (i128, i128)) {
        self.stroke("base", "#6b747b", "0.8", "", from, to);
    }

    /// A rule that says where a limit lies.
    pub(crate) fn limit_rule(&mut self, from: (i128, i128), to: (i128, i128)) {
        self.stroke("limit", "#8c2f2f", "0.9", "5 3", from, to);
    }

    fn stroke(&mut self, class: &str, ink: &str, width: &str, dash: &str, from: (i128, i128), to: (i128, i128)) {
        self.line(format_args!(
            "<line class=\"{class}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{ink}\" \
             stroke-width=\"{width}\"{}/>",
            tenths(from.0),
            tenths(from.1),
            tenths(to.0),
            tenths(to.1),
            dashes(dash)
        ));
    }

    /// A bar of a series. A bar of no width is not drawn: the figure beside it says so.
    pub(crate) fn bar(&mut self, series: usize, corner: (i128, i128), width: i128, height: i128) {
        let (index, ink) = ink(series);
        self.rectangle(&format!("s{index}"), ink, corner, width, height);
    }

    /// The shadow of the bar before, against which a bar is compared.
    pub(crate) fn shadow(&mut self, corner: (i128, i128), width: i128, height: i128) {
        self.rectangle("shadow", "#e3e8ec", corner, width, height);
    }

    fn rectangle(&mut self, class: &str, ink: &str, corner: (i128, i128), width: i128, height: i128) {
        self.line(format_args!(
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{ink}\"/>",
            tenths(corner.0),
            tenths(corner.1),
            tenths(width),
            tenths(height)
        ));
    }

    /// The line of a series, with the dashes that tell it from the others without colour.
    pub(crate) fn polyline(&mut self, series: usize, places: &[(i128, i128)]) {
        let (index, ink) = ink(series);
        let dash = ["", "6 2.5", "2 2", "8 2.5 2 2.5", "4 4", "1 3"][index];
        let mut list = String::new();
        for (at, (x, y)) in places.iter().enumerate() {
            let gap = if at == 0 { "" } else { " " };
            list.push_str(&format!("{gap}{},{}", tenths(*x), tenths(*y)));
        }
        self.line(format_args!(
            "<polyline class=\"l{index}\" points=\"{list}\" fill=\"none\" stroke=\"{ink}\" stroke-width=\"1.5\" \
             stroke-linejoin=\"round\"{}/>",
            dashes(dash)
        ));
    }

    /// A point of a series, where its line alone would not show it.
    pub(crate) fn dot(&mut self, series: usize, (x, y): (i128, i128)) {
        let (index, ink) = ink(series);
        self.line(format_args!("<circle class=\"s{index}\" cx=\"{}\" cy=\"{}\" r=\"2\" fill=\"{ink}\"/>", tenths(x), tenths(y)));
    }

    fn line(&mut self, element: std::fmt::Arguments<'_>) {
        writeln!(self.body, "{element}").expect("a string takes every write");
    }
}

/// About how wide a text is: half a size and a little for each character. There is no need to know exactly.
pub(crate) fn width_of(text: &str) -> i128 {
    i128::try_from(text.chars().count()).unwrap_or(i128::MAX / 100).saturating_mul(54)
}

/// `text`, shortened to fit; the table of figures, or the JSON, has it whole.
pub(crate) fn shortened(text: &str, width: i128) -> String {
    if width_of(text) <= width {
        return text.to_owned();
    }
    let room = usize::try_from(width / 54).unwrap_or(0).saturating_sub(1);
    text.chars().take(room).chain(['…']).collect()
}

/// Text as XML and HTML hold it.
pub(crate) fn escaped(text: &str) -> String {
    let mut source = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => source.push_str("&amp;"),
            '<' => source.push_str("&lt;"),
            '>' => source.push_str("&gt;"),
            '"' => source.push_str("&quot;"),
            '\'' => source.push_str("&#39;"),
            plain => source.push(plain),
        }
    }
    source
}

fn ink(series: usize) -> (usize, &'static str) {
    let index = series % INKS.len();
    (index, INKS[index])
}

fn dashes(dash: &str) -> String {
    if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") }
}

fn tenths(length: i128) -> String {
    let sign = if length < 0 { "-" } else { "" };
    let length = length.unsigned_abs();
    match length % 10 {
        0 => format!("{sign}{}", length / 10),
        tenth => format!("{sign}{}.{tenth}", length / 10),
    }
}
