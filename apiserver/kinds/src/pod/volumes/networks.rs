//! Volumes that are reached over a network, or through a driver.

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::text::{required_fields, tell};

const LUN: &str = "must be between 0 and 255, inclusive";
const PAIRS: &str = "must be a host:port pair or multiple pairs separated by commas";
const TENANT_MAX: usize = 64;
const DRIVER_MAX: usize = 63;
const TARGET_MAX: usize = 64;

/// A source; `field` is its name in a volume.
pub(super) fn validate(path: &Path<'_>, field: &str, source: &Tree, refusals: &mut Refusals) {
    match field {
        "nfs" => {
            required_fields(path, source, &["server", "path"], refusals);
            let target = source.text("path");
            if !target.starts_with('/') {
                refusals.invalid(&path.field("path"), target, "must be an absolute path");
            }
        }
        "iscsi" => validate_iscsi(path, source, refusals),
        "glusterfs" => required_fields(path, source, &["endpoints", "path"], refusals),
        "cephfs" => required_fields(path, source, &["monitors"], refusals),
        "rbd" => required_fields(path, source, &["monitors", "image"], refusals),
        "quobyte" => validate_quobyte(path, source, refusals),
        "fc" => validate_fibre(path, source, refusals),
        "csi" => validate_csi(path, source, refusals),
        "flexVolume" => validate_flex(path, source, refusals),
        _ => {}
    }
}

fn validate_iscsi(path: &Path<'_>, source: &Tree, refusals: &mut Refusals) {
    required_fields(path, source, &["targetPortal", "iqn"], refusals);
    let name = source.text("iqn");
    if !name.is_empty() {
        validate_iscsi_name(&path.field("iqn"), name, refusals);
    }
    let lun = source.int("lun");
    if !(0..=255).contains(&lun) {
        refusals.invalid(&path.field("lun"), lun, LUN);
    }
    if (source.flag("chapAuthDiscovery") || source.flag("chapAuthSession")) && !source.has("secretRef") {
        refusals.required(&path.field("secretRef"), "");
    }
    if let Some(name) = source.at("initiatorName").as_str() {
        validate_iscsi_name(&path.field("initiatorname"), name, refusals);
    }
}

/// What the initiator makes of the volume's name and the portal must not be too long.
pub(super) fn validate_iscsi_length(path: &Path<'_>, volume: &Tree, refusals: &mut Refusals) {
    let (name, source) = (volume.text("name"), volume.at("iscsi"));
    if source.has("initiatorName") && name.len() + 1 + source.text("targetPortal").len() > TARGET_MAX {
        let detail = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if \
                      iscsi.initiatorName is specified.";
        refusals.invalid(&path.field("name"), name, detail);
    }
}

/// A name by one of the three rules that iSCSI has (RFC 3720).
fn validate_iscsi_name(path: &Path<'_>, name: &str, refusals: &mut Refusals) {
    let long = |count: usize| {
        // After the prefix there is any one byte, and then nothing but letters and digits.
        let rest: Vec<char> = name.chars().skip(3).collect();
        rest.len() == count + 1 && rest[1..].iter().all(char::is_ascii_alphanumeric) && rest[0] != '\n'
    };
    let fine = if name.starts_with("iqn") {
        is_qualified(name)
    } else if name.starts_with("eui") {
        long(16)
    } else if name.starts_with("naa") {
        long(32)
    } else {
        return refusals.invalid(path, name, "must be valid format starting with iqn, eui, or naa");
    };
    if !fine {
        refusals.invalid(path, name, "must be valid format");
    }
}

/// `iqn.2001-04.com.example:storage`; it may be the end of a longer text, as upstream's pattern is not bound to the beginning.
fn is_qualified(name: &str) -> bool {
    name.match_indices("iqn.").any(|(at, head)| {
        let Some((date, rest)) = name[at + head.len()..].split_at_checked(8) else {
            return false;
        };
        let date = date.as_bytes();
        let dated = date.iter().enumerate().all(|(at, byte)| match at {
            4 => *byte == b'-',
            7 => *byte == b'.',
            _ => byte.is_ascii_digit(),
        });
        let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        let plain =
            |letter: char| !matches!(letter, ',' | '^' | ';' | '*' | '&' | '$' | '|') && !letter.is_ascii_whitespace();
        let tail = |(domain, tail): (&str, &str)| {
            !domain.is_empty() && domain.bytes().all(word) && !tail.is_empty() && tail.chars().all(plain)
        };
        dated && rest.split_once(':').is_some_and(tail)
    })
}

fn validate_quobyte(path: &Path<'_>, source: &Tree, refusals: &mut Refusals) {
    let registry = source.text("registry");
    if registry.is_empty() {
        refusals.required(&path.field("registry"), PAIRS);
    } else if source.text("tenant").len() > TENANT_MAX {
        let detail = "must be a UUID and may not exceed a length of 64 characters";
        refusals.required(&path.field("tenant"), detail);
    } else {
        for _ in registry.split(',').filter(|pair| !is_host_and_port(pair)) {
            refusals.invalid(&path.field("registry"), registry, PAIRS);
        }
    }
    required_fields(path, source, &["volume"], refusals);
}

/// Whether Go's `net.SplitHostPort` can split a text.
fn is_host_and_port(pair: &str) -> bool {
    let Some((host, port)) = pair.rsplit_once(':') else {
        return false;
    };
    let host = match host.strip_prefix('[') {
        Some(host) => match host.strip_suffix(']') {
            Some(host) => host,
            None => return false,
        },
        None if host.contains(':') => return false,
        None => host,
    };
    !host.contains(['[', ']']) && !port.contains(['[', ']'])
}

fn validate_fibre(path: &Path<'_>, source: &Tree, refusals: &mut Refusals) {
    let targets = source.items("targetWWNs");
    let ids = source.items("wwids");
    let targets_path = path.field("targetWWNs");
    if targets.is_empty() && ids.is_empty() {
        refusals.required(&targets_path, "must specify either targetWWNs or wwids, but not both");
    }
    if targets.is_empty() {
        return;
    }
    if !ids.is_empty() {
        let detail = "targetWWNs and wwids can not be specified simultaneously";
        refusals.invalid(&targets_path, source.at("targetWWNs"), detail);
    }
    match source.at("lun").as_int() {
        None => refusals.required(&path.field("lun"), "lun is required if targetWWNs is specified"),
        Some(lun) if !(0..=255).contains(&lun) => refusals.invalid(&path.field("lun"), lun, LUN),
        Some(_) => {}
    }
}

/// The name of a CSI driver (`ValidateCSIDriverName`).
pub(crate) fn validate_driver(path: &Path<'_>, driver: &str, refusals: &mut Refusals) {
    if driver.is_empty() {
        return refusals.required(path, "");
    }
    if driver.len() > DRIVER_MAX {
        refusals.too_long(path, DRIVER_MAX);
    }
    tell(path, driver, names::dns_subdomain(&driver.to_lowercase()), refusals);
}

fn validate_csi(path: &Path<'_>, source: &Tree, refusals: &mut Refusals) {
    validate_driver(&path.field("driver"), source.text("driver"), refusals);
    let secret = source.at("nodePublishSecretRef");
    if secret.is_null() {
        return;
    }
    let name = secret.text("name");
    if name.is_empty() {
        let path = path.field("nodePublishSecretRef");
        refusals.required(&path.field("name"), "");
    } else {
        let messages = names::name_is_dns_subdomain(name, false);
        tell(&path.field("name"), name, messages, refusals);
    }
}

/// Options of a driver do not use names that are Kubernetes' own.
fn validate_flex(path: &Path<'_>, source: &Tree, refusals: &mut Refusals) {
    required_fields(path, source, &["driver"], refusals);
    let path = path.field("options");
    for key in source.entries("options").keys() {
        let domain = key.split_once('/').map_or(key, |(domain, _)| domain);
        let domain = format!(".{}", domain.to_lowercase());
        if domain.ends_with(".kubernetes.io") || domain.ends_with(".k8s.io") {
            let detail = "kubernetes.io and k8s.io namespaces are reserved";
            refusals.invalid(&path.key(key), key, detail);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, is_host_and_port, validate, validate_iscsi_name};
    use crate::pod::testing::json;

    #[test]
    fn a_volume_of_the_network_says_where_it_is() {
        for (field, source, wrong) in [
            ("nfs", r#"{"server":"s","path":"/p"}"#, 0),
            ("nfs", r#"{"server":"s","path":"p"}"#, 1),
            ("fc", r#"{"targetWWNs":["a"],"lun":1}"#, 0),
            ("fc", r#"{"targetWWNs":["a"],"wwids":["b"],"lun":256}"#, 2),
            ("fc", "{}", 1),
            ("csi", r#"{"driver":"Example.com"}"#, 0),
            ("csi", r#"{"driver":"d","nodePublishSecretRef":{}}"#, 1),
            (
                "flexVolume",
                r#"{"driver":"d","options":{"a.k8s.io/x":"y","b":"c"}}"#,
                1,
            ),
            ("quobyte", r#"{"registry":"a:1,b","volume":"v"}"#, 1),
            (
                "iscsi",
                r#"{"targetPortal":"p","iqn":"iqn.2016-01.com.example:t","lun":-1}"#,
                1,
            ),
        ] {
            let mut refusals = Refusals::new();
            validate(&Path::of(field), field, &json(source), &mut refusals);
            assert_eq!(refusals.len(), wrong, "{field} {source}");
        }
    }

    #[test]
    fn names_of_iscsi_have_one_of_three_forms() {
        for (name, fine) in [
            ("iqn.2016-01.com.example:t", true),
            ("iqn.2016-01.com.example", false),
            ("iqn.16-01.com.example:t", false),
            ("eui.02004567A425678D", true),
            ("eui.0200", false),
            ("naa.62004567BA64678D0123456789ABCDEF", true),
            ("x", false),
        ] {
            let mut refusals = Refusals::new();
            validate_iscsi_name(&Path::of("n"), name, &mut refusals);
            assert_eq!(refusals.is_empty(), fine, "{name}");
        }
        assert!(is_host_and_port("[::1]:80") && is_host_and_port(":") && !is_host_and_port("::1:80"));
    }
}
