//! A killed process: what it flushed is there, what it did not is there as whole batches or not at all.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::*;

const PLACE: &str = "STORE_ROCKS_TEST_FOLDER";
const ONE: Space = Space(1);
const TWO: Space = Space(2);

/// Not a test by itself: the process that the test below starts and kills.
#[test]
#[ignore = "started by a_killed_process_loses_only_what_it_did_not_flush"]
fn writes_until_killed() {
    let Some(place) = std::env::var_os(PLACE).map(PathBuf::from) else {
        return;
    };
    // Small buffers, so that some are flushed unasked.
    let engine = Rocks::open(
        &place,
        Options {
            write_buffer_bytes: 256 << 10,
            ..Options::default()
        },
    )
    .unwrap();
    for number in 0..u32::MAX {
        let mut batch = Batch::new();
        batch.put(ONE, &number.to_be_bytes(), &noise(u64::from(number), 900));
        batch.put(TWO, &number.to_be_bytes(), b"");
        engine.write(&batch).unwrap();
        if number == 1000 {
            engine.flush().unwrap();
            println!("\nflushed");
        }
        if number == 5000 {
            println!("\nenough");
        }
    }
}

#[test]
fn a_killed_process_loses_only_what_it_did_not_flush() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "tests::crash::writes_until_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(PLACE, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "enough"));
    child.kill().unwrap();
    child.wait().unwrap();

    let engine = open(folder.path());
    let keys = |space| {
        let mut cursor = engine.scan(space, b"", None, Order::Ascending);
        let mut keys = Vec::new();
        while cursor.valid() {
            keys.push(u32::from_be_bytes(cursor.key().try_into().unwrap()));
            cursor.advance();
        }
        cursor.status().unwrap();
        keys
    };
    let one = keys(ONE);
    assert_eq!(one, keys(TWO), "batches are whole");
    assert!(one.len() > 1000, "{} batches", one.len());
    assert!(
        one.iter().enumerate().all(|(at, &number)| at as u32 == number),
        "none is skipped"
    );
}
