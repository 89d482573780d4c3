//! `apiserver_client_certificate_expiration_seconds`: how long the certificates of clients are still good.

use prometheus::{Histogram, HistogramOpts};

use super::Make;

const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;

pub(in crate::authenticate) struct Certificates {
    left: Histogram,
}

impl Certificates {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        let name = "apiserver_client_certificate_expiration_seconds";
        let help = "[ALPHA] Distribution of the remaining lifetime on the certificate used to authenticate a request.";
        let hours = [0.0, HOUR / 2.0, HOUR, 2.0 * HOUR, 6.0 * HOUR, 12.0 * HOUR];
        let days = [1.0, 2.0, 4.0, 7.0, 30.0, 90.0, 180.0, 360.0].map(|days| days * DAY);
        let options = HistogramOpts::new(name, help).buckets([&hours[..], &days].concat());
        Ok(Self {
            left: make.add(Histogram::with_opts(options)?)?,
        })
    }

    pub(in crate::authenticate) fn observe(&self, seconds: i64) {
        // Beyond 2^53 it does not matter.
        #[expect(clippy::cast_precision_loss, reason = "as above")]
        self.left.observe(seconds as f64);
    }
}
