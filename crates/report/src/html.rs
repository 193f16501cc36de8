//! The document as one page of HTML: readable on any screen, printable, heard as well as seen.
//!
//! The page is complete in itself and inactive: no script, no link to anything outside, and a policy that forbids
//! both even if an escape were missed. Its one style sheet is allowed by its digest.

use std::fmt::Write;

use evidence::document::{Align, Block, Chart, ChartKind, Document, Figure, Section, Table};

use crate::chart::{self, axis_title, category};
use crate::inert::inert;
use crate::plain::with_texts;

const STYLE: &str = include_str!("html/style.css");

/// The SHA-256 of [`STYLE`] in base 64; a test compares them.
const STYLE_SHA256: &str = "mShWE5yEZzXmdDxuQwu/9rhaR/NTbR32FhYBiMAHS5I=";

/// The document as one page of HTML.
pub fn html(document: &Document) -> String {
    let document = with_texts(document, &inert);
    let mut page = Page { source: String::new(), tables: 0, charts: 0 };
    page.head(&document);
    page.title_block(&document);
    page.contents(&document.sections);
    page.put("<main>\n");
    document.sections.iter().for_each(|section| page.section(section));
    page.put("</main>\n");
    page.put(
        "<footer><p>Characters that act on the text around them without being seen are shown as \
         <code>\\u{…}</code>, with the number of the code point.</p></footer>\n</body>\n</html>\n",
    );
    page.source
}

struct Page {
    source: String,
    tables: u32,
    charts: u32,
}

/// Text as HTML holds it.
fn text(plain: &str) -> String {
    chart::escaped(plain)
}

impl Page {
    fn put(&mut self, source: &str) {
        self.source.push_str(source);
    }

    fn write(&mut self, source: std::fmt::Arguments<'_>) {
        self.source.write_fmt(source).expect("a string takes every write");
    }

    fn head(&mut self, document: &Document) {
        self.write(format_args!(
            "<!DOCTYPE html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
             style-src 'sha256-{STYLE_SHA256}'; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
             <title>{} – {}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#s-first\">Skip to the report</a>\n",
            text(&document.title),
            text(&document.subtitle),
        ));
    }

    fn title_block(&mut self, document: &Document) {
        self.write(format_args!(
            "<header>\n<h1>{}</h1>\n<p class=\"subtitle\">{}</p>\n",
            text(&document.title),
            text(&document.subtitle)
        ));
        if !document.notices.is_empty() {
            self.put("<div class=\"notices\" role=\"note\" aria-label=\"What this report is\">\n");
            for notice in &document.notices {
                self.write(format_args!("<p>{}</p>\n", text(notice)));
            }
            self.put("</div>\n");
        }
        if !document.meta.is_empty() {
            self.put("<dl class=\"meta\">\n");
            for particular in &document.meta {
                self.write(format_args!("<div><dt>{}</dt><dd>{}</dd></div>\n", text(&particular.label), text(&particular.value)));
            }
            self.put("</dl>\n");
        }
        self.put("</header>\n");
    }

    fn contents(&mut self, sections: &[Section]) {
        self.put("<nav aria-labelledby=\"contents\">\n<h2 id=\"contents\">Contents</h2>\n<ol>\n");
        for Section { number, heading, .. } in sections {
            self.write(format_args!(
                "<li><a href=\"#s{number}\"><span class=\"number\">{number}</span> {}</a></li>\n",
                text(heading)
            ));
        }
        self.put("</ol>\n</nav>\n<div id=\"s-first\"></div>\n");
    }

    fn section(&mut self, Section { number, heading, blocks }: &Section) {
        self.write(format_args!(
            "<section id=\"s{number}\" aria-labelledby=\"s{number}h\">\n\
             <h2 id=\"s{number}h\"><span class=\"number\">{number}</span> {}</h2>\n",
            text(heading)
        ));
        blocks.iter().for_each(|block| self.block(block));
        self.put("</section>\n");
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Paragraph { text: words } => self.write(format_args!("<p>{}</p>\n", text(words))),
            Block::Bullets { items } => {
                self.put("<ul>\n");
                items.iter().for_each(|item| self.write(format_args!("<li>{}</li>\n", text(item))));
                self.put("</ul>\n");
            }
            Block::Table(table) => self.table(table),
            Block::Chart(chart) => self.chart(chart),
            Block::Figures { caption, figures } => self.figures(caption, figures),
            Block::Pending { text: words } => {
                self.write(format_args!("<p class=\"pending\"><strong>Not yet produced.</strong> {}</p>\n", text(words)))
            }
            Block::Code { lines } => {
                self.write(format_args!("<pre><code>{}</code></pre>\n", text(&lines.join("\n"))));
            }
        }
    }

    fn table(&mut self, table: &Table) {
        self.tables += 1;
        let number = self.tables;
        self.write(format_args!(
            "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"t{number}\">\n<table>\n\
             <caption id=\"t{number}\"><span class=\"label\">Table {number}.</span> {}</caption>\n",
            text(&table.caption)
        ));
        self.rows(table);
        self.put("</table>\n</div>\n");
    }

    /// Every cell is shown, also where a row is longer than the heading.
    fn rows(&mut self, table: &Table) {
        let width = table.rows.iter().map(Vec::len).chain([table.columns.len()]).max().unwrap_or(0);
        let class = |at: usize| match table.columns.get(at).map(|column| column.align) {
            Some(Align::End) => " class=\"end\"",
            Some(Align::Start) | None => "",
        };
        self.put("<thead>\n<tr>");
        for at in 0..width {
            let heading = table.columns.get(at).map_or("", |column| column.heading.as_str());
            self.write(format_args!("<th scope=\"col\"{}>{}</th>", class(at), text(heading)));
        }
        self.put("</tr>\n</thead>\n<tbody>\n");
        if table.rows.is_empty() {
            self.write(format_args!("<tr><td colspan=\"{width}\">none</td></tr>\n"));
        }
        for row in &table.rows {
            self.put("<tr>");
            for at in 0..width {
                let cell = text(row.get(at).map_or("", String::as_str));
                let class = class(at);
                if at == 0 {
                    self.write(format_args!("<th scope=\"row\"{class}>{cell}</th>"));
                } else {
                    self.write(format_args!("<td{class}>{cell}</td>"));
                }
            }
            self.put("</tr>\n");
        }
        self.put("</tbody>\n");
    }

    fn chart(&mut self, chart: &Chart) {
        self.charts += 1;
        let number = self.charts;
        let image = chart::svg(chart);
        let labelled = image.replacen("<svg ", &format!("<svg role=\"img\" aria-labelledby=\"f{number}t f{number}d\" "), 1);
        let (opening, body) = labelled.split_once('\n').unwrap_or((&labelled, ""));
        self.write(format_args!(
            "<figure>\n{opening}\n<title id=\"f{number}t\">{}</title>\n<desc id=\"f{number}d\">{}</desc>\n{body}\
             <figcaption><span class=\"label\">Figure {number}.</span> {}</figcaption>\n\
             <details><summary>Figures of the chart</summary>\n<table>\n",
            text(&chart.caption),
            text(&chart::description(chart)),
            text(&chart.caption),
        ));
        self.rows(&plotted(chart));
        self.put("</table>\n</details>\n</figure>\n");
    }

    fn figures(&mut self, caption: &str, figures: &[Figure]) {
        self.put("<div class=\"figures\">\n");
        if !caption.is_empty() {
            self.write(format_args!("<p class=\"label\">{}</p>\n", text(caption)));
        }
        self.put("<dl>\n");
        for Figure { label, value, unit } in figures {
            self.write(format_args!(
                "<div><dt>{}</dt><dd>{}<span class=\"unit\">{}{}</span></dd></div>\n",
                text(label),
                text(value),
                if unit.is_empty() { "" } else { " " },
                text(unit)
            ));
        }
        self.put("</dl>\n</div>\n");
    }
}

/// What a chart plots, as the table behind it.
fn plotted(chart: &Chart) -> Table {
    let mut table = Table::new(
        "",
        [("Series".to_owned(), Align::Start), (axis_title(&chart.x), Align::Start), (axis_title(&chart.y), Align::End)],
    );
    for series in &chart.series {
        for point in &series.points {
            let place = match chart.kind {
                ChartKind::Bars | ChartKind::Funnel => category(&chart.x, point.x),
                ChartKind::Lines => chart::place(&chart.x, point.x),
            };
            table = table.row([series.name.clone(), place, chart::grouped(point.y)]);
        }
    }
    table
}

#[cfg(test)]
mod tests;
