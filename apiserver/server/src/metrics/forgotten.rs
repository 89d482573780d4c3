//! What was counted before somebody asked to begin anew (`DELETE /metrics`): it stays where it is counted, and is left
//! out where it is shown. So whoever holds a counter goes on with it, and none goes backwards but on the page.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use prometheus::proto::{Counter, Histogram, Metric, MetricFamily, MetricType};

/// A family and the labels of one of its metrics.
type Key = (String, Vec<(String, String)>);

/// What is left out.
#[derive(Default)]
pub(super) struct Forgotten(Mutex<BTreeMap<Key, Metric>>);

impl Forgotten {
    /// Leaves out from now on what these say, where it can begin anew: upstream's counters, and its histograms with
    /// labels. Gauges say what is, and those of the process itself begin with it.
    pub(super) fn set(&self, families: &[MetricFamily]) {
        let counts = families.iter().filter(|family| {
            let is_counter = family.get_field_type() == MetricType::COUNTER;
            let is_histogram = family.get_field_type() == MetricType::HISTOGRAM;
            let has_stage = family.help().starts_with('[');
            has_stage && (is_counter || (is_histogram && family.get_metric().iter().all(has_labels)))
        });
        let all = counts.flat_map(|family| {
            let metrics = family.get_metric().iter();
            metrics.map(|metric| (key(family, metric), metric.clone()))
        });
        *self.0.lock() = all.collect();
    }

    /// Takes out what is left out. What was not counted since is not there any more, unless it has no labels.
    pub(super) fn leave_out(&self, families: &mut Vec<MetricFamily>) {
        let forgotten = self.0.lock();
        if forgotten.is_empty() {
            return;
        }
        for family in families.iter_mut() {
            let sort = family.get_field_type();
            let mut metrics = family.take_metric();
            metrics.retain_mut(|metric| match forgotten.get(&key(family, metric)) {
                Some(before) => subtract(sort, metric, before) || !has_labels(metric),
                None => true,
            });
            family.set_metric(metrics);
        }
        families.retain(|family| !family.get_metric().is_empty());
    }
}

fn key(family: &MetricFamily, metric: &Metric) -> Key {
    let labels = metric.get_label().iter();
    let labels = labels.map(|label| (label.name().to_owned(), label.value().to_owned()));
    (family.name().to_owned(), labels.collect())
}

fn has_labels(metric: &Metric) -> bool {
    !metric.get_label().is_empty()
}

/// Takes out of a metric what it was before; tells whether anything is left.
fn subtract(sort: MetricType, metric: &mut Metric, before: &Metric) -> bool {
    if sort == MetricType::COUNTER {
        let left = metric.get_counter().get_value() - before.get_counter().get_value();
        let mut counter = Counter::default();
        counter.set_value(left);
        metric.set_counter(counter);
        return left > 0.0;
    }
    let (now, before) = (metric.get_histogram(), before.get_histogram());
    let left = now.get_sample_count().saturating_sub(before.get_sample_count());
    let mut histogram = Histogram::default();
    histogram.set_sample_count(left);
    histogram.set_sample_sum(now.get_sample_sum() - before.get_sample_sum());
    let mut buckets = now.get_bucket().to_vec();
    for (bucket, before) in buckets.iter_mut().zip(before.get_bucket()) {
        let left = bucket.cumulative_count().saturating_sub(before.cumulative_count());
        bucket.set_cumulative_count(left);
    }
    histogram.set_bucket(buckets);
    metric.set_histogram(histogram);
    left > 0
}

#[cfg(test)]
mod tests {
    use prometheus::{Counter, Registry};

    use super::Forgotten;
    use crate::metrics::{Make, text};

    #[test]
    fn what_was_counted_is_left_out_and_what_is_stays() {
        let registry = Registry::new();
        let make = Make::new(&registry);
        let requests = make.counters("requests", "[STABLE] h", &["verb"]).unwrap();
        let plain = make.counter("plain", "[STABLE] h").unwrap();
        let took = make.histograms("took", "[ALPHA] h", &[1.0, 2.0], &["verb"]).unwrap();
        let alone = make.histogram("alone", "[ALPHA] h", &[1.0]).unwrap();
        let open = make.gauges("open", "[ALPHA] h", &["verb"]).unwrap();
        let used = make.add(Counter::new("process_cpu", "h").unwrap()).unwrap();
        let count = |verb: &str, seconds: f64| {
            requests.with_label_values(&[verb]).inc();
            took.with_label_values(&[verb]).observe(seconds);
        };
        for verb in ["GET", "PUT"] {
            count(verb, 0.5);
        }
        plain.inc();
        alone.observe(0.5);
        open.with_label_values(&["GET"]).set(3);
        used.inc_by(2.0);
        let forgotten = Forgotten::default();
        let page = || {
            let mut families = registry.gather();
            forgotten.leave_out(&mut families);
            text::encode(&families)
        };
        assert_eq!(page(), text::encode(&registry.gather()));
        forgotten.set(&registry.gather());
        let lines = |page: &str| -> Vec<String> {
            let lines = page.lines().filter(|line| !line.starts_with('#'));
            lines.map(str::to_owned).collect()
        };
        let stays = [
            r#"alone_bucket{le="1"} 1"#,
            r#"alone_bucket{le="+Inf"} 1"#,
            "alone_sum 0.5",
            "alone_count 1",
            r#"open{verb="GET"} 3"#,
            "plain 0",
            "process_cpu 2",
        ];
        assert_eq!(lines(&page()), stays);
        count("PUT", 1.5);
        let since = [
            r#"requests{verb="PUT"} 1"#,
            r#"took_bucket{verb="PUT",le="1"} 0"#,
            r#"took_bucket{verb="PUT",le="2"} 1"#,
            r#"took_bucket{verb="PUT",le="+Inf"} 1"#,
            r#"took_sum{verb="PUT"} 1.5"#,
            r#"took_count{verb="PUT"} 1"#,
        ];
        assert_eq!(lines(&page()), [&stays[..], &since].concat());
    }
}
