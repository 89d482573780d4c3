//! `CertificateSigningRequest`: a client asks for a certificate; others approve or deny it, and a signer issues it.

mod condition;
mod request;

use std::collections::HashSet;

use apiserver_api::names::Messages;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::time::{Duration, Time};
use apiserver_api::tree::Tree;

use self::condition::{Kept, Setting};
use super::{GROUP, signer};
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Verb, Version, keep, validate_metadata};
use crate::selection::{Selectable, Selection};

const TYPE: &str = "io.k8s.api.certificates.v1.CertificateSigningRequest";
const SPEC: &str = "io.k8s.api.certificates.v1.CertificateSigningRequestSpec";
/// The shortest life that may be asked for.
const SHORTEST: i64 = 600;

/// What a certificate may be used for.
const USAGES: &[&str] = &[
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];

/// What tables say of the signer: the words of a version that is no longer served.
const SIGNER_NAME: &str = "Requested signer for the request. It is a qualified name in the form: \
    `scope-hostname.io/name`. If empty, it will be defaulted:\n 1. If it's a kubelet client certificate, it is assigned\n    \
    \"kubernetes.io/kube-apiserver-client-kubelet\".\n 2. If it's a kubelet serving certificate, it is assigned\n    \
    \"kubernetes.io/kubelet-serving\".\n 3. Otherwise, it is assigned \"kubernetes.io/legacy-unknown\".\nDistribution of trust \
    for signers happens out of band. You can select on this field using `spec.signerName`.";

/// The entry of the table.
pub(super) const SIGNING_REQUEST: Kind = Kind {
    group: GROUP,
    kind: "CertificateSigningRequest",
    plural: "certificatesigningrequests",
    singular: "certificatesigningrequest",
    short_names: &["csr"],
    namespaced: false,
    versions: &[Version::stored("v1", TYPE)],
    subresources: &[
        Subresource {
            name: "approval",
            verbs: Verb::CHANGE,
            speaks: None,
        },
        Subresource::STATUS,
    ],
    folder: "certificatesigningrequests",
    rules: &SigningRequest,
    columns: &[
        NAME,
        AGE,
        Column {
            name: "SignerName",
            format: "",
            words: Words::Text(SIGNER_NAME),
            cell: Cell::Is(|object| match object.at("spec").text("signerName") {
                "" => "<none>".into(),
                name => name.into(),
            }),
            ..NAME
        },
        Column {
            name: "Requestor",
            format: "",
            words: Words::Text("Base64-encoded PKCS#10 CSR data"),
            cell: Cell::Is(|object| object.at("spec").text("username").into()),
            ..NAME
        },
        Column {
            name: "RequestedDuration",
            format: "",
            words: Words::Of(SPEC, "expirationSeconds"),
            cell: Cell::Is(|object| match object.at("spec").at("expirationSeconds").as_int() {
                Some(seconds) => Duration::from_seconds(seconds).human().into(),
                None => "<none>".into(),
            }),
            ..NAME
        },
        Column {
            name: "Condition",
            format: "",
            words: Words::Text("Conditions applied to the request, such as approval or denial."),
            cell: Cell::Is(|object| condition::cell(object).into()),
            ..NAME
        },
    ],
    selection: Selection {
        labels: &["metadata.name", "spec.signerName"],
        fields: &[Selectable::text("spec.signerName")],
        ..Selection::OWN
    },
    ..Kind::PLAIN
};

struct SigningRequest;

impl Rules for SigningRequest {
    fn prepare_create(&self, asked: &Asked<'_>, object: &mut Tree) {
        let spec = object.child("spec");
        for (field, user) in [
            ("username", "username"),
            ("uid", "uid"),
            ("groups", "groups"),
            ("extra", "extra"),
        ] {
            spec.remove(field);
            let value = asked.user.at(user);
            if !value.is_zero() {
                spec.set(field, value.clone());
            }
        }
        object.set("status", Tree::map());
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "spec");
        keep(object, old, "status");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate(object, None, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_update(object, old, Setting::Nothing, refusals);
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(&Issuing)
    }

    fn part(&self, subresource: &str) -> Option<&dyn StatusRules> {
        match subresource {
            "status" => Some(&Issuing),
            "approval" => Some(&Approval),
            _ => None,
        }
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"], &["status"]]
    }
}

/// Requests may be called anything that is fit for a path.
fn any_name(_name: &str, _prefix: bool) -> Messages {
    Messages::new()
}

fn has_unknown_usage(object: &Tree) -> bool {
    let unknown = |usage: &Tree| !USAGES.contains(&usage.as_str().unwrap_or_default());
    object.at("spec").items("usages").iter().any(unknown)
}

fn has_usage_twice(object: &Tree) -> bool {
    let usages = object.at("spec").items("usages").iter();
    let mut seen = HashSet::new();
    !usages.map(Tree::as_str).all(|usage| seen.insert(usage))
}

fn validate(object: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    const LEGACY: &str = "kubernetes.io/legacy-unknown";
    validate_metadata(any_name, false, object, refusals);
    let (path, spec) = (Path::of("spec"), object.at("spec"));
    if let Err(wrong) = request::check(spec.at("request")) {
        refusals.invalid(&path.field("request"), spec.at("request"), &wrong);
    }
    let (usages, usages_path) = (spec.items("usages"), path.field("usages"));
    if usages.is_empty() {
        refusals.required(&usages_path, "");
    }
    if !old.is_some_and(has_unknown_usage) {
        for (at, usage) in usages.iter().enumerate() {
            let given = usage.as_str().unwrap_or_default();
            if !USAGES.contains(&given) {
                refusals.not_supported(&usages_path.index(at), given, USAGES);
            }
        }
    }
    if !old.is_some_and(has_usage_twice) {
        let mut seen = HashSet::new();
        for (at, usage) in usages.iter().enumerate() {
            if !seen.insert(usage.as_str()) {
                refusals.duplicate(&usages_path.index(at), usage);
            }
        }
    }
    let (name, name_path) = (spec.text("signerName"), path.field("signerName"));
    let was_legacy = old.is_some_and(|old| old.at("spec").text("signerName") == LEGACY);
    if name == LEGACY && !was_legacy {
        let detail = "the legacy signerName is not allowed via this API version";
        refusals.invalid(&name_path, name, detail);
    } else {
        signer::validate(&name_path, name, refusals);
    }
    if let Some(seconds) = spec.at("expirationSeconds").as_int().filter(|given| *given < SHORTEST) {
        let detail = "may not specify a duration less than 600 seconds (10 minutes)";
        refusals.invalid(&path.field("expirationSeconds"), seconds, detail);
    }
    condition::validate(object, old.map_or_else(Kept::default, Kept::of), refusals);
    validate_certificate(object, old, refusals);
}

fn validate_certificate(object: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    let certificate = |object: &Tree| object.at("status").at("certificate").clone();
    let given = certificate(object);
    // What was there and did not change, or was wrong before, is left alone.
    let kept = |old: &Tree| {
        let old = certificate(old);
        old == given || request::check_certificate(&old).is_err()
    };
    if old.is_some_and(kept) {
        return;
    }
    if let Err(wrong) = request::check_certificate(&given) {
        let path = Path::of("status");
        refusals.invalid(&path.field("certificate"), "<certificate data>", &wrong);
    }
}

fn validate_update(object: &Tree, old: &Tree, setting: Setting, refusals: &mut Refusals) {
    validate(object, Some(old), refusals);
    condition::validate_update(object, old, setting, refusals);
    let (new, before) = (
        object.at("status").text("certificate"),
        old.at("status").text("certificate"),
    );
    if new != before {
        let path = Path::of("status");
        let path = path.field("certificate");
        if setting != Setting::Certificate {
            refusals.forbidden(&path, "updates may not set certificate content");
        } else if !before.is_empty() {
            refusals.forbidden(&path, "updates may not modify existing certificate content");
        }
    }
    validate_metadata_update(object, old, refusals);
}

/// What signers write: all of the status but whether the request is approved.
struct Issuing;

impl StatusRules for Issuing {
    fn prepare(&self, asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "spec");
        condition::keep_decisions(object, old);
        condition::set_times(object, old, asked.now);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_update(object, old, Setting::Certificate, refusals);
    }
}

/// What approvers write: the conditions.
struct Approval;

impl StatusRules for Approval {
    fn prepare(&self, asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        condition::set_times(object, old, asked.now);
        let conditions = object.child("status").remove("conditions");
        keep(object, old, "spec");
        keep(object, old, "status");
        let status = object.child("status");
        match conditions {
            Some(conditions) => status.set("conditions", conditions),
            None => drop(status.remove("conditions")),
        }
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_update(object, old, Setting::Decision, refusals);
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"], &["status", "certificate"]]
    }
}

/// A moment as objects keep it.
fn moment(now: Time) -> Tree {
    now.to_string().into()
}

#[cfg(test)]
mod tests;
