//! `PodCertificateRequest`: a kubelet asks for a certificate for a pod, and a signer issues it.

mod key;
mod material;
mod status;
#[cfg(test)]
mod tests;

use apiserver_api::meta;
use apiserver_api::names::{dns_subdomain, domain_prefixed_key};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use self::status::Issuing;
use super::{GROUP, signer};
use crate::check::immutable_struct;
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep, validate_metadata};
use crate::selection::{Selectable, Selection};
use crate::text::tell;

const SPEC: &str = "io.k8s.api.certificates.v1beta1.PodCertificateRequestSpec";
/// The most bytes of a UID.
const UID_MAX: usize = 128;
/// The shortest life of a certificate that may be asked for, in seconds.
const SHORTEST: i64 = 3600;
/// The longest.
const LONGEST: i64 = 91 * 86_400;
/// The longest of signers of Kubernetes itself.
const LONGEST_OF_KUBERNETES: i64 = 86_400;

/// The entry of the table.
pub(super) const POD_REQUEST: Kind = Kind {
    group: GROUP,
    kind: "PodCertificateRequest",
    plural: "podcertificaterequests",
    singular: "podcertificaterequest",
    versions: &[Version::stored(
        "v1beta1",
        "io.k8s.api.certificates.v1beta1.PodCertificateRequest",
    )],
    subresources: &[Subresource::STATUS],
    folder: "podcertificaterequests",
    rules: &PodRequest,
    selection: Selection {
        labels: &["metadata.name", "spec.signerName", "spec.podName", "spec.nodeName"],
        fields: &[
            Selectable::text("spec.signerName"),
            Selectable::text("spec.podName"),
            Selectable::text("spec.nodeName"),
        ],
        ..Selection::OWN
    },
    ..Kind::PLAIN
};

struct PodRequest;

impl Rules for PodRequest {
    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        object.set("status", Tree::map());
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
        let (path, spec) = (Path::of("spec"), object.at("spec"));
        signer::validate(&path.field("signerName"), spec.text("signerName"), refusals);
        validate_annotations(&path.field("unverifiedUserAnnotations"), spec, refusals);
        for (name, uid) in [
            ("podName", "podUID"),
            ("serviceAccountName", "serviceAccountUID"),
            ("nodeName", "nodeUID"),
        ] {
            let given = spec.text(name);
            tell(&path.field(name), given, dns_subdomain(given), refusals);
            validate_uid(&path.field(uid), spec.text(uid), refusals);
        }
        validate_life(&path.field("maxExpirationSeconds"), spec, refusals);
        material::validate(&path, spec, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        immutable_struct(&Path::of("spec"), SPEC, object.at("spec"), old.at("spec"), refusals);
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(&Issuing)
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }
}

/// What the pod's author tells the signer: like annotations, and every key below a domain.
fn validate_annotations(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let annotations = spec.entries("unverifiedUserAnnotations");
    let mut size = 0;
    for (key, value) in annotations.iter() {
        domain_prefixed_key(path, &key.to_lowercase(), refusals);
        size += key.len() + value.as_str().unwrap_or_default().len();
    }
    if size > meta::ANNOTATIONS_SIZE_MAX {
        refusals.too_long(path, meta::ANNOTATIONS_SIZE_MAX);
    }
}

fn validate_uid(path: &Path<'_>, uid: &str, refusals: &mut Refusals) {
    if uid.is_empty() {
        refusals.invalid(path, uid, "must not be empty");
    } else if uid.len() > UID_MAX {
        refusals.too_long(path, UID_MAX);
    }
}

fn validate_life(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let host = spec.text("signerName").split('/').next().unwrap_or_default();
    let of_kubernetes = host == "kubernetes.io" || host.ends_with(".kubernetes.io");
    let longest = if of_kubernetes { LONGEST_OF_KUBERNETES } else { LONGEST };
    let life = spec.int("maxExpirationSeconds");
    if !(SHORTEST..=longest).contains(&life) {
        refusals.invalid(path, life, &format!("must be in the range [{SHORTEST}, {longest}]"));
    }
}
