//! The messages of gnostic's `openapi.v3`, as far as our documents have them.

use apiserver_api::tree::Tree;

use super::encode::Form::{Any, Each, Either, Flag, One, Scalar, Text, Within};
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
        ("openapi", 1, Text),
        ("info", 2, One(&INFO)),
        ("paths", 4, One(&PATHS)),
        ("components", 5, One(&COMPONENTS)),
    ],
    extensions: 9,
    others: None,
};

static INFO: Message = plain(&[("title", 1, Text), ("description", 2, Text), ("version", 6, Text)]);

static PATHS: Message = Message {
    fields: &[],
    extensions: 2,
    others: Some((1, One(&PATH_ITEM))),
};

static PATH_ITEM: Message = Message {
    fields: &[
        ("get", 4, One(&OPERATION)),
        ("put", 5, One(&OPERATION)),
        ("post", 6, One(&OPERATION)),
        ("delete", 7, One(&OPERATION)),
        ("options", 8, One(&OPERATION)),
        ("head", 9, One(&OPERATION)),
        ("patch", 10, One(&OPERATION)),
        ("parameters", 13, Each(&Within(1, &One(&PARAMETER)))),
    ],
    extensions: 14,
    others: None,
};

static OPERATION: Message = Message {
    fields: &[
        ("tags", 1, Each(&Text)),
        ("description", 3, Text),
        ("operationId", 5, Text),
        ("parameters", 6, Each(&Within(1, &One(&PARAMETER)))),
        ("requestBody", 7, Within(1, &One(&REQUEST_BODY))),
        ("responses", 8, One(&RESPONSES)),
    ],
    extensions: 13,
    others: None,
};

static PARAMETER: Message = plain(&[
    ("name", 1, Text),
    ("in", 2, Text),
    ("description", 3, Text),
    ("required", 4, Flag),
    ("schema", 10, Either(schema)),
]);
static REQUEST_BODY: Message = plain(&[("content", 2, One(&MEDIA_TYPES)), ("required", 3, Flag)]);
static RESPONSES: Message = named((2, Within(1, &One(&RESPONSE))));
static RESPONSE: Message = plain(&[("description", 1, Text), ("content", 3, One(&MEDIA_TYPES))]);
static MEDIA_TYPES: Message = named((1, One(&MEDIA_TYPE)));
static MEDIA_TYPE: Message = plain(&[("schema", 1, Either(schema))]);

static COMPONENTS: Message = plain(&[
    ("schemas", 1, One(&SCHEMAS)),
    ("securitySchemes", 7, One(&SECURITY_SCHEMES)),
]);
static SECURITY_SCHEMES: Message = named((1, Within(1, &One(&SECURITY_SCHEME))));
static SECURITY_SCHEME: Message = plain(&[
    ("type", 1, Text),
    ("description", 2, Text),
    ("name", 3, Text),
    ("in", 4, Text),
]);

/// A schema or a reference to one.
fn schema(tree: &Tree) -> (&'static [u32], &'static Message) {
    if tree.has("$ref") {
        (&[2], &REFERENCE)
    } else {
        (&[1], &SCHEMA)
    }
}

static REFERENCE: Message = plain(&[("$ref", 1, Text), ("description", 3, Text)]);
static SCHEMAS: Message = named((1, Either(schema)));
static SCHEMA: Message = Message {
    fields: &[
        ("uniqueItems", 20, Flag),
        ("required", 23, Each(&Text)),
        ("enum", 24, Each(&Any)),
        ("type", 25, Text),
        ("allOf", 26, Each(&Either(schema))),
        ("oneOf", 27, Each(&Either(schema))),
        ("items", 30, Within(1, &Either(schema))),
        ("properties", 31, One(&SCHEMAS)),
        ("additionalProperties", 32, Within(1, &Either(schema))),
        ("default", 33, Scalar),
        ("description", 34, Text),
        ("format", 35, Text),
    ],
    extensions: 36,
    others: None,
};
