//! An object away: at once, after its time, or when the last finalizer is gone.

use std::ops::ControlFlow;
use std::sync::Arc;

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta::{self, FOREGROUND_DELETION, ORPHAN};
use apiserver_api::status::{Details, Reason, Status};
use apiserver_api::time::Time;
use apiserver_api::tree::{Text, Tree};
use apiserver_kinds::Dependents;
use apiserver_storage::object::Object;
use apiserver_storage::shelf::Written;

use super::admit::Admitted;
use super::existing::Attempt;
use super::{CHANGED, Machine, Served, TRIES};
use crate::catalog::{Kept, Resource};
use crate::options::{DeleteOptions, Propagation};
use crate::request::Call;

static ENDPOINTS: GroupResource = GroupResource::known("", "endpoints");

/// What is deleted, and how.
pub(crate) struct Deletion<'d> {
    pub(crate) call: &'d Call,
    pub(crate) resource: &'d Resource,
    pub(crate) namespace: &'d str,
    pub(crate) name: &'d str,
    pub(crate) options: &'d DeleteOptions,
    /// Whether admission has a say.
    pub(crate) admission: bool,
}

/// What a deletion answers.
pub(crate) enum Deleted {
    /// The object: as it was last, or as it is while it waits.
    Object(Served, bool),
    /// That it is done, or under way.
    Status(Box<Status>),
}

/// What an object has to go through.
#[derive(PartialEq, Eq)]
enum Way {
    /// It goes now.
    Now,
    /// It waits, as it is written now.
    Wait,
    /// It waits already, and nothing changes.
    Waiting,
}

impl Machine {
    /// Deletes an object.
    ///
    /// # Errors
    /// 404, 409 where it is not the one that was meant, whatever admission says, or what kept the store from answering.
    pub(crate) async fn delete(&self, deletion: &Deletion<'_>) -> Result<Deleted, Status> {
        let resource = deletion.resource;
        let key = Self::key(Self::shelf(resource)?, deletion.namespace, deletion.name)?;
        let mut existing = Self::existing(resource, &key).await?;
        for _ in 0..TRIES {
            let Some(stored) = &existing.object else {
                return Err(Self::not_found(resource, deletion.name));
            };
            let outcome = self.attempt_delete(deletion, stored).await;
            match Self::settle(resource, &key, &existing, outcome).await? {
                ControlFlow::Break(deleted) => return Ok(deleted),
                ControlFlow::Continue(next) => existing = next,
            }
        }
        Err(Status::conflict(&resource.group_resource, deletion.name, CHANGED))
    }

    async fn attempt_delete(&self, deletion: &Deletion<'_>, stored: &Arc<Object>) -> Result<Attempt<Deleted>, Status> {
        let Deletion {
            resource,
            name,
            options,
            ..
        } = *deletion;
        let old = resource.typed(stored.tree());
        if let Some(end) = resource.kind.rules.end()
            && let Some(begun) = self.begin_end(deletion, end, stored, &old).await?
        {
            return Ok(begun);
        }
        check_preconditions(resource, name, options, &old)?;
        let (way, marked) = way(deletion, &old);
        if way == Way::Waiting {
            return Ok(Attempt::Unwritten(answer(
                resource,
                Served::Stored(stored.clone()),
                false,
            )));
        }
        if deletion.admission {
            self.admit_delete(&Admitted::delete(deletion, &old)).await?;
        }
        let Kept { store, shelf, .. } = Self::kept(resource)?;
        let is_same = marked.as_ref().is_none_or(|marked| *marked == old);
        let mut new = marked.unwrap_or(old);
        if way == Way::Wait {
            if options.dry_run {
                return Ok(Attempt::Unwritten(Deleted::Object(Served::Made(new), false)));
            }
            if is_same {
                return Ok(Attempt::Unwritten(Deleted::Object(
                    Served::Stored(stored.clone()),
                    false,
                )));
            }
            let ttl = self.ttl(resource);
            return Ok(match shelf.put(store, &stored.key, stored.revision, new, ttl).await? {
                Written::Done(object) => Attempt::Done(Deleted::Object(Served::Stored(object), false)),
                Written::Conflict(current) => Attempt::Again(current),
            });
        }
        if options.dry_run {
            return Ok(Attempt::Unwritten(answer(resource, Served::Made(new), true)));
        }
        Ok(match shelf.delete(store, stored).await? {
            Written::Done(object) => {
                self.clear_after(resource, &new).await;
                meta::set_resource_version(&mut new, &object.revision.to_string());
                self.release(resource, &new).await;
                Attempt::Done(answer(resource, Served::Made(new), true))
            }
            Written::Conflict(current) => Attempt::Again(current),
        })
    }
}

impl Machine {
    /// What goes with an object that is gone: the endpoints of a service, so that one of the same name does not begin with
    /// them.
    pub(super) async fn clear_after(&self, resource: &Resource, object: &Tree) {
        if resource.kind.plural != "services" || !resource.kind.group.is_empty() {
            return;
        }
        let Some(endpoints) = self.catalog.preferred(&ENDPOINTS) else {
            return;
        };
        let (call, options) = (self.own_call(), DeleteOptions::default());
        let deletion = Deletion {
            call: &call,
            resource: endpoints,
            namespace: meta::namespace(object),
            name: meta::name(object),
            options: &options,
            admission: false,
        };
        // What is deleted is deleted, whatever becomes of its endpoints.
        let deleted = Box::pin(self.delete(&deletion)).await;
        if let Err(status) = deleted.map(drop)
            && status.reason != Reason::NotFound
        {
            let (namespace, name) = (deletion.namespace, deletion.name);
            tracing::error!(namespace, name, error = %status, "the endpoints of a service were not deleted");
        }
    }
}

/// The object, or that it is done.
fn answer(resource: &Resource, served: Served, deleted: bool) -> Deleted {
    if resource.kind.rules.answers_deleted() {
        return Deleted::Object(served, deleted);
    }
    let success = match &served {
        Served::Stored(object) => success(&resource.group_resource, &object.tree()),
        Served::Made(object) => success(&resource.group_resource, object),
    };
    Deleted::Status(Box::new(success))
}

/// That an object was deleted.
fn success(resource: &GroupResource, object: &Tree) -> Status {
    Status::success(Some(Details {
        name: meta::name(object).to_owned(),
        group: resource.group.clone(),
        kind: resource.resource.clone(),
        uid: meta::uid(object).into(),
        ..Details::default()
    }))
}

/// 409 where it is not the object, or not the version of it, that was meant. Upstream names the kind where it means the
/// resource.
///
/// # Errors
/// 409.
pub(crate) fn check_preconditions(
    resource: &Resource,
    name: &str,
    options: &DeleteOptions,
    old: &Tree,
) -> Result<(), Status> {
    let kind = resource.group_kind();
    let kind = GroupResource::new(&kind.group, &kind.kind);
    if let Some(wanted) = options.uid.as_deref().filter(|wanted| *wanted != meta::uid(old)) {
        let error = format!(
            "the UID in the precondition ({wanted}) does not match the UID in record ({}). The object might have been deleted and \
             then recreated",
            meta::uid(old)
        );
        return Err(Status::conflict(&kind, name, error));
    }
    let version = meta::resource_version(old);
    if let Some(wanted) = options.resource_version.as_deref().filter(|wanted| *wanted != version) {
        let error = format!(
            "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({version}). The object \
             might have been modified"
        );
        return Err(Status::conflict(&kind, name, error));
    }
    Ok(())
}

/// Whether an object goes at once and nothing is noted in it before, as most do: it need not be copied.
fn stays_as_it_is(deletion: &Deletion<'_>, object: &Tree) -> bool {
    let Deletion { resource, options, .. } = *deletion;
    meta::finalizers(object).len() == 0
        && meta::deletion_timestamp(object).is_none()
        && resource.kind.rules.grace(object, asked_grace(options)).is_none()
        && policy(resource, options, object).is_none_or(|policy| policy == Propagation::Background)
}

/// What becomes of an object, and how it is written before, if it is (`BeforeDelete`, and what `Store.Delete` makes of it).
fn way(deletion: &Deletion<'_>, old: &Tree) -> (Way, Option<Tree>) {
    if stays_as_it_is(deletion, old) {
        return (Way::Now, None);
    }
    let mut object = old.clone();
    let grace = match grace(deletion, &mut object) {
        Grace::Pending => return (Way::Waiting, None),
        Grace::None => None,
        Grace::Seconds(seconds) => Some(seconds),
    };
    settle_finalizers(deletion.resource, deletion.options, &mut object);
    let is_held = meta::finalizers(&object).len() > 0;
    match grace {
        Some(seconds) if seconds > 0 || is_held => (Way::Wait, Some(object)),
        None if is_held => {
            mark(&mut object, deletion.call.now);
            (Way::Wait, Some(object))
        }
        // What is written with a time of nothing goes in the same moment.
        Some(_) => (Way::Now, Some(object)),
        // The finalizers that held it go with it, and are told.
        None => (Way::Now, None),
    }
}

enum Grace {
    /// The kind, or the object, is not deleted gracefully.
    None,
    /// It is being deleted, and not sooner than asked for.
    Pending,
    /// It is being deleted now, and has so many seconds.
    Seconds(i64),
}

/// The seconds that the client gives it. Less than none is one.
fn asked_grace(options: &DeleteOptions) -> Option<i64> {
    options.grace.map(|seconds| if seconds < 0 { 1 } else { seconds })
}

fn grace(deletion: &Deletion<'_>, object: &mut Tree) -> Grace {
    let asked = asked_grace(deletion.options);
    let rules = deletion.resource.kind.rules;
    let now = deletion.call.now;
    if let Some(deleted) = meta::deletion_timestamp(object) {
        let deleted = Time::parse(deleted).unwrap_or(now);
        let left = meta::deletion_grace_period_seconds(object).unwrap_or_default();
        let left = if left < 0 { 1 } else { left };
        if left == 0 {
            return Grace::None;
        }
        let Some(mut period) = asked.filter(|period| *period < left) else {
            return Grace::Pending;
        };
        // The end can only come nearer, and not lie in the past.
        let mut end = deleted.unix() - left + period;
        if end < now.unix() {
            end = now.unix();
            period = period.min(1);
        }
        meta::set(object, "deletionTimestamp", Time::from_unix(end).to_string().as_str());
        object.child("metadata").set("deletionGracePeriodSeconds", period);
        return Grace::Seconds(period);
    }
    let Some(seconds) = rules.grace(object, asked) else {
        return Grace::None;
    };
    let end = Time::from_unix(now.unix() + seconds);
    meta::set(object, "deletionTimestamp", end.to_string().as_str());
    object.child("metadata").set("deletionGracePeriodSeconds", seconds);
    count_generation(object);
    Grace::Seconds(seconds)
}

/// An object that is held by finalizers is being deleted from now on.
fn mark(object: &mut Tree, now: Time) {
    if meta::deletion_grace_period_seconds(object).is_none() {
        count_generation(object);
    }
    let ends = meta::deletion_timestamp(object).and_then(|text| Time::parse(text).ok());
    if ends.is_none_or(|ends| ends > now) {
        meta::set(object, "deletionTimestamp", now.to_string().as_str());
    }
    // A zero that is told.
    object.child("metadata").set("deletionGracePeriodSeconds", 0_i64);
}

fn count_generation(object: &mut Tree) {
    let generation = meta::generation(object);
    if generation > 0 {
        meta::set_generation(object, generation.wrapping_add(1));
    }
}

/// What becomes of dependents, as the client, the object or the kind wants it; nothing is kept of it for kinds that have none.
fn policy(resource: &Resource, options: &DeleteOptions, object: &Tree) -> Option<Propagation> {
    let default = resource.kind.rules.dependents();
    if default == Dependents::Untracked {
        return None;
    }
    let own = meta::finalizers(object).find_map(|finalizer| match finalizer {
        ORPHAN => Some(Propagation::Orphan),
        FOREGROUND_DELETION => Some(Propagation::Foreground),
        _ => None,
    });
    Some(match (options.orphan, options.propagation, own) {
        (Some(true), ..) => Propagation::Orphan,
        (None, Some(policy), _) | (None, None, Some(policy)) => policy,
        (None, None, None) if default == Dependents::Orphaned => Propagation::Orphan,
        (Some(false), ..) | (None, None, None) => Propagation::Background,
    })
}

/// Puts the finalizers in that say what becomes of dependents.
fn settle_finalizers(resource: &Resource, options: &DeleteOptions, object: &mut Tree) {
    let Some(policy) = policy(resource, options, object) else {
        return;
    };
    let before: Vec<Text> = meta::finalizers(object).map(Text::from).collect();
    let Some(after) = finalizers_after(&before, policy) else {
        return;
    };
    if after.is_empty() {
        if let Some(metadata) = object.get_mut("metadata") {
            metadata.remove("finalizers");
        }
        return;
    }
    meta::set(object, "finalizers", after.into_iter().collect::<Tree>());
}

/// The finalizers with that of a policy last in place of those of any; nothing where these are the same, in whichever order.
fn finalizers_after(before: &[Text], policy: Propagation) -> Option<Vec<Text>> {
    let others = before
        .iter()
        .filter(|finalizer| *finalizer != ORPHAN && *finalizer != FOREGROUND_DELETION);
    let mut after: Vec<Text> = others.cloned().collect();
    let own = match policy {
        Propagation::Orphan => Some(ORPHAN),
        Propagation::Foreground => Some(FOREGROUND_DELETION),
        Propagation::Background => None,
    };
    after.extend(own.map(Text::from));
    // The others were there before: an object may have so many of them that each is not held against all.
    let is_same = after.len() == before.len() && own.is_none_or(|own| before.iter().any(|one| one == own));
    (!is_same).then_some(after)
}

#[cfg(test)]
mod tests {
    use apiserver_api::meta::{FOREGROUND_DELETION, ORPHAN};
    use apiserver_api::tree::Text;

    use super::finalizers_after;
    use crate::options::Propagation;

    fn after(before: &[&str], policy: Propagation) -> Option<Vec<String>> {
        let before: Vec<Text> = before.iter().copied().map(Text::from).collect();
        let after = finalizers_after(&before, policy)?;
        Some(after.iter().map(Text::to_string).collect())
    }

    #[test]
    fn the_finalizer_of_a_policy_stands_last_in_place_of_those_of_others() {
        use Propagation::{Background, Foreground, Orphan};
        let of = |names: &[&str]| Some(names.iter().copied().map(String::from).collect::<Vec<_>>());
        assert_eq!(after(&["a"], Orphan), of(&["a", ORPHAN]));
        assert_eq!(after(&[ORPHAN, "a"], Foreground), of(&["a", FOREGROUND_DELETION]));
        assert_eq!(after(&[ORPHAN, ORPHAN, "a"], Orphan), of(&["a", ORPHAN]));
        assert_eq!(after(&[ORPHAN, FOREGROUND_DELETION], Background), of(&[]));
        assert_eq!(after(&[ORPHAN, "a"], Orphan), None);
        assert_eq!(after(&["a", "a"], Background), None);
        assert_eq!(after(&[], Background), None);
    }

    #[test]
    fn finalizers_are_not_held_against_each_other_however_many_they_are() {
        let mut names: Vec<String> = (0..150_000).map(|at| format!("example.com/{at}")).collect();
        names.push(ORPHAN.into());
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(after(&names, Propagation::Orphan).is_none());
        let settled = after(&names, Propagation::Foreground).unwrap();
        assert_eq!(settled.last().unwrap(), FOREGROUND_DELETION);
    }
}
