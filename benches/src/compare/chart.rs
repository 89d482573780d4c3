//! One line chart as SVG.

use anyhow::Context;
use plotters::prelude::*;

const SIZE: (u32, u32) = (760, 420);
const FONT: &str = "sans-serif";

/// How values are placed along an axis, and what is written there.
pub(super) struct Axis {
    pub(super) title: &'static str,
    pub(super) scale: Scale,
}

/// Where values are placed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    Linear,
    /// Each tenfold step takes the same room.
    Log,
    /// Quantiles: each nine takes the same room.
    Nines,
}

impl Scale {
    fn place(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.max(1e-6).log10(),
            Self::Nines => -(1.0 - value).max(1e-5).log10(),
        }
    }

    fn label(self, place: f64) -> String {
        match self {
            Self::Linear if place.abs() < 1000.0 => short(place),
            Self::Linear => crate::report::rounded(place),
            Self::Log => short(10_f64.powf(place)),
            Self::Nines => format!("{}%", short(100.0 * (1.0 - 10_f64.powf(-place)))),
        }
    }
}

fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// One curve.
pub(super) struct Curve {
    pub(super) name: String,
    pub(super) color: RGBColor,
    pub(super) points: Vec<(f64, f64)>,
}

/// Draws the curves.
///
/// # Errors
/// There is nothing to draw.
pub(super) fn draw(title: &str, x: &Axis, y: &Axis, curves: &[Curve]) -> anyhow::Result<String> {
    let placed: Vec<Vec<(f64, f64)>> = curves
        .iter()
        .map(|curve| {
            let place = |(a, b): &(f64, f64)| (x.scale.place(*a), y.scale.place(*b));
            curve.points.iter().map(place).collect()
        })
        .collect();
    let (across, up) = (
        range(placed.iter().flatten().map(|point| point.0), x.scale)?,
        range(placed.iter().flatten().map(|point| point.1), y.scale)?,
    );
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(title, (FONT, 18))
            .margin(14)
            .x_label_area_size(42)
            .y_label_area_size(72)
            .build_cartesian_2d(across, up)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(RGBColor(225, 225, 225))
            .x_desc(x.title)
            .y_desc(y.title)
            .x_labels(6)
            .y_labels(6)
            .x_label_formatter(&|place| x.scale.label(*place))
            .y_label_formatter(&|place| y.scale.label(*place))
            .label_style((FONT, 13))
            .draw()?;
        for (curve, points) in curves.iter().zip(placed) {
            let color = curve.color;
            chart
                .draw_series(LineSeries::new(points.clone(), color.stroke_width(2)))?
                .label(&curve.name)
                .legend(move |(a, b)| PathElement::new([(a, b), (a + 18, b)], color.stroke_width(2)));
            chart.draw_series(points.into_iter().map(|point| Circle::new(point, 3, color.filled())))?;
        }
        chart
            .configure_series_labels()
            .position(if y.scale == Scale::Log {
                SeriesLabelPosition::LowerRight
            } else {
                SeriesLabelPosition::UpperLeft
            })
            .background_style(WHITE.mix(0.8))
            .border_style(RGBColor(200, 200, 200))
            .label_font((FONT, 13))
            .draw()?;
        area.present()?;
    }
    Ok(svg)
}

/// From the least to the most; a linear axis begins at nothing, so that heights can be compared.
fn range(values: impl Iterator<Item = f64> + Clone, scale: Scale) -> anyhow::Result<std::ops::Range<f64>> {
    let least = values.clone().min_by(f64::total_cmp).context("no points to draw")?;
    let most = values.max_by(f64::total_cmp).context("no points to draw")?;
    let least = match scale {
        Scale::Linear => least.min(0.0),
        Scale::Log => least.floor(),
        Scale::Nines => least,
    };
    let room = (most - least).max(1e-3) * 0.05;
    Ok(least..most + room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_say_the_value_and_not_its_place() {
        assert_eq!(Scale::Log.label(Scale::Log.place(1000.0)), "1000");
        assert_eq!(Scale::Nines.label(Scale::Nines.place(0.99)), "99%");
        assert_eq!(Scale::Nines.label(Scale::Nines.place(0.999)), "99.9%");
        assert_eq!(Scale::Linear.label(0.0), "0");
    }

    #[test]
    fn a_chart_has_its_curves_and_none_has_no_chart() {
        let axis = |scale| Axis { title: "axis", scale };
        let curve = Curve {
            name: "a curve".to_owned(),
            color: RED,
            points: vec![(1.0, 5.0), (1000.0, 7.0)],
        };
        let svg = draw("a chart", &axis(Scale::Log), &axis(Scale::Linear), &[curve]).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("a curve") && svg.contains("a chart"));
        assert!(draw("", &axis(Scale::Log), &axis(Scale::Linear), &[]).is_err());
    }
}
