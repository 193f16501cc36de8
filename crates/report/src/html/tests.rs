use base64::Engine;
use evidence::document::{Axis, Chart};
use sha2::{Digest, Sha256};

use super::*;

/// Would run, load, reorder or break out, wherever it were not escaped.
const HOSTILE: &str = "</title></style><script>alert(1)</script><img src=x onerror=\"a\">'\u{202e}&amp;\n\u{0}]]>";

#[test]
fn the_policy_allows_the_style_sheet() {
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE));
    assert_eq!(STYLE_SHA256, digest, "the style sheet changed: update the digest");
}

#[test]
fn no_text_breaks_out_of_its_place() {
    let table = Table::new(HOSTILE, [(HOSTILE, Align::End)]).row([HOSTILE, HOSTILE]);
    let chart = |chart: Chart| Block::Chart(chart.series(HOSTILE, [(0, 1), (1, 2)]));
    let axis = || Axis::new(HOSTILE, HOSTILE).tick(1, HOSTILE);
    let page = html(&Document::new(HOSTILE, HOSTILE).notice(HOSTILE).particular(HOSTILE, HOSTILE).section(
        1,
        HOSTILE,
        vec![
            Block::paragraph(HOSTILE),
            Block::bullets([HOSTILE]),
            Block::Table(table),
            chart(Chart::lines(HOSTILE, axis(), axis())),
            chart(Chart::bars(HOSTILE, axis(), [(HOSTILE, 1)])),
            Block::figures(HOSTILE, [(HOSTILE, HOSTILE, HOSTILE)]),
            Block::pending(HOSTILE),
            Block::code(HOSTILE),
        ],
    ));
    for forbidden in ["<script", "<img", "onerror=\"", "\u{202e}", "\u{0}"] {
        assert!(!page.contains(forbidden), "{forbidden:?}");
    }
    assert_eq!(page.matches("</style>").count(), 1);
    assert_eq!(page.matches("<title>").count(), 1);
    assert!(page.contains(r"\u{202e}&amp;amp;"));
}

#[test]
fn tables_say_what_their_cells_are() {
    let table = Table::new("CIRs by ISP", [("ISP", Align::Start), ("CIRs", Align::End)])
        .row(["Example", "3"])
        .row(["Short"])
        .row(["Long", "4", "unforeseen"]);
    let page = html(&Document::new("T", "S").section(7, "H", vec![Block::Table(table)]));
    assert!(page.contains("<caption id=\"t1\"><span class=\"label\">Table 1.</span> CIRs by ISP</caption>"));
    assert!(page.contains("<th scope=\"col\">ISP</th><th scope=\"col\" class=\"end\">CIRs</th><th scope=\"col\"></th>"));
    assert!(page.contains("<th scope=\"row\">Example</th><td class=\"end\">3</td><td></td>"));
    assert!(page.contains("<th scope=\"row\">Short</th><td class=\"end\"></td><td></td>"));
    assert!(page.contains("<th scope=\"row\">Long</th><td class=\"end\">4</td><td>unforeseen</td>"));
}

#[test]
fn an_empty_table_says_so() {
    let table = Table::new("Erasures", [("Basis", Align::Start), ("Count", Align::End)]);
    let page = html(&Document::new("T", "S").section(9, "H", vec![Block::Table(table)]));
    assert!(page.contains("<tr><td colspan=\"2\">none</td></tr>"));
}

#[test]
fn charts_are_heard_as_well_as_seen() {
    let chart = Chart::bars("CIRs by ISP", Axis::new("CIRs", ""), [("Example", 1234)]);
    let page = html(&Document::new("T", "S").section(1, "H", vec![Block::Chart(chart)]));
    assert!(page.contains("<svg role=\"img\" aria-labelledby=\"f1t f1d\""));
    assert!(page.contains("<desc id=\"f1d\">Bar chart of CIRs. CIRs: Example 1,234.</desc>"));
    assert!(page.contains("<td>Example</td><td class=\"end\">1,234</td>"));
}

#[test]
fn a_pending_part_says_so() {
    let page = html(&Document::new("T", "S").section(1, "H", vec![Block::pending("Later.")]));
    assert!(page.contains("<strong>Not yet produced.</strong> Later."));
}

#[test]
fn the_page_is_the_same_every_time_and_asks_for_nothing() {
    let document = Document::new("T", "S").section(1, "H", vec![Block::paragraph("P")]);
    let page = html(&document);
    assert_eq!(page, html(&document));
    for forbidden in ["<script", "<link", "<img", "@import", "url(", " style=\""] {
        assert!(!page.contains(forbidden), "{forbidden:?}");
    }
}
