//! `serviceaccount_*`: the use of tokens that nobody should need any more.

use prometheus::IntCounter;

use super::Make;

pub(in crate::authenticate) struct ServiceAccounts {
    /// Tokens that do not say for whom they are.
    pub(in crate::authenticate) legacy: IntCounter,
    /// Tokens after the time for which they were asked.
    pub(in crate::authenticate) stale: IntCounter,
    /// Such tokens before that time.
    pub(in crate::authenticate) valid: IntCounter,
    /// Tokens in secrets that somebody made.
    pub(in crate::authenticate) manual: IntCounter,
    /// Tokens in secrets that came with the service account.
    pub(in crate::authenticate) auto: IntCounter,
    /// Such tokens after they were marked.
    pub(in crate::authenticate) invalid_auto: IntCounter,
}

impl ServiceAccounts {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str| make.counter(&format!("serviceaccount_{name}_total"), help);
        Ok(Self {
            legacy: counter("legacy_tokens", "[ALPHA] Cumulative legacy service account tokens used")?,
            stale: counter(
                "stale_tokens",
                "[ALPHA] Cumulative stale projected service account tokens used",
            )?,
            valid: counter(
                "valid_tokens",
                "[ALPHA] Cumulative valid projected service account tokens used",
            )?,
            manual: counter(
                "legacy_manual_token_uses",
                "[ALPHA] Cumulative manually created legacy tokens used",
            )?,
            auto: counter(
                "legacy_auto_token_uses",
                "[ALPHA] Cumulative auto-generated legacy tokens used",
            )?,
            invalid_auto: counter(
                "invalid_legacy_auto_token_uses",
                "[ALPHA] Cumulative invalid auto-generated legacy tokens used",
            )?,
        })
    }
}
