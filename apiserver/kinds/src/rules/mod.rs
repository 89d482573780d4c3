//! Rules one by one: a sentence, an object that meets it, and one that does not, with the words in which that is refused.
//!
//! A file is a kind. It begins with `kind`, its group (`-` for the core) and its plural, and `base`, an object that is
//! taken. A rule begins with its sentence, behind the word that says when it counts: `create`, `update` (the base, or what
//! `with` made of it, is there already) or `status`. Below stand places and the values that are put there (`-` takes away
//! what is there): `with` in both objects, `good` in the one that is taken, `bad` in the one that is refused; then what is
//! said of that, one `says` a field, which only begins so where it ends in `...`. `<<text*3>>` stands for the text three
//! times, with the number of each for `#`.

use std::fmt::Write as _;

use apiserver_api::tree::Tree;

use crate::kind::Kind;
use crate::trial::{Outcome, create, tree, update, update_status};

const FILES: &[(&str, &str)] = &[
    ("api_service", include_str!("api_service.txt")),
    ("autoscaling", include_str!("autoscaling.txt")),
    (
        "certificate_signing_request",
        include_str!("certificate_signing_request.txt"),
    ),
    ("cluster_role", include_str!("cluster_role.txt")),
    ("cluster_trust_bundle", include_str!("cluster_trust_bundle.txt")),
    ("config_map", include_str!("config_map.txt")),
    ("controller_revision", include_str!("controller_revision.txt")),
    ("cron_job", include_str!("cron_job.txt")),
    ("csi_driver", include_str!("csi_driver.txt")),
    ("csi_node", include_str!("csi_node.txt")),
    ("csi_storage_capacity", include_str!("csi_storage_capacity.txt")),
    (
        "custom_resource_definition",
        include_str!("custom_resource_definition.txt"),
    ),
    ("daemon_set", include_str!("daemon_set.txt")),
    ("deployment", include_str!("deployment.txt")),
    ("device_class", include_str!("device_class.txt")),
    ("device_taint_rule", include_str!("device_taint_rule.txt")),
    ("disruption_budget", include_str!("disruption_budget.txt")),
    ("endpoint_slice", include_str!("endpoint_slice.txt")),
    ("endpoints", include_str!("endpoints.txt")),
    ("event", include_str!("event.txt")),
    ("flow_schema", include_str!("flow_schema.txt")),
    ("ingress", include_str!("ingress.txt")),
    ("ingress_class", include_str!("ingress_class.txt")),
    ("ip_address", include_str!("ip_address.txt")),
    ("job", include_str!("job.txt")),
    ("lease", include_str!("lease.txt")),
    ("lease_candidate", include_str!("lease_candidate.txt")),
    ("limit_range", include_str!("limit_range.txt")),
    ("namespace", include_str!("namespace.txt")),
    ("network_policy", include_str!("network_policy.txt")),
    ("node", include_str!("node.txt")),
    ("old_event", include_str!("old_event.txt")),
    ("persistent_volume", include_str!("persistent_volume.txt")),
    ("persistent_volume_claim", include_str!("persistent_volume_claim.txt")),
    ("pod", include_str!("pod.txt")),
    ("pod_containers", include_str!("pod_containers.txt")),
    ("pod_group", include_str!("pod_group.txt")),
    ("pod_scheduling", include_str!("pod_scheduling.txt")),
    ("pod_security", include_str!("pod_security.txt")),
    ("pod_template", include_str!("pod_template.txt")),
    ("pod_volumes", include_str!("pod_volumes.txt")),
    ("pod_windows", include_str!("pod_windows.txt")),
    ("priority_class", include_str!("priority_class.txt")),
    ("priority_level", include_str!("priority_level.txt")),
    ("replica_set", include_str!("replica_set.txt")),
    ("replication_controller", include_str!("replication_controller.txt")),
    ("resource_claim", include_str!("resource_claim.txt")),
    ("resource_claim_template", include_str!("resource_claim_template.txt")),
    (
        "resource_pool_status_request",
        include_str!("resource_pool_status_request.txt"),
    ),
    ("resource_quota", include_str!("resource_quota.txt")),
    ("resource_slice", include_str!("resource_slice.txt")),
    ("role", include_str!("role.txt")),
    ("role_binding", include_str!("role_binding.txt")),
    ("runtime_class", include_str!("runtime_class.txt")),
    ("secret", include_str!("secret.txt")),
    ("service", include_str!("service.txt")),
    ("service_account", include_str!("service_account.txt")),
    ("service_cidr", include_str!("service_cidr.txt")),
    ("stateful_set", include_str!("stateful_set.txt")),
    ("storage_class", include_str!("storage_class.txt")),
    ("storage_version", include_str!("storage_version.txt")),
    (
        "storage_version_migration",
        include_str!("storage_version_migration.txt"),
    ),
    (
        "validating_admission_policy",
        include_str!("validating_admission_policy.txt"),
    ),
    (
        "validating_admission_policy_binding",
        include_str!("validating_admission_policy_binding.txt"),
    ),
    ("volume_attachment", include_str!("volume_attachment.txt")),
    ("volume_attributes_class", include_str!("volume_attributes_class.txt")),
    ("webhooks", include_str!("webhooks.txt")),
    ("workload", include_str!("workload.txt")),
];

/// One rule of a file.
#[derive(Default)]
struct Rule {
    line: usize,
    when: &'static str,
    sentence: String,
    with: Vec<(String, String)>,
    good: Vec<(String, String)>,
    bad: Vec<(String, String)>,
    says: Vec<String>,
}

/// A kind with an object of it, and its rules.
struct File {
    kind: &'static Kind,
    base: String,
    rules: Vec<Rule>,
}

/// Writes out what is repeated.
fn expanded(text: &str) -> String {
    let Some((before, rest)) = text.split_once("<<") else {
        return text.to_owned();
    };
    let (repeated, after) = rest.split_once(">>").unwrap();
    let (one, count) = repeated.rsplit_once('*').unwrap();
    let all: String = (0..count.parse().unwrap())
        .map(|at: usize| one.replace('#', &at.to_string()))
        .collect();
    format!("{before}{all}{}", expanded(after))
}

fn read(text: &str) -> File {
    let (mut kind, mut base, mut rules) = (None, String::new(), Vec::<Rule>::new());
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let (word, rest) = line.split_once(' ').unwrap();
        let rest = expanded(rest);
        let change = || {
            let (place, value) = rest.split_once(' ').unwrap();
            (place.to_owned(), value.to_owned())
        };
        match word {
            "kind" => {
                let (group, plural) = rest.split_once(' ').unwrap();
                kind = crate::find(group.trim_start_matches('-'), plural);
            }
            "base" => base = rest,
            "with" => rules.last_mut().unwrap().with.push(change()),
            "good" => rules.last_mut().unwrap().good.push(change()),
            "bad" => rules.last_mut().unwrap().bad.push(change()),
            "says" => rules.last_mut().unwrap().says.push(rest),
            _ => rules.push(Rule {
                line: at + 1,
                when: ["create", "update", "status"]
                    .into_iter()
                    .find(|when| *when == word)
                    .unwrap(),
                sentence: rest,
                ..Rule::default()
            }),
        }
    }
    File {
        kind: kind.unwrap(),
        base,
        rules,
    }
}

/// Puts a value at a place; what is missing on the way there is made.
fn put(object: &mut Tree, place: &str, value: &str) {
    let mut steps = place[1..].split('/').map(|step| step.replace("~1", "/")).peekable();
    let mut at = object;
    while let Some(step) = steps.next() {
        if steps.peek().is_none() && value == "-" {
            at.remove(&step);
            return;
        }
        at = match step.parse::<usize>() {
            Ok(index) if !matches!(at, Tree::Map(_)) => {
                if at.is_null() {
                    *at = Tree::List(Vec::new());
                }
                let items = at.as_list_mut().unwrap();
                if items.len() == index {
                    items.push(Tree::Null);
                }
                &mut items[index]
            }
            _ => at.make_map().entry(&step),
        };
    }
    *at = tree(value);
}

impl File {
    fn object(&self, changes: &[&[(String, String)]]) -> String {
        let mut object = tree(&self.base);
        for (place, value) in changes.iter().copied().flatten() {
            put(&mut object, place, value);
        }
        String::from_utf8(object.to_json()).unwrap()
    }

    fn outcome(&self, rule: &Rule, change: &[(String, String)]) -> Outcome {
        let new = self.object(&[&rule.with, change]);
        let old = self.object(&[&rule.with]);
        match rule.when {
            "create" => create(self.kind, &new),
            "update" => update(self.kind, &old, &new),
            _ => update_status(self.kind, &old, &new),
        }
    }
}

fn is_said(said: &[String], expected: &[String]) -> bool {
    let same = |(said, expected): (&String, &String)| match expected.strip_suffix(" ...") {
        Some(begin) => said.starts_with(begin),
        None => said == expected,
    };
    !said.is_empty() && said.len() == expected.len() && said.iter().zip(expected).all(same)
}

#[test]
fn what_meets_a_rule_is_taken_and_what_does_not_is_refused_in_upstream_s_words() {
    let mut wrong = String::new();
    for (name, text) in FILES {
        let file = read(text);
        if let Err(said) = create(file.kind, &file.base) {
            writeln!(wrong, "{name}: the base is refused: {said:?}").unwrap();
        }
        for rule in &file.rules {
            let place = format!("{name}:{} {}", rule.line, rule.sentence);
            if let Err(said) = file.outcome(rule, &rule.good) {
                writeln!(wrong, "{place}\n  the good one is refused: {said:?}").unwrap();
            }
            let said = file.outcome(rule, &rule.bad).err().unwrap_or_default();
            if !is_said(&said, &rule.says) {
                writeln!(wrong, "{place}\n  of the bad one is said:").unwrap();
                for one in said {
                    writeln!(wrong, "says {one}").unwrap();
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn no_sentence_stands_twice_in_a_file_and_all_say_something() {
    for (name, text) in FILES {
        let rules = read(text).rules;
        for (at, rule) in rules.iter().enumerate() {
            assert!(
                rule.sentence.ends_with('.') && !rule.says.is_empty(),
                "{name}: {}",
                rule.sentence
            );
            let twice = rules[..at]
                .iter()
                .any(|other| other.sentence == rule.sentence && other.when == rule.when);
            assert!(!twice, "{name}: {}", rule.sentence);
        }
    }
}

#[test]
fn what_is_repeated_is_written_out() {
    assert_eq!(
        expanded(r#"["<<a*3>>",<<{"n":"x#"},*2>>1]"#),
        r#"["aaa",{"n":"x0"},{"n":"x1"},1]"#
    );
}
