//! The files by which a pod speaks to the API: a token, whom to trust, and its namespace.

use apiserver_api::tree::{Map, Text, Tree};
use base::random::Random;

/// Where containers find them.
const FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// How the volume's name begins.
const PREFIX: &str = "kube-api-access-";
/// How long a token holds: an hour, and a little by which the API knows tokens of this volume from others.
const TOKEN_SECONDS: i64 = 3607;
const FILE_MODE: i64 = 0o644;
/// What generated names end with: neither vowels nor what looks like one, so that no words come of it.
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
const SUFFIX: usize = 5;

/// Mounts the files into each container that has nothing at their place.
pub(super) fn mount(spec: &mut Tree, random: &dyn Random) {
    let volumes = spec.items("volumes");
    let known = volumes.iter().map(|volume| volume.text("name"));
    let known = known
        .into_iter()
        .find(|name| name.starts_with(PREFIX))
        .map(ToOwned::to_owned);
    let name = known.clone().unwrap_or_else(|| format!("{PREFIX}{}", suffix(random)));
    let mut used = false;
    for list in ["initContainers", "containers"] {
        for container in spec.get_mut(list).and_then(Tree::as_list_mut).into_iter().flatten() {
            let mut mounts = container.items("volumeMounts").to_vec();
            if mounts.iter().all(|mount| mount.text("mountPath") != FOLDER) {
                mounts.push(map([
                    ("name", name.as_str().into()),
                    ("readOnly", true.into()),
                    ("mountPath", FOLDER.into()),
                ]));
                container.set("volumeMounts", mounts);
                used = true;
            }
        }
    }
    if known.is_none() && used {
        let mut volumes = spec.items("volumes").to_vec();
        volumes.push(volume(&name));
        spec.set("volumes", volumes);
    }
}

fn suffix(random: &dyn Random) -> Text {
    let letter = |_| char::from(LETTERS[random.below(LETTERS.len() as u64) as usize]);
    (0..SUFFIX).map(letter).collect()
}

fn map<const N: usize>(entries: [(&str, Tree); N]) -> Tree {
    Tree::Map(entries.into_iter().collect::<Map>())
}

fn volume(name: &str) -> Tree {
    let token = map([("path", "token".into()), ("expirationSeconds", TOKEN_SECONDS.into())]);
    let authority = map([
        ("name", "kube-root-ca.crt".into()),
        (
            "items",
            vec![map([("key", "ca.crt".into()), ("path", "ca.crt".into())])].into(),
        ),
    ]);
    let field = map([("apiVersion", "v1".into()), ("fieldPath", "metadata.namespace".into())]);
    let namespace = map([(
        "items",
        vec![map([("path", "namespace".into()), ("fieldRef", field)])].into(),
    )]);
    let sources = vec![
        map([("serviceAccountToken", token)]),
        map([("configMap", authority)]),
        map([("downwardAPI", namespace)]),
    ];
    let projected = map([("defaultMode", FILE_MODE.into()), ("sources", sources.into())]);
    map([("name", name.into()), ("projected", projected)])
}
