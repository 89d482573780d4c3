//! What a signer answers: a certificate, or that there will be none. Either is said once.

use apiserver_api::path::Path;
use apiserver_api::refusal::{Refusals, Shown};
use apiserver_api::time::{Duration, Time};
use apiserver_api::tree::Tree;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::super::pem::{self, Block};
use super::{SHORTEST, material};
use crate::check::same;
use crate::condition;
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, StatusRules, keep, keep_metadata};

const STATUS: &str = "io.k8s.api.certificates.v1beta1.PodCertificateRequestStatus";
/// How a request can end.
const ENDS: [&str; 3] = ["Issued", "Denied", "Failed"];
/// The most bytes of a chain of certificates.
const CHAIN_MAX: usize = 100 << 10;
/// How far the beginning of a certificate's life may be from now.
const SKEW: Duration = Duration::from_seconds(300);
/// How long after the beginning of a certificate's life, and before its end, another may be asked for.
const MARGIN: Duration = Duration::from_seconds(600);
const HOUR: Duration = Duration::from_seconds(SHORTEST);

/// The rules of the status.
pub(super) struct Issuing;

impl StatusRules for Issuing {
    fn prepare(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "spec");
        keep_metadata(object, old);
    }

    fn validate(&self, asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        if !refusals.is_empty() {
            return;
        }
        let (path, status, old_status) = (Path::of("status"), object.at("status"), old.at("status"));
        validate_conditions(&path.field("conditions"), status.items("conditions"), refusals);
        if !refusals.is_empty() {
            return;
        }
        let unchanged = |detail: &str, refusals: &mut Refusals| {
            if !same(STATUS, status, old_status) {
                refusals.invalid_unseen(&path, detail);
            }
        };
        if ENDS.iter().any(|end| ended(old_status, end)) {
            let detail = "immutable after PodCertificateRequest is issued, denied, or failed";
            unchanged(detail, refusals);
        } else if ended(status, "Denied") || ended(status, "Failed") {
            let mut only = Tree::map();
            only.set("conditions", status.at("conditions").clone());
            if !same(STATUS, status, &only) {
                let detail =
                    "non-condition status fields must be empty when denying or failing the PodCertificateRequest";
                refusals.invalid_unseen(&path, detail);
            }
        } else if ended(status, "Issued") {
            let issue = Issue {
                path: &path,
                status,
                spec: object.at("spec"),
                now: asked.now,
            };
            issue.validate(refusals);
        } else {
            let detail = r#"status is immutable unless transitioning to "Issued", "Denied", or "Failed""#;
            unchanged(detail, refusals);
        }
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[]
    }
}

fn ended(status: &Tree, end: &str) -> bool {
    let is = |condition: &Tree| condition.text("type") == end && condition.text("status") == "True";
    status.items("conditions").iter().any(is)
}

fn validate_conditions(path: &Path<'_>, conditions: &[Tree], refusals: &mut Refusals) {
    let mut ends = 0;
    for (at, condition) in conditions.iter().enumerate() {
        let at = format!("[{at}]");
        let path = path.field(&at);
        let (kind, status) = (condition.text("type"), condition.text("status"));
        if !ENDS.contains(&kind) {
            refusals.not_supported(&path.field("type"), kind, &ENDS);
            continue;
        }
        ends += 1;
        if ends > 1 {
            let detail = r#"There may be at most one condition with type "Issued", "Denied", or "Failed""#;
            refusals.invalid(&path.field("type"), kind, detail);
        }
        if status != "True" {
            refusals.not_supported(&path.field("status"), status, &["True"]);
        }
    }
    condition::validate_all(path, conditions, refusals);
}

/// A certificate that is handed out.
struct Issue<'r> {
    path: &'r Path<'r>,
    status: &'r Tree,
    spec: &'r Tree,
    now: Time,
}

impl Issue<'_> {
    fn validate(&self, refusals: &mut Refusals) {
        let path = self.path.field("certificateChain");
        let chain = self.status.text("certificateChain");
        if chain.len() > CHAIN_MAX {
            return refusals.too_long(&path, CHAIN_MAX);
        }
        let blocks = pem::blocks(chain);
        let Some((leaf, rest)) = blocks.split_first() else {
            let detail = "issued certificate chain must contain at least one certificate";
            return refusals.invalid(&path, chain, detail);
        };
        if leaf.kind != "CERTIFICATE" {
            let detail = "issued certificate chain must consist entirely of CERTIFICATE PEM blocks";
            return refusals.invalid(&path, chain, detail);
        }
        let Some(leaf) = certificate(leaf) else {
            return refusals.invalid(&path, chain, "leaf certificate does not parse as valid X.509");
        };
        validate_names(&path, &leaf, refusals);
        if !material::is_asked_for(self.spec, leaf.public_key()) {
            let detail = "leaf certificate was not issued to the requested public key";
            return refusals.invalid(&path, chain, detail);
        }
        self.require_times(refusals);
        if refusals.is_empty() {
            self.validate_times(&path, &leaf, refusals);
        }
        if refusals.is_empty() {
            validate_rest(&path, chain, rest, refusals);
        }
    }

    fn time(&self, field: &str) -> Option<Time> {
        self.status.at(field).as_str().and_then(|text| Time::parse(text).ok())
    }

    fn require_times(&self, refusals: &mut Refusals) {
        let of_leaf = "must be present and consistent with the issued certificate";
        let between = "must be present and in the range [notbefore+10min, notafter-10min]";
        for (field, detail) in [
            ("notBefore", of_leaf),
            ("notAfter", of_leaf),
            ("beginRefreshAt", between),
        ] {
            if self.time(field).is_none() {
                refusals.required(&self.path.field(field), detail);
            }
        }
    }

    /// Tells of the first time that is wrong.
    fn validate_times(&self, chain: &Path<'_>, leaf: &X509Certificate<'_>, refusals: &mut Refusals) {
        let times = ["notBefore", "notAfter", "beginRefreshAt"].map(|field| self.time(field));
        let [Some(begin), Some(end), Some(refresh)] = times else {
            return;
        };
        let life = leaf.validity();
        let first = Time::from_unix(life.not_before.timestamp());
        let last = Time::from_unix(life.not_after.timestamp());
        let (length, most) = (last.since(first), self.spec.int("maxExpirationSeconds"));
        let refuse_length = |detail: &str, refusals: &mut Refusals| {
            refusals.invalid(chain, Shown::raw(length.nanos().to_string()), detail);
        };
        let (field, detail) = if begin != first {
            (
                "notBefore",
                "must be set to the NotBefore time encoded in the leaf certificate",
            )
        } else if begin.since(self.now) >= SKEW || self.now.since(begin) >= SKEW {
            (
                "notBefore",
                "must be set to within 5 minutes of kube-apiserver's current time",
            )
        } else if end != last {
            (
                "notAfter",
                "must be set to the NotAfter time encoded in the leaf certificate",
            )
        } else if length < HOUR {
            return refuse_length("leaf certificate lifetime must be >= 1 hour", refusals);
        } else if length > Duration::from_seconds(most) {
            let detail = format!("leaf certificate lifetime must be <= spec.maxExpirationSeconds ({most})");
            return refuse_length(&detail, refusals);
        } else if refresh.since(begin) < MARGIN {
            ("beginRefreshAt", "must be at least 10 minutes after status.notBefore")
        } else if end.since(refresh) < MARGIN {
            ("beginRefreshAt", "must be at least 10 minutes before status.notAfter")
        } else {
            return;
        };
        refusals.invalid(&self.path.field(field), self.status.at(field), detail);
    }
}

fn certificate(block: &Block) -> Option<X509Certificate<'_>> {
    match X509Certificate::from_der(&block.bytes) {
        Ok(([], certificate)) => Some(certificate),
        _ => None,
    }
}

/// Checks what stands after the certificate in its chain.
fn validate_rest(path: &Path<'_>, chain: &str, rest: &[Block], refusals: &mut Refusals) {
    for block in rest {
        if block.kind != "CERTIFICATE" {
            let detail = "issued certificate chain must consist entirely of CERTFICATE PEM blocks";
            return refusals.invalid(path, chain, detail);
        }
        if certificate(block).is_none() {
            return refusals.invalid(path, chain, "intermediate certificate does not parse as valid X.509");
        }
    }
}

/// Checks whom a certificate is for.
fn validate_names(path: &Path<'_>, leaf: &X509Certificate<'_>, refusals: &mut Refusals) {
    let Ok(Some(names)) = leaf.subject_alternative_name() else {
        return;
    };
    let names = &names.value.general_names;
    for name in names {
        let GeneralName::DNSName(name) = *name else {
            continue;
        };
        if name.is_empty() {
            refusals.invalid(path, name, "leaf certificate should not contain empty DNSName");
        }
        if name.contains("..") {
            refusals.invalid(path, name, "leaf certificate's DNSName should not contain '..'");
        }
        if name.starts_with('.') || name.ends_with('.') {
            let detail = "leaf certificate's DNSName should not start or end with '.'";
            refusals.invalid(path, name, detail);
        }
    }
    for name in names {
        if let GeneralName::RFC822Name(name) = *name
            && !is_address(name)
        {
            let detail = "leaf certificate should not contain invalid EmailAddress";
            refusals.invalid(path, name, detail);
        }
    }
}

/// Whether a text is an address of mail (RFC 5322): two dotted names with an `@` between them.
fn is_address(text: &str) -> bool {
    let of_atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    let is_atom = |atom: &str| !atom.is_empty() && atom.bytes().all(of_atom);
    let parts = text.split_once('@');
    parts.is_some_and(|(local, domain)| local.split('.').chain(domain.split('.')).all(is_atom))
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn an_address_is_two_dotted_names() {
        for (text, is) in [
            ("jane@example.com", true),
            ("jane.doe+x@example", true),
            ("jane", false),
            ("@example.com", false),
            ("jane@", false),
            ("jane@a..b", false),
            ("a@b@c", false),
        ] {
            assert_eq!(is_address(text), is, "{text}");
        }
    }
}
