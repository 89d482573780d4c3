//! What each rule of the checkers says, in one sentence for people who do not know the checkers.

/// What is broken when a checker names a rule. Empty for a rule that says all by its name.
pub(super) fn meaning(judge: &str, rule: &str) -> &'static str {
    match judge {
        "replay" => replay(rule),
        "wgl" => {
            "No order of the calls on one key, each taking effect between its start and its end, explains every answer."
        }
        "elle" => elle(rule),
        "watch" => watch(rule),
        "lease" => lease(rule),
        "set" => set(rule),
        "bank" => bank(rule),
        "lock" | "election" => token(rule),
        "hashes" => "Members that told the hash of the same revision do not hold the same.",
        _ => "",
    }
}

fn replay(rule: &str) -> &'static str {
    match rule {
        "replay" => "The answer is not what the store held at the revision that the answer names.",
        "revision" => "Two writes share a revision, or a revision is impossible.",
        "real time" => {
            "A call that began after another had ended was given an older revision: it saw, or made, the past."
        }
        "log" => "What watches were shown of a revision is not what the call that made it had asked for.",
        "phantom" => "Nobody made this revision: a call that failed took effect, or something was made up.",
        "twice" => "One call took effect more than once.",
        _ => "",
    }
}

fn elle(rule: &str) -> &'static str {
    match rule {
        "internal" => "A transaction does not see its own past: two of its reads, or a read and an append, do not fit.",
        "duplicate" => "An element was appended once and is in the list more than once.",
        "phantom" => "An element was read that nobody appended.",
        "G1a" => "An element was read whose transaction failed.",
        "G1b" => "A list was read as it was in the middle of a transaction.",
        "incompatible order" => {
            "Two reads of one list, of which neither is the other's beginning: there are two histories."
        }
        "G0" | "G0-realtime" => "Transactions overwrite each other in a circle (G0).",
        "G1c" | "G1c-realtime" => "Transactions that read each other's appends stand in a circle (G1c).",
        "G-single" | "G-single-realtime" => {
            "Transactions stand in a circle in which one missed what another had appended (G-single, read skew)."
        }
        "G2" | "G2-realtime" => {
            "Transactions stand in a circle in which several missed what others had appended (G2, write skew)."
        }
        _ => "",
    }
}

fn watch(rule: &str) -> &'static str {
    match rule {
        "filtered" => "The watch delivered what it had not asked for.",
        "ordered" => "The watch delivered an older revision after a newer one.",
        "unique" => "The watch delivered one event twice.",
        "atomic" => "The events of one revision did not come together.",
        "reliable" => "An event is missing in the middle, or is not what happened.",
        "resumable" => "Not everything came from the revision on that the watch had asked for.",
        "bookmarkable" => "An event came after the watch had said that everything up to there was delivered.",
        "prev_kv" => "The value told as the one before is not the one that was there before.",
        "future" => "The watch named a revision that the store had not reached.",
        _ => "",
    }
}

fn lease(rule: &str) -> &'static str {
    match rule {
        "early" => "A lease, or a key on it, was gone before its time was over.",
        "late" => "A lease, or a key on it, was still there long after its time was over.",
        "risen" => "A lease that was gone is there again.",
        "revoked" => "A lease is there although its revocation was answered.",
        _ => "",
    }
}

fn set(rule: &str) -> &'static str {
    match rule {
        "lost" => "An element whose add was answered, or that had been read, is missing from a later read.",
        "phantom" => "An element was read that nobody had added.",
        "duplicate" => "An element was read twice.",
        _ => "",
    }
}

fn bank(rule: &str) -> &'static str {
    match rule {
        "total" => "Money was made or lost: all accounts together do not hold what they held at first.",
        "overdrawn" => "An account holds less than nothing.",
        "accounts" => "Two reads show different accounts.",
        _ => "",
    }
}

fn token(rule: &str) -> &'static str {
    match rule {
        "token" => "Two holders have one token, or a later holder has a smaller one.",
        "fence" => "A write was accepted after a newer token was won or used, so the fence did not hold.",
        "guarded" => "What a lock guards is not what was written there last.",
        "overlap" => "Somebody got the lock while another surely held it.",
        "leader" => "Somebody was named as the leader who had not won.",
        "order" => "Who asked later was named an older leader.",
        "deposed" => "A leader was obeyed after a newer one was known, or after it had resigned.",
        "resigned" => "A leader that had resigned was named again.",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_told_by_the_checker_that_names_them() {
        assert!(meaning("set", "phantom").contains("added"));
        assert!(meaning("elle", "phantom").contains("appended"));
        for (judge, rule) in [
            ("wgl", "linearizable"),
            ("hashes", "hash"),
            ("election", "token"),
            ("lock", "guarded"),
            ("elle", "G2-realtime"),
        ] {
            assert!(meaning(judge, rule).ends_with(['.', ')']), "{judge} {rule}");
        }
        assert_eq!(meaning("watch", "no such rule"), "");
    }
}
