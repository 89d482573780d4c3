//! Rights that a write needs beside the right to write: to give rights away, to say what a claim of devices was given.

use std::collections::BTreeSet;

use apiserver_access::authenticate::service_account;
use apiserver_access::authorize::{Attributes, On, Resource as Asked, forbidden};
use apiserver_access::rbac::escalation;
use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::names::name_is_dns_subdomain;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_api::user::User;
use apiserver_storage::cluster::Cluster;

use super::{Machine, Write};
use crate::access;

static NAMESPACES: GroupResource = GroupResource::known("", "namespaces");
static CLAIMS: GroupResource = GroupResource::known("resource.k8s.io", "resourceclaims");
static TEMPLATES: GroupResource = GroupResource::known("resource.k8s.io", "resourceclaimtemplates");
/// The label of namespaces whose claims may have access for administrators.
const ADMIN: &str = "resource.kubernetes.io/admin-access";
/// Where the token of a pod says on which node the pod is.
const NODE_NAME: &str = "authentication.kubernetes.io/node-name";

impl Machine {
    /// Checks that nobody gives rights away which they do not have, in a role or a binding that was admitted. `name` is the
    /// one of the request's address.
    pub(super) async fn check_grant(
        &self,
        write: &Write<'_>,
        name: &str,
        object: &Tree,
        old: Option<&Tree>,
    ) -> Result<(), Status> {
        let grant = escalation::Write {
            user: &write.call.user,
            namespace: write.namespace,
            name,
            object,
            old,
        };
        escalation::check(&self.rbac, &*self.authorizer, &write.resource.group_resource, &grant).await
    }

    /// What is refused of a new claim of devices for who writes it and where.
    pub(super) async fn refused_of_new(&self, write: &Write<'_>, object: &Tree) -> Refusals {
        let mut refusals = Refusals::new();
        let resource = &write.resource.group_resource;
        let spec = if *resource == CLAIMS {
            object.at("spec")
        } else if *resource == TEMPLATES {
            object.below(&["spec", "spec"])
        } else {
            return refusals;
        };
        let requests = spec.at("devices").items("requests").iter();
        let mut wanted = requests.enumerate();
        let wanted = wanted.find(|(_, request)| request.at("exactly").flag("adminAccess"));
        if let Some((at, _)) = wanted {
            let path = Path::of("spec");
            let path = path.field("devices");
            let path = path.field("requests");
            let path = path.index(at);
            self.check_admin(write, &path.field("adminAccess"), &mut refusals).await;
        }
        refusals
    }

    /// What is refused of a status of a claim for who writes it and where.
    pub(super) async fn refused_of_status(&self, write: &Write<'_>, object: &Tree, old: &Tree) -> Refusals {
        let mut refusals = Refusals::new();
        if write.resource.group_resource != CLAIMS || write.subresource != "status" {
            return refusals;
        }
        let (new, old) = (object.at("status"), old.at("status"));
        let admin = |status: &Tree| {
            let results = status.below(&["allocation", "devices"]).items("results");
            results.iter().position(|result| result.flag("adminAccess"))
        };
        if let (Some(at), None) = (admin(new), admin(old)) {
            let path = Path::of("status");
            let path = path.field("allocation");
            let path = path.field("devices");
            let path = path.field("results");
            let path = path.index(at);
            self.check_admin(write, &path.field("adminAccess"), &mut refusals).await;
        }
        self.check_binding(write, new, old, &mut refusals).await;
        self.check_devices(write, new, old, &mut refusals).await;
        refusals
    }

    /// Only in some namespaces there is access for administrators.
    async fn check_admin(&self, write: &Write<'_>, path: &Path<'_>, refusals: &mut Refusals) {
        match Cluster::read(self, &NAMESPACES, "", write.namespace).await {
            Err(error) => {
                let error = format!("could not retrieve namespace to verify admin access: {error}");
                refusals.internal(path, &error);
            }
            Ok(namespace) if meta::label(&namespace, ADMIN) != Some("true") => {
                let detail =
                    format!("admin access to devices requires the `{ADMIN}: true` label on the containing namespace");
                refusals.forbidden(path, &detail);
            }
            Ok(_) => {}
        }
    }

    /// Not all who may write the status may say what a claim was given and who uses it.
    async fn check_binding(&self, write: &Write<'_>, new: &Tree, old: &Tree, refusals: &mut Refusals) {
        let same = |field: &str| new.at(field) == old.at(field) || (new.at(field).is_zero() && old.at(field).is_zero());
        if same("allocation") && same("reservedFor") {
            return;
        }
        let verb = write.call.info.verb.as_str();
        if let Err(why) = self.may(write, verb, "binding", "", "").await {
            let detail = format!(
                "changing status.allocation or status.reservedFor requires resource=\"resourceclaims/binding\", verb=\"{verb}\" \
                 permission: {why}"
            );
            refusals.forbidden(&Path::of("status"), &detail);
        }
    }

    /// Nor what the devices of each driver are like: those who run on the node of the devices need one verb, all others
    /// another.
    async fn check_devices(&self, write: &Write<'_>, new: &Tree, old: &Tree, refusals: &mut Refusals) {
        let verb = write.call.info.verb.as_str();
        let mut verbs = vec![format!("arbitrary-node:{verb}")];
        if is_on(&write.call.user, node_of(new.at("allocation"))) {
            verbs.insert(0, format!("associated-node:{verb}"));
        }
        for driver in changed_drivers(new, old) {
            let mut refused = None;
            for verb in &verbs {
                match self.may(write, verb, "driver", write.namespace, driver).await {
                    Ok(()) => {
                        refused = None;
                        break;
                    }
                    Err(why) => refused = refused.or(Some(why)),
                }
            }
            if let Some(why) = refused {
                let detail = format!(
                    "changing status.devices requires resource=\"resourceclaims/driver\", verb=\"[{}]\" permission: {why}",
                    verbs.join(" ")
                );
                let path = Path::of("status");
                refusals.forbidden(&path.field("devices"), &detail);
            }
        }
    }

    /// Whether who writes may do this below claims; if not, why.
    async fn may(&self, write: &Write<'_>, verb: &str, part: &str, namespace: &str, name: &str) -> Result<(), String> {
        let asked = Attributes {
            user: &write.call.user,
            verb,
            on: On::Resource(Asked {
                namespace,
                name,
                ..access::resource(write.resource, "", "", part)
            }),
        };
        let verdict = self.authorizer.authorize(&asked).await;
        if verdict.is_allowed() {
            return Ok(());
        }
        Err(forbidden(&asked, &access::why_not(&verdict)).message)
    }
}

/// The drivers of whose devices something else is said than before, in the order of their names.
fn changed_drivers<'s>(new: &'s Tree, old: &'s Tree) -> BTreeSet<&'s str> {
    let id = |device: &'s Tree| ["driver", "pool", "device", "shareID"].map(|field| device.text(field));
    let (new, old) = (new.items("devices"), old.items("devices"));
    let changed = |all: &'s [Tree], others: &'s [Tree]| {
        all.iter()
            .filter(move |device| others.iter().find(|other| id(other) == id(device)) != Some(device))
    };
    let both = changed(new, old).chain(changed(old, new));
    both.map(|device| device.text("driver")).collect()
}

/// The one node whose devices a claim was given; empty where there is no such node.
fn node_of(allocation: &Tree) -> &str {
    let [term] = allocation.at("nodeSelector").items("nodeSelectorTerms") else {
        return "";
    };
    let ([], [field]) = (term.items("matchExpressions"), term.items("matchFields")) else {
        return "";
    };
    match field.items("values") {
        [name] if field.text("key") == "metadata.name" && field.text("operator") == "In" => {
            name.as_str().unwrap_or_default()
        }
        _ => "",
    }
}

/// Whether somebody is a service account whose pod is on a node.
fn is_on(who: &User, node: &str) -> bool {
    let own = who.extra.get(NODE_NAME).and_then(Tree::as_list).unwrap_or_default();
    !node.is_empty()
        && service_account::split(&who.name).is_some()
        && matches!(own, [own] if own.as_str() == Some(node))
        && name_is_dns_subdomain(node, false).is_empty()
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::{Map, Tree, parse};
    use apiserver_api::user::User;

    use super::{NODE_NAME, changed_drivers, is_on, node_of};

    fn tree(json: &str) -> Tree {
        parse(json.as_bytes()).unwrap().tree
    }

    #[test]
    fn drivers_answer_for_what_is_said_of_their_devices() {
        let device = |driver: &str, name: &str, more: &str| {
            format!(r#"{{"driver":"{driver}","pool":"p","device":"{name}"{more}}}"#)
        };
        let status = |devices: &[String]| tree(&format!(r#"{{"devices":[{}]}}"#, devices.join(",")));
        let old = status(&[device("a", "1", ""), device("b", "1", ""), device("d", "1", "")]);
        let new = status(&[
            device("a", "1", r#","data":{"x":1}"#),
            device("b", "1", ""),
            device("c", "1", ""),
        ]);
        let changed: Vec<&str> = changed_drivers(&new, &old).into_iter().collect();
        assert_eq!(changed, ["a", "c", "d"]);
        assert!(changed_drivers(&old, &old).is_empty());
    }

    #[test]
    fn a_claim_is_of_a_node_where_its_selector_names_no_other() {
        let of = |term: &str| {
            node_of(&tree(&format!(
                r#"{{"nodeSelector":{{"nodeSelectorTerms":[{term}]}}}}"#
            )))
            .to_owned()
        };
        let field = |key: &str, operator: &str, values: &str| {
            of(&format!(
                r#"{{"matchFields":[{{"key":"{key}","operator":"{operator}","values":[{values}]}}]}}"#
            ))
        };
        assert_eq!(field("metadata.name", "In", r#""n""#), "n");
        for other in [
            field("metadata.name", "In", r#""n","m""#),
            field("metadata.name", "NotIn", r#""n""#),
            field("metadata.namespace", "In", r#""n""#),
            of(r#"{"matchExpressions":[{"key":"a","operator":"In","values":["n"]}]}"#),
            of(""),
        ] {
            assert_eq!(other, "");
        }
    }

    #[test]
    fn a_driver_is_on_a_node_by_its_token() {
        let who = |name: &str, nodes: &[&str]| {
            let mut extra = Map::new();
            extra.insert(NODE_NAME, nodes.iter().copied().collect());
            User {
                extra,
                ..User::new(name, [])
            }
        };
        let account = "system:serviceaccount:n:s";
        assert!(is_on(&who(account, &["n"]), "n"));
        assert!(!is_on(&who(account, &["n"]), "m"));
        assert!(!is_on(&who(account, &["n", "m"]), "n"));
        assert!(!is_on(&who("system:node:n", &["n"]), "n"));
        assert!(!is_on(&who(account, &[""]), ""));
    }
}
