//! kubectl of each version that there is, held against its transcripts; and the newest on etcd.

use crate::apiserver::clients::{kubectls, newest_kubectl};
use crate::apiserver::pair::Pair;
use crate::apiserver::transcript::{MINORS, check};
use crate::harness::{Kind, skip, tools};

/// Files in `transcripts/`; each is played in a namespace of its name.
const ALL: &[&str] = &[
    "access",
    "apply",
    "certificates",
    "create",
    "delete",
    "discovery",
    "edits",
    "events",
    "expose",
    "nodes",
    "objects",
    "output",
    "pods",
    "prune",
    "rollout",
    "server-side",
    "subresources",
    "watch",
];

macro_rules! versions {
    ($($name:ident: $minor:literal,)*) => {$(
        #[test]
        fn $name() {
            assert!(MINORS.contains(&$minor));
            let Some(kubectl) = kubectls().remove(&$minor) else {
                return skip(concat!("no kubectl 1.", $minor, " is here, only the newest can be fetched"));
            };
            check(&Pair::start(), $minor, &kubectl, ALL);
        }
    )*};
}

versions! {
    version_27: 27,
    version_28: 28,
    version_29: 29,
    version_30: 30,
    version_31: 31,
    version_32: 32,
    version_33: 33,
    version_37: 37,
}

/// Real etcd below gives the same answers.
#[test]
fn the_newest_version_on_etcd() {
    if let Err(why) = tools() {
        return skip(why);
    }
    let Some((minor, kubectl)) = kubectls().pop_last() else {
        return skip(&newest_kubectl().unwrap_err());
    };
    assert!(MINORS.contains(&minor), "kubectl 1.{minor} has no transcripts yet");
    check(&Pair::start_on(Kind::Etcd), minor, &kubectl, ALL);
}
