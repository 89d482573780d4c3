//! Claims of volumes: how many there are and how much they ask for, in all and of each storage class.

use apiserver_api::quantity::Quantity;
use apiserver_api::tree::Tree;
use apiserver_kinds::amounts::{Amounts, amount, count};

use super::evaluate::{Around, Evaluator};
use super::scope::Scope;
use crate::plugin::Operation;
use crate::volume_claim::class;

const COUNT: &str = "count/persistentvolumeclaims";
const CLAIMS: &str = "persistentvolumeclaims";
const STORAGE: &str = "requests.storage";
/// Between the name of a class and what is limited of it.
const OF_CLASS: &str = ".storageclass.storage.k8s.io/";

/// Claims of volumes.
pub(super) struct Claims;

impl Evaluator for Claims {
    fn handles(&self, operation: Operation, _subresource: &str, _object: &Tree, _old: Option<&Tree>) -> bool {
        // The status says how much a claim was given, which may be more than it asks for.
        matches!(operation, Operation::Create | Operation::Update)
    }

    fn uses(&self, _around: &Around<'_>, resource: &str) -> bool {
        let of_class = |what: &str| {
            let head = resource.strip_suffix(what);
            head.is_some_and(|head| head.ends_with(OF_CLASS))
        };
        [COUNT, CLAIMS, STORAGE].contains(&resource) || of_class(CLAIMS) || of_class(STORAGE)
    }

    fn is_of(&self, scope: &Scope, object: &Tree) -> Result<bool, String> {
        if scope.name != "VolumeAttributesClass" {
            return Ok(false);
        }
        let classes = attribute_classes(object);
        if scope.asks_for_any() {
            return Ok(!classes.is_empty());
        }
        scope.means(&classes)
    }

    fn usage(&self, _around: &Around<'_>, object: &Tree) -> Amounts {
        let mut used = Amounts::default();
        used.set(COUNT, count(1));
        let mut charge = |what: &str, amount: &Quantity| {
            used.set(what, amount.clone());
            match class(object) {
                "" => {}
                class => used.set(&format!("{class}{OF_CLASS}{what}"), amount.clone()),
            }
        };
        charge(CLAIMS, &count(1));
        if let Some(size) = size(object) {
            charge(STORAGE, &size);
        }
        used
    }
}

/// How much a claim asks for, or was given where that is more; whole bytes.
fn size(claim: &Tree) -> Option<Quantity> {
    let mut size = amount(claim.below(&["spec", "resources", "requests"]).get("storage")?);
    let given = amount(claim.below(&["status", "allocatedResources", "storage"]));
    if given > size {
        size = given;
    }
    size.round_up(0);
    Some(size)
}

/// The classes of attributes that a claim wants, has, or is about to have.
fn attribute_classes(claim: &Tree) -> Vec<&str> {
    let status = claim.at("status");
    let classes = [
        claim.at("spec").text("volumeAttributesClassName"),
        status.text("currentVolumeAttributesClassName"),
        status.at("modifyVolumeStatus").text("targetVolumeAttributesClassName"),
    ];
    classes.into_iter().filter(|class| !class.is_empty()).collect()
}
