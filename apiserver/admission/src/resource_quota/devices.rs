//! Claims of devices: how many there are and how many devices of each class they may take.

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::tree::Tree;
use apiserver_kinds::amounts::{Amounts, REQUESTS, count};

use super::evaluate::{Around, Evaluator};
use super::pods;
use crate::plugin::Operation;

const COUNT: &str = "count/resourceclaims.resource.k8s.io";
/// After the name of a class.
const OF_CLASS: &str = ".deviceclass.resource.k8s.io/devices";
/// Before the name of a class, where containers ask for its devices like for any other resource.
pub(super) const BY_CLASS: &str = "deviceclass.resource.kubernetes.io/";
/// The most devices that a claim can get, which is what one that asks for all may take.
const ALL: i64 = 32;
/// Claims that were made because a container asks for such a resource.
const MADE: &str = "resource.kubernetes.io/extended-resource-claim";
const CLAIMS: GroupResource = GroupResource::known("resource.k8s.io", "resourceclaims");
const PODS: GroupResource = GroupResource::known("", "pods");

/// Claims of devices.
pub(super) struct Devices;

impl Evaluator for Devices {
    fn handles(&self, operation: Operation, subresource: &str, _object: &Tree, _old: Option<&Tree>) -> bool {
        subresource.is_empty() && matches!(operation, Operation::Create | Operation::Update)
    }

    fn uses(&self, around: &Around<'_>, resource: &str) -> bool {
        if resource == COUNT || resource.ends_with(OF_CLASS) {
            return true;
        }
        let asked = resource.strip_prefix(REQUESTS).filter(|_| pods::is_of_quota(resource));
        let Some(asked) = asked else {
            return false;
        };
        let classes = around.classes.known(around.cluster);
        match asked.strip_prefix(BY_CLASS) {
            Some(class) => classes.has(class),
            None => classes.stands_for(asked),
        }
    }

    fn usage(&self, around: &Around<'_>, object: &Tree) -> Amounts {
        let mut used = Amounts::default();
        used.set(COUNT, count(1));
        for request in object.below(&["spec", "devices"]).items("requests") {
            let alternatives = request.items("firstAvailable");
            if !alternatives.is_empty() {
                // Of each class the most that any alternative takes.
                let mut most = Amounts::default();
                for one in alternatives.iter().map(of_request) {
                    most.raise(&one);
                }
                used.add_all(&most.only(|_, amount| !amount.is_zero()));
            } else if request.has("exactly") {
                used.add_all(&of_request(request.at("exactly")));
            }
        }
        let asked = asked_by_pod(around, object).unwrap_or_default();
        let (also, classes) = (used.clone(), around.classes.known(around.cluster));
        for (name, amount) in also.iter() {
            let Some(class) = name.strip_suffix(OF_CLASS).filter(|class| !class.is_empty()) else {
                continue;
            };
            let explicit = classes.resource_of(class);
            let names = [format!("{BY_CLASS}{class}")].into_iter();
            for name in names.chain(explicit.map(ToOwned::to_owned)) {
                let name = format!("{REQUESTS}{name}");
                // What the pod was charged for is not charged twice.
                let mut rest = amount.clone();
                if let Some(paid) = asked.get(&name) {
                    rest.sub(paid);
                }
                if rest.sign().is_gt() {
                    used.set(&name, rest);
                }
            }
        }
        used
    }
}

/// How many devices of its class a request may take. Those of modes that are not known take none.
fn of_request(request: &Tree) -> Amounts {
    let number = match request.text("allocationMode") {
        "ExactCount" => request.int("count"),
        "All" => ALL,
        _ => 0,
    };
    let mut used = Amounts::default();
    used.set(&format!("{}{OF_CLASS}", request.text("deviceClassName")), count(number));
    used
}

/// What the pod was charged for that a claim was made for. Only one claim of a pod is: the one that it names, or the first.
fn asked_by_pod(around: &Around<'_>, claim: &Tree) -> Option<Amounts> {
    let owner = pod_of(claim)?;
    let pod = around.cluster.cached(&PODS, around.namespace, owner.text("name"))?;
    if owner.text("uid") != meta::uid(&pod) {
        return None;
    }
    let named = pod.below(&["status", "extendedResourceClaimStatus"]);
    let is_it = if named.is_null() {
        let claims = around.cluster.cached_list(&CLAIMS, around.namespace);
        let siblings = claims
            .iter()
            .filter(|other| pod_of(other).is_some_and(|other| other.text("uid") == owner.text("uid")));
        let age = |claim: &Tree| {
            let made = meta::creation_timestamp(claim).unwrap_or_default().to_owned();
            (made, meta::name(claim).to_owned())
        };
        let own = age(claim);
        siblings.into_iter().all(|other| age(other) >= own)
    } else {
        named.text("resourceClaimName") == meta::name(claim)
    };
    is_it.then(|| pods::usage(&pod, around.now))
}

/// The pod that a claim was made for.
fn pod_of(claim: &Tree) -> Option<&Tree> {
    let made = meta::annotation(claim, MADE) == Some("true");
    let owner = meta::controller(claim).filter(|_| made)?;
    (owner.text("kind") == "Pod" && owner.text("apiVersion") == "v1").then_some(owner)
}
