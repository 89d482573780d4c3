//! What the processes of a server and of its store used, as figures of an outcome.

use crate::process::Used;
use crate::report::Outcome;

/// CPU seconds of the server.
pub(crate) const SERVER_CPU: &str = "server_cpu_seconds";
/// CPU seconds of the generator.
pub(crate) const GENERATOR_CPU: &str = "generator_cpu_seconds";
/// CPU seconds of its store.
pub(crate) const STORE_CPU: &str = "store_cpu_seconds";
/// Resident memory of the largest process of the store at the end, bytes.
pub(crate) const STORE_RSS: &str = "store_rss_bytes";
/// Bytes that the store wrote to disk.
pub(crate) const STORE_WRITTEN: &str = "store_written_bytes";

/// Sets the figures of the processes that are known.
pub(crate) fn set(outcome: &mut Outcome, store: &Used) {
    outcome.set(GENERATOR_CPU, outcome.used.generator_cpu_seconds);
    if !outcome.used.servers.is_empty() {
        outcome.set(SERVER_CPU, outcome.used.cpu_seconds());
        outcome.set_memory_figures();
    }
    if !store.servers.is_empty() {
        // The store's processes are none of the others.
        let others = outcome.used.others_cpu_seconds - store.cpu_seconds();
        outcome.used.others_cpu_seconds = others.max(0.0);
        outcome.set(STORE_CPU, store.cpu_seconds());
        outcome.set(STORE_RSS, store.rss_bytes() as f64);
        outcome.set(STORE_WRITTEN, store.written_bytes() as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::ServerUse;
    use crate::report::figure;

    fn used(cpu_seconds: f64, others_cpu_seconds: f64) -> Used {
        let server = ServerUse {
            cpu_seconds,
            rss_bytes: 7,
            ..ServerUse::default()
        };
        Used {
            servers: vec![server],
            others_cpu_seconds,
            ..Used::default()
        }
    }

    #[test]
    fn the_store_is_told_apart_from_its_server() {
        let mut outcome = Outcome {
            used: used(3.0, 5.0),
            ..Outcome::default()
        };
        set(&mut outcome, &used(2.0, 6.0));
        let wanted = [
            (SERVER_CPU, 3.0),
            (STORE_CPU, 2.0),
            (STORE_RSS, 7.0),
            (figure::RSS, 7.0),
        ];
        for (name, value) in wanted {
            assert!((outcome.figures[name] - value).abs() < 1e-9, "{name}");
        }
        assert!((outcome.used.others_cpu_seconds - 3.0).abs() < 1e-9);
        let mut unknown = Outcome::default();
        set(&mut unknown, &Used::default());
        assert_eq!(unknown.figures.keys().collect::<Vec<_>>(), [GENERATOR_CPU]);
    }
}
