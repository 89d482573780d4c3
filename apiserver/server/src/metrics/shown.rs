//! What of the families is shown: those that are switched off are not, labels whose values are held to a list have no
//! others, and how many families there are is a metric, too (upstream's `registered_metrics_total` and its like).

use std::collections::{BTreeMap, BTreeSet};

use prometheus::proto::{Counter, Histogram, LabelPair, Metric, MetricFamily, MetricType, Summary};
use prometheus::{IntCounter, IntCounterVec, Registry};

use super::Make;
use super::forgotten::Forgotten;

/// What stands for all values that are not in the list of a label.
const UNEXPECTED: &str = "unexpected";

/// What an operator wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Full names of families that are not shown.
    pub disabled: BTreeSet<String>,
    /// By family and label: the values that are shown as they are.
    pub allowed: BTreeMap<(String, String), BTreeSet<String>>,
}

/// The families as they are shown.
pub struct Shown {
    options: Options,
    /// What is counted of the others.
    own: Registry,
    /// What nobody wants to see any more.
    forgotten: Forgotten,
    registered: IntCounterVec,
    disabled: IntCounter,
}

impl Shown {
    /// Everything that these want.
    ///
    /// # Errors
    /// None that can happen: the names are no others' in a registry of their own.
    pub fn new(options: Options) -> prometheus::Result<Self> {
        let own = Registry::new();
        let make = Make::new(&own);
        // Nothing is hidden before it is gone.
        make.counter(
            "hidden_metrics_total",
            "[BETA] Metrics that are hidden because they will go.",
        )?;
        Ok(Self {
            options,
            registered: make.counters(
                "registered_metrics_total",
                "[BETA] Metrics that had a value, by how stable they are.",
                &["stability_level", "deprecated_version"],
            )?,
            disabled: make.counter("disabled_metrics_total", "[BETA] Metrics that are switched off.")?,
            own,
            forgotten: Forgotten::default(),
        })
    }

    /// What a registry holds, by name, and what is counted of it.
    pub(super) fn families(&self, registry: &Registry) -> Vec<MetricFamily> {
        let is_shown = |family: &MetricFamily| !self.options.disabled.contains(family.name());
        let mut families = registry.gather();
        let before = families.len();
        families.retain(is_shown);
        raise(&self.disabled, before - families.len());
        self.count(&families);
        families.extend(self.own.gather().into_iter().filter(is_shown));
        families.sort_by(|a, b| a.name().cmp(b.name()));
        self.forgotten.leave_out(&mut families);
        for family in &mut families {
            self.constrain(family);
        }
        families
    }

    /// Leaves out from now on what was counted until now.
    pub(super) fn forget(&self, registry: &Registry) {
        let mut families = registry.gather();
        families.extend(self.own.gather());
        self.forgotten.set(&families);
    }

    fn count(&self, families: &[MetricFamily]) {
        let mut stages: BTreeMap<&str, usize> = BTreeMap::new();
        for family in families {
            let stage = family.help().strip_prefix('[').and_then(|help| help.split_once(']'));
            if let Some((stage, _)) = stage {
                *stages.entry(stage).or_default() += 1;
            }
        }
        for (stage, count) in stages {
            raise(&self.registered.with_label_values(&[stage, ""]), count);
        }
    }

    /// Holds the values of labels to their lists, and joins what is the same then.
    fn constrain(&self, family: &mut MetricFamily) {
        let name = family.name().to_owned();
        let lists = self.options.allowed.iter().filter(|((of, _), _)| *of == name);
        let lists: BTreeMap<&str, &BTreeSet<String>> = lists.map(|((_, label), list)| (label.as_str(), list)).collect();
        if lists.is_empty() {
            return;
        }
        let sort = family.get_field_type();
        let mut joined: Vec<Metric> = Vec::new();
        for mut metric in family.take_metric() {
            for label in metric.mut_label() {
                if lists
                    .get(label.name())
                    .is_some_and(|list| !list.contains(label.value()))
                {
                    label.set_value(UNEXPECTED.to_owned());
                }
            }
            match joined
                .iter_mut()
                .find(|other| same(other.get_label(), metric.get_label()))
            {
                Some(other) => join(sort, other, &metric),
                None => joined.push(metric),
            }
        }
        family.set_metric(joined);
    }
}

/// Lets a counter say this, if that is more.
fn raise(counter: &IntCounter, to: usize) {
    counter.inc_by((to as u64).saturating_sub(counter.get()));
}

fn same(one: &[LabelPair], other: &[LabelPair]) -> bool {
    let pair = |label: &LabelPair| (label.name().to_owned(), label.value().to_owned());
    one.iter().map(pair).eq(other.iter().map(pair))
}

/// Adds what another metric counted. Of gauges the later one stands, as if both had been set.
fn join(sort: MetricType, metric: &mut Metric, other: &Metric) {
    match sort {
        MetricType::COUNTER => {
            let mut counter = Counter::default();
            counter.set_value(metric.get_counter().get_value() + other.get_counter().get_value());
            metric.set_counter(counter);
        }
        MetricType::HISTOGRAM => metric.set_histogram(sum(metric.get_histogram(), other.get_histogram())),
        MetricType::SUMMARY => metric.set_summary(together(metric.get_summary(), other.get_summary())),
        MetricType::GAUGE | MetricType::UNTYPED => {
            metric.set_gauge(other.get_gauge().clone());
        }
    }
}

/// What was observed in both. Of two quantiles that of all cannot be told.
fn together(one: &Summary, other: &Summary) -> Summary {
    let mut summary = Summary::default();
    summary.set_sample_count(one.sample_count() + other.sample_count());
    summary.set_sample_sum(one.sample_sum() + other.sample_sum());
    summary
}

fn sum(one: &Histogram, other: &Histogram) -> Histogram {
    let mut histogram = Histogram::default();
    histogram.set_sample_count(one.get_sample_count() + other.get_sample_count());
    histogram.set_sample_sum(one.get_sample_sum() + other.get_sample_sum());
    let mut buckets = one.get_bucket().to_vec();
    // They are of one family, so their bounds are the same.
    for (bucket, more) in buckets.iter_mut().zip(other.get_bucket()) {
        bucket.set_cumulative_count(bucket.cumulative_count() + more.cumulative_count());
    }
    histogram.set_bucket(buckets);
    histogram
}

#[cfg(test)]
mod tests {
    use prometheus::Registry;

    use super::{Options, Shown};
    use crate::metrics::{Make, text};

    fn page(options: Options) -> String {
        let registry = Registry::new();
        let make = Make::new(&registry);
        let requests = make.counters("requests", "[STABLE] h", &["verb"]).unwrap();
        let took = make.histograms("took", "[ALPHA] h", &[1.0, 2.0], &["verb"]).unwrap();
        for (verb, count, seconds) in [("GET", 1, 0.5), ("ODD", 2, 1.5), ("EVEN", 4, 5.0)] {
            requests.with_label_values(&[verb]).inc_by(count);
            took.with_label_values(&[verb]).observe(seconds);
        }
        make.gauge("plain", "h").unwrap().set(1);
        let shown = Shown::new(options).unwrap();
        shown.families(&registry);
        text::encode(&shown.families(&registry))
    }

    fn lines(page: &str, begin: &str) -> Vec<String> {
        let lines = page.lines().filter(|line| line.starts_with(begin));
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn all_is_shown_and_counted_by_how_stable_it_is() {
        let page = page(Options::default());
        assert_eq!(
            lines(&page, "registered_metrics_total"),
            [
                r#"registered_metrics_total{deprecated_version="",stability_level="ALPHA"} 1"#,
                r#"registered_metrics_total{deprecated_version="",stability_level="STABLE"} 1"#,
            ]
        );
        assert_eq!(lines(&page, "disabled_metrics_total"), ["disabled_metrics_total 0"]);
        assert_eq!(lines(&page, "hidden_metrics_total"), ["hidden_metrics_total 0"]);
        assert_eq!(lines(&page, "requests").len(), 3);
        let names: Vec<_> = lines(&page, "# TYPE");
        assert!(names.is_sorted(), "{names:?}");
    }

    #[test]
    fn what_is_switched_off_is_not_shown() {
        let page = page(Options {
            disabled: ["requests".to_owned(), "nothing".to_owned()].into(),
            ..Options::default()
        });
        assert!(!page.contains("requests") && page.contains("took_bucket"), "{page}");
        assert_eq!(lines(&page, "disabled_metrics_total"), ["disabled_metrics_total 1"]);
    }

    #[test]
    fn values_that_are_not_in_a_label_s_list_are_counted_as_one() {
        let list = |of: &str| ((of.to_owned(), "verb".to_owned()), ["GET".to_owned()].into());
        let page = page(Options {
            allowed: [list("requests"), list("took")].into(),
            ..Options::default()
        });
        assert_eq!(
            lines(&page, "requests"),
            [r#"requests{verb="unexpected"} 6"#, r#"requests{verb="GET"} 1"#]
        );
        assert_eq!(
            lines(&page, r#"took_bucket{verb="unexpected""#),
            [
                r#"took_bucket{verb="unexpected",le="1"} 0"#,
                r#"took_bucket{verb="unexpected",le="2"} 1"#,
                r#"took_bucket{verb="unexpected",le="+Inf"} 2"#,
            ]
        );
        assert_eq!(
            lines(&page, r#"took_sum{verb="unexpected""#),
            [r#"took_sum{verb="unexpected"} 6.5"#]
        );
    }
}
