//! Whether what an object uses is within the quotas that are about it (`CheckRequest`).

use std::collections::BTreeSet;

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::{Text, Tree};
use apiserver_kinds::amounts::Amounts;

use super::Limited;
use super::evaluate::{self, Around, Evaluator};
use super::quota::Quota;
use super::scope::Scope;
use crate::plugin::Operation;

/// A write that is to be charged for.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) resource: GroupResource,
    pub(super) operation: Operation,
    pub(super) subresource: Text,
    /// What a refusal calls the object.
    pub(super) name: String,
    pub(super) object: Tree,
    pub(super) old: Option<Tree>,
    pub(super) dry_run: bool,
}

/// What a quota, by its place in the list, has used once a write is charged.
pub(super) type Charges = Vec<(usize, Amounts)>;

/// What the quotas that an object belongs to are about.
#[derive(Default)]
struct Covered {
    /// The quotas, by their places in the list.
    quotas: Vec<usize>,
    /// The resources that they limit.
    resources: BTreeSet<String>,
    /// The scopes that the object is of, of all quotas.
    scopes: Vec<Scope>,
}

impl Ask {
    fn forbid(&self, why: impl std::fmt::Display) -> Status {
        Status::forbidden(&self.resource, &self.name, why)
    }

    /// What each quota would be charged: nothing where none is about the object, or where it uses no more than it did.
    ///
    /// # Errors
    /// Where a quota is exceeded, or it cannot be told.
    pub(super) fn check(&self, limited: &[Limited], quotas: &[Quota], around: &Around<'_>) -> Result<Charges, Status> {
        let evaluator = &*evaluate::of(&self.resource);
        // Upstream lets pass what is limited by a scope that makes no sense.
        let Ok(needed_scopes) = self.needed_scopes(limited, evaluator) else {
            return Ok(Charges::new());
        };
        let needed = self.needed_resources(limited, evaluator, around);
        let covered = self.covered(quotas, evaluator, around)?;
        let usage = evaluator.usage(around, &self.object);
        let negative = usage.only(|_, amount| amount.sign().is_lt());
        if !negative.is_empty() {
            let names: Vec<&str> = negative.names().collect();
            let why = format!("quota usage is negative for resource(s): {}", names.join(","));
            return Err(self.forbid(why));
        }
        let deltas = self.deltas(&usage, quotas, &covered, evaluator, around)?;
        if deltas.is_empty() {
            return Ok(Charges::new());
        }
        let uncovered: Vec<&str> = needed
            .iter()
            .filter(|name| !covered.resources.contains(*name))
            .map(String::as_str)
            .collect();
        if !uncovered.is_empty() {
            return Err(self.forbid(format!("insufficient quota to consume: {}", uncovered.join(","))));
        }
        let is_covered = |scope: &&Scope| covered.scopes.iter().any(|other| other.name == scope.name);
        let uncovered: Vec<String> = needed_scopes
            .iter()
            .filter(|scope| !is_covered(scope))
            .map(ToString::to_string)
            .collect();
        if !uncovered.is_empty() {
            let why = format!("insufficient quota to match these scopes: [{}]", uncovered.join(" "));
            return Err(Status::unknown(why));
        }
        let charges = deltas.into_iter().filter_map(|(at, delta)| Some((at?, delta)));
        charges
            .map(|(at, delta)| Ok((at, self.charged(&quotas[at], &delta)?)))
            .collect()
    }

    /// The scopes that the object is of and that it needs a quota for.
    fn needed_scopes(&self, limited: &[Limited], evaluator: &dyn Evaluator) -> Result<Vec<Scope>, String> {
        let mut needed = Vec::new();
        for scope in limited.iter().flat_map(|one| &one.scopes) {
            if evaluator.is_of(scope, &self.object)? {
                needed.push(scope.clone());
            }
        }
        Ok(needed)
    }

    /// The resources that the object uses and that it needs a quota for, in order.
    fn needed_resources(
        &self,
        limited: &[Limited],
        evaluator: &dyn Evaluator,
        around: &Around<'_>,
    ) -> BTreeSet<String> {
        let limited = limited.iter().map(|one| &one.resource);
        let parts: Vec<&Text> = limited
            .filter(|one| one.group == self.resource.group && one.resource == self.resource.resource)
            .flat_map(|one| &one.match_contains)
            .collect();
        if parts.is_empty() {
            return BTreeSet::new();
        }
        let usage = evaluator.usage(around, &self.object);
        let used = usage.iter().filter(|(_, amount)| amount.sign().is_gt());
        let needed = used.filter(|(name, _)| parts.iter().any(|part| name.contains(part.as_str())));
        needed.map(|(name, _)| name.to_owned()).collect()
    }

    /// Finds the quotas that the object belongs to, and that can be counted with.
    fn covered(&self, quotas: &[Quota], evaluator: &dyn Evaluator, around: &Around<'_>) -> Result<Covered, Status> {
        let mut covered = Covered::default();
        for (at, quota) in quotas.iter().enumerate() {
            let name = quota.name();
            for scope in &quota.scopes {
                match evaluator.is_of(scope, &self.object) {
                    Ok(true) => covered.scopes.push(scope.clone()),
                    Ok(false) => {}
                    Err(error) => {
                        let error = format!("error on matching scope {scope}: {error}");
                        let why = format!("error matching scopes of quota {name}, err: {error}");
                        return Err(Status::unknown(why));
                    }
                }
            }
            if !belongs(evaluator, quota, &self.object, around)? {
                continue;
            }
            let limited: Vec<&str> = quota.hard.names().filter(|name| evaluator.uses(around, name)).collect();
            evaluator
                .demands(&limited, &self.object)
                .map_err(|why| self.forbid(format!("failed quota: {name}: {why}")))?;
            if !quota.knows(&limited) {
                let resources = limited.join(",");
                let why = format!("status unknown for quota: {name}, resources: {resources}");
                return Err(self.forbid(why));
            }
            covered.quotas.push(at);
            covered.resources.extend(limited.into_iter().map(ToOwned::to_owned));
        }
        Ok(covered)
    }

    /// How much more is used of what each quota is about, without what stays the same. Where no quota is about the object,
    /// there is one entry for none: what needs a quota must know.
    fn deltas(
        &self,
        usage: &Amounts,
        quotas: &[Quota],
        covered: &Covered,
        evaluator: &dyn Evaluator,
        around: &Around<'_>,
    ) -> Result<Vec<(Option<usize>, Amounts)>, Status> {
        let mut before = None;
        if self.operation == Operation::Update {
            let Some(old) = &self.old else {
                let why = "unable to get previous usage since prior version of object was not found";
                return Err(self.forbid(why));
            };
            // What an update makes has no version yet, and is charged for as a whole.
            if !meta::resource_version(old).is_empty() {
                before = Some((old, evaluator.usage(around, old)));
            }
        }
        let mut deltas = Vec::new();
        for at in &covered.quotas {
            let delta = match &before {
                Some((old, before)) if belongs(evaluator, &quotas[*at], old, around)? => usage.beyond(before),
                _ => usage.clone(),
            };
            deltas.push((Some(*at), delta));
        }
        if covered.quotas.is_empty() {
            let delta = before.map_or_else(|| usage.clone(), |(_, before)| usage.beyond(&before));
            deltas.push((None, delta));
        }
        for (_, delta) in &mut deltas {
            *delta = delta.only(|_, amount| !amount.is_zero());
        }
        deltas.retain(|(_, delta)| !delta.is_empty());
        Ok(deltas)
    }

    /// What a quota has used with this on top.
    fn charged(&self, quota: &Quota, delta: &Amounts) -> Result<Amounts, Status> {
        let requested = delta.only(|name, _| quota.hard.get(name).is_some());
        let mut used = quota.used.clone();
        used.add_all(&requested);
        // What was given already is charged, however much it is.
        if self.subresource == "status" {
            return Ok(used);
        }
        let is_exceeded = |name: &str| match (used.get(name), quota.hard.get(name)) {
            (Some(used), Some(hard)) => requested.get(name).is_some() && used > hard,
            _ => false,
        };
        let exceeded = |list: &Amounts| list.only(|name, _| is_exceeded(name)).shown();
        let requested = exceeded(&requested);
        if requested.is_empty() {
            return Ok(used);
        }
        let (before, hard) = (exceeded(&quota.used), exceeded(&quota.hard));
        let name = quota.name();
        let why = format!("exceeded quota: {name}, requested: {requested}, used: {before}, limited: {hard}");
        Err(self.forbid(why))
    }
}

/// Whether a quota is about an object: it limits something that such objects use, and the object is of all its scopes.
fn belongs(evaluator: &dyn Evaluator, quota: &Quota, object: &Tree, around: &Around<'_>) -> Result<bool, Status> {
    if !quota.hard.names().any(|name| evaluator.uses(around, name)) {
        return Ok(false);
    }
    let mut all = true;
    for scope in &quota.scopes {
        all &= evaluator.is_of(scope, object).map_err(Status::unknown)?;
    }
    Ok(all)
}
