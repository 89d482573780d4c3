//! What else a node writes, each named after it: its lease, its drivers, its devices, its certificates.

use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_kinds::pem;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

use super::{Asker, USER};
use crate::plugin::Operation;

/// The namespace of nodes' leases.
const LEASES: &str = "kube-node-lease";
/// Who signs certificates of nodes.
const SIGNERS: [&str; 2] = [
    "kubernetes.io/kube-apiserver-client-kubelet",
    "kubernetes.io/kubelet-serving",
];
const REQUEST: &str = "CERTIFICATE REQUEST";

/// Whether the object is named as the node is.
fn is_named(asker: &Asker<'_>) -> bool {
    let name = match asker.operation() {
        Operation::Create => meta::name(asker.object),
        _ => asker.request.name,
    };
    name == asker.node
}

pub(super) fn check_lease(asker: &Asker<'_>) -> Result<(), Status> {
    asker.must(asker.request.namespace == LEASES, || {
        format!("can only access leases in the \"{LEASES}\" system namespace")
    })?;
    asker.must(is_named(asker), || {
        "can only access node lease with the same name as the requesting node".to_owned()
    })
}

pub(super) fn check_csi_node(asker: &Asker<'_>) -> Result<(), Status> {
    asker.must(is_named(asker), || {
        "can only access CSINode with the same name as the requesting node".to_owned()
    })
}

/// The node authorizer knows whose slice is changed, but not what is in a new one, nor which ones go together.
pub(super) fn check_slice(asker: &Asker<'_>) -> Result<(), Status> {
    let (slice, verb) = match asker.operation() {
        Operation::Create => (asker.object, "create"),
        Operation::Delete => (asker.old(), "delete"),
        _ => return Ok(()),
    };
    asker.must(slice.at("spec").text("nodeName") == asker.node, || {
        format!("can only {verb} ResourceSlice with the same NodeName as the requesting node")
    })
}

pub(super) fn check_signing_request(asker: &Asker<'_>) -> Result<(), Status> {
    let spec = asker.object.at("spec");
    if asker.operation() != Operation::Create || !SIGNERS.contains(&spec.text("signerName")) {
        return Ok(());
    }
    let name = common_name(spec).map_err(|error| asker.refuse(format!("unable to parse csr: {error}")))?;
    let wanted = format!("{USER}{}", asker.node);
    asker.must(name == wanted, || {
        format!("can only create a node CSR with CN={wanted}")
    })
}

/// The name that a certificate is asked for; of several the last counts.
fn common_name(spec: &Tree) -> Result<String, String> {
    let wrong = || format!("PEM block type must be {REQUEST}");
    let text = STANDARD.decode(spec.text("request")).map_err(|_| wrong())?;
    // Read as the kind's own rules and signers read it, or what is looked at here is not what is signed.
    let text = String::from_utf8_lossy(&text);
    let block = pem::blocks(&text)
        .into_iter()
        .next()
        .filter(|block| block.kind == REQUEST);
    let block = block.ok_or_else(wrong)?;
    let parsed = X509CertificationRequest::from_der(&block.bytes);
    let (_, request) = parsed.map_err(|error| error.to_string())?;
    let subject = &request.certification_request_info.subject;
    let names = subject.iter_common_name();
    let last = names.last().and_then(|name| name.as_str().ok());
    Ok(last.unwrap_or_default().to_owned())
}
