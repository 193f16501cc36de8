use evidence::document::{Align, Axis, Block, Chart, Table};

use super::*;

/// Would be markup, code, a reference, a label or an equation, wherever it were evaluated; and what no font has.
const HOSTILE: &str = "#panic(\"out\") = *b* _i_ $x^2$ @ref <label> `raw` // -- \\ #read(\"/etc/passwd\") \
     \u{202e}\u{0}\n\u{feff}\u{301}日本語 👩‍👩‍👧 العربية e\u{301}\u{302}\u{303} \u{fffe}";

fn options() -> PdfOptions {
    let timestamp = CivilTime { year: 2026, month: 12, day: 1, hour: 9, minute: 30, second: 0 };
    PdfOptions { ident: "test".to_owned(), timestamp, attachments: Vec::new() }
}

#[test]
fn hostile_text_is_set_as_text() {
    let table =
        Table::new(HOSTILE, [(HOSTILE, Align::Start), (HOSTILE, Align::End)]).row([HOSTILE]).row([HOSTILE, HOSTILE, HOSTILE]);
    let axis = || Axis::new(HOSTILE, HOSTILE).tick(1, HOSTILE);
    let document = Document::new(HOSTILE, HOSTILE).notice(HOSTILE).particular(HOSTILE, HOSTILE).section(
        0,
        HOSTILE,
        vec![
            Block::paragraph(HOSTILE),
            Block::bullets([HOSTILE]),
            Block::Table(table),
            Block::Chart(Chart::lines(HOSTILE, axis(), axis()).series(HOSTILE, [(0, 1), (1, 2)])),
            Block::Chart(Chart::funnel(HOSTILE, axis(), [(HOSTILE, 1)])),
            Block::figures(HOSTILE, [(HOSTILE, HOSTILE, HOSTILE)]),
            Block::pending(HOSTILE),
            Block::code(HOSTILE),
        ],
    );
    pdf(&document, options()).unwrap();
}

#[test]
fn empty_parts_are_set() {
    let empty = || Table::new("", Vec::<(String, Align)>::new());
    let document = Document::new("", "").section(
        u32::MAX,
        "",
        vec![
            Block::paragraph(""),
            Block::bullets(Vec::<String>::new()),
            Block::Table(empty()),
            Block::Table(empty().row(["a"])),
            Block::Chart(Chart::lines("", Axis::new("", ""), Axis::new("", ""))),
            Block::figures("", Vec::<(String, String, String)>::new()),
            Block::pending(""),
            Block::code(""),
        ],
    );
    pdf(&document, options()).unwrap();
}

#[test]
fn what_the_fonts_lack_is_escaped() {
    assert_eq!(coverage::within_fonts("Ünïcödé Ελληνικά Кириллица ± – … ≥ −"), "Ünïcödé Ελληνικά Кириллица ± – … ≥ −");
    assert_eq!(coverage::within_fonts("日a👍"), r"\u{65e5}a\u{1f44d}");
}

#[test]
fn dates_that_do_not_exist_are_refused() {
    let document = Document::new("T", "S");
    for (month, day, hour) in [(2, 30, 0), (13, 1, 0), (0, 1, 0), (1, 1, 24)] {
        let timestamp = CivilTime { month, day, hour, ..options().timestamp };
        let result = pdf(&document, PdfOptions { timestamp, ..options() });
        assert!(matches!(result, Err(ReportError::Timestamp(_))));
    }
}

#[test]
fn attachments_are_named_plainly_and_once() {
    let attachment = |name: &str, mime_type: &str| Attachment {
        name: name.to_owned(),
        mime_type: mime_type.to_owned(),
        description: HOSTILE.to_owned(),
        bytes: b"a,b\n".to_vec(),
    };
    let document = Document::new("T", "S");
    let with = |attachments| pdf(&document, PdfOptions { attachments, ..options() });
    let csv = "text/csv";
    for refused in [
        vec![attachment("", csv)],
        vec![attachment("../a", csv)],
        vec![attachment(".a", csv)],
        vec![attachment(&"a".repeat(101), csv)],
        vec![attachment("document.json", csv)],
        vec![attachment("a.csv", csv), attachment("a.csv", csv)],
        vec![attachment("a.csv", "csv")],
    ] {
        assert!(matches!(with(refused), Err(ReportError::Attachment { .. })));
    }
    with(vec![attachment("a.csv", csv), attachment("b.csv", csv)]).unwrap();
}
