//! A metric of one resource that comes to be when it is first moved: what never happened is not shown.

use std::sync::OnceLock;

use apiserver_api::tree::Text;
use prometheus::core::{MetricVec, MetricVecBuilder};

use super::Labels;

/// The metric.
pub(crate) struct Lazy<M> {
    make: Box<dyn Fn() -> M + Send + Sync>,
    metric: OnceLock<M>,
}

impl<M: Send + Sync + 'static> Lazy<M> {
    /// One of a family that is told apart by its resource only.
    pub(super) fn new<B: MetricVecBuilder<M = M> + 'static>(family: &MetricVec<B>, labels: &Labels) -> Self {
        Self::between(family, None, labels, &[])
    }

    /// One of a family that has a label before those of the resource, or some behind them.
    pub(super) fn between<B: MetricVecBuilder<M = M> + 'static>(
        family: &MetricVec<B>,
        first: Option<&'static str>,
        labels: &Labels,
        last: &'static [&'static str],
    ) -> Self {
        let (family, labels) = (family.clone(), labels.clone());
        let make = move || {
            let own = labels.iter().map(Text::as_str);
            let all: Vec<&str> = first.into_iter().chain(own).chain(last.iter().copied()).collect();
            family.with_label_values(&all)
        };
        Self {
            make: Box::new(make),
            metric: OnceLock::new(),
        }
    }

    /// The metric, which is shown from now on.
    pub(crate) fn get(&self) -> &M {
        self.metric.get_or_init(&self.make)
    }
}
