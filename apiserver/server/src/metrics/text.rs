//! The text format of Prometheus, version 0.0.4, with numbers as upstream's library writes them: the bounds of buckets are
//! labels, and labels are compared as texts.

use std::fmt::Write;

use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

/// How a client may want names that hold other letters than the old ones; ours hold none.
const ESCAPING: [&str; 4] = ["allow-utf-8", "underscores", "dots", "values"];

/// The media type of the answer to a client that accepts this. It is always the same format: upstream has another only for
/// those who put it before the text.
pub(super) fn media_type(accept: &str) -> String {
    let clauses = accept.split(',').map(|clause| clause.split(';').map(str::trim));
    let mut texts = clauses.filter_map(|mut parts| (parts.next() == Some("text/plain")).then_some(parts));
    let asked = texts.find_map(|mut parts| parts.find_map(|part| part.strip_prefix("escaping=")));
    let escaping = asked.filter(|asked| ESCAPING.contains(asked)).unwrap_or("underscores");
    format!("text/plain; version=0.0.4; charset=utf-8; escaping={escaping}")
}

/// Writes families. They come in the order of their names, and their labels, too.
pub(super) fn encode(families: &[MetricFamily]) -> String {
    let mut out = String::with_capacity(64 * 1024);
    for family in families {
        let name = family.name();
        let sort = family.get_field_type();
        let shown = match sort {
            MetricType::COUNTER => "counter",
            MetricType::GAUGE => "gauge",
            MetricType::HISTOGRAM => "histogram",
            MetricType::SUMMARY => "summary",
            MetricType::UNTYPED => "untyped",
        };
        // Writing to a text cannot fail.
        let _ = write!(out, "# HELP {name} ");
        escape(&mut out, family.help(), false);
        let _ = write!(out, "\n# TYPE {name} {shown}\n");
        for metric in family.get_metric() {
            match sort {
                MetricType::COUNTER => sample(&mut out, name, "", metric, None, metric.get_counter().get_value()),
                MetricType::GAUGE => sample(&mut out, name, "", metric, None, metric.get_gauge().get_value()),
                MetricType::HISTOGRAM => histogram(&mut out, name, metric),
                MetricType::SUMMARY => summary(&mut out, name, metric),
                // Nobody here makes such.
                MetricType::UNTYPED => {}
            }
        }
    }
    out
}

fn histogram(out: &mut String, name: &str, metric: &Metric) {
    let histogram = metric.get_histogram();
    let mut bound = String::new();
    for bucket in histogram.get_bucket() {
        bound.clear();
        number(&mut bound, bucket.upper_bound());
        count(
            out,
            name,
            "_bucket",
            metric,
            Some(("le", &bound)),
            bucket.cumulative_count(),
        );
    }
    let all = histogram.get_sample_count();
    count(out, name, "_bucket", metric, Some(("le", "+Inf")), all);
    sample(out, name, "_sum", metric, None, histogram.get_sample_sum());
    count(out, name, "_count", metric, None, all);
}

fn summary(out: &mut String, name: &str, metric: &Metric) {
    let summary = metric.get_summary();
    let mut share = String::new();
    for quantile in summary.get_quantile() {
        share.clear();
        number(&mut share, quantile.quantile());
        sample(out, name, "", metric, Some(("quantile", &share)), quantile.value());
    }
    sample(out, name, "_sum", metric, None, summary.sample_sum());
    count(out, name, "_count", metric, None, summary.sample_count());
}

/// A label of a sample that is none of its metric.
type More<'m> = Option<(&'m str, &'m str)>;

fn sample(out: &mut String, name: &str, suffix: &str, metric: &Metric, more: More<'_>, value: f64) {
    head(out, name, suffix, metric.get_label(), more);
    number(out, value);
    out.push('\n');
}

/// A sample that is a whole number, however large.
fn count(out: &mut String, name: &str, suffix: &str, metric: &Metric, more: More<'_>, value: u64) {
    head(out, name, suffix, metric.get_label(), more);
    let _ = writeln!(out, "{value}");
}

fn head(out: &mut String, name: &str, suffix: &str, labels: &[LabelPair], more: More<'_>) {
    out.push_str(name);
    out.push_str(suffix);
    let mut open = '{';
    for label in labels {
        out.push(open);
        open = ',';
        out.push_str(label.name());
        out.push_str("=\"");
        escape(out, label.value(), true);
        out.push('"');
    }
    if let Some((label, value)) = more {
        let _ = write!(out, "{open}{label}=\"{value}\"");
        open = ',';
    }
    out.push_str(if open == ',' { "} " } else { " " });
}

fn escape(out: &mut String, text: &str, quotes: bool) {
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            letter => out.push(letter),
        }
    }
}

/// A number in Go's shortest form: large and small ones have an exponent of two digits at least.
fn number(out: &mut String, value: f64) {
    if value.is_infinite() {
        return out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    }
    let exponent = format!("{value:e}");
    let Some((digits, power)) = exponent.split_once('e') else {
        return out.push_str("NaN");
    };
    let power: i32 = power.parse().unwrap_or_default();
    let _ = if (-4..6).contains(&power) {
        write!(out, "{value}")
    } else {
        let sign = if power < 0 { '-' } else { '+' };
        write!(out, "{digits}e{sign}{:02}", power.abs())
    };
}

#[cfg(test)]
mod tests {
    use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType, Quantile, Summary};
    use prometheus::{HistogramOpts, HistogramVec, IntGaugeVec, Opts, Registry};

    use super::{encode, media_type, number};

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        for (value, text) in [
            (0.0, "0"),
            (1.25, "1.25"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (100_000.0, "100000"),
            (1_000_000.0, "1e+06"),
            (1_048_576.0, "1.048576e+06"),
            (15_552_000.0, "1.5552e+07"),
            (1e100, "1e+100"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
            (-2.5, "-2.5"),
        ] {
            let mut out = String::new();
            number(&mut out, value);
            assert_eq!(out, text);
        }
    }

    #[test]
    fn a_summary_is_written_by_its_quantiles() {
        let (mut half, mut summary, mut label) = (Quantile::default(), Summary::default(), LabelPair::default());
        half.set_quantile(0.5);
        half.set_value(f64::NAN);
        summary.set_quantile(vec![half]);
        summary.set_sample_sum(0.25);
        summary.set_sample_count(2);
        label.set_name("l".to_owned());
        label.set_value("v".to_owned());
        let mut metric = Metric::from_label(vec![label]);
        metric.set_summary(summary);
        let mut family = MetricFamily::default();
        family.set_name("took".to_owned());
        family.set_help("h".to_owned());
        family.set_field_type(MetricType::SUMMARY);
        family.set_metric(vec![metric]);
        assert_eq!(
            encode(&[family]),
            "# HELP took h\n# TYPE took summary\ntook{l=\"v\",quantile=\"0.5\"} NaN\ntook_sum{l=\"v\"} 0.25\n\
             took_count{l=\"v\"} 2\n"
        );
    }

    #[test]
    fn families_are_written_with_help_type_and_samples() {
        let registry = Registry::new();
        let gauges = IntGaugeVec::new(Opts::new("a_gauge", "two\nlines \\"), &["b", "a"]).unwrap();
        gauges.with_label_values(&["x\"y\\z\n", ""]).set(-7);
        let options = HistogramOpts::new("sizes", "s").buckets(vec![10.0, 1e6]);
        let sizes = HistogramVec::new(options, &[]).unwrap();
        sizes.with_label_values(&[] as &[&str]).observe(20.5);
        registry.register(Box::new(gauges)).unwrap();
        registry.register(Box::new(sizes)).unwrap();
        let text = "# HELP a_gauge two\\nlines \\\\\n\
                    # TYPE a_gauge gauge\n\
                    a_gauge{a=\"\",b=\"x\\\"y\\\\z\\n\"} -7\n\
                    # HELP sizes s\n\
                    # TYPE sizes histogram\n\
                    sizes_bucket{le=\"10\"} 0\n\
                    sizes_bucket{le=\"1e+06\"} 1\n\
                    sizes_bucket{le=\"+Inf\"} 1\n\
                    sizes_sum 20.5\n\
                    sizes_count 1\n";
        assert_eq!(encode(&registry.gather()), text);
    }

    #[test]
    fn the_format_is_the_same_however_it_is_asked_for() {
        let usual = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
        assert_eq!(media_type(""), usual);
        assert_eq!(
            media_type("application/openmetrics-text;version=1.0.0,*/*;q=0.1"),
            usual
        );
        assert_eq!(
            media_type("application/json, text/plain;version=0.0.4;q=0.3;escaping=allow-utf-8"),
            "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8"
        );
        assert_eq!(media_type("text/plain; escaping=nonsense"), usual);
    }
}
