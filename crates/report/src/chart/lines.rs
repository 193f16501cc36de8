//! Lines over time.

use evidence::document::Chart;

use super::axis_title;
use super::scale::{Scale, grouped};
use super::svg::{Anchor, Svg, WIDTH, shortened, width_of};

const HEIGHT: i128 = 2300;
const TOP: i128 = 280;
const BOTTOM: i128 = 1950;
/// The last name on the x axis is centred under its tick, and needs this much beyond it.
const RIGHT: i128 = WIDTH - 180;
const GAP: i128 = 60;
/// Above so many points dots would run together.
const DOTS_MAX: usize = 45;

pub(crate) fn svg(chart: &Chart) -> String {
    let mut svg = Svg::new();
    let points = || chart.series.iter().flat_map(|series| &series.points);
    let limits = || chart.y.ticks.iter();

    // Amounts are measured from nothing, so that a small change does not look like a large one.
    let amounts = points().map(|point| point.y).chain(limits().map(|limit| limit.at)).chain([0]);
    let y = Scale::around(amounts, BOTTOM, TOP).rounded();
    let numbers = y.round_numbers();
    let left = numbers.iter().map(|number| width_of(&grouped(*number))).max().unwrap_or(0) + GAP;
    let places = points().map(|point| point.x).chain(chart.x.ticks.iter().map(|tick| tick.at));
    let x = Scale::around(places, left, RIGHT);

    legend(&mut svg, chart);
    for number in numbers {
        let height = y.at(number);
        if number == 0 {
            svg.base_rule((left, height), (RIGHT, height));
        } else {
            svg.rule((left, height), (RIGHT, height));
        }
        svg.quiet_words(left - GAP, height + 36, Anchor::End, &grouped(number));
    }
    x_axis(&mut svg, chart, &x);
    for limit in limits() {
        let height = y.at(limit.at);
        svg.limit_rule((left, height), (RIGHT, height));
        svg.quiet_words(RIGHT, height - 30, Anchor::End, &limit.label);
    }
    for (index, series) in chart.series.iter().enumerate() {
        let places: Vec<_> = series.points.iter().map(|point| (x.at(point.x), y.at(point.y))).collect();
        if places.len() > 1 {
            svg.polyline(index, &places);
        }
        if places.len() <= DOTS_MAX {
            places.iter().for_each(|place| svg.dot(index, *place));
        }
    }
    svg.finish(HEIGHT)
}

/// What the height measures, then what each line is.
fn legend(svg: &mut Svg, chart: &Chart) {
    let title = axis_title(&chart.y);
    svg.quiet_words(0, 110, Anchor::Start, &title);
    if chart.series.len() < 2 {
        return;
    }
    let widths = chart.series.iter().map(|series| width_of(&series.name) + 400);
    let mut at = (WIDTH - widths.sum::<i128>()).max(width_of(&title) + 200);
    for (index, series) in chart.series.iter().enumerate() {
        svg.polyline(index, &[(at, 75), (at + 240, 75)]);
        svg.words(at + 290, 110, Anchor::Start, &series.name);
        at += width_of(&series.name) + 400;
    }
}

fn x_axis(svg: &mut Svg, chart: &Chart, x: &Scale) {
    let mut named: Vec<(i64, String)> = chart.x.ticks.iter().map(|tick| (tick.at, tick.label.clone())).collect();
    if named.is_empty() {
        named = x.round_numbers().into_iter().map(|number| (number, grouped(number))).collect();
    }
    named.sort();
    // A name that would run into the one before is left out; its tick stays.
    let mut free_from = i128::MIN;
    for (at, name) in named {
        let place = x.at(at);
        let name = shortened(&name, WIDTH / 2);
        let half = width_of(&name) / 2;
        svg.base_rule((place, BOTTOM), (place, BOTTOM + 40));
        if place - half >= free_from {
            svg.quiet_words(place, BOTTOM + 150, Anchor::Middle, &name);
            free_from = place + half + GAP;
        }
    }
    svg.quiet_words(RIGHT, HEIGHT - 60, Anchor::End, &axis_title(&chart.x));
}
