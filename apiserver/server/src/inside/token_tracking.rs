//! The `ConfigMap` that says since when the use of old tokens of service accounts is tracked (upstream's
//! `legacytokentracking`).

use std::time::Duration;

use apiserver_api::status::Status;
use apiserver_api::time::Time;

use super::Parts;
use super::objects::{CONFIG_MAPS, KUBE_SYSTEM, is_conflict, is_missing, is_there_already, now, object, tree};
use super::pace::Pace;

const NAME: &str = "kube-apiserver-legacy-service-account-token-tracking";
const SINCE: &str = "since";
/// How often it is made at most: apiservers that do not track take it away.
const AT_MOST: Duration = Duration::from_secs(30 * 60);
const SOON: Duration = Duration::from_secs(1);

/// Keeps the `ConfigMap` until it is dropped.
pub(super) async fn run(parts: Parts) {
    parts.hooks.begin("start-legacy-token-tracking-controller").done();
    let mut pace = Pace::new(&parts.cluster, &parts.clock, [&CONFIG_MAPS]);
    let mut made = None;
    loop {
        let failed = sync(&parts, &mut made).await.inspect_err(|status| {
            tracing::warn!(%status, "Error while syncing ConfigMap {KUBE_SYSTEM}/{NAME}");
        });
        let most = if failed.is_err() { SOON } else { AT_MOST };
        pace.next(SOON, most).await;
    }
}

/// `made` is when it was made last.
async fn sync(parts: &Parts, made: &mut Option<Duration>) -> Result<(), Status> {
    let cluster = &*parts.cluster;
    let today = now(&*parts.clock).to_string();
    let (today, _) = today.split_once('T').unwrap_or((&today, ""));
    let Some(mut map) = cluster.cached(&CONFIG_MAPS, KUBE_SYSTEM, NAME) else {
        let time = parts.clock.monotonic();
        if made.is_some_and(|made| time.saturating_sub(made) < AT_MOST) {
            return Ok(());
        }
        let mut map = object("v1", "ConfigMap", KUBE_SYSTEM, NAME);
        map.set("data", tree([(SINCE, today.into())]));
        match cluster.create(&CONFIG_MAPS, map).await {
            Err(status) if !is_there_already(&status) => return Err(status),
            _ => *made = Some(time),
        }
        return Ok(());
    };
    if is_date(map.at("data").text(SINCE)) {
        return Ok(());
    }
    map.child("data").set(SINCE, today);
    match cluster.update(&CONFIG_MAPS, "", map).await {
        Err(status) if !is_missing(&status) && !is_conflict(&status) => Err(status),
        _ => Ok(()),
    }
}

fn is_date(text: &str) -> bool {
    text.len() == "2006-01-02".len() && Time::parse(&format!("{text}T00:00:00Z")).is_ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{NAME, SINCE, run, sync};
    use crate::inside::objects::{CONFIG_MAPS, KUBE_SYSTEM, object, tree};
    use crate::inside::testing::{Double, asleep, parts};

    fn since(double: &Double) -> Option<String> {
        let map = double.get(&CONFIG_MAPS, KUBE_SYSTEM, NAME)?;
        Some(map.at("data").text(SINCE).to_owned())
    }

    #[tokio::test]
    async fn the_day_is_written_down_once_in_half_an_hour() {
        let (double, clock, parts) = parts();
        let mut made = None;
        sync(&parts, &mut made).await.unwrap();
        assert_eq!(since(&double).as_deref(), Some("2026-01-01"));
        double.take(&CONFIG_MAPS, KUBE_SYSTEM, NAME);
        sync(&parts, &mut made).await.unwrap();
        assert_eq!(since(&double), None);
        clock.advance(Duration::from_secs(30 * 60));
        sync(&parts, &mut made).await.unwrap();
        assert_eq!(since(&double).as_deref(), Some("2026-01-01"));
    }

    #[tokio::test]
    async fn what_is_no_date_is_written_anew_and_a_date_stays() {
        let (double, clock, parts) = parts();
        for (text, after) in [
            ("2020-02-30", "2026-01-01"),
            ("2020-02-20", "2020-02-20"),
            ("", "2026-01-01"),
        ] {
            let mut map = object("v1", "ConfigMap", KUBE_SYSTEM, NAME);
            map.set("data", tree([(SINCE, text.into())]));
            double.put(&CONFIG_MAPS, map);
            sync(&parts, &mut None).await.unwrap();
            assert_eq!(since(&double).as_deref(), Some(after), "{text}");
        }
        let mut map = double.get(&CONFIG_MAPS, KUBE_SYSTEM, NAME).unwrap();
        map.set("data", tree([(SINCE, "soon".into())]));
        parts.tasks.spawn_until("tracking", run(parts.clone()));
        asleep(&clock, 1).await;
        double.put(&CONFIG_MAPS, map);
        while since(&double).as_deref() == Some("soon") {
            asleep(&clock, 1).await;
            clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
        parts.tasks.shutdown().await;
    }
}
