//! What a claim was given: devices, who uses them, and what their drivers tell of them.

use std::collections::BTreeSet;

use apiserver_api::meta;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::{Refusals, Shown};
use apiserver_api::tree::Tree;

use super::binding;
use super::list::{each, each_string, label, pool_name, share_id, unique};
use super::request::{CONFIG_MAX, Names, REQUESTS_MAX, validate_config, validate_names, validate_raw};
use crate::check::{immutable_struct, one_of};
use crate::condition;
use crate::internal::shown_fields;
use crate::node_selector;
use crate::text::{driver_name, tell};

const ALLOCATION: &str = "io.k8s.api.resource.v1.AllocationResult";
const RESERVED_MAX: usize = 256;
const CONDITIONS_MAX: usize = 8;
/// The most bytes of what a driver tells.
const DATA_MAX: usize = 10 << 10;
const IPS_MAX: usize = 16;
/// The most bytes of what a device of the network is called, and of its address.
const NETWORK_MAX: [(&str, usize); 2] = [("interfaceName", 256), ("hardwareAddress", 128)];

/// Which part of which device.
fn id(device: &Tree) -> [&str; 4] {
    ["driver", "pool", "device", "shareID"].map(|field| device.text(field))
}

fn shown_id(device: &Tree) -> Shown {
    let [driver, pool, device, share] = id(device).map(Tree::from);
    shown_fields(&[
        ("Driver", &driver),
        ("Pool", &pool),
        ("Device", &device),
        ("ShareID", &share),
    ])
}

fn results(claim: &Tree) -> &[Tree] {
    claim.below(&["status", "allocation", "devices"]).items("results")
}

/// Forgets what was told of devices that the claim had and has no more.
pub(super) fn forget_lost(object: &mut Tree, old: &Tree) {
    let device = |one: &Tree| id(one)[..3].join("\0");
    let kept: BTreeSet<String> = results(object).iter().map(device).collect();
    let lost: BTreeSet<String> = results(old)
        .iter()
        .map(device)
        .filter(|one| !kept.contains(one))
        .collect();
    let Some(status) = object.get_mut("status") else {
        return;
    };
    let devices = status
        .items("devices")
        .iter()
        .filter(|one| !lost.contains(&device(one)));
    let devices: Vec<Tree> = devices.cloned().collect();
    if devices.is_empty() {
        status.remove("devices");
    } else {
        status.set("devices", devices);
    }
}

/// Checks the status of a claim.
pub(super) fn validate(object: &Tree, old: &Tree, refusals: &mut Refusals) {
    let names = Names::of(object.at("spec").at("devices"));
    let (path, status) = (Path::of("status"), object.at("status"));
    validate_users(&path.field("reservedFor"), status.items("reservedFor"), refusals);
    let given: BTreeSet<[&str; 4]> = results(object).iter().map(id).collect();
    validate_devices(&path.field("devices"), status.items("devices"), &given, refusals);
    validate_reserved(object, old, refusals);
    let (new, before) = (status.at("allocation"), old.at("status").at("allocation"));
    let path = path.field("allocation");
    if !new.is_null() && !before.is_null() {
        immutable_struct(&path, ALLOCATION, new, before, refusals);
    } else if !new.is_null() {
        validate_allocation(&path, new, &names, refusals);
    }
}

fn validate_users(path: &Path<'_>, users: &[Tree], refusals: &mut Refusals) {
    let sound = each(path, users, RESERVED_MAX, refusals, |path, user, refusals| {
        for field in ["resource", "name", "uid"] {
            if user.text(field).is_empty() {
                refusals.required(&path.field(field), "");
            }
        }
    });
    if sound {
        unique(path, users.iter().map(|user| user.text("uid")), refusals);
    }
}

/// Users come only to what is allocated and stays.
fn validate_reserved(object: &Tree, old: &Tree, refusals: &mut Refusals) {
    let status = Path::of("status");
    let path = status.field("reservedFor");
    let users = object.at("status").items("reservedFor");
    if users.is_empty() {
        return;
    }
    let known = old.at("status").items("reservedFor");
    if !object.at("status").has("allocation") {
        refusals.forbidden(&path, "may not be specified when `allocated` is not set");
    } else if meta::is_deleting(object) && users.iter().any(|user| !known.contains(user)) {
        let detail = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set";
        refusals.forbidden(&path, detail);
    }
}

fn validate_devices(path: &Path<'_>, devices: &[Tree], given: &BTreeSet<[&str; 4]>, refusals: &mut Refusals) {
    for (at, device) in devices.iter().enumerate() {
        validate_device(&path.index(at), device, given, refusals);
    }
    let mut seen = BTreeSet::new();
    for (at, device) in devices.iter().enumerate() {
        if !seen.insert(id(device)) {
            refusals.duplicate(&path.index(at), shown_id(device));
        }
    }
}

fn validate_device(path: &Path<'_>, device: &Tree, given: &BTreeSet<[&str; 4]>, refusals: &mut Refusals) {
    validate_id(path, device, refusals);
    if let Some(share) = device.at("shareID").as_str() {
        share_id(&path.field("shareID"), share, refusals);
    }
    if !given.contains(&id(device)) {
        refusals.invalid(path, shown_id(device), "must be an allocated device in the claim");
    }
    let (conditions, list) = (device.items("conditions"), path.field("conditions"));
    if conditions.len() > CONDITIONS_MAX {
        refusals.too_many(&list, conditions.len(), CONDITIONS_MAX);
    }
    condition::validate_all(&list, conditions, refusals);
    if device.has("data") {
        validate_raw(&path.field("data"), device.at("data"), DATA_MAX, refusals);
    }
    let (network, path) = (device.at("networkData"), path.field("networkData"));
    for (field, most) in NETWORK_MAX {
        if network.text(field).len() > most {
            refusals.too_long(&path.field(field), most);
        }
    }
    each_string(
        &path.field("ips"),
        network.items("ips"),
        IPS_MAX,
        refusals,
        |path, ip, refusals| {
            tell(path, ip, names::interface_address(ip), refusals);
        },
    );
}

fn validate_id(path: &Path<'_>, device: &Tree, refusals: &mut Refusals) {
    driver_name(&path.field("driver"), device.text("driver"), refusals);
    pool_name(&path.field("pool"), device.text("pool"), refusals);
    label(&path.field("device"), device.text("device"), refusals);
}

fn validate_allocation(path: &Path<'_>, allocation: &Tree, names: &Names<'_>, refusals: &mut Refusals) {
    let (devices, inner) = (allocation.at("devices"), path.field("devices"));
    let results = devices.items("results");
    each(
        &inner.field("results"),
        results,
        REQUESTS_MAX,
        refusals,
        |path, result, refusals| {
            names.validate(&path.field("request"), result.text("request"), refusals);
            validate_id(path, result, refusals);
            binding::validate(path, result, refusals);
            if let Some(share) = result.at("shareID").as_str() {
                share_id(&path.field("shareID"), share, refusals);
            }
        },
    );
    // Of the class and of the claim.
    let (config, most) = (devices.items("config"), 2 * CONFIG_MAX);
    each(&inner.field("config"), config, most, refusals, |path, one, refusals| {
        let (source, at) = (one.text("source"), path.field("source"));
        one_of(&at, source, &["FromClaim", "FromClass"], true, refusals);
        validate_names(path, one, names, refusals);
        validate_config(path, one, refusals);
    });
    if allocation.has("nodeSelector") {
        let path = path.field("nodeSelector");
        node_selector::validate(&path, allocation.at("nodeSelector"), false, refusals);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::Tree;

    use super::{forget_lost, validate};
    use crate::trial::tree;

    fn claim(status: &str) -> Tree {
        let request = r#"{"name":"r","exactly":{"deviceClassName":"c"}}"#;
        tree(&format!(
            r#"{{"spec":{{"devices":{{"requests":[{request}]}}}},"status":{status}}}"#
        ))
    }

    const GIVEN: &str =
        r#""allocation":{"devices":{"results":[{"request":"r","driver":"d.io","pool":"p","device":"d"}]}}"#;

    #[test]
    fn a_claim_is_given_what_it_asked_for() {
        for (status, wrong) in [
            (format!("{{{GIVEN}}}"), 0),
            (r#"{"allocation":{"devices":{"results":[{}]}}}"#.to_owned(), 5),
            (
                r#"{"allocation":{"devices":{"config":[{"source":"x"}]}}}"#.to_owned(),
                2,
            ),
            (r#"{"allocation":{"nodeSelector":{}}}"#.to_owned(), 1),
            (
                format!(r#"{{{GIVEN},"reservedFor":[{{"resource":"pods","name":"p","uid":"u"}}]}}"#),
                0,
            ),
            (format!(r#"{{{GIVEN},"reservedFor":[{{}}]}}"#), 3),
            (
                format!(r#"{{{GIVEN},"devices":[{{"driver":"d.io","pool":"p","device":"d"}}]}}"#),
                0,
            ),
            (
                format!(r#"{{{GIVEN},"devices":[{{"driver":"d.io","pool":"p","device":"e"}}]}}"#),
                1,
            ),
        ] {
            let mut refusals = Refusals::new();
            validate(&claim(&status), &claim("{}"), &mut refusals);
            assert_eq!(refusals.len(), wrong, "{status}: {refusals}");
        }
    }

    #[test]
    fn what_was_told_of_a_lost_device_is_forgotten() {
        let device = r#""devices":[{"driver":"d.io","pool":"p","device":"d"}]"#;
        let old = claim(&format!("{{{GIVEN},{device}}}"));
        let mut new = claim(&format!("{{{device}}}"));
        forget_lost(&mut new, &old);
        assert!(!new.at("status").has("devices"));
    }
}
