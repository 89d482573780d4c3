//! Volumes behind iSCSI: names of targets and initiators.

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

pub(super) fn validate(path: &Path<'_>, iscsi: &Tree, volume: &str, refusals: &mut Refusals) {
    let (portal, iqn) = (iscsi.text("targetPortal"), iscsi.text("iqn"));
    if portal.is_empty() {
        refusals.required(&path.field("targetPortal"), "");
    }
    if iscsi.has("initiatorName") && volume.len() + 1 + portal.len() > 64 {
        let detail = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if \
            iscsi.initiatorName is specified.";
        refusals.invalid(&path.field("targetportal"), portal, detail);
    }
    if iqn.is_empty() {
        refusals.required(&path.field("iqn"), "");
    } else if !is_name(iqn) {
        refusals.invalid(&path.field("iqn"), iqn, "must be valid format");
    }
    let lun = iscsi.int("lun");
    if !(0..=255).contains(&lun) {
        refusals.invalid(&path.field("lun"), lun, "must be between 0 and 255, inclusive");
    }
    let secret = path.field("secretRef");
    if (iscsi.flag("chapAuthDiscovery") || iscsi.flag("chapAuthSession")) && !iscsi.has("secretRef") {
        refusals.required(&secret, "");
    }
    if iscsi.has("secretRef") && iscsi.at("secretRef").text("name").is_empty() {
        refusals.required(&secret.field("name"), "");
    }
    if let Some(initiator) = iscsi.at("initiatorName").as_str().filter(|name| !is_name(name)) {
        refusals.invalid(&path.field("initiatorname"), initiator, "must be valid format");
    }
}

/// Whether this is a name by one of three schemes (RFC 3720, 3.2.6).
fn is_name(name: &str) -> bool {
    match name.get(..3) {
        Some("iqn") => name.match_indices("iqn.").any(|(at, _)| is_iqn(&name[at + 4..])),
        Some("eui") => is_word(&name[3..], 16),
        Some("naa") => is_word(&name[3..], 32),
        _ => false,
    }
}

/// `1992-08.com.example:disk`, after its prefix.
fn is_iqn(text: &str) -> bool {
    let Some((authority, name)) = text.split_once(':') else {
        return false;
    };
    let date = authority.as_bytes();
    let dated = date.len() > 8
        && date[..8].iter().enumerate().all(|(at, byte)| match at {
            4 => *byte == b'-',
            7 => *byte == b'.',
            _ => byte.is_ascii_digit(),
        });
    let named = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let plain = |letter: char| !letter.is_ascii_whitespace() && !",;*&$|".contains(letter);
    dated && date[8..].iter().all(named) && !name.is_empty() && name.chars().all(plain)
}

/// Any letter and then so many letters and digits.
fn is_word(text: &str, count: usize) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first != '\n')
        && letters.as_str().len() == count
        && letters.all(|letter| letter.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn names_are_of_three_schemes() {
        for fine in [
            "iqn.1992-08.com.example:disk",
            "eui.0123456789abcdef",
            "naa.0123456789abcdef0123456789abcdef",
        ] {
            assert!(is_name(fine), "{fine}");
        }
        for wrong in [
            "",
            "a",
            "iqn",
            "iqn.92-08.com:a",
            "iqn.1992-08.com",
            "iqn.1992-08.com:a b",
            "eui.0",
            "naa.0",
        ] {
            assert!(!is_name(wrong), "{wrong}");
        }
    }
}
