use evidence::document::{Axis, Chart};

use super::scale::{Scale, grouped};
use super::*;

#[test]
fn digits_stand_in_groups_of_three() {
    for (number, written) in
        [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "−1,234,567"), (i64::MIN, "−9,223,372,036,854,775,808")]
    {
        assert_eq!(grouped(number), written);
    }
}

#[test]
fn a_scale_is_framed_by_round_numbers() {
    let scale = Scale::around([0, 437].into_iter(), 1000, 0).rounded();
    assert_eq!(scale.round_numbers(), [0, 100, 200, 300, 400, 500]);
    assert_eq!((scale.at(0), scale.at(500), scale.at(250)), (1000, 0, 500));
    let scale = Scale::around([-7, 0, 12].into_iter(), 0, 1000).rounded();
    assert_eq!(scale.round_numbers(), [-10, -5, 0, 5, 10, 15]);
}

#[test]
fn extreme_and_empty_charts_are_drawn() {
    let measure = || Axis::new("Peers", "");
    for chart in [
        Chart::bars("none", measure(), Vec::<(String, i64)>::new()),
        Chart::bars("extreme", measure(), [("a", i64::MAX), ("b", i64::MIN)]),
        Chart::funnel("nothing left", measure(), [("a", 0), ("b", 0)]),
        Chart::lines("none", Axis::new("", ""), measure()),
        Chart::lines("one", Axis::new("", ""), measure()).series("a", [(5, 5)]),
        Chart::lines("extreme", Axis::new("", ""), measure()).series("a", [(i64::MIN, i64::MIN), (i64::MAX, i64::MAX)]),
    ] {
        let image = svg(&chart);
        assert!(image.starts_with("<svg ") && image.ends_with("</svg>\n"), "{image}");
        assert!(!description(&chart).is_empty());
    }
}

#[test]
fn names_are_escaped() {
    let chart = Chart::bars("", Axis::new("<a>", "&"), [("\"</text><script>", 1)]);
    let image = svg(&chart);
    assert!(image.contains("&quot;&lt;/text&gt;&lt;script&gt;"), "{image}");
    assert!(image.contains("&lt;a&gt; (&amp;)"), "{image}");
    assert!(!image.contains("<script"), "{image}");
}

#[test]
fn bars_are_as_long_as_their_amounts() {
    let image = svg(&Chart::bars("", Axis::new("", ""), [("a", 100), ("b", 50), ("c", 0)]));
    let widths: Vec<&str> = image
        .lines()
        .filter(|line| line.starts_with("<rect"))
        .map(|line| line.split("width=\"").nth(1).unwrap().split('"').next().unwrap())
        .collect();
    let tenths = |width: &str| width.parse::<f64>().unwrap();
    assert_eq!(widths.len(), 3);
    assert!((tenths(widths[0]) - 2.0 * tenths(widths[1])).abs() < 0.3, "{widths:?}");
    assert_eq!(widths[2], "0");
}

#[test]
fn words_say_what_the_picture_shows() {
    let funnel = Chart::funnel("", Axis::new("Addresses", ""), [("Heard of", 1200), ("Reached", 800)]);
    assert_eq!(description(&funnel), "Funnel chart of Addresses. Addresses: Heard of 1,200; Reached 800.");
    let lines = Chart::lines("", Axis::new("Day", ""), Axis::new("Clock error", "ms").tick(100, "tolerance"))
        .series("node 1", [(1, 4), (2, 9), (3, 2)]);
    assert_eq!(
        description(&lines),
        "Line chart of Clock error (ms). node 1: 3 points, first 4, last 2, least 2, most 9. \
         Limit tolerance: 100."
    );
}
