//! Noise for command lines, environments and configuration files: each is understood or refused, and nothing panics.

use store_fuzz::mutate::{Dice, Shape, mutate};

use super::{Settings, file, sources};

/// Inputs of each kind.
const MUTATIONS: usize = 3_000;

const FILES: &[&str] = &[
    "# a comment\nname: 'm1'\ndata-dir:\nsnapshot-count: 10000\nlisten-peer-urls: http://localhost:2380\n",
    "client-transport-security:\n  cert-file: c\n  key-file: k\n  client-cert-auth: true\npeer-transport-security:\n  \
     auto-tls: true\n  allowed-cn: a\n",
    "initial-cluster: a=http://h:1,b=http://h:2\ncors: ['*', \"http://a\"]\ncorrupt-check-time: 60000000000\n\
     grpc-keepalive-interval: 2h0m0s\nfeature-gates: InitialCorruptCheck=true\n",
    "&a [*a]\n",
    "? {a: 1}\n: 2\n",
];

const LINES: &[&str] = &[
    "--name=m1\n--initial-cluster\nm1=http://10.0.0.1:2380\n--initial-advertise-peer-urls=http://10.0.0.1:2380",
    "-listen-client-urls\nhttps://0.0.0.0:2379\n--cert-file=c\n--key-file=k\n--advertise-client-urls=https://a:2379",
    "--experimental-initial-corrupt-check\n--auto-compaction-retention=1h30m\n--quota-backend-bytes=-1\n--\nx",
    "--tls-min-version=TLS1.3\n--log-level=debug\n--enable-log-rotation\n--log-outputs=x\n--feature-gates=AllAlpha=true",
];

/// Whether the options were understood. Who refuses says why.
fn judged(outcome: crate::error::Result<Settings>, input: &str) -> bool {
    if let Err(error) = &outcome {
        assert!(!error.text.is_empty(), "refused without a word: {input:?}");
    }
    outcome.is_ok()
}

fn noise(seeds: &[&str], seed: u64, mut work: impl FnMut(&str) -> bool) {
    let mut dice = Dice::new(seed.wrapping_add(store_fuzz::seed()));
    assert!(seeds.iter().any(|text| work(text)), "no seed is understood");
    let (mutations, mut understood) = (MUTATIONS * store_fuzz::times(), 0);
    for _ in 0..mutations {
        let (one, other) = (dice.below(seeds.len()), dice.below(seeds.len()));
        let noise = mutate(&mut dice, Shape::Text, seeds[one].as_bytes(), seeds[other].as_bytes());
        understood += usize::from(work(&String::from_utf8_lossy(&noise)));
    }
    // Fewer, and the noise no longer gets past the first word.
    assert!(
        understood * 20 > mutations,
        "only {understood} of {mutations} are understood"
    );
}

/// The options of a run; other wishes have no settings.
fn settings(wish: crate::error::Result<sources::Wish>) -> Option<crate::error::Result<Settings>> {
    match wish {
        Ok(sources::Wish::Run(options)) => Some(Settings::new(options)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    }
}

#[test]
fn a_file_is_understood_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("conf.yml");
    noise(FILES, 1, |text| {
        std::fs::write(&path, text).unwrap();
        judged(file::read(&path).and_then(Settings::new), text)
    });
}

#[test]
fn a_command_line_is_understood_or_refused() {
    noise(LINES, 2, |text| {
        // The file that a flag may name is none of ours.
        let args: Vec<String> = text
            .lines()
            .filter(|arg| !arg.contains("config-file"))
            .map(str::to_owned)
            .collect();
        settings(sources::read(&args, Vec::new())).is_some_and(|outcome| judged(outcome, text))
    });
}

#[test]
fn an_environment_is_understood_or_refused() {
    let lines: Vec<String> = LINES
        .iter()
        .map(|line| line.replace("--", "ETCD_").replace('-', "_"))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    noise(&lines, 3, |text| {
        let variables = text.to_uppercase();
        let variables = variables.lines().filter_map(|line| line.split_once('='));
        let variables = variables.filter(|(key, _)| !key.contains("CONFIG_FILE"));
        let variables = variables
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        settings(sources::read(&[], variables)).is_some_and(|outcome| judged(outcome, text))
    });
}
