//! Summaries: quantiles of how long something took within the last hours. Upstream's library has them; ours has none.

use std::array;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{self, LabelPair, MetricFamily, MetricType, Quantile};

/// The quantiles that are shown.
const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];
/// Times are forgotten by the hour: those of this one and of the four before it are known.
const HOURS: usize = 5;
const HOUR: Duration = Duration::from_secs(3600);
/// Times are kept to so many digits.
const DIGITS: u8 = 2;

/// A family of summaries. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Summaries(Arc<Family>);

struct Family {
    desc: Desc,
    labels: &'static [&'static str],
    /// What a new hour is like.
    empty: Histogram<u64>,
    made: Mutex<Vec<Arc<Summary>>>,
}

/// One summary.
pub(crate) struct Summary {
    /// By which its family tells it apart.
    labels: Vec<LabelPair>,
    times: Mutex<Times>,
}

/// What was observed: all of it in sum, and the last hours one by one.
struct Times {
    count: u64,
    sum: Duration,
    /// In nanoseconds.
    hours: [Histogram<u64>; HOURS],
    /// Which of them it is.
    current: usize,
    /// When it began.
    since: Instant,
}

impl Summaries {
    /// A family that is told apart by these labels.
    ///
    /// # Errors
    /// The names can be none.
    pub(crate) fn new(name: &str, help: &str, labels: &'static [&'static str]) -> prometheus::Result<Self> {
        let names = labels.iter().map(|&label| label.to_owned()).collect();
        let desc = Desc::new(name.to_owned(), help.to_owned(), names, Default::default())?;
        let empty = Histogram::new(DIGITS).map_err(|error| prometheus::Error::Msg(error.to_string()))?;
        Ok(Self(Arc::new(Family {
            desc,
            labels,
            empty,
            made: Mutex::default(),
        })))
    }

    /// A summary that is shown from now on.
    pub(crate) fn make(&self, values: &[&str], now: Instant) -> Arc<Summary> {
        let mut labels: Vec<LabelPair> = self.0.labels.iter().zip(values).map(pair).collect();
        labels.sort_by(|one, other| one.name().cmp(other.name()));
        let times = Times {
            count: 0,
            sum: Duration::ZERO,
            hours: array::from_fn(|_| self.0.empty.clone()),
            current: 0,
            since: now,
        };
        let summary = Arc::new(Summary {
            labels,
            times: Mutex::new(times),
        });
        self.0.made.lock().push(summary.clone());
        summary
    }
}

fn pair((name, value): (&&str, &&str)) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name((*name).to_owned());
    pair.set_value((*value).to_owned());
    pair
}

impl Summary {
    /// Something took so long.
    pub(crate) fn observe(&self, took: Duration, now: Instant) {
        let mut times = self.times.lock();
        times.turn(now);
        times.count += 1;
        times.sum += took;
        let current = times.current;
        // It grows as it must, and nothing takes centuries.
        let _ = times.hours[current].record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    fn shown(&self, empty: &Histogram<u64>, now: Instant) -> proto::Metric {
        let (mut all, mut summary) = (empty.clone(), proto::Summary::default());
        {
            let mut times = self.times.lock();
            times.turn(now);
            summary.set_sample_count(times.count);
            summary.set_sample_sum(times.sum.as_secs_f64());
            for hour in &times.hours {
                // It grows as it must.
                let _ = all.add(hour);
            }
        }
        summary.set_quantile(QUANTILES.map(|share| quantile(&all, share)).to_vec());
        let mut metric = proto::Metric::from_label(self.labels.clone());
        metric.set_summary(summary);
        metric
    }
}

fn quantile(times: &Histogram<u64>, share: f64) -> Quantile {
    let value = if times.is_empty() {
        f64::NAN
    } else {
        Duration::from_nanos(times.value_at_quantile(share)).as_secs_f64()
    };
    let mut quantile = Quantile::default();
    quantile.set_quantile(share);
    quantile.set_value(value);
    quantile
}

impl Times {
    /// Begins the hours that began since.
    fn turn(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.since).as_secs() / HOUR.as_secs();
        for _ in 0..passed.min(HOURS as u64) {
            self.current = (self.current + 1) % HOURS;
            self.hours[self.current].reset();
        }
        self.since += Duration::from_secs(passed * HOUR.as_secs());
    }
}

impl Collector for Summaries {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.0.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let made = self.0.made.lock().clone();
        let now = Instant::now();
        let mut family = MetricFamily::default();
        family.set_name(self.0.desc.fq_name.clone());
        family.set_help(self.0.desc.help.clone());
        family.set_field_type(MetricType::SUMMARY);
        family.set_metric(made.iter().map(|one| one.shown(&self.0.empty, now)).collect());
        vec![family]
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use prometheus::Registry;
    use prometheus::proto::LabelPair;

    use super::{HOUR, Summaries};

    /// The quantiles, in milliseconds.
    fn shown(summaries: &Summaries, now: Instant) -> (u64, Vec<f64>) {
        let made = summaries.0.made.lock();
        let metric = made[0].shown(&summaries.0.empty, now);
        let summary = metric.get_summary();
        let values = summary.get_quantile().iter().map(|one| (one.value() * 1000.0).round());
        (summary.sample_count(), values.collect())
    }

    #[test]
    fn quantiles_are_those_of_the_last_hours() {
        let summaries = Summaries::new("took", "h", &["type", "operation"]).unwrap();
        let begun = Instant::now();
        let summary = summaries.make(&["admit", "CREATE"], begun);
        for took in 1..=100 {
            summary.observe(Duration::from_millis(took), begun);
        }
        assert_eq!(shown(&summaries, begun), (100, vec![50.0, 90.0, 99.0]));
        summary.observe(Duration::from_millis(7), begun + 4 * HOUR);
        assert_eq!(shown(&summaries, begun + 4 * HOUR).1, [50.0, 90.0, 99.0]);
        assert_eq!(shown(&summaries, begun + 5 * HOUR), (101, vec![7.0, 7.0, 7.0]));
        let (count, values) = shown(&summaries, begun + 50 * HOUR);
        assert!(count == 101 && values.iter().all(|value| value.is_nan()), "{values:?}");
    }

    #[test]
    fn a_family_is_gathered_with_its_labels_in_order() {
        let registry = Registry::new();
        let summaries = Summaries::new("took", "h", &["type", "operation"]).unwrap();
        registry.register(Box::new(summaries.clone())).unwrap();
        assert!(registry.gather().is_empty());
        let now = Instant::now();
        summaries
            .make(&["admit", "CREATE"], now)
            .observe(Duration::from_secs(2), now);
        let families = registry.gather();
        let metric = &families[0].get_metric()[0];
        let names: Vec<&str> = metric.get_label().iter().map(LabelPair::name).collect();
        assert_eq!(
            (names, metric.get_summary().sample_sum()),
            (vec!["operation", "type"], 2.0)
        );
    }
}
