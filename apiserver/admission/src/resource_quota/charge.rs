//! Checks all that wait, one after the other, and writes what they use into the quotas (`checkQuotas`).

use std::sync::Arc;

use apiserver_api::status::Status;
use apiserver_kinds::amounts::Amounts;

use super::Limited;
use super::evaluate::Around;
use super::lane::Waiting;
use super::latest::{self, Latest};
use super::quota::Quota;

/// How often it is tried again after others wrote a quota first.
const RETRIES: usize = 3;

/// Answers all that wait in a namespace.
pub(super) async fn all(limited: &[Limited], latest: &Latest, around: &Around<'_>, waiting: Vec<Arc<Waiting>>) {
    let mut quotas = latest.of(around.cluster, around.namespace);
    let mut retries = RETRIES;
    loop {
        let before: Vec<Amounts> = quotas.iter().map(|quota| quota.used.clone()).collect();
        for one in waiting.iter().filter(|one| one.is_open()) {
            check(one, limited, &mut quotas, around);
        }
        let changed = quotas.iter().zip(&before);
        let changed = changed.filter(|(quota, before)| quota.used != **before);
        let Err(failed) = write(latest, around, changed.map(|(quota, _)| quota)).await else {
            answer(&waiting, &Ok(()));
            return;
        };
        if retries == 0 {
            answer(&waiting, &Err(failed.error));
            return;
        }
        retries -= 1;
        // Those that were written are done with; the others are checked as they are now.
        let Ok(stored) = read(around, &failed.quotas).await else {
            answer(&waiting, &Err(failed.error));
            return;
        };
        quotas = stored;
    }
}

/// Checks one. It is answered at once where it is refused or nothing is to be charged.
fn check(one: &Waiting, limited: &[Limited], quotas: &mut [Quota], around: &Around<'_>) {
    let charges = match one.ask.check(limited, quotas, around) {
        Ok(charges) => charges,
        Err(refusal) => return one.answer(Err(refusal)),
    };
    if one.ask.dry_run || charges.is_empty() {
        return one.answer(Ok(()));
    }
    let mut free = true;
    for (at, used) in charges {
        free &= quotas[at].used == used;
        quotas[at].used = used;
    }
    if free {
        one.answer(Ok(()));
    }
}

/// Quotas that could not be written.
struct Failed {
    quotas: Vec<String>,
    error: Status,
}

async fn write(latest: &Latest, around: &Around<'_>, quotas: impl Iterator<Item = &Quota>) -> Result<(), Failed> {
    let mut failed: Option<Failed> = None;
    for quota in quotas {
        let Err(error) = latest.write(around.cluster, quota).await else {
            continue;
        };
        let mut quotas = failed.map(|failed| failed.quotas).unwrap_or_default();
        quotas.push(quota.name().to_owned());
        failed = Some(Failed { quotas, error });
    }
    failed.map_or(Ok(()), Err)
}

async fn read(around: &Around<'_>, names: &[String]) -> Result<Vec<Quota>, Status> {
    let mut quotas = Vec::new();
    for name in names {
        quotas.extend(latest::stored(around.cluster, around.namespace, name).await?);
    }
    Ok(quotas)
}

/// Answers those that have no answer yet.
fn answer(waiting: &[Arc<Waiting>], answer: &Result<(), Status>) {
    for one in waiting.iter().filter(|one| one.is_open()) {
        one.answer(answer.clone());
    }
}
