//! What consensus finds in its own log when it starts: entries, a vote, what is committed and what is purged.
//!
//! An input is pieces, each a letter and bytes that are written under right checksums: `e` the next entry, `v` a vote, `c`
//! what is committed, `p` a description of the last entry, up to which all is purged.

use std::slice::from_ref;

use base::task::Tasks;
use bytes::Bytes;
use prost::Message;
use proto::peer;
use store_log::{Log, MemoryDisk, Record};

use super::consensus::{PATIENCE, end, log, start};
use crate::support::leader::{append, at, vote};
use crate::support::{block_on, must};
use crate::{Verdict, pieces};

/// Starts a member on the log, asks it for its vote, and ends it.
///
/// # Panics
/// Where a member that started does not answer.
pub fn run(data: &[u8]) -> Verdict {
    let disk = MemoryDisk::new();
    write(&log(&disk), data);
    block_on(async {
        let tasks = Tasks::new();
        let Ok(consensus) = start(&tasks, log(&disk)).await else {
            tasks.shutdown().await;
            return Verdict::Refused;
        };
        let ask = peer::VoteRequest {
            vote: Some(peer::Vote {
                term: u64::MAX / 2,
                committed: false,
                ..vote()
            }),
            last_log_id: Some(at(1 << 40)),
            leadership_transfer: true,
        };
        let answered = tokio::time::timeout(PATIENCE, consensus.vote(ask)).await;
        let understood = must("get an answer from consensus", answered).is_ok();
        end(&tasks, &consensus).await;
        Verdict::of(understood)
    })
}

fn write(log: &Log, data: &[u8]) {
    for piece in pieces::split(data) {
        let Some((letter, bytes)) = piece.split_first() else {
            continue;
        };
        let bytes = Bytes::copy_from_slice(bytes);
        let next = log.last().map_or(0, |last| last + 1);
        match letter {
            b'e' => {
                let entry = Record {
                    index: next,
                    data: bytes,
                };
                log.append(vec![entry], Box::new(drop));
            }
            b'v' => log.save_vote(bytes, Box::new(drop)),
            b'c' => log.save_committed(bytes),
            b'p' if next > 0 => log.purge(next - 1, bytes, Box::new(drop)),
            _ => {}
        }
    }
    must("close a log", log.close());
}

/// Logs of a new member, of one that has applied nothing, and of one whose log was purged.
pub fn seeds() -> Vec<Vec<u8>> {
    let piece = |letter: u8, message: Vec<u8>| [&[letter][..], &message].concat();
    let entries: Vec<_> = append()
        .entries
        .iter()
        .map(|entry| piece(b'e', entry.encode_to_vec()))
        .collect();
    let (vote, last) = (piece(b'v', vote().encode_to_vec()), entries.len() as u64 - 1);
    let mut seeds = vec![
        pieces::join([&vote]),
        pieces::join([&entries[..], from_ref(&vote)].concat()),
        pieces::join([&entries[..2], &[vote.clone(), piece(b'c', at(1).encode_to_vec())]].concat()),
    ];
    for committed in [1, last / 2, last] {
        let committed = piece(b'c', at(committed).encode_to_vec());
        seeds.push(pieces::join([from_ref(&vote), &entries[..], &[committed]].concat()));
    }
    let (before, after) = entries.split_at(9);
    let purged = piece(b'p', at(8).encode_to_vec());
    seeds.push(pieces::join([before, &[purged], after, &[vote]].concat()));
    seeds
}
