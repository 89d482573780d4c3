//! The plots of a comparison.

use plotters::style::RGBColor;

use super::Comparison;
use super::chart::{Axis, Curve, Scale, draw};
use super::rows::Side;
use crate::process::Kind;
use crate::report::{Sample, figure, median};

const MIB: f64 = 1_048_576.0;
const KINDS: [Kind; 2] = [Kind::Etcd, Kind::Keelson];

/// A full color for what is drawn first, a pale one for what is drawn second.
fn color(kind: Kind, second: bool) -> RGBColor {
    match (kind, second) {
        (Kind::Etcd, false) => RGBColor(201, 74, 41),
        (Kind::Etcd, true) => RGBColor(238, 163, 128),
        (Kind::Keelson, false) => RGBColor(24, 90, 157),
        (Kind::Keelson, true) => RGBColor(122, 178, 220),
    }
}

/// File names and SVG texts of all plots for which there are runs.
///
/// # Errors
/// A plot cannot be drawn.
pub(super) fn all(comparison: &Comparison) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut plots = Vec::new();
    let mut add = |name, title, x, y, curves: Vec<Curve>| -> anyhow::Result<()> {
        let curves: Vec<Curve> = curves.into_iter().filter(|curve| curve.points.len() > 1).collect();
        if !curves.is_empty() {
            plots.push((name, draw(title, &x, &y, &curves)?));
        }
        Ok(())
    };
    let axis = |title, scale| Axis { title, scale };
    add(
        "throughput.svg",
        "Throughput, 3 members",
        axis("clients", Scale::Log),
        axis("requests a second", Scale::Linear),
        throughput(comparison),
    )?;
    add(
        "latency.svg",
        "Latency of puts, 3 members, closed loop",
        axis("share of requests that were faster", Scale::Nines),
        axis("milliseconds", Scale::Log),
        latency(comparison),
    )?;
    add(
        "fanout.svg",
        "Events delivered, 1 KiB values with their previous values, 3 members",
        axis("watchers", Scale::Log),
        axis("events a second", Scale::Linear),
        fanout(comparison),
    )?;
    add(
        "memory.svg",
        "Memory of the largest of 3 members while keys of 1 KiB are put",
        axis("thousand keys", Scale::Linear),
        axis("MiB", Scale::Linear),
        memory(comparison),
    )?;
    Ok(plots)
}

fn throughput(comparison: &Comparison) -> Vec<Curve> {
    let works = [("put", "put"), ("range", "linearizable range")];
    let mut curves = Vec::new();
    for (second, (line, work)) in works.into_iter().enumerate() {
        for kind in KINDS {
            let point = |clients: u32| {
                let step = format!("{work}, {}", super::lines::clients(clients));
                let median = Side::of(comparison, line, &step, kind).median(figure::PER_SECOND)?;
                Some((f64::from(clients), median))
            };
            curves.push(Curve {
                name: format!("{} {work}", kind.name()),
                color: color(kind, second == 1),
                points: [1, 10, 100, 1000].into_iter().filter_map(point).collect(),
            });
        }
    }
    curves
}

fn latency(comparison: &Comparison) -> Vec<Curve> {
    let mut curves = Vec::new();
    for (second, clients) in [100, 1000].into_iter().enumerate() {
        for kind in KINDS {
            let side = Side::of(comparison, "put", &format!("put, {clients} clients"), kind);
            curves.push(Curve {
                name: format!("{}, {clients} clients", kind.name()),
                color: color(kind, second == 1),
                points: median_curve(&side, "put"),
            });
        }
    }
    curves
}

fn fanout(comparison: &Comparison) -> Vec<Curve> {
    let curve = |kind: Kind| {
        let point = |watchers: u32| {
            let step = format!("watch fan-out, {watchers} watchers");
            let side = Side::of(comparison, "watch-fanout", &step, kind);
            Some((f64::from(watchers), side.median(figure::EVENTS_PER_SECOND)?))
        };
        Curve {
            name: kind.name().to_owned(),
            color: color(kind, false),
            points: [1000, 10_000].into_iter().filter_map(point).collect(),
        }
    };
    KINDS.map(curve).into()
}

/// The first run of each side: medians of runs that were looked at in different moments would mean nothing.
fn memory(comparison: &Comparison) -> Vec<Curve> {
    let curve = |kind: Kind| {
        let run = comparison
            .runs
            .iter()
            .find(|run| run.line == "memory" && run.kind == kind && run.outcome.is_ok());
        let series = run
            .and_then(|run| run.outcome.as_ref().ok())
            .map_or(&[][..], |outcome| &outcome.series);
        let point = |sample: &Sample| (sample.done as f64 / 1e3, sample.rss_bytes as f64 / MIB);
        Curve {
            name: kind.name().to_owned(),
            color: color(kind, false),
            points: series.iter().map(point).collect(),
        }
    };
    KINDS.map(curve).into()
}

/// The medians of the quantiles over all runs; the maximum is left out, as it says more about the length of a run.
fn median_curve(side: &Side<'_>, class: &str) -> Vec<(f64, f64)> {
    let curves: Vec<_> = side
        .outcomes()
        .iter()
        .filter_map(|outcome| Some(&outcome.latency.get(class)?.curve))
        .collect();
    let first = curves.first().map_or(&[][..], |curve| &curve[..]);
    let points = first.iter().enumerate().filter(|(_, (quantile, _))| *quantile < 1.0);
    let points = points.filter_map(|(place, (quantile, _))| {
        let values: Vec<f64> = curves
            .iter()
            .filter_map(|curve| curve.get(place).map(|(_, value)| *value))
            .collect();
        Some((*quantile, median(&values)?))
    });
    points.collect()
}
