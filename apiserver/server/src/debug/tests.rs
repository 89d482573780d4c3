//! Profiles as a client gets them.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use base::task::Tasks;
use flate2::read::GzDecoder;
use http_body_util::BodyExt;
use prost::Message;

use super::Debug;
use super::profile::Running;
use super::wire::Profile;
use crate::answer::Answer;
use crate::request::tests::call;

async fn asked(method: &str, target: &str, body: String) -> Answer {
    let debug = Debug::new(Tasks::new());
    debug.serve(&call(method, target), Body::from(body)).await.unwrap()
}

async fn text(answer: Answer) -> String {
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn the_index_lists_what_there_is_and_all_else_is_unknown() {
    let answer = asked("GET", "/debug/pprof/", String::new()).await;
    assert_eq!(answer.status(), 200);
    let index = text(answer).await;
    assert!(
        index.contains("href='profile?seconds=30'") && !index.contains("heap"),
        "{index}"
    );
    for name in ["heap", "goroutine", "trace", "cmdline", "profile/x"] {
        let answer = asked("GET", &format!("/debug/pprof/{name}"), String::new()).await;
        assert_eq!(
            (answer.status().as_u16(), text(answer).await.as_str()),
            (404, "Unknown profile\n")
        );
    }
    let answer = asked("GET", "/debug/pprof", String::new()).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["location"]),
        (302, &super::PREFIX.parse().unwrap())
    );
}

#[inline(never)]
fn a_function_to_be_found() -> usize {
    a_function_to_be_found as fn() -> usize as usize
}

#[tokio::test]
async fn addresses_are_named() {
    let address = a_function_to_be_found();
    for (method, query, body) in [
        ("GET", format!("?{address:#x}+0x1"), String::new()),
        ("POST", String::new(), format!("{address}")),
    ] {
        let told = text(asked(method, &format!("/debug/pprof/symbol{query}"), body).await).await;
        let (head, rest) = told.split_once('\n').unwrap();
        assert_eq!(head, "num_symbols: 1");
        assert!(
            rest.starts_with(&format!("{address:#x} ")) && rest.contains("a_function_to_be_found"),
            "{told}"
        );
    }
}

#[inline(never)]
fn work_that_is_seen(until: &AtomicBool) -> u64 {
    let mut sum = 0u64;
    while !until.load(Ordering::Relaxed) {
        for number in 0..10_000u64 {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(number));
        }
    }
    sum
}

#[test]
fn a_profile_shows_who_works_and_only_one_is_taken_at_a_time() {
    let until = AtomicBool::new(false);
    let packed = std::thread::scope(|scope| {
        let worker = scope.spawn(|| work_that_is_seen(&until));
        let running = Running::start().unwrap();
        let twice = Running::start().err().unwrap();
        assert_eq!(twice.to_string(), "cpu profiling already in use");
        // The timer counts the time of processors: so much of it must pass.
        let begun = cpu_ticks();
        while cpu_ticks() < begun + 40 {
            std::thread::yield_now();
        }
        let packed = running.finish().unwrap();
        until.store(true, Ordering::Relaxed);
        worker.join().unwrap();
        packed
    });
    let mut bytes = Vec::new();
    GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
    let profile = Profile::decode(bytes.as_slice()).unwrap();
    assert_eq!(profile.string_table[0], "");
    let string = |number: i64| profile.string_table[number as usize].as_str();
    assert_eq!(
        profile
            .sample_type
            .iter()
            .map(|kind| string(kind.kind))
            .collect::<Vec<_>>(),
        ["samples", "cpu"]
    );
    assert_eq!(
        (profile.period, string(profile.sample_type[1].unit)),
        (10_000_000, "nanoseconds")
    );
    let seen = profile
        .function
        .iter()
        .any(|function| string(function.name).contains("work_that_is_seen"));
    assert!(seen, "{:?}", profile.string_table);
    assert!(
        profile
            .sample
            .iter()
            .all(|sample| sample.value[1] == sample.value[0] * 10_000_000)
    );
}

/// Hundredths of a second of processors that this process used.
fn cpu_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
