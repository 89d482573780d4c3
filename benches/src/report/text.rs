//! One outcome for a reader at a terminal.

use std::fmt::Write as _;

use super::Outcome;

/// A number with as many digits as mean something.
pub(crate) fn rounded(value: f64) -> String {
    let size = value.abs();
    if size >= 100.0 {
        return grouped(value.round());
    }
    let digits = match size {
        10.0.. => 1,
        1.0.. => 2,
        0.1.. => 3,
        _ => 4,
    };
    format!("{value:.digits$}")
}

/// A whole number with its thousands apart.
fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::from(if value < 0.0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A table of all that was measured.
pub(crate) fn show(outcome: &Outcome) -> String {
    let mut text = format!("{}\n{}\n", outcome.command, outcome.pacing);
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{} requests in {:.1} s, {} errors, {} due but never sent",
        grouped(outcome.requests as f64),
        outcome.seconds,
        outcome.errors.values().sum::<u64>(),
        outcome.unsent,
    );
    for (error, count) in &outcome.errors {
        let _ = writeln!(text, "  {count} x {error}");
    }
    if !outcome.latency.is_empty() {
        let _ = writeln!(
            text,
            "\n{:<22}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
            "latency, ms", "count", "mean", "p50", "p90", "p99", "p99.9", "max"
        );
    }
    for (class, latency) in &outcome.latency {
        let _ = write!(text, "{class:<22}{:>10}", latency.count);
        for value in [
            latency.mean,
            latency.p50,
            latency.p90,
            latency.p99,
            latency.p999,
            latency.max,
        ] {
            let _ = write!(text, "{:>10}", rounded(value));
        }
        text.push('\n');
    }
    text.push('\n');
    for (name, value) in &outcome.figures {
        let _ = writeln!(text, "{name:<44}{:>16}", rounded(*value));
    }
    let used = &outcome.used;
    let _ = writeln!(
        text,
        "\nCPU seconds: servers {:.2}, this generator {:.2}, everything else on the machine {:.2}",
        used.cpu_seconds(),
        used.generator_cpu_seconds,
        used.others_cpu_seconds
    );
    if used.servers.is_empty() {
        text.push_str("(the servers' processes are not known; give --pids to have them measured)\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (1_234_567.8, "1,234,568"),
            (123.4, "123"),
            (12.34, "12.3"),
            (1.234, "1.23"),
            (0.1234, "0.123"),
            (0.012_34, "0.0123"),
            (0.0, "0.0000"),
            (-1234.0, "-1,234"),
        ] {
            assert_eq!(rounded(value), text);
        }
    }
}
