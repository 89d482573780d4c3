//! How many of it there should be, in the same words for all kinds that can be scaled.

use apiserver_api::gvk::{GroupKind, GroupResource};
use apiserver_api::labels;
use apiserver_api::meta;
use apiserver_api::names::name_is_dns_subdomain;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_kinds::{Ago, Cell, Column, Verb, Words};
use apiserver_patch::apply::Scale as Managed;
use async_trait::async_trait;
use axum::body::Body;

use super::spoken::{PLAIN, Spoken};
use crate::answer::Answer;
use crate::catalog::Resource;
use crate::decode;
use crate::handlers::{namespace, not_allowed, unknown_patch};
use crate::machine::{Desired, Edit, Machine, Patch, PatchKind, Speech, Write, note};
use crate::options::WriteOptions;
use crate::request::Call;
use crate::request::accept::negotiate;
use crate::request::content;

const API_VERSION: &str = "autoscaling/v1";
const KIND: &str = "Scale";
/// Where the number stands in kinds that can be scaled.
const PATH: &[&str] = &["spec", "replicas"];

/// A scale as it is sent and answered.
const SPOKEN: Spoken = Spoken {
    schema: "io.k8s.api.autoscaling.v1.Scale",
    api_version: API_VERSION,
    kind: KIND,
    columns: COLUMNS,
    ..PLAIN
};

/// What a table shows of a scale.
const COLUMNS: &[Column] = &[
    Column {
        name: "Name",
        kind: "string",
        format: "",
        words: Words::Of(META, "name"),
        priority: 0,
        cell: Cell::Is(|scale| meta::name(scale).into()),
    },
    Column {
        name: "Desired",
        kind: "integer",
        format: "",
        words: Words::Of("io.k8s.api.autoscaling.v1.ScaleSpec", "replicas"),
        priority: 0,
        cell: Cell::Is(|scale| scale.at("spec").int("replicas").into()),
    },
    Column {
        name: "Available",
        kind: "integer",
        format: "",
        words: Words::Of("io.k8s.api.autoscaling.v1.ScaleStatus", "replicas"),
        priority: 0,
        cell: Cell::Is(|scale| scale.at("status").int("replicas").into()),
    },
    Column {
        name: "Age",
        kind: "string",
        format: "",
        words: Words::Of(META, "creationTimestamp"),
        priority: 0,
        cell: Cell::Ages(|scale| Ago::of(meta::creation_timestamp(scale))),
    },
];
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// What was sent.
enum Sent<'s> {
    Whole(Tree),
    Patch(Patch<'s>),
}

struct Scaling<'s> {
    sent: Sent<'s>,
}

pub(super) async fn serve(
    machine: &Machine,
    resource: &Resource,
    call: &Call,
    verb: Verb,
    body: Body,
) -> Result<Answer, Status> {
    if verb == Verb::Get {
        let wanted = negotiate(call.header("accept"), false)?;
        let version = call.query.text("resourceVersion");
        let object = machine
            .get(resource, namespace(resource, call), &call.info.name, version)
            .await?;
        let scale = of(&resource.typed(object.tree()));
        return SPOKEN.shown(call, wanted, 200, &scale);
    }
    let patch = (verb == Verb::Patch)
        .then(|| PatchKind::of(call.header("content-type")).ok_or_else(unknown_patch))
        .transpose()?;
    let wanted = negotiate(call.header("accept"), false)?;
    let bytes = content::read(body).await?;
    let (sent, options) = match (verb, patch) {
        (Verb::Update, _) => {
            let options = WriteOptions::of("UpdateOptions", &call.query)?;
            let mut scale = decode::body(call, SPOKEN.expected(), options.validation, &bytes)?;
            SPOKEN.settle(&mut scale);
            (Sent::Whole(scale), options)
        }
        (_, Some(kind)) => {
            let options = WriteOptions::of_patch(&call.query, kind == PatchKind::Apply)?;
            (Sent::Patch(Patch { kind, bytes: &bytes }), options)
        }
        _ => return Err(not_allowed()),
    };
    let write = Write {
        call,
        resource,
        speech: &SPOKEN,
        subresource: "scale",
        namespace: namespace(resource, call),
        name: &call.info.name,
        options: &options,
    };
    let mut scaling = Scaling { sent };
    if let Sent::Whole(scale) = &mut scaling.sent {
        Machine::check_address(&write, scale)?;
    }
    let (served, _) = machine.replace(&write, &Desired::Edit(&scaling)).await?;
    SPOKEN.shown(call, wanted, 200, &of(&served.tree(resource)))
}

#[async_trait]
impl Edit for Scaling<'_> {
    async fn edit(&self, machine: &Machine, write: &Write<'_>, old: &Tree) -> Result<Tree, Status> {
        let api_version = write.resource.api_version.as_str();
        let paths = [(api_version, PATH)];
        let managed = Managed {
            api_version,
            paths: &paths,
        };
        let unreadable = |error| Status::internal(format!("{error}"));
        let owners = old.at("metadata").at("managedFields");
        let mut was = of(old);
        let shown = managed.of_scale(owners).map_err(unreadable)?;
        if !shown.is_null() {
            was.child("metadata").set("managedFields", shown);
        }
        let mut scale = match &self.sent {
            Sent::Whole(scale) => {
                let mut scale = scale.clone();
                note(write, Some(&was), &mut scale);
                scale
            }
            Sent::Patch(patch) => {
                let mut scale = patch.apply(write, Some(&was))?;
                Machine::check_address(write, &mut scale)?;
                scale
            }
        };
        machine.admit_part(write, &mut scale, &was).await?;
        check(&scale)?;
        check_uid(write, &scale, old)?;
        let mut new = old.clone();
        let metadata = new.child("metadata");
        match meta::resource_version(&scale) {
            "" => drop(metadata.remove("resourceVersion")),
            version => metadata.set("resourceVersion", version),
        }
        let owners = managed
            .of_parent(owners, scale.at("metadata").at("managedFields"))
            .map_err(unreadable)?;
        match owners {
            Tree::Null => drop(metadata.remove("managedFields")),
            owners => metadata.set("managedFields", owners),
        }
        new.child("spec").set("replicas", scale.at("spec").int("replicas"));
        Ok(new)
    }

    fn uid(&self) -> Option<&str> {
        match &self.sent {
            Sent::Whole(scale) => Some(meta::uid(scale)),
            Sent::Patch(_) => None,
        }
    }
}

/// 409 for a scale that says it is that of another object, which a patch can make of it.
fn check_uid(write: &Write<'_>, scale: &Tree, object: &Tree) -> Result<(), Status> {
    let (wanted, found) = (meta::uid(scale), meta::uid(object));
    if wanted.is_empty() || wanted == found {
        return Ok(());
    }
    let kind = write.resource.kind;
    let scales = GroupResource::new(kind.group, &format!("{}/scale", kind.plural));
    let error = format!("Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}");
    Err(Status::conflict(&scales, write.name, error))
}

/// 422 for a scale that makes no sense.
fn check(scale: &Tree) -> Result<(), Status> {
    let mut refusals = Refusals::new();
    let path = Path::of("metadata");
    meta::validate(&path, meta::metadata(scale), true, name_is_dns_subdomain, &mut refusals);
    let replicas = scale.at("spec").int("replicas");
    if replicas < 0 {
        let detail = "must be greater than or equal to 0";
        refusals.invalid(&Path::of("spec").field("replicas"), replicas, detail);
    }
    if refusals.is_empty() {
        return Ok(());
    }
    Err(Status::invalid(
        &GroupKind::new("autoscaling", KIND),
        meta::name(scale),
        &refusals,
    ))
}

/// The scale of an object.
fn of(object: &Tree) -> Tree {
    let mut scale = Tree::map();
    meta::set_type(&mut scale, API_VERSION, KIND);
    let (from, metadata) = (meta::metadata(object), scale.child("metadata"));
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = from.get(field) {
            metadata.set(field, value.clone());
        }
    }
    let replicas = object.at("spec").int("replicas");
    let spec = scale.child("spec");
    if replicas != 0 {
        spec.set("replicas", replicas);
    }
    let status = scale.child("status");
    status.set("replicas", object.at("status").int("replicas"));
    let selector = selector(object.at("spec").at("selector"));
    if !selector.is_empty() {
        status.set("selector", selector);
    }
    scale
}

/// The selector in one line; replication controllers have a plain map.
fn selector(selector: &Tree) -> String {
    if selector.has("matchLabels") || selector.has("matchExpressions") {
        return labels::Selector::from_object(selector)
            .map(|selector| selector.to_string())
            .unwrap_or_default();
    }
    let pairs = selector.as_map().into_iter().flat_map(apiserver_api::tree::Map::iter);
    let pairs = pairs.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
    pairs.collect::<Vec<_>>().join(",")
}
