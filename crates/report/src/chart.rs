//! Charts as SVG: small, deterministic, the same picture in PDF and HTML.
//!
//! Coordinates are integers, in tenths of a unit, so that no machine rounds them another way. Colours are
//! written as attributes, which the PDF prints; the classes beside them let the HTML's style sheet follow the
//! reader's colour scheme. Series differ in more than colour.

mod bars;
mod lines;
mod scale;
mod svg;

use evidence::document::{Axis, Chart, ChartKind, Series};

pub(crate) use scale::grouped;
pub(crate) use svg::escaped;

/// The colours of the series, for white paper. The style sheet of the HTML has the same list.
const INKS: [&str; 6] = ["#1f4e79", "#b4602a", "#3f7f63", "#7d4f84", "#6b6f73", "#9a8423"];

/// The chart as a stand-alone SVG image. Its texts must be inert already.
pub(crate) fn svg(chart: &Chart) -> String {
    match chart.kind {
        ChartKind::Bars | ChartKind::Funnel => bars::svg(chart),
        ChartKind::Lines => lines::svg(chart),
    }
}

/// What the chart shows, in words: for those who hear the report.
pub(crate) fn description(chart: &Chart) -> String {
    let measure = axis_title(&chart.y);
    let parts: Vec<String> = match chart.kind {
        ChartKind::Bars | ChartKind::Funnel => chart.series.iter().map(|series| amounts(chart, series)).collect(),
        ChartKind::Lines => chart.series.iter().map(course).collect(),
    };
    let kind = match chart.kind {
        ChartKind::Bars => "Bar chart",
        ChartKind::Funnel => "Funnel chart",
        ChartKind::Lines => "Line chart",
    };
    let limits: String = match chart.kind {
        ChartKind::Lines => chart.y.ticks.iter().map(|tick| format!(" Limit {}: {}.", tick.label, grouped(tick.at))).collect(),
        ChartKind::Bars | ChartKind::Funnel => String::new(),
    };
    format!("{kind} of {measure}. {}{limits}", parts.join(" "))
}

fn amounts(chart: &Chart, series: &Series) -> String {
    let amounts: Vec<String> =
        series.points.iter().map(|point| format!("{} {}", category(&chart.x, point.x), grouped(point.y))).collect();
    format!("{}: {}.", series.name, amounts.join("; "))
}

fn course(series: &Series) -> String {
    let amounts = || series.points.iter().map(|point| point.y);
    match (series.points.first(), series.points.last(), amounts().min(), amounts().max()) {
        (Some(first), Some(last), Some(least), Some(most)) => format!(
            "{}: {} points, first {}, last {}, least {}, most {}.",
            series.name,
            grouped(i64::try_from(series.points.len()).unwrap_or(i64::MAX)),
            grouped(first.y),
            grouped(last.y),
            grouped(least),
            grouped(most),
        ),
        _ => format!("{}: no points.", series.name),
    }
}

/// The name of the category at `at`, or its number if it has none.
pub(crate) fn category(axis: &Axis, at: i64) -> String {
    axis.ticks.iter().find(|tick| tick.at == at).map_or_else(|| grouped(at), |tick| tick.label.clone())
}

/// The number of a place on an axis, and its name if it has one.
pub(crate) fn place(axis: &Axis, at: i64) -> String {
    match axis.ticks.iter().find(|tick| tick.at == at) {
        Some(tick) => format!("{} ({})", grouped(at), tick.label),
        None => grouped(at),
    }
}

/// What an axis measures, with its unit.
pub(crate) fn axis_title(axis: &Axis) -> String {
    match (axis.label.as_str(), axis.unit.as_str()) {
        (label, "") => label.to_owned(),
        ("", unit) => unit.to_owned(),
        (label, unit) => format!("{label} ({unit})"),
    }
}

#[cfg(test)]
mod tests;
