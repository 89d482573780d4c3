//! Names for what differs from cluster to cluster, and masks for what differs from run to run.

use std::sync::LazyLock;

use regex::Regex;

use crate::harness::{Cluster, post, until};

/// What may differ anywhere, and what is shown instead.
static ANYWHERE: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let table = [
        // Terms and log positions: another protocol, other counting.
        (
            r#""(raft_term|raftTerm|raftIndex|raftAppliedIndex|raft_index|raft_applied_index)":"?\d+"?"#,
            "\"$1\":<n>",
        ),
        (r#""(RaftTerm|RaftIndex|RaftAppliedIndex)" : \d+"#, "\"$1\" : <n>"),
        // Sizes on disk: another engine.
        (
            r#""(dbSize|dbSizeInUse|db_size|db_size_in_use)":"?\d+"?"#,
            "\"$1\":<bytes>",
        ),
        (r#""(DBSize|DBSizeInUse)" : \d+"#, "\"$1\" : <bytes>"),
        // Whatever version each claims to be.
        (
            r#""(version|etcdserver|etcdcluster|storage|storageVersion)":"\d+\.[^"]*""#,
            "\"$1\":\"<version>\"",
        ),
        (r#""Version" : "[^"]*""#, "\"Version\" : \"<version>\""),
        // Times, and the places in the tools' own logs.
        (
            r"took = [\d.]+(µs|ms|s|ns)|took [\d.]+(µs|ms|s|ns)|\d+(\.\d+)?(µs|ms) ",
            "took = <time> ",
        ),
        (r"(?m)^\d{4}-\d\d-\d\dT\S+", "<time>"),
        (r#""took":"[^"]*""#, "\"took\":\"<time>\""),
        (r#""ts":("[^"]*"|[\d.]+)"#, "\"ts\":<time>"),
        (
            r"timed out after \d+ milliseconds with \d+ bytes",
            "timed out after <time> with <bytes>",
        ),
        (r#""target":"[^"]*""#, "\"target\":\"<target>\""),
        (r#""attempt":\d+"#, "\"attempt\":<n>"),
        // The tools align ids, which are not of one length.
        (r"(Member|cluster) +<", "$1 <"),
        // Random by nature; addresses in the tools' own stack traces.
        (r"0x[0-9a-f]+", "<address>"),
        (r#""token":"[^"]*""#, "\"token\":\"<token>\""),
    ];
    table
        .into_iter()
        .map(|(regex, shown)| (Regex::new(regex).unwrap(), shown))
        .collect()
});

/// Names of things of one cluster.
pub(super) struct Names {
    /// Longer texts first, so that none hides in another.
    names: Vec<Name>,
}

struct Name {
    shown: String,
    text: String,
    /// An id is a number too: the tools write it in hexadecimal, with zeros in front or not, JSON in decimal.
    number: Option<u64>,
}

impl Names {
    /// Ports, folders, and the ids of cluster and members.
    pub(super) fn of(cluster: &Cluster) -> Self {
        let mut names = Self { names: Vec::new() };
        names.add("DIR", &cluster.folder().display().to_string(), None);
        names.add("ALL", &cluster.endpoints().join(","), None);
        for (n, member) in cluster.members.iter().enumerate() {
            names.add(&format!("E{n}"), &format!("127.0.0.1:{}", member.client_port), None);
            names.add(&format!("P{n}"), &format!("127.0.0.1:{}", member.peer_port), None);
        }
        // A member is listed without a name until it has published its own.
        let list = until("all members have names", || {
            let (_, body) = post(cluster.members[0].client_port, "/v3/cluster/member/list", "{}")?;
            let list: serde_json::Value = serde_json::from_str(&body).ok()?;
            let named = list["members"]
                .as_array()?
                .iter()
                .all(|member| member["name"].is_string());
            named.then_some(list)
        });
        let number = |value: &serde_json::Value| value.as_str().unwrap().parse::<u64>().unwrap();
        names.add_id("CLUSTER", number(&list["header"]["cluster_id"]));
        for member in list["members"].as_array().unwrap() {
            let name = member["name"].as_str().unwrap();
            names.add_id(&format!("ID{}", name.trim_start_matches('m')), number(&member["ID"]));
        }
        names
    }

    /// Keeps a piece of an output under a name. A word in hexadecimal is taken for an id.
    pub(super) fn save(&mut self, name: &str, text: &str) {
        let number = u64::from_str_radix(text, 16).ok();
        self.add(name, text, number);
    }

    /// Keeps an id that was written in decimal.
    pub(super) fn save_id(&mut self, name: &str, text: &str) {
        self.add_id(
            name,
            text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text:?}")),
        );
    }

    fn add_id(&mut self, name: &str, id: u64) {
        self.add(name, &format!("{id:x}"), Some(id));
    }

    fn add(&mut self, name: &str, text: &str, number: Option<u64>) {
        self.names.retain(|held| held.shown != name);
        self.names.push(Name {
            shown: name.to_owned(),
            text: text.to_owned(),
            number,
        });
        self.names.sort_by_key(|name| std::cmp::Reverse(name.text.len()));
    }

    /// Puts values into a command: `$NAME` the text, `$NAME#` the decimal number of an id.
    pub(super) fn put_in(&self, command: &str) -> String {
        let mut names: Vec<&Name> = self.names.iter().collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.shown.len()));
        names
            .into_iter()
            .fold(command.to_owned(), |line, Name { shown, text, number }| {
                let line = match number {
                    Some(number) => line.replace(&format!("${shown}#"), &number.to_string()),
                    None => line,
                };
                line.replace(&format!("${shown}"), text)
            })
    }

    /// Shows names instead of values, and hides what may differ.
    pub(super) fn take_out(&self, output: &str, masks: &[Regex]) -> String {
        let mut text = output.to_owned();
        for Name {
            shown,
            text: value,
            number,
        } in &self.names
        {
            let shown = format!("<{shown}>");
            if let Some(number) = number {
                text = text
                    .replace(&format!("{number:016x}"), &shown)
                    .replace(&number.to_string(), &shown);
            }
            text = text.replace(value.as_str(), &shown);
        }
        for (regex, shown) in ANYWHERE.iter() {
            text = regex.replace_all(&text, *shown).into_owned();
        }
        for mask in masks {
            text = mask.replace_all(&text, "<masked>").into_owned();
        }
        text.lines()
            .map(|line| error_object(line).unwrap_or_else(|| line.to_owned()) + "\n")
            .collect()
    }
}

/// What the gateway says of an error, in one form: etcd 3.5 writes `error`, `code` and `message`, 3.6 writes `code`,
/// `message` and `details`, and ours writes them all.
fn error_object(line: &str) -> Option<String> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).ok()?;
    let known = object
        .keys()
        .all(|key| ["error", "code", "message", "details"].contains(&key.as_str()));
    let (code, message) = (object.get("code")?, object.get("message")?);
    known.then(|| format!("error {code}: {message}"))
}
