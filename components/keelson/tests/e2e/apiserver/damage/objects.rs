//! An object of every kind that can be created, and how the server keeps it.

use std::collections::BTreeSet;

use kube::Client;
use serde_json::{Value, json};

use super::send::{Request, send};
use crate::apiserver::pair::Pair;

/// One a line: where it is created, its kind, and what it says beside its version, kind and name.
const OBJECTS: &str = include_str!("objects.txt");
pub(super) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// An object to be damaged.
pub(super) struct Seed {
    /// Where it is created.
    pub(super) path: String,
    /// Where it stands; none of what is only asked.
    pub(super) own: Option<String>,
    /// As the server answers it, without who manages what.
    pub(super) object: Value,
    /// The same in protobuf, in its envelope; empty where it does not stand anywhere.
    pub(super) protobuf: Vec<u8>,
}

fn api_version(path: &str) -> String {
    let words: Vec<&str> = path.split('/').collect();
    match words[1] {
        "apis" => format!("{}/{}", words[2], words[3]),
        _ => words[2].to_owned(),
    }
}

fn object(line: &str) -> (String, Value) {
    let [path, kind, rest] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else {
        panic!("{line}")
    };
    let mut object: Value = serde_json::from_str(rest).unwrap();
    object["apiVersion"] = json!(api_version(path));
    object["kind"] = json!(kind);
    if !kind.ends_with("Review") && object.pointer("/metadata/name").is_none() {
        object["metadata"]["name"] = json!("seed");
    }
    (path.to_owned(), object)
}

/// Creates all of them.
pub(super) async fn create(client: &Client) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (path, given) in OBJECTS.lines().map(object) {
        let answer = send(client, &Request::json("POST", &path, &given)).await.unwrap();
        assert_eq!(answer.code, 201, "{path}: {}", answer.text());
        let mut object: Value = serde_json::from_slice(&answer.body).unwrap();
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        let name = object.pointer("/metadata/name").and_then(Value::as_str);
        let own = name.map(|name| format!("{path}/{name}"));
        let mut protobuf = Vec::new();
        if let Some(own) = &own {
            let kept = send(client, &Request::get(own, PROTOBUF)).await.unwrap();
            assert_eq!(kept.code, 200, "{own}: {}", kept.text());
            protobuf = kept.body;
        }
        seeds.push(Seed {
            path,
            own,
            object,
            protobuf,
        });
    }
    seeds
}

/// Everything that can be created, as discovery tells it, has an object in the table.
pub(super) fn check_complete(pair: &Pair) {
    let ask = |path: &str| pair.send("GET", path, &[], "").json();
    let groups = ask("/apis");
    let groups = groups["groups"].as_array().unwrap().iter();
    let versions = groups.flat_map(|group| group["versions"].as_array().unwrap().clone());
    let versions = versions.map(|version| format!("/apis/{}", version["groupVersion"].as_str().unwrap()));
    let known: BTreeSet<String> = OBJECTS.lines().map(|line| object(line).0).collect();
    for root in versions.chain(["/api/v1".to_owned()]) {
        for one in ask(&root)["resources"].as_array().unwrap() {
            let (name, verbs) = (one["name"].as_str().unwrap(), one["verbs"].as_array().unwrap());
            // A binding stands below a pod, too, and makes no object.
            if name.contains('/') || name == "bindings" || !verbs.contains(&json!("create")) {
                continue;
            }
            let namespace = if one["namespaced"] == true {
                "/namespaces/default"
            } else {
                ""
            };
            let path = format!("{root}{namespace}/{name}");
            assert!(known.contains(&path), "{path} has no object in the table");
        }
    }
}
