//! `apiserver_tls_handshake_errors_total`: connections that did not come about.

use prometheus::IntCounter;

use super::Make;

pub(crate) struct Connections {
    /// Handshakes that failed or took too long.
    pub(crate) handshake_errors: IntCounter,
}

impl Connections {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            handshake_errors: make.counter(
                "apiserver_tls_handshake_errors_total",
                "[ALPHA] Connections whose TLS handshake failed.",
            )?,
        })
    }
}
