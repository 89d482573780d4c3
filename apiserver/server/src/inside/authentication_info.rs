//! The `ConfigMap` by which aggregated apiservers know whom to believe (upstream's `clusterauthenticationtrust`).

use std::time::Duration;

use apiserver_api::meta;
use apiserver_api::status::{Reason, Status};
use apiserver_api::tree::{self, Tree};
use tokio::sync::watch;

use super::Parts;
use super::bundle;
use super::objects::{CONFIG_MAPS, KUBE_SYSTEM, NAMESPACES, ensure, is_missing, object, remove};
use super::pace::Pace;

const NAME: &str = "extension-apiserver-authentication";
const EACH: Duration = Duration::from_secs(60);
/// How soon after a change, or a failure, it is looked at.
const SOON: Duration = Duration::from_secs(1);

const CLIENT_CA: &str = "client-ca-file";
const PROXY_CA: &str = "requestheader-client-ca-file";

/// Whom this apiserver believes. Authorities are PEM text, empty where there are none; names and headers are in the order
/// of their flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthenticationInfo {
    /// Who vouches for clients (`--client-ca-file`).
    pub client_ca: String,
    /// Who vouches for front proxies (`--requestheader-client-ca-file`).
    pub proxy_ca: String,
    /// The headers in which front proxies say who asks.
    pub username_headers: Vec<String>,
    /// Those that tell users of one name apart.
    pub uid_headers: Vec<String>,
    /// Those of the groups.
    pub group_headers: Vec<String>,
    /// What the headers of everything else begin with.
    pub extra_headers_prefix: Vec<String>,
    /// The names of front proxies; any will do where there are none.
    pub allowed_names: Vec<String>,
}

/// Why the `ConfigMap` is not as it should be.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0} is no list of strings")]
    NoList(&'static str),
    #[error("{0}")]
    Bundle(#[from] bundle::Error),
    #[error("{0}")]
    Refused(#[from] Status),
}

impl AuthenticationInfo {
    /// The lists, by the keys of the `ConfigMap`.
    const fn lists(&self) -> [(&'static str, &Vec<String>); 5] {
        [
            ("requestheader-allowed-names", &self.allowed_names),
            ("requestheader-extra-headers-prefix", &self.extra_headers_prefix),
            ("requestheader-group-headers", &self.group_headers),
            ("requestheader-uid-headers", &self.uid_headers),
            ("requestheader-username-headers", &self.username_headers),
        ]
    }

    /// What the `ConfigMap` should hold where it holds this already: other apiservers are believed, too. `now` is in
    /// seconds since 1970.
    fn combined_with(&self, data: &Tree, now: i64) -> Result<Tree, Error> {
        let mut combined = Tree::map();
        let client_ca = bundle::combine([data.text(CLIENT_CA), &self.client_ca], now)?;
        if !client_ca.is_empty() {
            combined.set(CLIENT_CA, client_ca);
        }
        // The lists are read also where they are not written, for they may be wrong.
        let mut lists = Vec::new();
        for (key, own) in self.lists() {
            let mut all = read_list(key, data.text(key))?;
            for one in own {
                if !all.contains(one) {
                    all.push(one.clone());
                }
            }
            lists.push((key, all));
        }
        let proxy_ca = bundle::combine([data.text(PROXY_CA), &self.proxy_ca], now)?;
        if !proxy_ca.is_empty() {
            combined.set(PROXY_CA, proxy_ca);
            for (key, list) in lists {
                let list: Tree = list.iter().map(String::as_str).collect();
                combined.set(key, String::from_utf8_lossy(&list.to_json()).into_owned());
            }
        }
        Ok(combined)
    }
}

fn read_list(key: &'static str, text: &str) -> Result<Vec<String>, Error> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let parsed = tree::parse(text.as_bytes()).map_err(|_| Error::NoList(key))?;
    let items = match &parsed.tree {
        Tree::Null => return Ok(Vec::new()),
        Tree::List(items) => items,
        _ => return Err(Error::NoList(key)),
    };
    let text = |item: &Tree| item.as_str().map(str::to_owned).ok_or(Error::NoList(key));
    items.iter().map(text).collect()
}

/// Keeps the `ConfigMap` until it is dropped.
pub(super) async fn run(parts: Parts, mut info: watch::Receiver<AuthenticationInfo>) {
    parts.hooks.begin("start-cluster-authentication-info-controller").done();
    let mut pace = Pace::new(&parts.cluster, &parts.clock, [&CONFIG_MAPS]);
    loop {
        let current = info.borrow_and_update().clone();
        let most = match sync(&parts, &current).await {
            Ok(()) => EACH,
            Err(error) => {
                tracing::warn!(%error, "{KUBE_SYSTEM}/{NAME} failed");
                SOON
            }
        };
        tokio::select! {
            () = pace.next(SOON, most) => {}
            // Whoever told of changes may be gone; then there are none.
            Ok(()) = info.changed() => {}
        }
    }
}

async fn sync(parts: &Parts, info: &AuthenticationInfo) -> Result<(), Error> {
    let cluster = &*parts.cluster;
    let current = cluster.cached(&CONFIG_MAPS, KUBE_SYSTEM, NAME);
    let data = current.as_ref().map_or(&Tree::Null, |current| current.at("data"));
    let now = super::objects::now(&*parts.clock).unix();
    let wanted = info.combined_with(data, now)?;
    if wanted == *data || (wanted.is_zero() && data.is_zero()) {
        return Ok(());
    }
    if cluster.cached(&NAMESPACES, "", KUBE_SYSTEM).is_none() {
        ensure(cluster, &NAMESPACES, object("v1", "Namespace", "", KUBE_SYSTEM)).await?;
    }
    let mut map = current.unwrap_or_else(|| object("v1", "ConfigMap", KUBE_SYSTEM, NAME));
    map.set("data", wanted);
    write(parts, map).await?;
    Ok(())
}

async fn write(parts: &Parts, map: Tree) -> Result<(), Status> {
    let cluster = &*parts.cluster;
    tracing::info!("writing updated authentication info to {KUBE_SYSTEM} configmaps/{NAME}");
    let outcome = if meta::resource_version(&map).is_empty() {
        cluster.create(&CONFIG_MAPS, map).await
    } else {
        cluster.update(&CONFIG_MAPS, "", map.clone()).await
    };
    match outcome {
        Ok(_) => Ok(()),
        // The cache was behind; the next look finds what there is.
        Err(status) if is_missing(&status) => Err(status),
        Err(status) => {
            let too_long = status.reason == Reason::RequestEntityTooLarge
                || (status.reason == Reason::Invalid && status.message.contains("Too long"));
            if too_long {
                // It holds what was never taken away; all apiservers write their own anew.
                remove(cluster, &CONFIG_MAPS, KUBE_SYSTEM, NAME).await?;
            }
            Err(status)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use apiserver_api::tree::Tree;
    use tokio::sync::watch;

    use super::{AuthenticationInfo, Error, NAME, run, sync};
    use crate::inside::bundle::tests::until;
    use crate::inside::objects::{CONFIG_MAPS, KUBE_SYSTEM, NAMESPACES, object, tree};
    use crate::inside::testing::{Double, asleep, parts};

    fn info(client_ca: &str, proxy_ca: &str) -> AuthenticationInfo {
        AuthenticationInfo {
            client_ca: client_ca.to_owned(),
            proxy_ca: proxy_ca.to_owned(),
            username_headers: vec!["X-Remote-User".to_owned()],
            allowed_names: vec!["front-proxy-client".to_owned()],
            ..AuthenticationInfo::default()
        }
    }

    fn data(double: &Double) -> Tree {
        double.get(&CONFIG_MAPS, KUBE_SYSTEM, NAME).unwrap().at("data").clone()
    }

    #[tokio::test]
    async fn whom_the_apiserver_believes_is_written_down() {
        let (double, _, parts) = parts();
        let (client, proxy) = (until(2030), until(2031));
        sync(&parts, &info(&client, &proxy)).await.unwrap();
        let wanted = tree([
            ("client-ca-file", client.as_str().into()),
            ("requestheader-allowed-names", r#"["front-proxy-client"]"#.into()),
            ("requestheader-client-ca-file", proxy.as_str().into()),
            ("requestheader-extra-headers-prefix", "[]".into()),
            ("requestheader-group-headers", "[]".into()),
            ("requestheader-uid-headers", "[]".into()),
            ("requestheader-username-headers", r#"["X-Remote-User"]"#.into()),
        ]);
        assert_eq!(data(&double), wanted);
        assert_eq!(double.names(&NAMESPACES), [KUBE_SYSTEM]);
        let writes = double.writes();
        sync(&parts, &info(&client, &proxy)).await.unwrap();
        assert_eq!(double.writes(), writes);
    }

    #[tokio::test]
    async fn what_other_apiservers_wrote_stays() {
        let (double, _, parts) = parts();
        let (old, new) = (until(2030), until(2031));
        sync(&parts, &info(&old, "")).await.unwrap();
        sync(&parts, &info(&new, "")).await.unwrap();
        assert_eq!(data(&double), tree([("client-ca-file", format!("{old}{new}").into())]));
    }

    #[tokio::test]
    async fn without_authorities_there_is_nothing_to_write() {
        let (double, _, parts) = parts();
        sync(&parts, &AuthenticationInfo::default()).await.unwrap();
        assert_eq!(double.writes(), 0);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_left_alone() {
        let (double, _, parts) = parts();
        let mut map = object("v1", "ConfigMap", KUBE_SYSTEM, NAME);
        map.set("data", tree([("requestheader-group-headers", "{}".into())]));
        double.put(&CONFIG_MAPS, map);
        let told = sync(&parts, &info(&until(2030), "")).await;
        assert!(matches!(told, Err(Error::NoList("requestheader-group-headers"))));
        assert_eq!(double.writes(), 0);
    }

    #[tokio::test]
    async fn a_new_authority_and_a_deletion_are_noticed() {
        let (double, clock, parts) = parts();
        let (told, asked) = watch::channel(info(&until(2030), ""));
        parts.tasks.spawn_until("info", run(parts.clone(), asked));
        asleep(&clock, 1).await;
        let new = until(2031);
        told.send(info(&new, "")).unwrap();
        while !data(&double).text("client-ca-file").contains(&new) {
            tokio::task::yield_now().await;
        }
        asleep(&clock, 1).await;
        double.take(&CONFIG_MAPS, KUBE_SYSTEM, NAME);
        while double.get(&CONFIG_MAPS, KUBE_SYSTEM, NAME).is_none() {
            asleep(&clock, 1).await;
            clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
        assert_eq!(data(&double), tree([("client-ca-file", new.into())]));
        parts.tasks.shutdown().await;
    }
}
