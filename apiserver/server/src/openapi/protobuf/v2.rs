//! The messages of gnostic's `openapi.v2`, as far as our documents have them.

use apiserver_api::tree::Tree;

use super::encode::Form::{Any, Each, Either, Flag, One, Text, Within};
use super::encode::{Form, Message};

const fn plain(fields: &'static [(&'static str, u32, Form)]) -> Message {
    Message {
        fields,
        extensions: 0,
        others: None,
    }
}

const fn named(others: (u32, Form)) -> Message {
    Message {
        fields: &[],
        extensions: 0,
        others: Some(others),
    }
}

pub(super) static DOCUMENT: Message = Message {
    fields: &[
        ("swagger", 1, Text),
        ("info", 2, One(&INFO)),
        ("paths", 8, One(&PATHS)),
        ("definitions", 9, One(&SCHEMAS)),
        ("parameters", 10, One(&PARAMETERS)),
        ("security", 12, Each(&One(&SECURITY))),
        ("securityDefinitions", 13, One(&SECURITY_DEFINITIONS)),
    ],
    extensions: 16,
    others: None,
};

static INFO: Message = plain(&[("title", 1, Text), ("version", 2, Text), ("description", 3, Text)]);

static PATHS: Message = Message {
    fields: &[],
    extensions: 1,
    others: Some((2, One(&PATH_ITEM))),
};

static PATH_ITEM: Message = Message {
    fields: &[
        ("get", 2, One(&OPERATION)),
        ("put", 3, One(&OPERATION)),
        ("post", 4, One(&OPERATION)),
        ("delete", 5, One(&OPERATION)),
        ("options", 6, One(&OPERATION)),
        ("head", 7, One(&OPERATION)),
        ("patch", 8, One(&OPERATION)),
        ("parameters", 9, Each(&Either(parameter))),
    ],
    extensions: 10,
    others: None,
};

static OPERATION: Message = Message {
    fields: &[
        ("tags", 1, Each(&Text)),
        ("description", 3, Text),
        ("operationId", 5, Text),
        ("produces", 6, Each(&Text)),
        ("consumes", 7, Each(&Text)),
        ("parameters", 8, Each(&Either(parameter))),
        ("responses", 9, One(&RESPONSES)),
        ("schemes", 10, Each(&Text)),
    ],
    extensions: 13,
    others: None,
};

static RESPONSES: Message = named((1, Within(1, &One(&RESPONSE))));
static RESPONSE: Message = plain(&[("description", 1, Text), ("schema", 2, Within(1, &One(&SCHEMA)))]);

/// A parameter of an operation: a reference, or the messages around a parameter of the body, the query or the path.
fn parameter(tree: &Tree) -> (&'static [u32], &'static Message) {
    if tree.has("$ref") {
        return (&[2], &REFERENCE);
    }
    match tree.text("in") {
        "body" => (&[1, 1], &BODY),
        "path" => (&[1, 2, 4], &IN_PATH),
        _ => (&[1, 2, 3], &IN_QUERY),
    }
}

/// A parameter that many share: the same without the choice of a reference.
fn shared(tree: &Tree) -> (&'static [u32], &'static Message) {
    let (around, message) = parameter(tree);
    (&around[1..], message)
}

static PARAMETERS: Message = named((1, Either(shared)));
static REFERENCE: Message = plain(&[("$ref", 1, Text), ("description", 2, Text)]);
static BODY: Message = plain(&[
    ("description", 1, Text),
    ("name", 2, Text),
    ("in", 3, Text),
    ("required", 4, Flag),
    ("schema", 5, One(&SCHEMA)),
]);
static IN_PATH: Message = plain(&[
    ("required", 1, Flag),
    ("in", 2, Text),
    ("description", 3, Text),
    ("name", 4, Text),
    ("type", 5, Text),
    ("format", 6, Text),
    ("uniqueItems", 19, Flag),
]);
static IN_QUERY: Message = plain(&[
    ("required", 1, Flag),
    ("in", 2, Text),
    ("description", 3, Text),
    ("name", 4, Text),
    ("type", 6, Text),
    ("format", 7, Text),
    ("uniqueItems", 20, Flag),
]);

static SCHEMAS: Message = named((1, One(&SCHEMA)));
static SCHEMA: Message = Message {
    fields: &[
        ("$ref", 1, Text),
        ("format", 2, Text),
        ("description", 4, Text),
        ("default", 5, Any),
        ("required", 19, Each(&Text)),
        ("enum", 20, Each(&Any)),
        ("additionalProperties", 21, Within(1, &One(&SCHEMA))),
        ("type", 22, Within(1, &Text)),
        ("items", 23, Within(1, &One(&SCHEMA))),
        ("properties", 25, One(&SCHEMAS)),
    ],
    extensions: 31,
    others: None,
};

static SECURITY: Message = named((1, Within(1, &Each(&Text))));
static SECURITY_DEFINITIONS: Message = named((1, Within(2, &One(&API_KEY))));
static API_KEY: Message = plain(&[
    ("type", 1, Text),
    ("name", 2, Text),
    ("in", 3, Text),
    ("description", 4, Text),
]);
