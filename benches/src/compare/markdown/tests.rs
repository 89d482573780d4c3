//! A report of runs that were made up.

use std::collections::BTreeMap;

use super::*;
use crate::compare::Run;
use crate::compare::lines::all;
use crate::facts::{Facts, Machine};
use crate::process::{ServerUse, Used};
use crate::report::{Latency, Outcome};

fn facts() -> Facts {
    Facts {
        machine: Machine {
            cpu: "A CPU".to_owned(),
            cores: 2,
            memory_bytes: 24 << 30,
            kernel: "6.1".to_owned(),
            load_average: 0.1,
        },
        file_system: "ext4 on /dev/vda".to_owned(),
        syncs_per_second: 5000.0,
        sync: Latency {
            p50: 0.5,
            ..Latency::default()
        },
        sequential_bytes_per_second: 1e9,
    }
}

fn run(step: &str, kind: Kind, round: usize, per_second: f64, cpu: f64) -> Run {
    let figures = [
        (figure::PER_SECOND, per_second),
        (figure::P99, 1000.0 / per_second),
        (figure::CPU_PER_1000, cpu),
        (figure::P50, 10.0),
        (figure::WRITTEN_PER_BYTE, 4.0),
    ];
    Run {
        line: "put".to_owned(),
        step: step.to_owned(),
        kind,
        round,
        outcome: Ok(Outcome {
            seconds: 10.0,
            figures: figures.map(|(name, value)| (name.to_owned(), value)).into(),
            used: Used {
                servers: vec![ServerUse {
                    written_bytes: 1_000_000_000,
                    ..ServerUse::default()
                }],
                generator_cpu_seconds: 19.0,
                ..Used::default()
            },
            ..Outcome::default()
        }),
    }
}

fn comparison(runs: Vec<Run>) -> Comparison {
    Comparison {
        profile: Profile::Full,
        facts: facts(),
        versions: vec![
            (Kind::Etcd, "etcd 3".to_owned()),
            (Kind::Keelson, "keelson 0".to_owned()),
        ],
        threads: 1,
        seconds: 600.0,
        runs,
    }
}

/// The cells of the rows that begin with this work, heading by heading.
fn cells(report: &str, work: &str) -> Vec<Vec<String>> {
    let rows = report.lines().filter(|line| line.starts_with(&format!("| {work} |")));
    rows.map(|row| {
        row.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    })
    .collect()
}

#[test]
fn medians_ratios_and_verdicts_stand_in_the_table() {
    let step = "put, 100 clients";
    let mut runs = Vec::new();
    for (round, etcd) in [900.0, 1000.0, 5000.0].into_iter().enumerate() {
        runs.push(run(step, Kind::Etcd, round, etcd, 3.0));
        runs.push(run(step, Kind::Keelson, round, 2000.0, 1.0));
    }
    let report = report(&comparison(runs), &all(Profile::Full));
    let rows = cells(&report, step);
    assert_eq!(
        rows[0],
        [
            "put, 100 clients",
            "3",
            "requests/s",
            "1,000",
            "2,000",
            "2.00x",
            "at least 1.50x",
            "yes"
        ]
    );
    assert_eq!(rows[1][2..6], ["p99, ms", "1.00", "0.500", "0.500x"]);
    assert!(report.contains("the largest requests/s is 5.56x the smallest"));
    assert!(report.contains("put --clients 100 --duration 10s"));
    assert!(report.contains("A CPU, 2 cores"));
}

#[test]
fn the_limits_of_the_machine_are_told() {
    let step = "put, 1 client";
    let runs = vec![
        run(step, Kind::Etcd, 0, 1000.0, 3.0),
        run(step, Kind::Keelson, 0, 1000.0, 3.0),
    ];
    let report = report(&comparison(runs), &all(Profile::Full));
    let rows = cells(&report, step);
    let limits = rows.iter().find(|row| row.len() == 4 && row[1].contains('%')).unwrap();
    assert_eq!(limits[1..], ["95%, 95%", "10%, 10%", "20.0, 20.0"]);
}

#[test]
fn a_full_machine_is_judged_by_cpu_and_an_idle_one_is_not() {
    let step = "put, 1000 clients";
    let judge = |generator: f64, cpu: f64| {
        let mut runs = vec![
            run(step, Kind::Etcd, 0, 1000.0, 3.0),
            run(step, Kind::Keelson, 0, 1100.0, cpu),
        ];
        for run in &mut runs {
            run.outcome.as_mut().unwrap().used.generator_cpu_seconds = generator;
        }
        cells(&report(&comparison(runs), &all(Profile::Full)), step)[0][7].clone()
    };
    assert_eq!(judge(19.0, 1.0), "by CPU");
    assert_eq!(judge(19.0, 2.0), "**no**");
    assert_eq!(judge(5.0, 1.0), "**no**");
}

#[test]
fn failures_and_errors_are_told() {
    let step = "put, 1 client";
    let mut failed = run(step, Kind::Keelson, 0, 1.0, 1.0);
    failed.outcome = Err("it ended\nwith a long log".to_owned());
    let mut erring = run(step, Kind::Etcd, 0, 1.0, 1.0);
    erring.outcome.as_mut().unwrap().errors = BTreeMap::from([("too many requests".to_owned(), 7)]);
    let report = report(&comparison(vec![failed, erring]), &all(Profile::Full));
    assert!(
        report.contains("* put, 1 client, Keelson: a run failed: it ended\n"),
        "{report}"
    );
    assert!(report.contains("* put, 1 client, etcd: 7 requests ended with errors."));
    assert_eq!(cells(&report, step)[0][4..6], ["-", "-"]);
}

#[test]
fn runs_are_read_as_they_were_written() {
    let mut failed = run("put, 1 client", Kind::Keelson, 0, 1.0, 1.0);
    failed.outcome = Err("it ended".to_owned());
    let all = comparison(vec![run("put, 1 client", Kind::Etcd, 0, 10.0, 1.0), failed]);
    let text = crate::compare::one_a_line(&all).unwrap();
    assert_eq!(text.lines().count(), 4);
    assert_eq!(serde_json::from_str::<Comparison>(&text).unwrap(), all);
}
