//! Indexes of pods as one string: `1,3-5,7`.

/// Reads indexes below `completions`; returns how many there are.
pub(super) fn count(text: &str, completions: i64) -> Result<i64, String> {
    let mut total = 0;
    let mut last: Option<i64> = None;
    for part in text.split(',').filter(|_| !text.is_empty()) {
        let (first, end) = interval(part, completions)?;
        if let Some(last) = last.filter(|last| *last >= first) {
            return Err(format!("non-increasing order, previous: {last}, current: {first}"));
        }
        total += end - first + 1;
        last = Some(end);
    }
    Ok(total)
}

/// The first index that two strings of indexes share.
pub(super) fn overlap(completed: &str, failed: &str, completions: i64) -> Option<i64> {
    let read = |text: &str| -> Vec<(i64, i64)> {
        let parts = text.split(',').filter_map(|part| interval(part, completions).ok());
        parts.collect()
    };
    let (completed, failed) = (read(completed), read(failed));
    let (mut completed, mut failed) = (completed.iter().peekable(), failed.iter().peekable());
    while let (Some((start, end)), Some((other_start, other_end))) = (completed.peek(), failed.peek()) {
        if start <= other_end && other_start <= end {
            return Some(*start.max(other_start));
        }
        if start <= other_start {
            completed.next();
        } else {
            failed.next();
        }
    }
    None
}

fn interval(text: &str, completions: i64) -> Result<(i64, i64), String> {
    let quoted = apiserver_api::go::quote(text);
    let number = |part: &str| {
        let shown = apiserver_api::go::quote(part);
        match part.parse::<i64>() {
            Err(_) => Err(format!("cannot convert string to integer for index: {shown}")),
            Ok(index) if index >= completions => Err(format!("too large index: {shown}")),
            Ok(index) => Ok(index),
        }
    };
    match text.split('-').collect::<Vec<_>>()[..] {
        [one] => number(one).map(|index| (index, index)),
        [first, last] => {
            let (first, last) = (number(first)?, number(last)?);
            if first >= last {
                return Err(format!("non-increasing order, previous: {first}, current: {last}"));
            }
            Ok((first, last))
        }
        _ => Err(format!(
            "the fragment {quoted} violates the requirement that an index interval can have at most two parts separated \
             by '-'"
        )),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn indexes_are_read_in_increasing_order() {
        for (text, read) in [
            ("", Ok(0)),
            ("0", Ok(1)),
            ("1,3-5,7", Ok(5)),
            ("8", Err("too large index: \"8\"".to_owned())),
            ("3,2", Err("non-increasing order, previous: 3, current: 2".to_owned())),
            ("3-3", Err("non-increasing order, previous: 3, current: 3".to_owned())),
            ("x", Err("cannot convert string to integer for index: \"x\"".to_owned())),
        ] {
            assert_eq!(super::count(text, 8), read, "{text}");
        }
        assert!(
            super::count("1-2-3", 8)
                .unwrap_err()
                .starts_with("the fragment \"1-2-3\" violates")
        );
    }

    #[test]
    fn shared_indexes_are_found() {
        for (completed, failed, shared) in [("1-3,5", "4,6", None), ("1-3", "x,2", Some(2)), ("", "1", None)] {
            assert_eq!(super::overlap(completed, failed, 8), shared);
        }
    }
}
