//! Bodies that are damaged, a great many of them: each must be answered, shortly, and never by a failure of the server.
//!
//! `KEELSON_DAMAGE_SEED` and `KEELSON_DAMAGE_COUNT` choose which damage and how much of it; the seed is printed, and a
//! failure tells the request that it is about.

mod beside;
mod noise;
mod objects;
mod send;

use std::collections::BTreeMap;
use std::pin::pin;

use futures_util::{StreamExt, stream};
use kube::Client;

use self::send::{Request, send};
use crate::apiserver::kube_rs::client;
use crate::apiserver::pair::Pair;

/// How many bodies are damaged.
const COUNT: usize = 10_000;
/// How many requests are under way at once.
const AT_ONCE: usize = 6;
/// The most bytes of an answer; no body that is sent is as large.
const ANSWER_MAX: usize = 64 << 10;
/// The most bytes that the server may have grown by at the end: history of what was written, and buffers.
const GROWTH_MAX: u64 = 64 << 20;

/// How messages begin that upstream sends with 500 though it is the client that is wrong. Its answers are kept; nothing else
/// may be answered so.
const UPSTREAM_S_500: &[&str] = &[
    "failed to create typed patch object (",
    "resourceVersion should not be set on objects to be created",
    "strconv.ParseUint: parsing ",
    // Of bindings.
    "target.kind: ",
    "target.name: ",
    "[target.",
];

/// A number that the environment says, or another.
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Why an answer is not allowed.
fn wrong(code: u16, body: &[u8]) -> Option<String> {
    let text = || String::from_utf8_lossy(&body[..body.len().min(2000)]).into_owned();
    if body.len() > ANSWER_MAX {
        return Some(format!("{} bytes: {}", body.len(), text()));
    }
    if code < 500 {
        return None;
    }
    let status: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let message = status["message"].as_str().unwrap_or_default();
    let kept = code == 500 && UPSTREAM_S_500.iter().any(|begin| message.starts_with(begin));
    (!kept).then(|| format!("{code} {}", text()))
}

/// Sends all of them, a few at once, and checks each answer; returns how many got which code.
async fn flood(client: &Client, count: usize, request: impl Fn(usize) -> Request) -> BTreeMap<u16, usize> {
    let request = &request;
    let answered = stream::iter(0..count).map(|at| async move {
        let request = request(at);
        let (code, why) = match send(client, &request).await {
            Ok(answer) => (answer.code, wrong(answer.code, &answer.body)),
            Err(why) => (0, Some(why)),
        };
        (
            code,
            why.map(|why| format!("{why} to request {at}: {}", request.shown())),
        )
    });
    let (mut codes, mut wrongs) = (BTreeMap::new(), Vec::new());
    let mut answered = pin!(answered.buffer_unordered(AT_ONCE));
    while let Some((code, why)) = answered.next().await {
        *codes.entry(code).or_default() += 1;
        wrongs.extend(why);
        // More than these would not be read.
        if wrongs.len() == 20 {
            break;
        }
    }
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
    codes
}

/// The server is as it was: no panic, no growth, and it serves.
fn check_well(pair: &Pair, before: u64) {
    let log = pair.read_log();
    let at = log.find("panic").map(|at| &log[at.saturating_sub(500)..]);
    assert_eq!(at.map(|text| text.chars().take(2000).collect::<String>()), None);
    let grown = pair.resident().saturating_sub(before) * 1024;
    println!("the server grew by {grown} bytes");
    assert!(grown < GROWTH_MAX, "the server grew by {grown} bytes");
    assert_eq!(pair.curl(&["/readyz"]).stdout, "ok");
    let map = serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "after-"}});
    pair.create("/api/v1/namespaces/default/configmaps", &map);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_bodies_are_answered_and_change_nothing_else() {
    let pair = Pair::start();
    let client = client(&pair, "admin").await;
    objects::check_complete(&pair);
    let seeds = objects::create(&client).await;
    let seed = number("KEELSON_DAMAGE_SEED", 1);
    let count = number("KEELSON_DAMAGE_COUNT", COUNT as u64) as usize;
    println!("KEELSON_DAMAGE_SEED={seed} KEELSON_DAMAGE_COUNT={count}");
    let before = pair.resident();
    let codes = flood(&client, count, |at| {
        noise::damaged(&seeds, seed.wrapping_mul(1 << 32).wrapping_add(at as u64))
    });
    println!("damaged bodies: {:?}", codes.await);
    check_well(&pair, before);
}

/// Half of all values of other types, so that each half is done in less than a minute.
async fn swapped(half: usize) {
    let pair = Pair::start();
    let client = client(&pair, "admin").await;
    let requests = noise::swaps(&objects::create(&client).await);
    let requests: Vec<Request> = requests.into_iter().skip(half).step_by(2).collect();
    let before = pair.resident();
    let count = requests.len();
    let codes = flood(&client, count, |at| requests[at].clone());
    println!("{count} values of other types: {:?}", codes.await);
    check_well(&pair, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_of_other_types_are_answered_at_every_place_of_every_kind() {
    swapped(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_values_of_other_types_are_answered_too() {
    swapped(1).await;
}
