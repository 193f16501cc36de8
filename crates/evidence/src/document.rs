//! The document model: one value from which a report is printed as PDF, HTML and JSON.
//!
//! The figures in the three are the same because they are read from the same [`Document`]; a renderer has
//! nothing to calculate. Numbers meant to be read are strings that whoever derived them has already formatted;
//! numbers meant to be plotted are integers. There are no floats, so a document has one set of bytes.
//!
//! *In scope*: what a report says, and in which order.
//! *Out of scope*: how it looks. Text is plain, never markup: every string may hold what a stranger wrote, and
//! a renderer shows it inert.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// The format and version that a document's JSON names first.
pub const DOCUMENT_FORMAT: &str = "affiant.document/1";

/// A report, ready to be rendered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Always [`DOCUMENT_FORMAT`].
    pub format: String,
    /// What the document is.
    pub title: String,
    /// What it is about: the owner, the period.
    pub subtitle: String,
    /// Statements that page one must carry before anything else, one paragraph each.
    pub notices: Vec<String>,
    /// The particulars of the title block: who, when, by which procedure.
    pub meta: Vec<Particular>,
    /// The body, in order.
    pub sections: Vec<Section>,
}

/// One labelled line of the title block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Particular {
    /// What the value is.
    pub label: String,
    /// The value, already formatted.
    pub value: String,
}

/// A numbered part of the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The number by which others cite the section. It is stated, not counted, so that leaving a section out
    /// does not renumber the rest.
    pub number: u32,
    /// The heading, without the number.
    pub heading: String,
    /// What the section says, in order.
    pub blocks: Vec<Block>,
}

/// One piece of a section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "block", rename_all = "snake_case", deny_unknown_fields)]
pub enum Block {
    /// Running text.
    Paragraph {
        /// The text.
        text: String,
    },
    /// A list without order.
    Bullets {
        /// One entry each.
        items: Vec<String>,
    },
    /// Rows and columns.
    Table(Table),
    /// A plot.
    Chart(Chart),
    /// A short list of figures, each with what it counts.
    Figures {
        /// What the figures are about; empty if the text around them says so.
        caption: String,
        /// The figures, in order.
        figures: Vec<Figure>,
    },
    /// A statement that this part is not produced yet, and why. It is shown as such, never left out.
    Pending {
        /// What is missing.
        text: String,
    },
    /// Text to be shown letter by letter: commands, digests, configuration.
    Code {
        /// One entry per line, without line ends: a line end inside an entry is a stranger's, and is escaped.
        lines: Vec<String>,
    },
}

/// A table. A renderer shows every cell, also those of a row that is longer than the heading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// What the table shows.
    pub caption: String,
    /// The columns, from left to right.
    pub columns: Vec<Column>,
    /// The rows, from the top; each with one cell per column.
    pub rows: Vec<Vec<String>>,
}

/// The heading of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// What the column holds, with the unit where there is one.
    pub heading: String,
    /// To which side its cells keep.
    pub align: Align,
}

/// The side that cells keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    /// The left: words.
    Start,
    /// The right: numbers, so that their digits stand in columns.
    End,
}

/// A labelled figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// What is counted or measured.
    pub label: String,
    /// The figure, already formatted.
    pub value: String,
    /// Its unit; empty for a plain count.
    pub unit: String,
}

/// A plot of integers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// How it is drawn.
    pub kind: ChartKind,
    /// What the chart shows.
    pub caption: String,
    /// Where the points lie. For bars and funnels each tick is one category, at the `x` of its points.
    pub x: Axis,
    /// What was counted or measured there.
    pub y: Axis,
    /// What is plotted.
    pub series: Vec<Series>,
}

/// How a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChartKind {
    /// One bar for each category and series: amounts side by side.
    Bars,
    /// One line for each series: change over time.
    Lines,
    /// Bars of one series that each contain the next: what was left after each step.
    Funnel,
}

/// An axis of a chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// What the axis measures.
    pub label: String,
    /// In which unit; empty for a plain count.
    pub unit: String,
    /// Values that are named. On the y axis of a chart of lines these are limits, drawn as dashed rules.
    pub ticks: Vec<Tick>,
}

/// A named value on an axis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tick {
    /// The value.
    pub at: i64,
    /// Its name.
    pub label: String,
}

/// The points of one line, or the bars of one colour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// What the points have in common.
    pub name: String,
    /// The points, by rising `x`.
    pub points: Vec<Point>,
}

/// A point of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Where: an instant or a category.
    pub x: i64,
    /// How much there.
    pub y: i64,
}

impl Document {
    /// A document without particulars, notices or sections.
    pub fn new(title: impl Into<String>, subtitle: impl Into<String>) -> Self {
        Self {
            format: String::from(DOCUMENT_FORMAT),
            title: title.into(),
            subtitle: subtitle.into(),
            notices: Vec::new(),
            meta: Vec::new(),
            sections: Vec::new(),
        }
    }

    /// Adds a statement that page one must carry.
    #[must_use]
    pub fn notice(mut self, text: impl Into<String>) -> Self {
        self.notices.push(text.into());
        self
    }

    /// Adds a line to the title block.
    #[must_use]
    pub fn particular(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.meta.push(Particular { label: label.into(), value: value.into() });
        self
    }

    /// Adds a section.
    #[must_use]
    pub fn section(mut self, number: u32, heading: impl Into<String>, blocks: Vec<Block>) -> Self {
        self.sections.push(Section { number, heading: heading.into(), blocks });
        self
    }
}

impl Block {
    /// Running text.
    pub fn paragraph(text: impl Into<String>) -> Self {
        Self::Paragraph { text: text.into() }
    }

    /// A list without order.
    pub fn bullets<T: Into<String>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::Bullets { items: items.into_iter().map(Into::into).collect() }
    }

    /// A list of figures, each `(label, value, unit)`.
    pub fn figures<L, V, U>(caption: impl Into<String>, figures: impl IntoIterator<Item = (L, V, U)>) -> Self
    where
        L: Into<String>,
        V: Into<String>,
        U: Into<String>,
    {
        let figures = figures
            .into_iter()
            .map(|(label, value, unit)| Figure { label: label.into(), value: value.into(), unit: unit.into() })
            .collect();
        Self::Figures { caption: caption.into(), figures }
    }

    /// A statement that this part is not produced yet.
    pub fn pending(text: impl Into<String>) -> Self {
        Self::Pending { text: text.into() }
    }

    /// Text to be shown letter by letter; `text` is our own, and is divided at its line ends.
    pub fn code(text: &str) -> Self {
        Self::Code { lines: text.lines().map(String::from).collect() }
    }
}

impl Table {
    /// A table without rows.
    pub fn new<T: Into<String>>(caption: impl Into<String>, columns: impl IntoIterator<Item = (T, Align)>) -> Self {
        let columns = columns.into_iter().map(|(heading, align)| Column { heading: heading.into(), align }).collect();
        Self { caption: caption.into(), columns, rows: Vec::new() }
    }

    /// Adds a row.
    #[must_use]
    pub fn row<T: Into<String>>(mut self, cells: impl IntoIterator<Item = T>) -> Self {
        self.rows.push(cells.into_iter().map(Into::into).collect());
        self
    }
}

impl Chart {
    /// One bar for each `(category, amount)`.
    pub fn bars<T: Into<String>>(caption: impl Into<String>, measure: Axis, bars: impl IntoIterator<Item = (T, i64)>) -> Self {
        Self::of_categories(ChartKind::Bars, caption, measure, bars)
    }

    /// What was left after each `(step, amount)`.
    pub fn funnel<T: Into<String>>(caption: impl Into<String>, measure: Axis, steps: impl IntoIterator<Item = (T, i64)>) -> Self {
        Self::of_categories(ChartKind::Funnel, caption, measure, steps)
    }

    /// Lines without points yet: add them with [`Chart::series`].
    pub fn lines(caption: impl Into<String>, x: Axis, y: Axis) -> Self {
        Self { kind: ChartKind::Lines, caption: caption.into(), x, y, series: Vec::new() }
    }

    /// Adds a series of `(x, y)`.
    #[must_use]
    pub fn series(mut self, name: impl Into<String>, points: impl IntoIterator<Item = (i64, i64)>) -> Self {
        let points = points.into_iter().map(|(x, y)| Point { x, y }).collect();
        self.series.push(Series { name: name.into(), points });
        self
    }

    fn of_categories<T: Into<String>>(
        kind: ChartKind,
        caption: impl Into<String>,
        measure: Axis,
        amounts: impl IntoIterator<Item = (T, i64)>,
    ) -> Self {
        let mut x = Axis::new("", "");
        let mut points = Vec::new();
        for (at, (label, y)) in (0..).zip(amounts) {
            x.ticks.push(Tick { at, label: label.into() });
            points.push(Point { x: at, y });
        }
        let series = Series { name: measure.label.clone(), points };
        Self { kind, caption: caption.into(), x, y: measure, series: Vec::from([series]) }
    }
}

impl Axis {
    /// An axis without named values.
    pub fn new(label: impl Into<String>, unit: impl Into<String>) -> Self {
        Self { label: label.into(), unit: unit.into(), ticks: Vec::new() }
    }

    /// Names a value.
    #[must_use]
    pub fn tick(mut self, at: i64, label: impl Into<String>) -> Self {
        self.ticks.push(Tick { at, label: label.into() });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Document {
        Document::new("Process report", "November 2026")
            .notice("Built to the draft codes, not approved under them.")
            .particular("Owner", "Example Records Ltd")
            .section(
                1,
                "Ownership and authority",
                Vec::from([
                    Block::paragraph("Text."),
                    Block::bullets(["one", "two"]),
                    Block::Table(Table::new("A table", [("ISP", Align::Start)]).row(["Example"])),
                    Block::Chart(Chart::bars("A chart", Axis::new("CIRs", ""), [("Example", 3)])),
                    Block::figures("", [("Peers", "1,234", "")]),
                    Block::pending("The next release measures this."),
                    Block::code("a\nb"),
                ]),
            )
    }

    #[test]
    fn a_document_survives_its_json() {
        let json = serde_json::to_string(&sample()).unwrap();
        assert_eq!(serde_json::from_str::<Document>(&json).unwrap(), sample());
    }

    #[test]
    fn fields_that_the_model_does_not_know_are_refused() {
        let json = serde_json::to_value(sample()).unwrap();
        for pointer in [
            "",
            "/meta/0",
            "/sections/0",
            "/sections/0/blocks/0",
            "/sections/0/blocks/2",
            "/sections/0/blocks/2/columns/0",
            "/sections/0/blocks/3",
            "/sections/0/blocks/3/x/ticks/0",
            "/sections/0/blocks/3/series/0/points/0",
            "/sections/0/blocks/4/figures/0",
        ] {
            let mut changed = json.clone();
            let object = changed.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
            object.insert("surplus".into(), 1.into());
            assert!(serde_json::from_value::<Document>(changed).is_err(), "at {pointer:?}");
        }
    }

    #[test]
    fn floats_are_refused() {
        let json = serde_json::to_string(&sample()).unwrap();
        let changed = json.replace("\"y\":3", "\"y\":3.5");
        assert_ne!(json, changed);
        assert!(serde_json::from_str::<Document>(&changed).is_err());
    }

    #[test]
    fn code_is_divided_at_its_line_ends() {
        assert_eq!(Block::code("a\nb\n"), Block::Code { lines: Vec::from([String::from("a"), String::from("b")]) });
    }
}
