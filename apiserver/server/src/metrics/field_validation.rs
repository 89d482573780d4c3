//! `field_validation_request_duration_seconds`: how long requests took, by what they want of unknown fields.

use std::sync::OnceLock;
use std::time::Duration;

use prometheus::{Histogram, HistogramVec};

use super::Make;
use super::requests::SLI;
use crate::request::Call;

/// What a request may want; nothing is said of it mostly. The last stands for all that means nothing.
const WANTED: [&str; 5] = ["", "Ignore", "Warn", "Strict", "invalid"];

pub(super) struct FieldValidation {
    family: HistogramVec,
    /// By what is wanted, as far as somebody did.
    made: [OnceLock<Histogram>; WANTED.len()],
}

impl FieldValidation {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            family: make.histograms(
                "field_validation_request_duration_seconds",
                "[ALPHA] How long requests took, by what they want done about unknown fields.",
                &SLI,
                &["field_validation"],
            )?,
            made: Default::default(),
        })
    }

    /// A request was answered in this time. Upstream shows the histogram of what was wanted and leaves it empty.
    pub(super) fn answered(&self, call: &Call, took: Duration) {
        let at = wanted(call);
        let histogram = self.made[at].get_or_init(|| self.family.with_label_values(&[WANTED[at]]));
        histogram.observe(took.as_secs_f64());
    }
}

fn wanted(call: &Call) -> usize {
    let mut said = call.query.all("fieldValidation");
    let known = match (said.next(), said.next()) {
        (None, _) => Some(0),
        (Some(one), None) => WANTED[..WANTED.len() - 1].iter().position(|wanted| *wanted == one),
        (Some(_), Some(_)) => None,
    };
    known.unwrap_or(WANTED.len() - 1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prometheus::Registry;

    use super::{FieldValidation, WANTED, wanted};
    use crate::metrics::Make;
    use crate::metrics::text;
    use crate::request::tests::call;

    #[test]
    fn requests_are_told_apart_by_what_they_want_done_about_fields() {
        for (query, name) in [
            ("", ""),
            ("?fieldValidation=", ""),
            ("?fieldValidation=Warn", "Warn"),
            ("?fieldValidation=Strict", "Strict"),
            ("?fieldValidation=strict", "invalid"),
            ("?fieldValidation=invalid", "invalid"),
            ("?fieldValidation=Warn&fieldValidation=Warn", "invalid"),
        ] {
            assert_eq!(
                WANTED[wanted(&call("POST", &format!("/api/v1/namespaces{query}")))],
                name
            );
        }
        let registry = Registry::new();
        let measured = FieldValidation::new(&Make::new(&registry)).unwrap();
        let strict = call("PUT", "/api/v1/namespaces/n?fieldValidation=Strict");
        measured.answered(&strict, Duration::from_millis(70));
        let shown = text::encode(&registry.gather());
        for line in [
            r#"field_validation_request_duration_seconds_bucket{field_validation="Strict",le="0.05"} 0"#,
            r#"field_validation_request_duration_seconds_bucket{field_validation="Strict",le="0.1"} 1"#,
        ] {
            assert!(shown.lines().any(|one| one == line), "{shown}");
        }
        assert!(!shown.contains(r#"field_validation="Warn""#));
    }
}
