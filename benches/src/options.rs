//! The flags that all workloads have.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser};

use crate::load::{Keys, Order, Plan, Values};
use crate::process::Kind;
use crate::rpc::Security;

/// Clients that share one connection unless --connections says otherwise.
const CLIENTS_PER_CONNECTION: usize = 100;
const USUAL_DURATION: Duration = Duration::from_secs(10);
const USUAL_WARMUP: Duration = Duration::from_secs(1);

/// Where load goes and how much of it.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Endpoints, with commas between them; requests go to each in turn
    #[arg(long, value_delimiter = ',', default_value = "http://127.0.0.1:2379")]
    pub(crate) endpoints: Vec<String>,
    /// Authorities whose servers are believed, for https endpoints
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// Certificate to show to the servers
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Private key of the certificate
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Believe any server
    #[arg(long)]
    insecure_skip_tls_verify: bool,
    /// Send to the leader only
    #[arg(long)]
    pub(crate) leader: bool,

    /// Start the servers here, with fresh data, instead of using endpoints
    #[arg(long, value_name = "STORE", conflicts_with = "endpoints")]
    pub(crate) start: Option<Kind>,
    /// How many members to start
    #[arg(long, default_value_t = 1)]
    pub(crate) members: usize,
    /// Processes of servers to measure: ids with commas between them
    #[arg(long, value_delimiter = ',', conflicts_with = "start")]
    pub(crate) pids: Vec<u32>,

    /// How many clients send at the same time
    #[arg(long, default_value_t = 1)]
    pub(crate) clients: usize,
    /// HTTP/2 connections over all endpoints (default: one an endpoint, and one more for every 100 clients)
    #[arg(long)]
    connections: Option<usize>,
    /// End after so many requests
    #[arg(long)]
    pub(crate) total: Option<u64>,
    /// End after this time, like 500ms, 10s or 2m (default: 10s without --total)
    #[arg(long, value_parser = duration)]
    pub(crate) duration: Option<Duration>,
    /// What is sent in this time at the beginning does not count (default: 1s, and nothing with --total)
    #[arg(long, value_parser = duration)]
    warmup: Option<Duration>,
    /// Requests a second; without it each client sends as soon as it was answered
    #[arg(long, value_parser = positive)]
    pub(crate) rate: Option<f64>,

    /// What all keys begin with
    #[arg(long, default_value = "bench/")]
    pub(crate) prefix: String,
    /// Bytes of a key, prefix included
    #[arg(long, default_value_t = 32)]
    pub(crate) key_size: usize,
    /// Bytes of a value; values are random and cannot be compressed
    #[arg(long, default_value_t = 256)]
    pub(crate) value_size: usize,
    /// How many different keys there are
    #[arg(long, default_value_t = 100_000)]
    pub(crate) keys: u64,
    /// Take keys one after another instead of at random
    #[arg(long)]
    sequential: bool,
    /// Where randomness starts; the same seed sends the same keys
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// Threads of the generator
    #[arg(long, default_value_t = 1)]
    pub(crate) threads: usize,
    /// Write everything that was measured to this file, "-" is the standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// For [`Options::default`]: the flags without a subcommand around them.
#[derive(Parser)]
struct Bare {
    #[command(flatten)]
    options: Options,
}

impl Default for Options {
    fn default() -> Self {
        Bare::parse_from(["options"]).options
    }
}

impl Options {
    /// What secures the connections.
    pub(crate) fn security(&self) -> Security {
        Security {
            ca: self.cacert.clone(),
            cert: self.cert.clone(),
            key: self.key.clone(),
            skip_verify: self.insecure_skip_tls_verify,
        }
    }

    /// How much load.
    pub(crate) fn plan(&self) -> Plan {
        let timed = self.total.is_none();
        Plan {
            total: self.total,
            duration: self.duration.or(timed.then_some(USUAL_DURATION)),
            warmup: self.warmup.unwrap_or(if timed { USUAL_WARMUP } else { Duration::ZERO }),
            rate: self.rate,
        }
    }

    /// Connections to each of so many endpoints.
    pub(crate) fn connections_each(&self, endpoints: usize) -> usize {
        let all = self
            .connections
            .unwrap_or_else(|| self.clients.div_ceil(CLIENTS_PER_CONNECTION));
        all.div_ceil(endpoints.max(1)).max(1)
    }

    /// The key space.
    pub(crate) fn key_space(&self) -> Keys {
        let order = if self.sequential {
            Order::Sequential
        } else {
            Order::Random
        };
        Keys::new(&self.prefix, self.key_size, self.keys, order)
    }

    /// The values.
    pub(crate) fn value_source(&self) -> Values {
        Values::new(self.value_size, self.seed)
    }
}

/// Reads a length of time as Go writes it.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    base::flags::duration("duration", text).map_err(|error| error.to_string())
}

/// Reads a number above zero.
pub(crate) fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        _ => Err("give a number above zero".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn options(flags: &str) -> Options {
        let words = std::iter::once("options").chain(flags.split_whitespace());
        Bare::try_parse_from(words).unwrap().options
    }

    #[test]
    fn the_flags_are_well_formed() {
        Bare::command().debug_assert();
        assert!(Bare::try_parse_from(["options", "--rate", "0"]).is_err());
        assert!(Bare::try_parse_from(["options", "--duration", "5"]).is_err());
    }

    #[test]
    fn a_load_has_an_end_and_a_warmup_that_fits() {
        let plan = options("").plan();
        assert_eq!((plan.duration, plan.warmup), (Some(USUAL_DURATION), USUAL_WARMUP));
        let plan = options("--total 5").plan();
        assert_eq!(
            (plan.total, plan.duration, plan.warmup),
            (Some(5), None, Duration::ZERO)
        );
        let plan = options("--total 5 --duration 500ms --warmup 1s").plan();
        assert_eq!(
            (plan.duration, plan.warmup),
            (Some(Duration::from_millis(500)), USUAL_WARMUP)
        );
    }

    #[test]
    fn connections_follow_the_clients() {
        for (flags, endpoints, wanted) in [
            ("--clients 1", 3, 1),
            ("--clients 100", 3, 1),
            ("--clients 1000", 3, 4),
            ("--clients 1000", 1, 10),
            ("--clients 1000 --connections 100", 1, 100),
        ] {
            assert_eq!(options(flags).connections_each(endpoints), wanted, "{flags}");
        }
    }
}
