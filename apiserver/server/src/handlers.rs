//! Requests for resources: which verb meets which part of the machine.

use std::sync::Arc;
use std::time::Duration;

use apiserver_api::status::{Details, Reason, Status};
use apiserver_api::tree::Tree;
use apiserver_kinds::Verb;
use apiserver_storage::watch::Refused;
use axum::body::Body;
use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};

use crate::answer::{self, Answer, Served, Tables};
use crate::catalog::Resource;
use crate::connect::{watch, websocket};
use crate::machine::{Deleted, Deletion, Desired, Machine, Patch, PatchKind, Tell, Write, event, select, stream};
use crate::metrics;
use crate::options::{DeleteOptions, ListOptions, WriteOptions};
use crate::request::Call;
use crate::request::accept::{Form, Shape, Wanted, negotiate, negotiate_untabled, negotiate_watch};
use crate::request::content;
use crate::request::info::{Info, Scope};
use crate::{components, review, subresource};

/// As good as for ever.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Answers a request for a resource.
///
/// # Errors
/// What the client is told.
pub(crate) async fn serve(machine: &Arc<Machine>, call: &Call, body: Body) -> Result<Answer, Status> {
    let info = &call.info;
    let found = machine.catalog.find(&info.group, &info.version, &info.resource);
    let Some(resource) = found else {
        return Err(nowhere());
    };
    if let Some(warning) = resource.kind.rules.deprecated() {
        call.warn(warning);
    }
    if !info.subresource.is_empty() && !info.by_prefix {
        return subresource::serve(machine, resource, call, body).await;
    }
    place(resource, call)?;
    match info.verb.as_str() {
        "get" => get(machine, resource, call).await,
        "list" | "watch" => list(machine, resource, call).await,
        "create" => create(machine, resource, call, body).await,
        "update" => update(machine, resource, call, body).await,
        "patch" => patch(machine, resource, call, body).await,
        "delete" => delete(machine, resource, call, body).await,
        "deletecollection" => delete_collection(machine, resource, call, body).await,
        _ => Err(not_allowed()),
    }
}

/// 404 of upstream's router.
pub(crate) fn nowhere() -> Status {
    let mut status = Status::new(
        404,
        Reason::NotFound,
        "the server could not find the requested resource",
    );
    status.details = Some(Box::<Details>::default());
    status
}

/// 405 of upstream's router.
pub(crate) fn not_allowed() -> Status {
    let message = "the server does not allow this method on the requested resource";
    let mut status = Status::new(405, Reason::MethodNotAllowed, message);
    status.details = Some(Box::<Details>::default());
    status
}

/// Whether the resource knows the verb where the path asks for it.
pub(crate) fn place(resource: &Resource, call: &Call) -> Result<(), Status> {
    let info = &call.info;
    if !is_routed(resource, info) {
        return Err(nowhere());
    }
    let verb = match info.verb.as_str() {
        "get" => Verb::Get,
        "list" => Verb::List,
        "watch" => Verb::Watch,
        "create" => Verb::Create,
        "update" => Verb::Update,
        "patch" => Verb::Patch,
        "delete" => Verb::Delete,
        "deletecollection" => Verb::DeleteCollection,
        _ => return Err(not_allowed()),
    };
    let anywhere = matches!(verb, Verb::List | Verb::Watch);
    let scoped = !resource.kind.namespaced || info.scope == Scope::Namespace || anywhere;
    let named = match verb {
        Verb::Create | Verb::DeleteCollection | Verb::List => !info.is_named,
        Verb::Watch => true,
        _ => info.is_named,
    };
    // HEAD has the verb of GET, and where the path says the verb all methods have that, but only GET is taken.
    let is_taken = !matches!(verb, Verb::Get | Verb::List | Verb::Watch) || call.method == http::Method::GET;
    if !is_taken || !resource.can(verb) || !scoped || !named {
        return Err(not_allowed());
    }
    Ok(())
}

/// Whether a path leads somewhere, by any method: to an object, to those of a namespace or of the cluster, or to those
/// of all namespaces. It goes no further than to an object. Below a namespace there is nothing of the cluster, not even
/// namespaces: whoever may do something there was asked for rights in that namespace only.
fn is_routed(resource: &Resource, info: &Info) -> bool {
    let namespaced = resource.kind.namespaced;
    let is_below = info.scope == Scope::Namespace;
    if (is_below && !namespaced) || info.parts > 2 {
        return false;
    }
    let is_everywhere = namespaced && !is_below;
    let verbs: &[Verb] = match (info.by_prefix, info.is_named) {
        (_, true) if is_everywhere => &[],
        // Paths that say themselves that they are watches are there for what can be watched. Of those that upstream's
        // first clients knew, those of proxies lead nowhere by now.
        (true, _) if info.verb == "watch" => &[Verb::Watch],
        (true, _) => &[],
        (false, true) => &[Verb::Get, Verb::Update, Verb::Patch, Verb::Delete],
        (false, false) if is_everywhere => &[Verb::List],
        (false, false) => &[Verb::List, Verb::Create, Verb::DeleteCollection],
    };
    verbs.iter().any(|verb| resource.can(*verb))
}

/// The namespace in which objects are: a namespace itself is in none.
pub(crate) fn namespace<'c>(resource: &Resource, call: &'c Call) -> &'c str {
    if resource.kind.namespaced {
        &call.info.namespace
    } else {
        ""
    }
}

async fn get(machine: &Machine, resource: &Resource, call: &Call) -> Result<Answer, Status> {
    if resource.shelf().is_none() {
        return components::get(machine, resource, call).await;
    }
    let wanted = negotiate(call.header("accept"), false)?;
    let version = call.query.text("resourceVersion");
    let object = machine
        .get(resource, namespace(resource, call), &call.info.name, version)
        .await?;
    Ok(answer::object(call, wanted, 200, resource, &Served::Stored(object)))
}

async fn list(machine: &Arc<Machine>, resource: &Arc<Resource>, call: &Call) -> Result<Answer, Status> {
    if resource.shelf().is_none() {
        return components::list(machine, resource, call).await;
    }
    let by_prefix = call.info.by_prefix;
    let wanted = negotiate(call.header("accept"), true)?;
    let options = ListOptions::of(&call.query, by_prefix)?;
    let named = (!call.info.name.is_empty()).then_some(call.info.name.as_str());
    let select = select(resource, &options, namespace(resource, call), named)?;
    if !options.watch {
        let page = machine.list(resource, select, &options).await?;
        return Ok(answer::list(call, wanted, resource, page).await);
    }
    let wanted = negotiate_watch(call.header("accept"))?;
    let tell = tell(machine, call, resource, wanted)?;
    let within = match options.timeout_seconds {
        Some(seconds) if seconds > 0 => Duration::from_secs(seconds as u64),
        _ if machine.watch_min.is_zero() => FOR_EVER,
        _ => machine.watch_min + Duration::from_millis(machine.random.below(machine.watch_min.as_millis() as u64)),
    };
    let meter = machine
        .metrics
        .watches
        .begin(resource, scope(call, &options), call.since);
    let watched = match machine.watch(resource, select, &options, within, meter).await {
        Ok(watched) => watched,
        // It begins all the same, and ends with what is wrong.
        Err(Refused::Told(status)) => return Ok(ended(call, wanted.form, &status)),
        Err(Refused::Plain(status)) => return Err(status),
    };
    if websocket::is_asked(&call.headers) {
        return Ok(watch::offer(call, wanted.form, stream(watched.apart(), tell)));
    }
    let mut answer = Response::new(Body::from_stream(stream(watched, tell)));
    let media_type = HeaderValue::from_static(wanted.form.stream_type());
    answer.headers_mut().insert(CONTENT_TYPE, media_type);
    Ok(answer)
}

/// How an event is written.
fn event_of(form: Form) -> fn(&str, &Tree) -> Bytes {
    match form {
        Form::Protobuf => answer::protobuf_event,
        Form::Json | Form::Yaml => event,
    }
}

/// How much a watch is about: one object, those of a namespace, all.
fn scope(call: &Call, options: &ListOptions) -> &'static str {
    match metrics::scope(&call.info) {
        "cluster" if options.fields.required_exact("metadata.namespace").is_some() => "namespace",
        scope => scope,
    }
}

/// A watch that tells only why it ends.
fn ended(call: &Call, form: Form, status: &Status) -> Answer {
    let event = event_of(form)("ERROR", &status.to_tree());
    if websocket::is_asked(&call.headers) {
        let only = futures_util::stream::iter([Ok(event)]);
        return watch::offer(call, form, only);
    }
    answer::bytes(200, form.stream_type(), event)
}

/// How a watch writes objects.
fn tell(machine: &Arc<Machine>, call: &Call, resource: &Resource, wanted: Wanted) -> Result<Tell, Status> {
    let (machine, event) = (machine.clone(), event_of(wanted.form));
    Ok(match wanted.shape {
        Shape::Whole if wanted.form != Form::Protobuf => Tell::Json,
        Shape::Whole if resource.served.is_some() => Tell::Protobuf,
        Shape::Whole => return Err(answer::not_marshalable()),
        Shape::Table(version) => {
            let mut tables = Tables::new(call, version)?;
            Tell::Drawn(Box::new(move |resource, told, object| {
                tables.at(machine.now());
                Some(event(told, &tables.one(resource, &object)))
            }))
        }
        Shape::Metadata(version) => Tell::Drawn(Box::new(move |resource, told, object| {
            let fields = resource.kind.rules.field_annotations();
            Some(event(told, &answer::metadata(version, &object, fields)))
        })),
        // Upstream finds out that an object is no list when it is to tell of the first.
        Shape::MetadataList(_) => Tell::Drawn(Box::new(|_, _, _| None)),
    })
}

async fn create(machine: &Machine, resource: &Resource, call: &Call, body: Body) -> Result<Answer, Status> {
    if resource.kind.kind == "Binding" {
        return subresource::bind(machine, resource, call, body).await;
    }
    let wanted = if resource.shelf().is_none() {
        negotiate_untabled(call.header("accept"))?
    } else {
        negotiate(call.header("accept"), false)?
    };
    content::Content::of(call.header("content-type"))?;
    let bytes = content::read(body).await?;
    let options = WriteOptions::of("CreateOptions", &call.query)?;
    let object = resource.decode(call, options.validation, &bytes)?;
    if resource.shelf().is_none() {
        let made = review::review(machine, resource, call, &options, object).await?;
        return Ok(answer::object(call, wanted, 201, resource, &made));
    }
    let write = Write {
        call,
        resource,
        speech: resource,
        subresource: "",
        namespace: namespace(resource, call),
        name: "",
        options: &options,
    };
    let served = machine.create(&write, object).await?;
    Ok(answer::object(call, wanted, 201, resource, &served))
}

async fn update(machine: &Machine, resource: &Resource, call: &Call, body: Body) -> Result<Answer, Status> {
    let wanted = negotiate(call.header("accept"), false)?;
    let bytes = content::read(body).await?;
    let options = WriteOptions::of("UpdateOptions", &call.query)?;
    let object = resource.decode(call, options.validation, &bytes)?;
    replace(machine, resource, call, "", wanted, &options, object).await
}

/// Replaces an object, or a part of it, by what was sent.
pub(crate) async fn replace(
    machine: &Machine,
    resource: &Resource,
    call: &Call,
    subresource: &str,
    wanted: Wanted,
    options: &WriteOptions,
    mut object: Tree,
) -> Result<Answer, Status> {
    let write = Write {
        call,
        resource,
        speech: resource,
        subresource,
        namespace: namespace(resource, call),
        name: &call.info.name,
        options,
    };
    Machine::check_address(&write, &mut object)?;
    let (served, created) = machine.replace(&write, &Desired::Object(object)).await?;
    Ok(answer::object(
        call,
        wanted,
        if created { 201 } else { 200 },
        resource,
        &served,
    ))
}

/// 415 of upstream's router, which knows the content types of patches.
pub(crate) fn unknown_patch() -> Status {
    let mut status = Status::new(415, Reason::UnsupportedMediaType, "415: Unsupported Media Type");
    status.details = Some(Box::<Details>::default());
    status
}

async fn patch(machine: &Machine, resource: &Resource, call: &Call, body: Body) -> Result<Answer, Status> {
    patch_part(machine, resource, call, "", body).await
}

/// Patches an object, or a part of it.
pub(crate) async fn patch_part(
    machine: &Machine,
    resource: &Resource,
    call: &Call,
    subresource: &str,
    body: Body,
) -> Result<Answer, Status> {
    let kind = PatchKind::of(call.header("content-type")).ok_or_else(unknown_patch)?;
    let wanted = negotiate(call.header("accept"), false)?;
    let bytes = content::read(body).await?;
    let options = WriteOptions::of_patch(&call.query, kind == PatchKind::Apply)?;
    let write = Write {
        call,
        resource,
        speech: resource,
        subresource,
        namespace: namespace(resource, call),
        name: &call.info.name,
        options: &options,
    };
    let desired = Desired::Patch(Patch { kind, bytes: &bytes });
    let (served, created) = machine.replace(&write, &desired).await?;
    Ok(answer::object(
        call,
        wanted,
        if created { 201 } else { 200 },
        resource,
        &served,
    ))
}

async fn delete(machine: &Machine, resource: &Resource, call: &Call, body: Body) -> Result<Answer, Status> {
    let wanted = negotiate(call.header("accept"), false)?;
    let bytes = content::read(body).await?;
    let options = DeleteOptions::of(call, &bytes)?;
    let deletion = Deletion {
        call,
        resource,
        namespace: namespace(resource, call),
        name: &call.info.name,
        options: &options,
        admission: true,
    };
    if let Some(why) = resource.kind.rules.undeletable(deletion.name) {
        return Err(Status::forbidden(&resource.group_resource, deletion.name, why));
    }
    warn_of_orphans(resource, call, &options);
    Ok(match machine.delete(&deletion).await? {
        Deleted::Object(served, deleted) => {
            let code = if !deleted && options.orphan == Some(false) {
                202
            } else {
                200
            };
            answer::object(call, wanted, code, resource, &served)
        }
        Deleted::Status(status) => answer::success(call, wanted, &status),
    })
}

/// Warns a client that does not say what becomes of dependents, where they stay then and that is mostly not meant.
fn warn_of_orphans(resource: &Resource, call: &Call, options: &DeleteOptions) {
    if let Some(warning) = resource.kind.rules.orphaning()
        && options.orphan.is_none()
        && options.propagation.is_none()
    {
        call.warn(warning);
    }
}

async fn delete_collection(machine: &Machine, resource: &Resource, call: &Call, body: Body) -> Result<Answer, Status> {
    let wanted = negotiate(call.header("accept"), false)?;
    let list = ListOptions::of(&call.query, false)?;
    let select = select(resource, &list, namespace(resource, call), None)?;
    let bytes = content::read(body).await?;
    let options = DeleteOptions::of(call, &bytes)?;
    warn_of_orphans(resource, call, &options);
    let page = machine
        .delete_collection(call, resource, &select, &options, &list)
        .await?;
    Ok(answer::list(call, wanted, resource, page).await)
}
