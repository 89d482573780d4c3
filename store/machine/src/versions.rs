//! Versions as clusters compare them: major and minor, no more.

use proto::fault::Fault;

/// Major and minor of `3.7` or `3.7.1`.
pub(crate) fn parse(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.split('.');
    let (major, minor) = (number(parts.next()?)?, number(parts.next()?)?);
    match (parts.next().map(number), parts.next()) {
        (None | Some(Some(_)), None) => Some((major, minor)),
        _ => None,
    }
}

fn number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

/// Whether a cluster of this version can be brought down to `target`: one minor version at a time. Answers the target
/// as clusters write it.
pub(crate) fn check_downgrade(cluster: Option<&str>, target: &str) -> Result<String, Fault> {
    let (major, minor) = parse(target).ok_or(Fault::WrongDowngradeVersionFormat)?;
    let now = cluster.and_then(parse).ok_or(Fault::ClusterVersionUnavailable)?;
    if now.0 == major && now.1.checked_sub(1) == Some(minor) {
        Ok(format!("{major}.{minor}.0"))
    } else {
        Err(Fault::InvalidDowngradeTargetVersion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        for (text, expected) in [
            ("3.7", Some((3, 7))),
            ("3.6.11", Some((3, 6))),
            ("3", None),
            ("3.", None),
            ("3.+7", None),
            ("3.7.x", None),
            ("3.7.1.2", None),
            ("v3.7", None),
            ("3.99999999999999999999", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn goes_down_one_minor() {
        assert_eq!(check_downgrade(Some("3.7.0"), "3.6"), Ok("3.6.0".to_owned()));
        assert_eq!(
            check_downgrade(Some("3.7"), "3.5.0"),
            Err(Fault::InvalidDowngradeTargetVersion)
        );
        assert_eq!(
            check_downgrade(Some("3.7"), "3.7"),
            Err(Fault::InvalidDowngradeTargetVersion)
        );
        assert_eq!(
            check_downgrade(Some("3.7"), "x"),
            Err(Fault::WrongDowngradeVersionFormat)
        );
        assert_eq!(check_downgrade(None, "3.6"), Err(Fault::ClusterVersionUnavailable));
        assert_eq!(
            check_downgrade(Some("3.0"), "3.0"),
            Err(Fault::InvalidDowngradeTargetVersion)
        );
    }
}
