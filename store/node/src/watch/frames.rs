//! Makes the answers of a watch stream.

use std::sync::Arc;

use prost::encoding::encoded_len_varint;
use proto::etcd::{ResponseHeader, WatchResponse};
use store_mvcc::watch::GroupBatch;

/// Answers for whole revisions, in order: one answer, or with `fragment` as many as it takes to stay below `limit`
/// bytes with at least one event each. The header names the last revision that is wholly told, so that a client that
/// resumes behind it misses nothing.
pub(super) fn events(
    header: impl Fn(i64) -> ResponseHeader,
    watch_id: i64,
    batches: &[Arc<GroupBatch>],
    fragment: bool,
    limit: usize,
) -> Vec<WatchResponse> {
    let Some(last) = batches.last() else { return Vec::new() };
    let head = header(last.revision);
    let all = || batches.iter().flat_map(|batch| batch.events.iter().cloned());
    let bytes: usize = batches.iter().map(|batch| batch.bytes).sum();
    if !fragment || bytes < limit {
        let events: Vec<_> = all().collect();
        if events.is_empty() {
            return Vec::new();
        }
        return vec![WatchResponse {
            header: Some(head),
            watch_id,
            events,
            ..WatchResponse::default()
        }];
    }
    let mut frames: Vec<WatchResponse> = Vec::new();
    let mut size = usize::MAX;
    for event in all() {
        let cost = cost(event.bytes().len());
        if size.saturating_add(cost) > limit {
            frames.push(WatchResponse {
                header: Some(head),
                watch_id,
                fragment: true,
                ..WatchResponse::default()
            });
            size = 0;
        }
        size += cost;
        if let Some(frame) = frames.last_mut() {
            frame.events.push(event);
        }
    }
    if let Some(frame) = frames.last_mut() {
        frame.fragment = false;
    }
    frames
}

/// Bytes of an event in an answer: tag, length, itself.
fn cost(bytes: usize) -> usize {
    1 + encoded_len_varint(bytes as u64) + bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::{Encoded, mvcc};

    fn batch(revision: i64, events: usize) -> Arc<GroupBatch> {
        let event = Encoded::<mvcc::Event>::from_bytes(vec![0_u8; 100].into());
        Arc::new(GroupBatch {
            revision,
            events: vec![event; events],
            bytes: events * 100,
        })
    }

    fn header(revision: i64) -> ResponseHeader {
        ResponseHeader {
            revision,
            ..ResponseHeader::default()
        }
    }

    #[test]
    fn a_revision_is_told_at_once_unless_fragments_are_asked_for() {
        let frames = events(header, 3, &[batch(5, 10), batch(6, 1)], false, 250);
        assert_eq!(frames.len(), 1);
        assert_eq!(
            (frames[0].events.len(), frames[0].header.map(|header| header.revision)),
            (11, Some(6))
        );
    }

    #[test]
    fn fragments_stay_below_the_limit_and_all_but_the_last_say_so() {
        let frames = events(header, 3, &[batch(5, 5)], true, 250);
        assert_eq!(
            frames.iter().map(|frame| frame.events.len()).collect::<Vec<_>>(),
            [2, 2, 1]
        );
        assert_eq!(
            frames.iter().map(|frame| frame.fragment).collect::<Vec<_>>(),
            [true, true, false]
        );
        let single = events(header, 3, &[batch(5, 2)], true, 10);
        assert_eq!(
            single.iter().map(|frame| frame.events.len()).collect::<Vec<_>>(),
            [1, 1]
        );
    }
}
