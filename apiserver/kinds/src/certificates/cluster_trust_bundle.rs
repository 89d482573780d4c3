//! `ClusterTrustBundle`: certificates of authorities that pods of all namespaces may trust.

use std::collections::BTreeMap;

use apiserver_api::meta;
use apiserver_api::names::{Messages, name_is_dns_subdomain};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::{GROUP, pem, signer};
use crate::check::immutable;
use crate::column::{Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Conversion, Kind, Rules, Version};
use crate::selection::{Selectable, Selection};

/// The most bytes of a bundle.
const MOST: usize = 1 << 20;

/// The entry of the table.
pub(super) const CLUSTER_TRUST_BUNDLE: Kind = Kind {
    group: GROUP,
    kind: "ClusterTrustBundle",
    plural: "clustertrustbundles",
    singular: "clustertrustbundle",
    namespaced: false,
    versions: &[
        Version::stored("v1beta1", "io.k8s.api.certificates.v1beta1.ClusterTrustBundle"),
        Version {
            name: "v1alpha1",
            schema: "io.k8s.api.certificates.v1alpha1.ClusterTrustBundle",
            conversion: Some(Conversion::SAME),
        },
    ],
    folder: "clustertrustbundles",
    rules: &ClusterTrustBundle,
    columns: &[
        NAME,
        Column {
            name: "SignerName",
            format: "",
            words: Words::Of("io.k8s.api.certificates.v1beta1.ClusterTrustBundleSpec", "signerName"),
            cell: Cell::Is(|object| match object.at("spec").text("signerName") {
                "" => "<none>".into(),
                name => name.into(),
            }),
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

struct ClusterTrustBundle;

impl Rules for ClusterTrustBundle {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_names(object, refusals);
        let path = Path::of("spec");
        validate_bundle(
            &path.field("trustBundle"),
            object.at("spec").text("trustBundle"),
            refusals,
        );
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        let (new_spec, old_spec) = (object.at("spec"), old.at("spec"));
        if new_spec.text("trustBundle") == old_spec.text("trustBundle") {
            // What was accepted once stays, whatever later parsers think of it.
            validate_names(object, refusals);
        } else {
            self.validate(asked, object, refusals);
        }
        validate_metadata_update(object, old, refusals);
        let path = Path::of("spec");
        let (new, old) = (new_spec.text("signerName"), old_spec.text("signerName"));
        immutable(&path.field("signerName"), &new.into(), &old.into(), refusals);
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }
}

fn validate_names(object: &Tree, refusals: &mut Refusals) {
    let path = Path::of("metadata");
    let given = object.at("spec").text("signerName");
    let rule = |name: &str, prefix| wrong_with_name(given, name, prefix);
    meta::validate(&path, meta::metadata(object), false, rule, refusals);
    meta::validate_known_finalizers(
        &path.field("finalizers"),
        meta::metadata(object).items("finalizers"),
        refusals,
    );
    if !given.is_empty() {
        signer::validate(&Path::of("spec").field("signerName"), given, refusals);
    }
}

/// A bundle of a signer begins with the signer's name, in which the slash is a colon.
fn wrong_with_name(signer: &str, name: &str, prefix: bool) -> Messages {
    if signer.is_empty() {
        if name.contains(':') {
            return vec!["ClusterTrustBundle without signer name must not have \":\" in its name".into()];
        }
        return name_is_dns_subdomain(name, prefix);
    }
    let head = format!("{}:", signer.replace('/', ":"));
    match name.strip_prefix(&head) {
        Some(rest) => name_is_dns_subdomain(rest, prefix),
        None => vec![format!("ClusterTrustBundle for signerName {signer} must be named with prefix {head}").into()],
    }
}

fn validate_bundle(path: &Path<'_>, bundle: &str, refusals: &mut Refusals) {
    if bundle.len() > MOST {
        return refusals.too_long(path, MOST);
    }
    let mut anchors: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
    let mut fine = true;
    for (at, block) in pem::blocks(bundle).into_iter().enumerate() {
        match wrong_with_anchor(&block) {
            None => anchors.entry(block.bytes).or_default().push(at),
            Some(wrong) => {
                fine = false;
                refusals.invalid(path, "<value omitted>", &format!("entry {at} {wrong}"));
            }
        }
    }
    if !fine {
        return;
    }
    if anchors.is_empty() {
        let detail = "at least one trust anchor must be provided";
        refusals.invalid(path, "<value omitted>", detail);
    }
    let mut twice: Vec<&Vec<usize>> = anchors.values().filter(|indices| indices.len() > 1).collect();
    twice.sort();
    for indices in twice {
        let indices: Vec<String> = indices.iter().map(ToString::to_string).collect();
        let detail = format!("duplicate trust anchor (indices [{}])", indices.join(" "));
        refusals.invalid(path, "<value omitted>", &detail);
    }
}

fn wrong_with_anchor(block: &pem::Block) -> Option<String> {
    if block.kind != "CERTIFICATE" {
        return Some(format!("has bad block type: {}", block.kind));
    }
    if block.headers {
        return Some("has PEM block headers".to_owned());
    }
    match X509Certificate::from_der(&block.bytes) {
        Ok(([], certificate)) if certificate.is_ca() => None,
        Ok(([], _)) => Some("does not have the CA bit set".to_owned()),
        _ => Some("does not parse as X.509".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;

    use super::super::samples::AUTHORITY;
    use super::{validate_bundle, wrong_with_name};

    #[test]
    fn a_bundle_of_a_signer_is_named_after_it() {
        assert!(wrong_with_name("", "a.b", false).is_empty());
        assert_eq!(
            wrong_with_name("", "a:b", false),
            ["ClusterTrustBundle without signer name must not have \":\" in its name"]
        );
        assert!(wrong_with_name("a.b/c", "a.b:c:x", false).is_empty());
        assert_eq!(
            wrong_with_name("a.b/c", "x", false),
            ["ClusterTrustBundle for signerName a.b/c must be named with prefix a.b:c:"]
        );
        assert_eq!(wrong_with_name("a.b/c", "a.b:c:-", false).len(), 1);
    }

    #[test]
    fn a_bundle_has_certificates_of_authorities_each_once() {
        let other = "-----BEGIN X-----\nAQI=\n-----END X-----\n";
        let broken = "-----BEGIN CERTIFICATE-----\nAQI=\n-----END CERTIFICATE-----\n";
        let head = r#"Invalid value: "<value omitted>": "#;
        for (bundle, expected) in [
            (AUTHORITY.to_owned(), None),
            (String::new(), Some("at least one trust anchor must be provided")),
            (format!("{AUTHORITY}{other}"), Some("entry 1 has bad block type: X")),
            (broken.to_owned(), Some("entry 0 does not parse as X.509")),
            (
                broken.replace("-----\nA", "-----\nk: v\n\nA"),
                Some("entry 0 has PEM block headers"),
            ),
            (
                format!("{AUTHORITY}{AUTHORITY}"),
                Some("duplicate trust anchor (indices [0 1])"),
            ),
        ] {
            let mut refusals = Refusals::new();
            validate_bundle(&Path::of("b"), &bundle, &mut refusals);
            let said: Vec<_> = refusals.iter().map(|one| one.message.clone()).collect();
            let expected: Vec<_> = expected.iter().map(|detail| format!("{head}{detail}")).collect();
            assert_eq!(said, expected);
        }
    }
}
