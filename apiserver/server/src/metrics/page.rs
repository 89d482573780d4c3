//! `/metrics` and `/metrics/slis`: all families as Prometheus reads them.

use std::sync::Arc;

use http::header::{CONTENT_TYPE, HeaderValue};
use prometheus::proto::MetricFamily;

use super::{Metrics, Shown, text};
use crate::answer::{self, Answer};
use crate::inside::addresses::ServiceAddresses;
use crate::request::Call;

/// What the pages show.
pub struct Page {
    /// The families.
    pub metrics: Arc<Metrics>,
    /// What is asked how much there is; that of all kinds first.
    pub stores: Vec<Arc<apiserver_storage::store::Store>>,
    /// What is asked how many addresses are taken.
    pub services: Option<ServiceAddresses>,
    /// What of the families is shown.
    pub shown: Shown,
}

impl Page {
    /// Everything that is counted.
    pub(crate) async fn all(&self, call: &Call) -> Answer {
        self.metrics.process.refresh();
        // The size is one number, that of the store of all kinds.
        for store in self.stores.iter().rev() {
            store.refresh_metrics().await;
        }
        if let Some(services) = &self.services {
            services.refresh_metrics().await;
        }
        page(call, &self.shown.families(&self.metrics.registry))
    }

    /// Shows from now on only what is counted from now on.
    pub(crate) fn forget(&self) {
        self.shown.forget(&self.metrics.registry);
    }

    /// The same of what the checks of health found.
    pub(crate) fn forget_slis(&self) {
        self.metrics.health.reset();
    }

    /// What the checks of health found.
    pub(crate) fn slis(&self, call: &Call) -> Answer {
        page(call, &self.metrics.slis.gather())
    }
}

fn page(call: &Call, families: &[MetricFamily]) -> Answer {
    let text = text::encode(families);
    let mut answer = answer::packed(call, 200, "text/plain", text);
    if let Ok(media_type) = HeaderValue::from_str(&text::media_type(call.header("accept"))) {
        answer.headers_mut().insert(CONTENT_TYPE, media_type);
    }
    answer
}
