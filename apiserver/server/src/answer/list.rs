//! A list on the wire: its head, and its objects as they lie in the cache, be it as JSON or in protobuf.

use std::sync::Arc;

use apiserver_api::status::{Reason, Status};
use apiserver_api::tree::{self, Tree};
use apiserver_schema::protobuf;
use apiserver_storage::list::Page;
use apiserver_storage::object::Object;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};

use super::item::Item;
use super::{Answer, Tables, body, gzip, not_marshalable, order, status, table, tree};
use crate::catalog::Resource;
use crate::request::Call;
use crate::request::accept::{Form, Shape, Wanted};

/// What a list of metadata alone is. Upstream writes `null` for its items where there are none.
pub(super) const PARTIAL: &str = "PartialObjectMetadataList";
/// Bodies are sent in pieces of about this size.
const PIECE: usize = 128 * 1024;
/// After so many objects that may have to be encoded first, others get their turn.
const TURN: usize = 64;

/// A page of a list, in the version and form of the request.
pub(crate) async fn list(call: &Call, wanted: Wanted, resource: &Resource, page: Page) -> Answer {
    let is_plain = wanted.form == Form::Json && !wanted.pretty && !call.is_pretty();
    match wanted.shape {
        Shape::Whole if wanted.form == Form::Protobuf => {
            let (version, kind) = (&resource.api_version, resource.list_kind());
            match messages(&page, |object| resource.message(object)).await {
                Some(items) => messages_stream(call, version, &kind, &metadata(&page), items),
                None => status(call, &not_marshalable()),
            }
        }
        Shape::MetadataList(version) if wanted.form == Form::Protobuf => {
            let partial = |object: &Object| Some(protobuf::partial(&metadata_of(object)).into());
            let items = messages(&page, partial).await.unwrap_or_default();
            messages_stream(call, version, PARTIAL, &metadata(&page), items)
        }
        Shape::Whole => match resource.head() {
            Some(_) if is_plain => items(call, &resource.api_version, &resource.list_kind(), page, Item::Whole),
            _ => {
                let whole = whole(resource, page);
                tree(call, wanted, 200, &whole)
            }
        },
        Shape::MetadataList(version) if page.objects.is_empty() => tree(
            call,
            wanted,
            200,
            &with_items(version, PARTIAL, metadata(&page), Tree::Null),
        ),
        // What is kept of the metadata has all annotations.
        Shape::MetadataList(version) if is_plain && resource.kind.rules.field_annotations().is_empty() => {
            items(call, version, PARTIAL, page, Item::metadata(version))
        }
        Shape::MetadataList(version) => {
            let fields = resource.kind.rules.field_annotations();
            let items = page
                .objects
                .iter()
                .map(|object| body::metadata(version, &object.tree(), fields));
            let items: Vec<Tree> = items.collect();
            let list = with_items(version, PARTIAL, metadata(&page), items);
            tree(call, wanted, 200, &list)
        }
        Shape::Table(version) => match Tables::new(call, version) {
            Ok(tables) => tabled(call, wanted, resource, ranked(resource, page), version, tables),
            Err(refusal) => status(call, &refusal),
        },
        Shape::Metadata(_) => status(call, &no_list(resource)),
    }
}

/// 406 where a list is wanted as one object.
pub(super) fn no_list(resource: &Resource) -> Status {
    let message = format!(
        "you requested PartialObjectMetadata, but the requested object is a list (*{}List)",
        resource.go_type()
    );
    Status::new(406, Reason::NotAcceptable, message)
}

/// A page as tables show it: by ranks, and by names within one.
fn ranked(resource: &Resource, mut page: Page) -> Page {
    if let Some(rank) = resource.kind.rules.rank() {
        page.objects.sort_by_cached_key(|object| rank(&object.tree()));
    }
    page
}

/// A page as a table of a version.
fn tabled(call: &Call, wanted: Wanted, resource: &Resource, page: Page, version: &str, mut tables: Tables) -> Answer {
    let is_plain = wanted.form == Form::Json && !wanted.pretty && !call.is_pretty();
    if let (true, Some(rows)) = (is_plain, tables.rows(resource)) {
        let mut head = head("Table", version, &page);
        head.extend_from_slice(br#","columnDefinitions":"#);
        table::columns(resource.kind.columns).write_json_in(&order::COLUMNS, &mut head);
        head.extend_from_slice(br#","rows":["#);
        return stream(call, head, page, rows);
    }
    let objects = page.objects.iter().map(|object| served(resource, object));
    let mut table = tables.all(resource, objects);
    table.set("metadata", metadata(&page));
    tree(call, wanted, 200, &table)
}

fn served(resource: &Resource, object: &Object) -> Tree {
    let mut tree = resource.typed(object.tree());
    resource.to_served(&mut tree);
    tree
}

/// The metadata of a list.
fn metadata(page: &Page) -> Tree {
    let mut metadata = Tree::map();
    metadata.set("resourceVersion", page.revision.to_string());
    if let Some(next) = &page.next {
        metadata.set("continue", next.encode());
    }
    if let Some(remaining) = page.remaining {
        metadata.set("remainingItemCount", remaining);
    }
    metadata
}

/// A list of objects that are trees.
pub(super) fn with_items(version: &str, kind: &str, metadata: Tree, items: impl Into<Tree>) -> Tree {
    let mut list = Tree::map();
    list.set("kind", kind);
    list.set("apiVersion", version);
    list.set("metadata", metadata);
    list.set("items", items);
    list
}

/// A list whose items cannot be sent as they lie.
fn whole(resource: &Resource, page: Page) -> Tree {
    let items = page.objects.iter().map(|object| {
        let mut item = served(resource, object);
        // Items of a list do not say what they are.
        item.remove("apiVersion");
        item.remove("kind");
        item
    });
    let items: Vec<Tree> = items.collect();
    with_items(&resource.api_version, &resource.list_kind(), metadata(&page), items)
}

/// What stands at the beginning of a list or table, up to its metadata.
fn head(kind: &str, version: &str, page: &Page) -> Vec<u8> {
    let mut head = Vec::with_capacity(256);
    head.extend_from_slice(br#"{"kind":"#);
    tree::quoted(kind, &mut head);
    head.extend_from_slice(br#","apiVersion":"#);
    tree::quoted(version, &mut head);
    head.extend_from_slice(br#","metadata":"#);
    metadata(page).write_json(&mut head);
    head
}

/// A list whose items are written while it is sent.
fn items(call: &Call, version: &str, kind: &str, page: Page, item: Item) -> Answer {
    let mut head = head(kind, version, &page);
    head.extend_from_slice(br#","items":["#);
    stream(call, head, page, item)
}

/// What is written of objects while it is sent: nothing of it is held but what is on its way.
fn stream(call: &Call, head: Vec<u8>, page: Page, item: Item) -> Answer {
    let total: usize = page.objects.iter().map(|object| item.size(object)).sum();
    let items = Json {
        objects: page.objects.into_iter(),
        item,
        first: true,
    };
    send(call, Form::Json, head, items, total)
}

/// A list in protobuf. Its length stands at its beginning, so that all of its items are encoded by now.
pub(super) fn messages_stream(call: &Call, version: &str, kind: &str, metadata: &Tree, items: Vec<Bytes>) -> Answer {
    let own = protobuf::list_metadata(metadata);
    let head = protobuf::list_head(version, kind, &own, items.iter().map(Bytes::len));
    let total = items.iter().map(Bytes::len).sum();
    send(call, Form::Protobuf, head, items.into_iter(), total)
}

/// The messages of the objects of a page; nothing where they have no form in protobuf.
async fn messages(page: &Page, of: impl Fn(&Object) -> Option<Bytes>) -> Option<Vec<Bytes>> {
    let mut all = Vec::with_capacity(page.objects.len());
    for (at, object) in page.objects.iter().enumerate() {
        if at % TURN == TURN - 1 {
            tokio::task::yield_now().await;
        }
        all.push(of(object)?);
    }
    Some(all)
}

/// The metadata of an object, of which no more is read.
fn metadata_of(object: &Object) -> Tree {
    tree::parse(object.metadata())
        .map(|parsed| parsed.tree)
        .unwrap_or_default()
}

/// The items of a list as they are written.
trait Items: Send + 'static {
    /// Writes the next item, if there is one, and says whether there was.
    fn write(&mut self, out: &mut BytesMut) -> bool;

    /// What ends the list.
    const TAIL: &'static [u8];
}

struct Json {
    objects: std::vec::IntoIter<Arc<Object>>,
    item: Item,
    first: bool,
}

impl Items for Json {
    const TAIL: &'static [u8] = b"]}\n";

    fn write(&mut self, out: &mut BytesMut) -> bool {
        let Some(object) = self.objects.next() else {
            return false;
        };
        if !std::mem::take(&mut self.first) {
            out.extend_from_slice(b",");
        }
        self.item.write(&object, out);
        true
    }
}

impl Items for std::vec::IntoIter<Bytes> {
    const TAIL: &'static [u8] = protobuf::LIST_TAIL;

    fn write(&mut self, out: &mut BytesMut) -> bool {
        let Some(message) = self.next() else { return false };
        let mut head = Vec::with_capacity(8);
        protobuf::item_head(message.len(), &mut head);
        out.extend_from_slice(&head);
        out.extend_from_slice(&message);
        true
    }
}

/// Sends a list of items of so many bytes.
fn send(call: &Call, form: Form, head: Vec<u8>, items: impl Items, total: usize) -> Answer {
    let pack = total >= gzip::THRESHOLD && gzip::is_read_by(call);
    let pieces = Pieces {
        head: Some(head),
        items,
        packer: pack.then(gzip::Packer::new),
        ended: false,
    };
    let mut answer = Response::new(Body::from_stream(futures_util::stream::iter(
        pieces.map(Ok::<_, std::convert::Infallible>),
    )));
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(form.media_type()));
    if pack {
        gzip::mark(answer.headers_mut());
    }
    answer
}

struct Pieces<I> {
    head: Option<Vec<u8>>,
    items: I,
    packer: Option<gzip::Packer>,
    ended: bool,
}

impl<I: Items> Iterator for Pieces<I> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        loop {
            let piece = self.piece();
            let Some(packer) = &mut self.packer else {
                return Some(piece);
            };
            let packed = packer.pack(&piece);
            if self.ended {
                let rest = self.packer.take().map(gzip::Packer::end).unwrap_or_default();
                return Some([packed, rest].concat().into());
            }
            if !packed.is_empty() {
                return Some(packed);
            }
        }
    }
}

impl<I: Items> Pieces<I> {
    /// The next objects, or the end.
    fn piece(&mut self) -> Bytes {
        let mut out = BytesMut::with_capacity(PIECE / 8);
        if let Some(head) = self.head.take() {
            out.extend_from_slice(&head);
        }
        while self.items.write(&mut out) {
            if out.len() >= PIECE {
                return out.freeze();
            }
        }
        self.ended = true;
        out.extend_from_slice(I::TAIL);
        out.freeze()
    }
}

#[cfg(test)]
mod tests {
    use apiserver_storage::list::Page;
    use http_body_util::BodyExt;

    use super::{list, ranked};
    use crate::answer::samples;
    use crate::catalog::Catalog;
    use crate::discovery::Served;
    use crate::request::accept::{Shape, Wanted};
    use crate::request::tests::call;

    #[tokio::test]
    async fn a_list_of_metadata_alone_has_no_items_rather_than_none() {
        let catalog = Catalog::new(&Served::default(), |_| None);
        let pods = catalog.find("", "v1", "pods").unwrap();
        for (shape, items) in [(Shape::MetadataList("meta.k8s.io/v1"), "null"), (Shape::Whole, "[]")] {
            let page = Page {
                revision: 9,
                objects: Vec::new(),
                next: None,
                remaining: None,
            };
            let wanted = Wanted { shape, ..Wanted::PLAIN };
            let answer = list(&call("GET", "/"), wanted, pods, page).await;
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            let body = String::from_utf8(body.to_vec()).unwrap();
            let end = format!(r#""metadata":{{"resourceVersion":"9"}},"items":{items}}}"#);
            assert!(
                body.starts_with(r#"{"kind":""#) && body.trim_end().ends_with(&end),
                "{body}"
            );
        }
    }

    #[test]
    fn tables_show_what_has_ranks_by_rank_and_then_by_name() {
        let catalog = Catalog::new(&Served::default(), |_| None);
        let object = |(name, rank): (&str, i64)| {
            let json = format!(r#"{{"metadata":{{"name":"{name}"}},"spec":{{"matchingPrecedence":{rank}}}}}"#);
            samples::object(&json).into()
        };
        let shown = |group: &str, plural: &str| {
            let page = Page {
                revision: 9,
                objects: [("a", 9), ("b", 1), ("c", 9), ("d", 1)].map(object).into(),
                next: None,
                remaining: None,
            };
            let page = ranked(catalog.find(group, "v1", plural).unwrap(), page);
            let names = page.objects.iter().map(|object| object.index.name.to_string());
            names.collect::<String>()
        };
        assert_eq!(shown("flowcontrol.apiserver.k8s.io", "flowschemas"), "bdac");
        assert_eq!(
            shown("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations"),
            "abcd"
        );
    }
}
