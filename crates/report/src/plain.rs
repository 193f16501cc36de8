//! A document with each of its texts replaced by how it may be shown.

use evidence::document::{Axis, Block, Chart, Column, Document, Figure, Particular, Section, Series, Table, Tick};

/// Replaces every text of `document` by what `show` makes of it. Numbers and order stay.
pub(crate) fn with_texts(document: &Document, show: &impl Fn(&str) -> String) -> Document {
    let Document { format, title, subtitle, notices, meta, sections } = document;
    Document {
        format: format.clone(),
        title: show(title),
        subtitle: show(subtitle),
        notices: texts(notices, show),
        meta: meta.iter().map(|Particular { label, value }| Particular { label: show(label), value: show(value) }).collect(),
        sections: sections
            .iter()
            .map(|Section { number, heading, blocks }| Section {
                number: *number,
                heading: show(heading),
                blocks: blocks.iter().map(|block| block_texts(block, show)).collect(),
            })
            .collect(),
    }
}

fn texts(list: &[String], show: &impl Fn(&str) -> String) -> Vec<String> {
    list.iter().map(|text| show(text)).collect()
}

fn block_texts(block: &Block, show: &impl Fn(&str) -> String) -> Block {
    match block {
        Block::Paragraph { text } => Block::Paragraph { text: show(text) },
        Block::Bullets { items } => Block::Bullets { items: texts(items, show) },
        Block::Table(Table { caption, columns, rows }) => Block::Table(Table {
            caption: show(caption),
            columns: columns.iter().map(|Column { heading, align }| Column { heading: show(heading), align: *align }).collect(),
            rows: rows.iter().map(|row| texts(row, show)).collect(),
        }),
        Block::Chart(Chart { kind, caption, x, y, series }) => Block::Chart(Chart {
            kind: *kind,
            caption: show(caption),
            x: axis_texts(x, show),
            y: axis_texts(y, show),
            series: series.iter().map(|Series { name, points }| Series { name: show(name), points: points.clone() }).collect(),
        }),
        Block::Figures { caption, figures } => Block::Figures {
            caption: show(caption),
            figures: figures
                .iter()
                .map(|Figure { label, value, unit }| Figure { label: show(label), value: show(value), unit: show(unit) })
                .collect(),
        },
        Block::Pending { text } => Block::Pending { text: show(text) },
        Block::Code { lines } => Block::Code { lines: texts(lines, show) },
    }
}

fn axis_texts(Axis { label, unit, ticks }: &Axis, show: &impl Fn(&str) -> String) -> Axis {
    Axis {
        label: show(label),
        unit: show(unit),
        ticks: ticks.iter().map(|Tick { at, label }| Tick { at: *at, label: show(label) }).collect(),
    }
}
