//! Bars that lie down, so that the names of the categories can be read; and funnels.

use evidence::document::{Chart, ChartKind};

use super::scale::{Scale, grouped};
use super::svg::{Anchor, Svg, WIDTH, shortened, width_of};
use super::{axis_title, category};

/// How much of the width the names may take.
const NAMES_MAX: i128 = 2200;
/// From a name to its bar, and from a bar to its figure.
const GAP: i128 = 80;
const BAR_HEIGHT: i128 = 130;
const BETWEEN_CATEGORIES: i128 = 90;
const LEGEND_HEIGHT: i128 = 200;

pub(crate) fn svg(chart: &Chart) -> String {
    let mut svg = Svg::new();
    let categories = categories(chart);
    let names: Vec<String> = categories.iter().map(|at| category(&chart.x, *at)).collect();
    let names_width = names.iter().map(|name| width_of(name)).max().unwrap_or(0).min(NAMES_MAX);
    let left = names_width + GAP;

    let amounts = || chart.series.iter().flat_map(|series| series.points.iter().map(|point| point.y));
    let figures_width = amounts().map(|amount| width_of(&grouped(amount))).max().unwrap_or(0);
    let scale = Scale::around(amounts().chain([0]), left, WIDTH - figures_width - GAP);

    let mut y = LEGEND_HEIGHT;
    legend(&mut svg, chart, left);
    let top = y;
    for (at, name) in categories.iter().zip(&names) {
        let rows = i128::try_from(chart.series.len()).unwrap_or(1).max(1);
        let middle = y + (rows * BAR_HEIGHT + BETWEEN_CATEGORIES) / 2;
        svg.words(names_width, middle + 38, Anchor::End, &shortened(name, names_width));
        y += BETWEEN_CATEGORIES / 2;
        for (index, series) in chart.series.iter().enumerate() {
            for point in series.points.iter().filter(|point| point.x == *at) {
                if chart.kind == ChartKind::Funnel {
                    shadow_of_the_step_before(&mut svg, chart, &scale, *at, y);
                }
                let (start, end) = span(&scale, point.y);
                svg.bar(index, (start, y), end - start, BAR_HEIGHT);
                let (x, anchor) = match chart.kind {
                    // Beside the bar the figure would stand across the edge of the shadow.
                    ChartKind::Funnel => (WIDTH, Anchor::End),
                    ChartKind::Bars | ChartKind::Lines => (end + GAP / 2, Anchor::Start),
                };
                svg.words(x, y + BAR_HEIGHT / 2 + 38, anchor, &grouped(point.y));
            }
            y += BAR_HEIGHT;
        }
        y += BETWEEN_CATEGORIES / 2;
    }
    let base = scale.at(0);
    svg.base_rule((base, top), (base, y));
    svg.finish(y + 40)
}

/// Every place that has a name or a point, from the least.
fn categories(chart: &Chart) -> Vec<i64> {
    let named = chart.x.ticks.iter().map(|tick| tick.at);
    let plotted = chart.series.iter().flat_map(|series| series.points.iter().map(|point| point.x));
    let mut places: Vec<i64> = named.chain(plotted).collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// What the bars measure; with several series, what each colour is.
fn legend(svg: &mut Svg, chart: &Chart, left: i128) {
    let title = axis_title(&chart.y);
    svg.quiet_words(left, 110, Anchor::Start, &title);
    if chart.series.len() < 2 {
        return;
    }
    let mut x = left + width_of(&title) + 250;
    for (index, series) in chart.series.iter().enumerate() {
        svg.bar(index, (x, 30), 90, 90);
        svg.words(x + 130, 110, Anchor::Start, &series.name);
        x += 130 + width_of(&series.name) + 200;
    }
}

fn shadow_of_the_step_before(svg: &mut Svg, chart: &Chart, scale: &Scale, at: i64, y: i128) {
    let before = chart.series.iter().flat_map(|series| &series.points).filter(|point| point.x < at);
    if let Some(point) = before.max_by_key(|point| point.x) {
        let (start, end) = span(scale, point.y);
        svg.shadow((start, y), end - start, BAR_HEIGHT);
    }
}

fn span(scale: &Scale, amount: i64) -> (i128, i128) {
    let (base, tip) = (scale.at(0), scale.at(amount));
    (base.min(tip), base.max(tip))
}
