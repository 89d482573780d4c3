//! Upstream's lists against what the real programs print: flags with their types and defaults, feature gates with their
//! stages, metrics with their labels and buckets. The lists are facts about kube-apiserver 1.36 and etcd 3.6.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::json;
use store_client::Put;

use crate::apiserver::pair::Pair;
use crate::harness::{Cluster, Kind, Setup, get, run, until};

/// `section|flag|type|default`
const APISERVER_FLAGS: &str = include_str!("apiserver_flags.txt");
/// `gate stage default`
const GATES: &str = include_str!("feature_gates.txt");
/// `name type stability labels buckets`, where `-` stands for none, and `- name reason` for those that are not there.
const APISERVER_METRICS: &str = include_str!("apiserver_metrics.txt");
/// `flag default`
const STORE_FLAGS: &str = include_str!("store_flags.txt");
/// `name type labels buckets`
const STORE_METRICS: &str = include_str!("store_metrics.txt");

/// Flags of etcd whose help tells the default that counts, where upstream's tells one that is replaced later.
const TOLD_OTHERWISE: &[(&str, &str)] = &[
    ("compaction-batch-limit", "1000"),
    ("compaction-sleep-interval", "10ms"),
    ("initial-cluster", ""),
    ("warning-unary-request-duration", "300ms"),
    ("watch-progress-notify-interval", "10m"),
];

fn help(program: &str) -> String {
    let said = run(Command::new(env!("CARGO_BIN_EXE_keelson")).args([program, "--help"]));
    assert_eq!(said.code, Some(0), "{said:?}");
    said.stdout + &said.stderr
}

/// The rows of a help in pflag's form, as `section|flag|type|default`.
fn rows(help: &str) -> BTreeSet<String> {
    let (mut section, mut rows) = ("", BTreeSet::new());
    for line in help.lines() {
        section = line.strip_suffix(" flags:").unwrap_or(section);
        let Some((before, flag)) = line.split_once("--") else {
            continue;
        };
        // A flag stands behind its letter or six blanks; everything else is the text of one.
        if before.len() != 6 || !(before.trim().is_empty() || before.trim().len() == 3) {
            continue;
        }
        let (head, usage) = flag.split_once("   ").unwrap();
        let (name, kind) = head.trim_end().split_once(' ').unwrap_or((head.trim_end(), ""));
        let usage = usage.split(" (DEPRECATED").next().unwrap();
        let default = usage.rsplit_once("(default ").map_or("", |(_, rest)| rest);
        let default = default.trim_end_matches(')').trim_matches('"');
        rows.insert(format!("{section}|{name}|{kind}|{default}"));
    }
    rows
}

/// Flags that upstream had once and we have again.
const OWN: &[&str] = &["Features|enable-swagger-ui||"];

#[test]
fn the_apiserver_s_help_has_upstream_s_flags() {
    let (ours, theirs) = (rows(&help("apiserver")), APISERVER_FLAGS.lines().map(shown).collect());
    let missing: Vec<_> = BTreeSet::difference(&theirs, &ours).collect();
    let beyond: Vec<_> = ours
        .difference(&theirs)
        .filter(|row| !OWN.contains(&row.as_str()))
        .collect();
    assert!(
        missing.is_empty() && beyond.is_empty(),
        "missing {missing:#?}\nbeyond {beyond:#?}"
    );
}

/// A row as the help prints it: a truth has no word for its type, and false is no default that is told.
fn shown(row: &str) -> String {
    let [section, name, kind, default] = row.split('|').collect::<Vec<_>>()[..] else {
        panic!("{row}")
    };
    let kind = if kind == "bool" { "" } else { kind };
    format!("{section}|{name}|{kind}|{default}")
}

#[test]
fn the_apiserver_s_help_has_upstream_s_feature_gates() {
    let help = help("apiserver");
    let gates = help
        .split("kube:")
        .skip(1)
        .filter_map(|text| text.split_once("=true|false ("));
    let ours: BTreeSet<String> = gates
        .map(|(name, rest)| {
            let (stage, rest) = rest.split_once(" - default=").unwrap();
            format!("{name} {stage} {}", rest.split(')').next().unwrap())
        })
        .collect();
    let theirs: BTreeSet<String> = GATES.lines().map(str::to_owned).collect();
    let missing: Vec<_> = theirs.difference(&ours).collect();
    let beyond: Vec<_> = ours.difference(&theirs).collect();
    assert!(
        missing.is_empty() && beyond.is_empty(),
        "missing {missing:#?}\nbeyond {beyond:#?}"
    );
}

/// Durations as Go's flags print them and as people write them are the same: `1m0s` and `1m`.
fn plain(default: &str) -> String {
    match (default.strip_suffix("0m0s"), default.strip_suffix("0s")) {
        (Some(hours), _) if hours.ends_with('h') => hours.to_owned(),
        (_, Some(minutes)) if minutes.ends_with('m') => minutes.to_owned(),
        _ => default.to_owned(),
    }
}

#[test]
fn the_store_s_help_has_etcd_s_flags_and_their_defaults() {
    let help = help("store");
    let rows = help
        .lines()
        .filter_map(|line| line.strip_prefix("  --")?.split_once(" '"));
    let ours: BTreeMap<&str, &str> = rows.map(|(name, rest)| (name, rest.trim_end_matches('\''))).collect();
    for line in STORE_FLAGS.lines() {
        let (name, default) = line.split_once(' ').unwrap_or((line, ""));
        let told = TOLD_OTHERWISE.iter().find(|(flag, _)| *flag == name);
        let expected = told.map_or_else(|| plain(default), |(_, default)| (*default).to_owned());
        assert_eq!(ours.get(name).copied(), Some(expected.as_str()), "--{name}");
    }
}

/// What a page says of a family.
#[derive(Debug, Default)]
struct Family {
    kind: String,
    help: String,
    labels: BTreeSet<String>,
    buckets: Vec<String>,
}

fn families(page: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    for line in page.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            help.clone_into(&mut families.entry(name.to_owned()).or_default().help);
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            kind.clone_into(&mut families.entry(name.to_owned()).or_default().kind);
        } else {
            let end = line.find(['{', ' ']).unwrap();
            let name = &line[..end];
            let plain = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| name.strip_suffix(end));
            let name = plain.filter(|name| families.contains_key(*name)).unwrap_or(name);
            let family = families.get_mut(name).unwrap_or_else(|| panic!("{line}"));
            for (label, value) in labels(&line[end..]) {
                if label != "le" {
                    family.labels.insert(label);
                } else if !family.buckets.contains(&value) {
                    family.buckets.push(value);
                }
            }
        }
    }
    families
}

/// The labels of a sample; no value here has a quote in it.
fn labels(rest: &str) -> Vec<(String, String)> {
    let Some((inside, _)) = rest.strip_prefix('{').and_then(|rest| rest.rsplit_once('}')) else {
        return Vec::new();
    };
    let pairs = inside.split("\",").filter_map(|pair| pair.split_once("=\""));
    pairs
        .map(|(label, value)| (label.to_owned(), value.trim_end_matches('"').to_owned()))
        .collect()
}

fn list(text: &str) -> Vec<&str> {
    text.split(',').filter(|item| *item != "-").collect()
}

/// What differs from a line of a list.
fn compare(families: &BTreeMap<String, Family>, name: &str, kind: &str, of: &str, buckets: &str) -> Option<String> {
    let Some(family) = families.get(name) else {
        return Some(format!("{name} is missing"));
    };
    let numbers = |texts: Vec<&str>| -> Vec<f64> { texts.iter().map(|text| text.parse().unwrap()).collect() };
    let ours = numbers(family.buckets.iter().map(String::as_str).collect());
    let same = family.kind == kind
        && family
            .labels
            .iter()
            .map(String::as_str)
            .eq(list(of).into_iter().collect::<BTreeSet<_>>())
        && ours == numbers(list(buckets));
    (!same).then(|| format!("{name} {kind} {of} {buckets}: {family:?}"))
}

/// Something of every sort, so that every family has a value.
fn use_all(pair: &Pair) {
    let maps = "/api/v1/namespaces/default/configmaps";
    pair.create(
        maps,
        &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}),
    );
    let ports = json!({"type": "NodePort", "ports": [{"port": 80}]});
    pair.create(
        "/api/v1/namespaces/default/services",
        &json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": ports}),
    );
    let watch =
        "watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    for path in [maps, "/api/v1/componentstatuses", &format!("{maps}?{watch}")] {
        assert_eq!(pair.send("GET", path, &[], "").status, 200, "{path}");
    }
    let carol = pair.client_pair();
    let (cert, key) = (
        carol.cert_file.display().to_string(),
        carol.key_file.display().to_string(),
    );
    let said = pair.curl(&["--cert", &cert, "--key", &key, "-H", "Authorization:", maps]);
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn the_apiserver_has_upstream_s_metrics_with_their_labels_and_buckets() {
    let pair = Pair::start();
    use_all(&pair);
    let page = || families(&pair.send("GET", "/metrics", &[], "").body);
    // The page counts what it showed, too, and some of it is looked at now and then.
    until("there is every metric", || {
        let families = page();
        let named = APISERVER_METRICS.lines().filter_map(|line| line.split(' ').next());
        named
            .filter(|name| *name != "-")
            .all(|name| families.contains_key(name))
            .then_some(())
    });
    let families = page();
    let mut wrong = Vec::new();
    for line in APISERVER_METRICS.lines() {
        if let Some(absent) = line.strip_prefix("- ") {
            let (name, why) = absent.split_once(' ').unwrap();
            assert!(!why.is_empty());
            wrong.extend(
                families
                    .contains_key(name)
                    .then(|| format!("{name} is there: write what it is like")),
            );
            continue;
        }
        let [name, kind, stability, of, buckets] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        wrong.extend(compare(&families, name, kind, of, buckets));
        let help = families
            .get(name)
            .map(|family| family.help.as_str())
            .unwrap_or_default();
        let is_told = stability == "-" || help.starts_with(&format!("[{stability}] "));
        wrong.extend((!is_told).then(|| format!("{name} is {stability}: {help}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn metrics_can_be_switched_off_and_their_labels_held_to_lists() {
    let flags = [
        "--disabled-metrics=apiserver_storage_objects",
        "--allow-metric-labels=apiserver_request_total,verb=LIST",
    ];
    let pair = Pair::start_with(Kind::Keelson, &flags);
    let page = pair.send("GET", "/metrics", &[], "").body;
    let families = families(&page);
    assert!(!families.contains_key("apiserver_storage_objects"));
    assert!(page.contains("disabled_metrics_total 1\n"), "{page}");
    let verbs: BTreeSet<_> = page
        .lines()
        .filter(|line| line.starts_with("apiserver_request_total{"))
        .flat_map(|line| labels(&line["apiserver_request_total".len()..]))
        .filter(|(label, _)| label == "verb")
        .map(|(_, value)| value)
        .collect();
    assert!(verbs.contains("unexpected"), "{verbs:?}");
    assert!(
        verbs.iter().all(|verb| verb == "LIST" || verb == "unexpected"),
        "{verbs:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_has_etcd_s_metrics_with_their_labels_and_buckets() {
    let cluster = Cluster::start(Kind::Keelson, Setup::of(1));
    let client = cluster.client();
    client.put(Put::new("k", "v")).await.unwrap();
    client.get("k").await.unwrap();
    let (status, page) = get(cluster.members[0].metrics_port, "/metrics").unwrap();
    assert_eq!(status, 200);
    let families = families(&page);
    let mut wrong = Vec::new();
    for line in STORE_METRICS.lines() {
        let [name, kind, of, buckets] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        wrong.extend(compare(&families, name, kind, of, buckets));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
