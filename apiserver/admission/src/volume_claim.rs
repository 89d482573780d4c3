//! Of which storage class a claim is: an annotation of old says it before the spec does.

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::tree::Tree;

/// Claims.
pub(crate) const CLAIMS: GroupResource = GroupResource::known("", "persistentvolumeclaims");
/// Classes.
pub(crate) const CLASSES: GroupResource = GroupResource::known("storage.k8s.io", "storageclasses");
const ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";

/// The class of a claim, even if it is said to be none (`PersistentVolumeClaimHasClass`).
pub(crate) fn said_class(claim: &Tree) -> Option<&str> {
    meta::annotation(claim, ANNOTATION).or_else(|| claim.at("spec").at("storageClassName").as_str())
}

/// The class of a claim; empty where it has none (`GetPersistentVolumeClaimClass`).
pub(crate) fn class(claim: &Tree) -> &str {
    said_class(claim).unwrap_or_default()
}
