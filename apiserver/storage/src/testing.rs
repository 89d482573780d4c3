//! A store that nobody can reach, whose caches a test fills.

use std::sync::Arc;
use std::time::Duration;

use apiserver_api::gvk::GroupResource;
use apiserver_api::tree::parse;
use base::task::Tasks;
use prometheus::Registry;
use store_client::{Client, Options};

use crate::cache::News;
use crate::metrics::Metrics;
use crate::object::Object;
use crate::object::tests::Plain;
use crate::shelf::Shelf;
use crate::store::{Layout, Store};

/// A store of one kind. What is asked of it fails after so long.
pub(crate) fn store(retry_for: Duration, tasks: &Tasks) -> (Arc<Store>, Arc<Shelf>) {
    let options = Options {
        retry_for,
        ..Options::new(["http://127.0.0.1:1"])
    };
    let layout = Layout {
        resource: GroupResource::new("", "things"),
        folder: "things".into(),
        namespaced: false,
        reading: Arc::new(Plain),
        history: 1 << 20,
    };
    let client = Client::new(options, tasks).unwrap();
    let metrics = Metrics::new(&Registry::new()).unwrap().into();
    let store = Store::open(client, "/registry", [layout], Duration::ZERO, metrics, tasks);
    let shelf = store.shelf("things").unwrap().clone();
    (store, shelf)
}

/// An object of the kind.
pub(crate) fn object(name: &str, revision: i64) -> Arc<Object> {
    let tree = parse(format!(r#"{{"metadata":{{"name":"{name}"}}}}"#).as_bytes());
    let key = format!("/registry/things/{name}");
    Arc::new(Object::of(&key, revision, tree.unwrap().tree, &Plain))
}

/// That it was written.
pub(crate) fn put(name: &str, revision: i64) -> News {
    let object = object(name, revision);
    News {
        key: object.key.clone(),
        object: Some(object),
        revision,
    }
}
