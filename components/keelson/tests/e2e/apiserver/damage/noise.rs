//! What is made of an object: values of other types at every place, and bytes that are no document any more.

use base::random::{Random, Seeded};
use serde_json::{Value, json};

use super::beside::BESIDE;
use super::objects::{PROTOBUF, Seed};
use super::send::Request;

const JSON: &str = "application/json";
const YAML: &str = "application/yaml";
const PATCHES: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];

/// One of each type, and those that a type's reader may stumble over.
fn strangers() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(7),
        serde_json::from_str("123456789012345678901234567890").unwrap(),
        json!(i64::MIN),
        json!("x"),
        json!([null]),
        json!({"a": null}),
        json!({"a": [{"a": {"a": [[]]}}]}),
    ]
}

/// The places of a document, the whole first, as JSON pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                places(value, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                places(value, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// What is written nowhere.
fn dry(path: &str, more: &str) -> String {
    format!("{path}?dryRun=All{more}")
}

/// The object with another value at each of its places; how it is sent goes round.
pub(super) fn swaps(seeds: &[Seed]) -> Vec<Request> {
    let mut requests = Vec::new();
    for seed in seeds {
        let mut found = Vec::new();
        places(&seed.object, "", &mut found);
        for place in found {
            for stranger in strangers() {
                let mut object = seed.object.clone();
                *object.pointer_mut(&place).unwrap() = stranger.clone();
                requests.push(swap(seed, requests.len(), &place, &object, &stranger));
            }
        }
    }
    for (method, path, body) in BESIDE {
        let (body, mut found) = (serde_json::from_str(body).unwrap(), Vec::new());
        places(&body, "", &mut found);
        for place in found {
            requests.extend(strangers().into_iter().map(|stranger| {
                let mut body = body.clone();
                *body.pointer_mut(&place).unwrap() = stranger;
                Request::json(method, &dry(path, ""), &body)
            }));
        }
    }
    requests
}

fn swap(seed: &Seed, turn: usize, place: &str, object: &Value, stranger: &Value) -> Request {
    let bytes = object.to_string().into_bytes();
    let create = |content, bytes| Request::of("POST", &dry(&seed.path, ""), content, bytes);
    let Some(own) = &seed.own else {
        return create(JSON, bytes);
    };
    let patch = |at: usize, bytes| {
        let force = if at == 3 { "&force=true" } else { "" };
        let path = dry(own, &format!("&fieldManager=me{force}"));
        Request::of("PATCH", &path, PATCHES[at], bytes)
    };
    match turn % 7 {
        0 => create(JSON, bytes),
        1 => create(YAML, yaml(object)),
        2 => Request::of("PUT", &dry(own, ""), JSON, bytes),
        3 => {
            let operation = json!([{"op": "replace", "path": place, "value": stranger}]);
            patch(0, operation.to_string().into_bytes())
        }
        at => patch(at - 3, bytes),
    }
}

fn yaml(object: &Value) -> Vec<u8> {
    serde_norway::to_string(object).unwrap().into_bytes()
}

/// A body that was damaged, of an object and in a form that the seed chooses. One in eight is no dry run, so that what is
/// damaged and taken all the same is kept, read and changed again.
pub(super) fn damaged(seeds: &[Seed], seed: u64) -> Request {
    let random = Seeded::new(seed);
    if random.below(8) == 0 {
        let (method, path, body) = BESIDE[at(&random, BESIDE.len())];
        let body = damage(&random, body.as_bytes().to_vec());
        // What stands there must stay.
        return Request::of(method, &dry(path, ""), JSON, body);
    }
    let chosen = &seeds[at(&random, seeds.len())];
    let mode = if random.below(8) == 0 { "" } else { "&dryRun=All" };
    let json = || chosen.object.to_string().into_bytes();
    let create = format!("{}?fieldManager=me{mode}", chosen.path);
    let Some(own) = &chosen.own else {
        return Request::of("POST", &create, JSON, damage(&random, json()));
    };
    let change = format!("{own}?fieldManager=me{mode}");
    match random.below(10) {
        0 => Request::of("POST", &create, JSON, damage(&random, json())),
        1 => Request::of("POST", &create, YAML, damage(&random, yaml(&chosen.object))),
        2 | 3 => Request::of("POST", &create, PROTOBUF, damage(&random, chosen.protobuf.clone())),
        4 => Request::of("PUT", &change, JSON, damage(&random, json())),
        5 => Request::of("PUT", &change, PROTOBUF, damage(&random, chosen.protobuf.clone())),
        6 => {
            let bytes = operations(&random, &chosen.object).to_string().into_bytes();
            Request::of("PATCH", &change, PATCHES[0], damage(&random, bytes))
        }
        9 => {
            let bytes = if random.below(2) == 0 {
                yaml(&chosen.object)
            } else {
                json()
            };
            let path = format!("{change}&force=true");
            Request::of("PATCH", &path, PATCHES[3], damage(&random, bytes))
        }
        form => Request::of("PATCH", &change, PATCHES[form as usize - 6], damage(&random, json())),
    }
}

/// Below `bound`.
fn at(random: &Seeded, bound: usize) -> usize {
    random.below(bound as u64) as usize
}

/// A JSON patch of operations at places that there are.
fn operations(random: &Seeded, object: &Value) -> Value {
    let mut found = Vec::new();
    places(object, "", &mut found);
    let strangers = strangers();
    let place = || found[at(random, found.len())].clone();
    let one = |_| {
        let value = strangers[at(random, strangers.len())].clone();
        match random.below(6) {
            0 => json!({"op": "remove", "path": place()}),
            1 => json!({"op": "copy", "from": place(), "path": place()}),
            2 => json!({"op": "move", "from": place(), "path": place()}),
            3 => json!({"op": "test", "path": place(), "value": value}),
            4 => json!({"op": "replace", "path": place(), "value": value}),
            _ => json!({"op": "add", "path": place(), "value": value}),
        }
    };
    (0..=random.below(3)).map(one).collect()
}

/// Bytes that mean something to one of the readers.
const SHARP: &[u8] = b"\"{}[]:,\\\0\xff-0n \n\t&*!|>%@'#~";

/// One to four times: flips a bit, sets a byte, cuts, inserts, repeats a slice, or copies one over another. Nothing of it is
/// long, so that most of the document is still there to be read.
fn damage(random: &Seeded, mut bytes: Vec<u8>) -> Vec<u8> {
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            break;
        }
        let from = at(random, bytes.len());
        let to = (from + 1 + at(random, 40)).min(bytes.len());
        match random.below(6) {
            0 => bytes[from] ^= 1 << random.below(8),
            1 => bytes[from] = SHARP[at(random, SHARP.len())],
            2 => drop(bytes.drain(from..to)),
            3 => {
                let mut noise = vec![0; to - from];
                random.fill(&mut noise);
                bytes.splice(from..from, noise);
            }
            4 => {
                let slice = bytes[from..to].repeat([1, 2, 50][at(random, 3)]);
                bytes.splice(from..from, slice);
            }
            _ => {
                let slice = bytes[from..to].to_vec();
                let over = at(random, bytes.len() - slice.len() + 1);
                bytes[over..over + slice.len()].copy_from_slice(&slice);
            }
        }
    }
    bytes
}
