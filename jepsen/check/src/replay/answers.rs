//! Answers, held against those of the model.

use std::collections::BTreeSet;

use super::Replay;
use crate::history::{KeyValue, Operation, Reply};

impl Replay<'_> {
    /// Checks the reads up to a revision; the keys are at the last one that exists.
    pub(super) fn check_reads(&mut self, to: i64) {
        while let Some((revision, operation)) = self.readers.get(self.read).copied()
            && revision <= to
        {
            self.compare(revision, operation);
            self.read += 1;
        }
    }

    /// Holds an answer against the model's.
    pub(super) fn compare(&mut self, revision: i64, operation: &Operation) {
        let (Some(effect), Some(reply)) = (self.keys.run(revision, &operation.call, None), operation.reply()) else {
            return;
        };
        self.findings.check();
        if effect.reply == *reply {
            return;
        }
        let mut operations = vec![operation.index];
        let mut message = format!("{operation}, but at that point the answer is: {}", effect.reply);
        for written in differing(reply, &effect.reply) {
            let author = self.authors.get(&written).map(|index| &self.history.operations[*index]);
            if let Some(author) = author
                && !operations.contains(&author.index)
            {
                message.push_str("; revision ");
                message.push_str(&written.to_string());
                message.push_str(" was written by ");
                message.push_str(&author.to_string());
                operations.push(author.index);
            }
        }
        self.findings.report("replay", &operations, message);
    }
}

/// The revisions of keys that one answer has and the other has not.
fn differing(left: &Reply, right: &Reply) -> BTreeSet<i64> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    collect(left, &mut ours);
    collect(right, &mut theirs);
    let only = |these: &[&KeyValue], those: &[&KeyValue]| -> Vec<i64> {
        let missing = these.iter().filter(|kv| !those.contains(*kv));
        missing.map(|kv| kv.mod_revision).collect()
    };
    let mut revisions: BTreeSet<i64> = only(&ours, &theirs).into_iter().collect();
    revisions.extend(only(&theirs, &ours));
    revisions
}

fn collect<'a>(reply: &'a Reply, into: &mut Vec<&'a KeyValue>) {
    match reply {
        Reply::Get { kvs, .. } => into.extend(kvs),
        Reply::Put { prev } => into.extend(prev),
        Reply::Delete { prev, .. } => into.extend(prev),
        Reply::Txn { replies, .. } => {
            for reply in replies {
                collect(reply, into);
            }
        }
        _ => {}
    }
}
