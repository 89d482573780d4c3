//! How requests are limited, how the server starts and ends, and where it says it is.

use std::net::IpAddr;
use std::time::Duration;

use base::flags::pflag::Parsed;
use regex::Regex;

use super::{Findings, count};

/// Requests in general, starting and ending.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "one field a flag")]
pub(crate) struct Generic {
    /// `--advertise-address`, or what stands for it.
    pub(crate) advertise_address: IpAddr,
    /// `--external-hostname`, or the advertised address.
    pub(crate) external_hostname: String,
    /// `--cors-allowed-origins`: regular expressions.
    pub(crate) cors_allowed_origins: Vec<String>,
    /// `--strict-transport-security-directives`
    pub(crate) hsts_directives: Vec<String>,
    /// `--goaway-chance`, from 0 to 0.02.
    pub(crate) goaway_chance: f64,
    /// `--livez-grace-period`
    pub(crate) livez_grace_period: Duration,
    /// `--max-requests-inflight`; 0 is no limit.
    pub(crate) max_requests_in_flight: usize,
    /// `--max-mutating-requests-inflight`; 0 is no limit.
    pub(crate) max_mutating_requests_in_flight: usize,
    /// `--min-request-timeout`
    pub(crate) min_request_timeout: Duration,
    /// `--request-timeout`
    pub(crate) request_timeout: Duration,
    /// `--storage-initialization-timeout`
    pub(crate) storage_initialization_timeout: Duration,
    /// `--shutdown-delay-duration`
    pub(crate) shutdown_delay: Duration,
    /// `--shutdown-send-retry-after`
    pub(crate) shutdown_send_retry_after: bool,
    /// `--shutdown-watch-termination-grace-period`
    pub(crate) shutdown_watch_grace_period: Duration,
    /// `--enable-priority-and-fairness`; without effect yet.
    pub(crate) priority_and_fairness: bool,
    /// `--profiling`
    pub(crate) profiling: bool,
    /// `--contention-profiling`
    pub(crate) contention_profiling: bool,
    /// `--enable-swagger-ui`
    pub(crate) swagger_ui: bool,
}

impl Generic {
    pub(super) fn read(parsed: &Parsed, advertised: IpAddr, found: &mut Findings) -> Self {
        let chance = parsed.float("goaway-chance");
        let host = parsed.text("external-hostname");
        let negative = |name| parsed.span(name).is_negative();
        if negative("livez-grace-period") {
            found.error("--livez-grace-period can not be a negative value");
        }
        for name in ["max-requests-inflight", "max-mutating-requests-inflight"] {
            if parsed.int(name) < 0 {
                found.error(format!("--{name} can not be negative value"));
            }
        }
        if negative("request-timeout") {
            found.error("--request-timeout can not be negative value");
        }
        if !(0.0..=0.02).contains(&chance) {
            found.error("--goaway-chance can not be less than 0 or greater than 0.02");
        }
        if parsed.int("min-request-timeout") < 0 {
            found.error("--min-request-timeout can not be negative value");
        }
        for name in ["storage-initialization-timeout", "shutdown-delay-duration"] {
            if negative(name) {
                found.error(format!("--{name} can not be negative value"));
            }
        }
        if negative("shutdown-watch-termination-grace-period") {
            found.error("shutdown-watch-termination-grace-period, if provided, can not be a negative value");
        }
        check_hsts(parsed.texts("strict-transport-security-directives"), found);
        check_origins(parsed.texts("cors-allowed-origins"), found);
        super::versions::check_forward(parsed, found);
        let duration = |name| parsed.span(name).as_duration();
        Self {
            advertise_address: advertised,
            external_hostname: if host.is_empty() {
                advertised.to_string()
            } else {
                host.to_owned()
            },
            cors_allowed_origins: parsed.texts("cors-allowed-origins").to_vec(),
            hsts_directives: parsed.texts("strict-transport-security-directives").to_vec(),
            goaway_chance: chance,
            livez_grace_period: duration("livez-grace-period"),
            max_requests_in_flight: count(parsed, "max-requests-inflight"),
            max_mutating_requests_in_flight: count(parsed, "max-mutating-requests-inflight"),
            min_request_timeout: Duration::from_secs(count(parsed, "min-request-timeout") as u64),
            request_timeout: duration("request-timeout"),
            storage_initialization_timeout: duration("storage-initialization-timeout"),
            shutdown_delay: duration("shutdown-delay-duration"),
            shutdown_send_retry_after: parsed.bool("shutdown-send-retry-after"),
            shutdown_watch_grace_period: duration("shutdown-watch-termination-grace-period"),
            priority_and_fairness: parsed.bool("enable-priority-and-fairness"),
            profiling: parsed.bool("profiling"),
            contention_profiling: parsed.bool("contention-profiling"),
            swagger_ui: parsed.bool("enable-swagger-ui"),
        }
    }

    /// With priority and fairness the sum of the two limits is shared out, so it must not be zero.
    pub(super) fn check_limits(&self, found: &mut Findings) {
        let (reading, writing) = (self.max_requests_in_flight, self.max_mutating_requests_in_flight);
        if self.priority_and_fairness && reading == 0 && writing == 0 {
            found.error(format!(
                "invalid configuration: MaxRequestsInFlight={reading} and MaxMutatingRequestsInFlight={writing}; they must \
                 add up to something positive"
            ));
        }
    }
}

fn check_hsts(directives: &[String], found: &mut Findings) {
    for directive in directives {
        if directive.trim().is_empty() {
            found.error("empty value in strict-transport-security-directives");
            continue;
        }
        let age = directive.split('=').collect::<Vec<_>>();
        let fits =
            matches!(directive.as_str(), "includeSubDomains" | "preload") || matches!(age.as_slice(), ["max-age", _]);
        if !fits {
            found.error(
                "--strict-transport-security-directives invalid, allowed values: max-age=expireTime, includeSubDomains, \
                 preload. see https://tools.ietf.org/html/rfc6797#section-6.1 for more information",
            );
        }
    }
}

/// An expression that is not tied to both ends of the host would also match hosts that only contain it.
fn check_origins(origins: &[String], found: &mut Findings) {
    const HELP: &str = "begin the host with '^' or '//' and end it with '$' or ':', as in '//example\\.com(:|$)'";
    for origin in origins {
        if origin.is_empty() {
            found.error(format!("empty value in --cors-allowed-origins, help: {HELP}"));
            continue;
        }
        let why = match Regex::new(origin) {
            Err(error) => {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default();
                format!("error parsing regexp: {}", last.trim_start_matches("error: "))
            }
            Ok(_) if tied(origin) => continue,
            Ok(_) => "regular expression does not pin to start/end of host in the origin header".to_owned(),
        };
        found.error(format!(
            "--cors-allowed-origins has an invalid regular expression: {why}, help: {HELP}"
        ));
    }
}

fn tied(origin: &str) -> bool {
    let start = origin.contains('^') || origin.contains("//");
    start && origin.contains(['$', ':'])
}
