//! One object as the cache keeps it: the bytes that go on the wire, and the little that selectors ask for.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use apiserver_api::meta;
use apiserver_api::tree::{self, Map, Text, Tree};
use bytes::Bytes;

use crate::frame::{Frame, Told};

/// With this every body begins; the resource version follows, and after it all that does not change with it.
const HEAD: &[u8] = br#"{"metadata":{"resourceVersion":""#;

/// What a table shows of an object takes about so many bytes.
const SHOWN: usize = 256;

/// What selectors see of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    /// Its namespace; empty for objects of the cluster.
    pub namespace: Text,
    /// Its name.
    pub name: Text,
    /// Its labels.
    pub labels: Map,
    /// What its kind's selectable fields hold, in the kind's order.
    pub fields: Box<[Text]>,
}

/// How the objects of a kind are read from the store.
pub trait Reading: Send + Sync {
    /// The values of the fields that selectors may ask for.
    fn fields(&self, object: &Tree) -> Vec<Text>;

    /// Makes an object, which has `apiVersion` and `kind` as they were stored, one of the version that is served from here.
    ///
    /// # Errors
    /// It is of no version that is known, in words.
    fn convert(&self, _object: &mut Tree) -> Result<(), String> {
        Ok(())
    }
}

/// An object at one revision. It never changes; whoever has it shares it.
#[derive(Debug)]
pub struct Object {
    /// Its key in the store.
    pub key: Text,
    /// The revision that wrote it.
    pub revision: i64,
    /// What selectors see.
    pub index: Arc<Index>,
    /// As JSON of the stored version, with `resourceVersion`, without `apiVersion` and `kind`; it begins with `metadata`.
    body: Bytes,
    /// Where the metadata ends in it.
    metadata_end: u32,
    /// The same in protobuf, and as which type, once somebody asked for it.
    protobuf: OnceLock<Box<(&'static str, Bytes)>>,
    /// What those who show it made of it, once somebody asked for it.
    shown: OnceLock<Box<dyn Any + Send + Sync>>,
}

/// What is stored cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unable to decode {key}: {why}")]
pub struct Unreadable {
    /// Its key.
    pub key: String,
    /// Why.
    pub why: String,
}

impl Object {
    /// The object that stands under a key since a revision.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(key: &str, revision: i64, value: &[u8], reading: &dyn Reading) -> Result<Self, Unreadable> {
        let unreadable = |why: String| Unreadable {
            key: key.to_owned(),
            why,
        };
        let mut tree = tree::parse(value).map_err(|error| unreadable(error.to_string()))?.tree;
        if tree.as_map().is_none() {
            return Err(unreadable(format!("it is no object but of type {}", tree.type_name())));
        }
        reading.convert(&mut tree).map_err(unreadable)?;
        Ok(Self::of(key, revision, tree, reading))
    }

    /// The object that a tree is, as it stands under a key since a revision.
    pub fn of(key: &str, revision: i64, tree: Tree, reading: &dyn Reading) -> Self {
        Draft::new(tree, reading).at(key, revision)
    }

    /// The same object with another resource version: what was deleted is told with the revision that deleted it.
    #[must_use]
    pub fn at(&self, revision: i64) -> Self {
        let (old, new) = (self.revision.to_string(), revision.to_string());
        let mut body = Vec::with_capacity(self.body.len() + new.len());
        body.extend_from_slice(HEAD);
        body.extend_from_slice(new.as_bytes());
        body.extend_from_slice(&self.body[HEAD.len() + old.len()..]);
        Self {
            key: self.key.clone(),
            revision,
            index: self.index.clone(),
            body: body.into(),
            metadata_end: self.metadata_end + new.len() as u32 - old.len() as u32,
            protobuf: OnceLock::new(),
            shown: OnceLock::new(),
        }
    }

    /// As JSON without `apiVersion` and `kind`: an item of a list.
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// Its metadata as JSON.
    pub fn metadata(&self) -> &[u8] {
        let start = br#"{"metadata":"#.len();
        &self.body[start..self.metadata_end as usize]
    }

    /// As a tree without `apiVersion` and `kind`.
    pub fn tree(&self) -> Tree {
        match tree::parse(&self.body) {
            Ok(parsed) => parsed.tree,
            Err(_) => unreachable!("it was written from a tree"),
        }
    }

    /// As the protobuf message of a type, which is made once for all who ask: nearly all ask for the same.
    pub fn protobuf(&self, of: &'static str, make: impl Fn() -> Vec<u8>) -> Bytes {
        let made = self.protobuf.get_or_init(|| Box::new((of, make().into())));
        if made.0 == of { made.1.clone() } else { make().into() }
    }

    /// What a table shows of it, which is made once for all who ask; nothing where something of another type was kept.
    pub fn shown<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Option<&T> {
        self.shown.get_or_init(|| Box::new(make())).downcast_ref()
    }

    /// The bytes that it takes, roughly: what memory limits count. Protobuf, which may come later, has about half of
    /// what JSON has, and what a table shows has a few hundred.
    pub fn weight(&self) -> usize {
        let labels = self.index.labels.iter();
        let labels: usize = labels.map(|(key, value)| key.len() + value.weight()).sum();
        let fields = self.index.fields.iter();
        let fields: usize = fields.map(|field| size_of::<Text>() + field.len()).sum();
        size_of::<Self>() + size_of::<Index>() + self.key.len() + self.body.len() * 3 / 2 + SHOWN + labels + fields
    }
}

/// An object that has no revision yet. It is encoded once, for the store and for the cache.
pub(crate) struct Draft {
    index: Arc<Index>,
    /// What it is, as keys and values of JSON with a comma after each.
    types: Vec<u8>,
    /// The metadata's entries, a comma before each, and all that follows.
    rest: Vec<u8>,
    /// Where the metadata ends in that.
    metadata_end: usize,
}

impl Draft {
    /// Of a tree; a resource version in it is not kept.
    pub(crate) fn new(mut tree: Tree, reading: &dyn Reading) -> Self {
        let index = Index {
            namespace: meta::namespace(&tree).into(),
            name: meta::name(&tree).into(),
            labels: meta::labels(&tree).clone(),
            fields: reading.fields(&tree).into(),
        };
        let map = tree.make_map();
        let mut types = Vec::with_capacity(64);
        for key in ["apiVersion", "kind"] {
            if let Some(value) = map.remove(key) {
                tree::quoted(key, &mut types);
                types.push(b':');
                value.write_json(&mut types);
                types.push(b',');
            }
        }
        let mut metadata = map.remove("metadata").unwrap_or_default();
        metadata.remove("resourceVersion");
        let mut rest = Vec::with_capacity(1024);
        join(&mut rest, metadata.as_map());
        let metadata_end = rest.len();
        join(&mut rest, Some(map));
        Self {
            index: Arc::new(index),
            types,
            rest,
            metadata_end,
        }
    }

    /// What the store keeps: the same JSON, with fewer escapes. Its limit is one of bytes, and a page of HTML in a config map
    /// is not to have less room than other text.
    pub(crate) fn value(&self) -> Vec<u8> {
        const METADATA: &[u8] = br#""metadata":{"#;
        let rest = self.rest.strip_prefix(b",").unwrap_or(&self.rest);
        let mut value = Vec::with_capacity(1 + self.types.len() + METADATA.len() + rest.len());
        value.push(b'{');
        value.extend_from_slice(&self.types);
        value.extend_from_slice(METADATA);
        tree::bare(rest, &mut value);
        value
    }

    /// The same without managed fields.
    pub(crate) fn thin(&self, reading: &dyn Reading) -> Self {
        let mut tree = match tree::parse(&self.value()) {
            Ok(parsed) => parsed.tree,
            Err(_) => unreachable!("it was written from a tree"),
        };
        if let Some(metadata) = tree.get_mut("metadata") {
            metadata.remove("managedFields");
        }
        Self::new(tree, reading)
    }

    /// The object, as it stands under a key since a revision.
    pub(crate) fn at(&self, key: &str, revision: i64) -> Object {
        let revision_text = revision.to_string();
        let body = [HEAD, revision_text.as_bytes(), b"\"", &self.rest].concat();
        let metadata_end = body.len() - self.rest.len() + self.metadata_end;
        Object {
            key: key.into(),
            revision,
            index: self.index.clone(),
            body: body.into(),
            metadata_end: metadata_end as u32,
            protobuf: OnceLock::new(),
            shown: OnceLock::new(),
        }
    }
}

/// Goes on with the entries of a map in an object that has some already, and closes it.
fn join(out: &mut Vec<u8>, map: Option<&Map>) {
    for (key, value) in map.into_iter().flat_map(Map::iter) {
        out.push(b',');
        tree::quoted(key, out);
        out.push(b':');
        value.write_json(out);
    }
    out.push(b'}');
}

/// A change of one object.
#[derive(Debug)]
pub struct Change {
    /// What it is now; `None` where it is gone.
    pub now: Option<Arc<Object>>,
    /// What it was; `None` where it is new.
    pub before: Option<Arc<Object>>,
    /// The revision that changed it.
    pub revision: i64,
    /// As it was told last; nearly all who watch are told the same.
    told: OnceLock<Frame>,
    /// The same in protobuf.
    protobuf: OnceLock<Frame>,
}

impl Change {
    /// A change that nobody was told yet.
    pub const fn new(now: Option<Arc<Object>>, before: Option<Arc<Object>>, revision: i64) -> Self {
        Self {
            now,
            before,
            revision,
            told: OnceLock::new(),
            protobuf: OnceLock::new(),
        }
    }

    /// What those are told who see the object before or after it, or both.
    pub fn told(&self, sees: impl Fn(&Index) -> bool) -> Option<Told> {
        let sees = |object: &Option<Arc<Object>>| object.as_ref().is_some_and(|object| sees(&object.index));
        match (sees(&self.before), sees(&self.now)) {
            (false, true) => Some(Told::Added),
            (true, true) => Some(Told::Modified),
            (true, false) => Some(Told::Deleted),
            (false, false) => None,
        }
    }

    /// The object that is told of: what it is now, or the last of it that was seen, with the revision of the change.
    pub fn object(&self, told: Told) -> Option<Arc<Object>> {
        match told {
            Told::Added | Told::Modified => self.now.clone(),
            Told::Deleted => self.before.as_ref().map(|before| Arc::new(before.at(self.revision))),
        }
    }

    /// The frame that tells of it, encoded once for all who are told alike; `head` is what stands before the body's first
    /// key, as `"kind":"Pod","apiVersion":"v1"`.
    pub fn frame(&self, told: Told, head: &'static str) -> Bytes {
        let make = || Frame::new(told, head, self.object(told).as_deref());
        let frame = self.told.get_or_init(make);
        if frame.is(told, head) {
            frame.bytes().clone()
        } else {
            make().bytes().clone()
        }
    }

    /// The frame that tells of it in protobuf, as an object of a type; encoded once, too.
    pub fn protobuf_frame(&self, told: Told, of: &'static str, make: impl Fn(&Object) -> Vec<u8>) -> Bytes {
        let make = || {
            let bytes = self.object(told).map(|object| make(&object)).unwrap_or_default();
            Frame::other(told, of, bytes.into())
        };
        let frame = self.protobuf.get_or_init(make);
        if frame.is(told, of) {
            frame.bytes().clone()
        } else {
            make().bytes().clone()
        }
    }

    /// The bytes that keeping it costs beyond the objects that the cache keeps anyway: what it was, and the frames.
    pub fn weight(&self) -> usize {
        let before = self.before.as_ref().map_or(0, |object| object.weight());
        size_of::<Self>() + before + self.now.as_ref().map_or(0, |object| object.body.len() * 3 / 2)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use apiserver_api::tree::{Text, Tree, parse};

    use super::{Change, Draft, Object, Reading};
    use crate::frame::Told;

    pub(crate) struct Plain;

    impl Reading for Plain {
        fn fields(&self, object: &Tree) -> Vec<Text> {
            vec![object.at("spec").text("nodeName").into()]
        }
    }

    /// One whose kind is not told to clients twice.
    struct Untyped;

    impl Reading for Untyped {
        fn fields(&self, object: &Tree) -> Vec<Text> {
            Plain.fields(object)
        }

        fn convert(&self, object: &mut Tree) -> Result<(), String> {
            object.remove("apiVersion");
            Ok(())
        }
    }

    fn object(json: &str) -> Object {
        Object::of("/registry/x/a", 7, parse(json.as_bytes()).unwrap().tree, &Plain)
    }

    #[test]
    fn an_object_carries_the_revision_that_wrote_it() {
        let one = object(r#"{"apiVersion":"v1","a":1,"metadata":{"name":"a","namespace":"n","labels":{"l":"v"}}}"#);
        let text = r#"{"metadata":{"resourceVersion":"7","labels":{"l":"v"},"name":"a","namespace":"n"},"a":1}"#;
        assert_eq!(
            (one.body().as_ref(), &*one.index.name, &*one.index.namespace),
            (text.as_bytes(), "a", "n")
        );
        assert_eq!(one.metadata(), &text.as_bytes()[12..text.find(r#","a""#).unwrap()]);
        assert_eq!(one.index.labels.len(), 1);
        assert!(one.weight() > text.len());
        assert_eq!(one.tree().at("metadata").text("resourceVersion"), "7");
    }

    #[test]
    fn what_was_deleted_carries_the_revision_that_deleted_it() {
        // Somebody else's reference with the same version is not touched.
        let one = object(r#"{"involvedObject":{"resourceVersion":"7"},"metadata":{"name":"a"}}"#).at(12);
        let text = r#"{"metadata":{"resourceVersion":"12","name":"a"},"involvedObject":{"resourceVersion":"7"}}"#;
        assert_eq!(one.body(), text);
        assert_eq!(one.metadata(), br#"{"resourceVersion":"12","name":"a"}"#);
    }

    #[test]
    fn an_object_without_metadata_has_a_version_all_the_same() {
        assert_eq!(object("{}").body(), r#"{"metadata":{"resourceVersion":"7"}}"#);
    }

    #[test]
    fn what_is_stored_and_no_object_is_told_with_its_key() {
        let error = Object::read("/registry/x/a", 7, b"[]", &Plain).unwrap_err();
        assert_eq!(
            error.to_string(),
            "unable to decode /registry/x/a: it is no object but of type array"
        );
        assert!(Object::read("/registry/x/a", 7, b"k8s\0", &Plain).is_err());
    }

    #[test]
    fn letters_that_the_wire_escapes_are_stored_as_they_are() {
        let json = r#"{"apiVersion":"v1","metadata":{"name":"a"},"data":{"<k>":"<a b=\"c\\u003c\">&</a>"}}"#;
        let draft = Draft::new(parse(json.as_bytes()).unwrap().tree, &Plain);
        let stored = r#"{"apiVersion":"v1","metadata":{"name":"a"},"data":{"<k>":"<a b=\"c\\u003c\">&</a>"}}"#;
        assert_eq!(String::from_utf8(draft.value()).unwrap(), stored);
        // What was stored with escapes is read as well.
        let old = stored.replace('<', r"\u003c").replace('&', r"\u0026");
        let body = draft.at("/registry/x/a", 7).body().clone();
        assert!(body.ends_with(br#""\u003ca b=\"c\\u003c\"\u003e\u0026\u003c/a\u003e"}}"#));
        for value in [stored, &old] {
            let read = Object::read("/registry/x/a", 7, value.as_bytes(), &Untyped).unwrap();
            assert_eq!(read.body(), &body);
        }
    }

    #[test]
    fn a_thin_object_lacks_nothing_but_its_managed_fields() {
        let of = |json: &str| Draft::new(parse(json.as_bytes()).unwrap().tree, &Plain);
        let fat = of(
            r#"{"apiVersion":"v1","metadata":{"labels":{"l":"<"},"managedFields":[{}],"name":"a"},"spec":{"nodeName":"n"}}"#,
        );
        let thin = of(r#"{"apiVersion":"v1","metadata":{"labels":{"l":"<"},"name":"a"},"spec":{"nodeName":"n"}}"#);
        let made = fat.thin(&Plain);
        assert_eq!((made.value(), &made.index), (thin.value(), &thin.index));
    }

    #[test]
    fn protobuf_is_made_once_for_each_revision() {
        let (one, made) = (object(r#"{"metadata":{"name":"a"}}"#), std::cell::Cell::new(0_u8));
        let make = || {
            made.set(made.get() + 1);
            vec![made.get()]
        };
        let ask = |object: &Object, of: &'static str| object.protobuf(of, make).to_vec();
        assert_eq!((ask(&one, "v1.X"), ask(&one, "v1.X")), (vec![1], vec![1]));
        assert_eq!((ask(&one, "v2.X"), ask(&one, "v1.X")), (vec![2], vec![1]));
        assert_eq!(ask(&one.at(9), "v1.X"), [3]);
        let change = Change::new(Some(one.at(9).into()), Some(one.into()), 9);
        let frame = |told| change.protobuf_frame(told, "v1.X", |object| ask(object, "v1.X"));
        assert_eq!(frame(Told::Modified).as_ptr(), frame(Told::Modified).as_ptr());
        assert_eq!(
            (frame(Told::Modified).to_vec(), frame(Told::Added).to_vec()),
            (vec![4], vec![4])
        );
        assert_eq!(frame(Told::Deleted).to_vec(), [5]);
    }

    #[test]
    fn all_who_are_told_alike_share_a_frame() {
        let (before, now) = (
            object(r#"{"metadata":{"name":"a"}}"#),
            object(r#"{"metadata":{"name":"a"}}"#),
        );
        let change = Change::new(Some(now.at(9).into()), Some(before.into()), 9);
        let head = r#""kind":"X","apiVersion":"v1""#;
        let one = change.frame(Told::Modified, head);
        assert_eq!(one.as_ptr(), change.frame(Told::Modified, head).as_ptr());
        let text = r#"{"type":"MODIFIED","object":{"kind":"X","apiVersion":"v1","metadata":{"resourceVersion":"9","name":"a"}}}"#;
        assert_eq!(one, format!("{text}\n"));
        let deleted = change.frame(Told::Deleted, head);
        assert!(deleted.starts_with(br#"{"type":"DELETED""#) && deleted.ends_with(b"\n"));
    }
}
