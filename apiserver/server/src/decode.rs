//! What a client sent, made an object of the stored version: decoded as strictly as it asks for, typed, with its defaults.

use apiserver_api::go;
use apiserver_api::gvk::GroupVersionKind;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::{self, Tree};
use apiserver_api::yaml;
use apiserver_schema::{TypeId, built_in};
use bytes::Bytes;

use crate::catalog::Resource;
use crate::options::FieldValidation;
use crate::request::Call;
use crate::request::content::{self, Content, Document};

/// Where upstream's registry of a group's types stands, which its messages name.
fn scheme(group: &str) -> &'static str {
    match group {
        "apiextensions.k8s.io" => "pkg/apiserver/apiserver.go:55",
        "apiregistration.k8s.io" => "pkg/apiserver/scheme/scheme.go:28",
        _ => "pkg/api/legacyscheme/scheme.go:30",
    }
}

/// What is expected.
#[derive(Clone, Copy)]
pub(crate) struct Expected<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) served: Option<TypeId>,
}

/// Why a document is not taken.
pub(crate) struct Unfit {
    /// Group, version and kind as far as they are known.
    pub(crate) kind: Option<GroupVersionKind>,
    pub(crate) message: String,
}

/// A typed object, and what strict decoding says of it.
pub(crate) struct Typed {
    pub(crate) tree: Tree,
    pub(crate) strict: Vec<String>,
}

/// Reads the body of a request as an object of the served version.
///
/// # Errors
/// 400 in upstream's words, 415 where the content type is not understood.
pub(crate) fn body(
    call: &Call,
    expected: Expected<'_>,
    validation: FieldValidation,
    bytes: &Bytes,
) -> Result<Tree, Status> {
    let content = Content::of(call.header("content-type"))?;
    let typed = typed(content, expected, bytes).map_err(|unfit| refused(expected, &unfit, bytes))?;
    if typed.strict.is_empty() || validation == FieldValidation::Ignore {
        return Ok(typed.tree);
    }
    if validation == FieldValidation::Strict {
        let message = strict_error(content, &typed.strict);
        let kind = GroupVersionKind::of(expected.api_version, expected.kind);
        let unfit = Unfit {
            kind: Some(kind),
            message,
        };
        return Err(refused(expected, &unfit, bytes));
    }
    for text in typed.strict {
        call.warn(text);
    }
    Ok(typed.tree)
}

/// What strict decoding answers.
fn strict_error(content: Content, found: &[String]) -> String {
    match content {
        Content::Yaml if found.iter().any(|text| text.starts_with("line ")) => {
            format!("strict decoding error: {}", yaml::strict_error(found))
        }
        _ => format!("strict decoding error: {}", found.join(", ")),
    }
}

/// Reads a document as an object of the served version.
fn typed(content: Content, expected: Expected<'_>, bytes: &Bytes) -> Result<Typed, Unfit> {
    let unknown = |message| Unfit { kind: None, message };
    let document = content::parse(content, bytes).map_err(unknown)?;
    let kind = kind_of(&document.tree, expected).map_err(unknown)?;
    let wrong = |message| Unfit {
        kind: Some(kind.clone()),
        message,
    };
    if kind != GroupVersionKind::of(expected.api_version, expected.kind) {
        return Err(wrong(not_expected(&kind, expected)));
    }
    read(document, expected).map_err(wrong)
}

/// Checks a document by its type.
pub(crate) fn read(document: Document, expected: Expected<'_>) -> Result<Typed, String> {
    let Document {
        mut tree,
        json,
        mut duplicates,
    } = document;
    if let Some(id) = expected.served {
        let findings = built_in().read(id, &mut tree);
        let unknown = findings.unknown.iter();
        let unknown = unknown.map(|path| (path.clone(), format!("unknown field {}", go::quote(path))));
        let unknown: Vec<_> = unknown.collect();
        if let Some(mistake) = findings.mistake(&json) {
            return Err(mistake.message);
        }
        // Duplicates of YAML have no paths, and come first.
        duplicates.extend(unknown);
        if duplicates.iter().all(|(path, _)| !path.is_empty()) {
            tree::rank(&json, &mut duplicates, |(path, _)| path);
        }
    }
    let strict = duplicates.into_iter().map(|(_, text)| text).collect();
    Ok(Typed { tree, strict })
}

/// Group, version and kind of a document; what it does not say is what is expected.
fn kind_of(tree: &Tree, expected: Expected<'_>) -> Result<GroupVersionKind, String> {
    let text = |key: &str| match tree.at(key) {
        Tree::Null => Ok(""),
        Tree::Text(text) => Ok(text.as_str()),
        other => Err(format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go struct field .{key} of type string",
            other.type_name()
        )),
    };
    if tree.as_map().is_none() && !tree.is_null() {
        return Err(format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go value of type struct {{ APIVersion string \
             \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}",
            tree.type_name()
        ));
    }
    let (api_version, kind) = (text("apiVersion")?, text("kind")?);
    let or = |given: &'_ str, default: &'_ str| {
        if given.is_empty() {
            default.to_owned()
        } else {
            given.to_owned()
        }
    };
    Ok(GroupVersionKind::of(
        &or(api_version, expected.api_version),
        &or(kind, expected.kind),
    ))
}

/// What is said of an object of another kind than the one that is expected.
fn not_expected(kind: &GroupVersionKind, expected: Expected<'_>) -> String {
    let version = kind.group_version().to_string();
    if is_known(kind) {
        let wanted = GroupVersionKind::of(expected.api_version, expected.kind);
        return format!(
            "converting ({}.{}) to ({}.{}): unknown conversion",
            kind.version,
            kind.kind,
            package(&wanted.group),
            wanted.kind
        );
    }
    format!(
        "no kind {} is registered for version {} in scheme {}",
        go::quote(&kind.kind),
        go::quote(&version),
        go::quote(scheme(&GroupVersionKind::of(expected.api_version, expected.kind).group))
    )
}

/// Whether a group version has such a type: a kind, a list of it, or what all groups have.
fn is_known(kind: &GroupVersionKind) -> bool {
    let item = kind.kind.strip_suffix("List");
    let mut own = apiserver_kinds::all().filter(|known| known.group == kind.group);
    let is_common = matches!(
        kind.kind.as_str(),
        "List" | "Status" | "APIVersions" | "APIGroup" | "APIGroupList" | "APIResourceList"
    );
    (is_common && kind.group.is_empty())
        || own.any(|known| {
            let served = known.versions.iter().any(|one| one.name == kind.version);
            served && (known.kind == kind.kind || item == Some(known.kind))
        })
}

/// Go's package of a group's types inside the server.
pub(crate) fn package(group: &str) -> &str {
    match group.split('.').next().unwrap_or_default() {
        "" => "core",
        name => name,
    }
}

/// 400 for a body that is not taken (`transformDecodeError`).
pub(crate) fn refused(expected: Expected<'_>, unfit: &Unfit, bytes: &[u8]) -> Status {
    Status::bad_request(match &unfit.kind {
        Some(kind) if !kind.kind.is_empty() => format!(
            "{} in version {} cannot be handled as a {}: {}",
            kind.kind,
            go::quote(&kind.version),
            expected.kind,
            unfit.message
        ),
        _ => format!(
            "the object provided is unrecognized (must be of type {}): {} ({})",
            expected.kind,
            unfit.message,
            summary(bytes)
        ),
    })
}

/// What upstream shows of a body that it does not understand.
fn summary(bytes: &[u8]) -> String {
    const MOST: usize = 30;
    let cut = &bytes[..bytes.len().min(MOST)];
    let shown = match bytes.first() {
        None => return "<empty>".to_owned(),
        Some(b'{') => String::from_utf8_lossy(cut).into_owned(),
        Some(_) => cut.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    if bytes.len() > MOST {
        format!("{shown} ...")
    } else {
        shown
    }
}

impl Resource {
    /// What is expected of those who write it.
    pub(crate) fn expected(&self) -> Expected<'_> {
        Expected {
            api_version: &self.api_version,
            kind: self.kind.kind,
            served: self.served,
        }
    }

    /// Reads a body as an object of the stored version, with its defaults.
    ///
    /// # Errors
    /// 400 in upstream's words, 415 where the content type is not understood.
    pub(crate) fn decode(&self, call: &Call, validation: FieldValidation, bytes: &Bytes) -> Result<Tree, Status> {
        let mut object = body(call, self.expected(), validation, bytes)?;
        self.settle(&mut object);
        Ok(object)
    }

    /// Makes a typed object of the served version one of the stored version, with its defaults.
    pub(crate) fn settle(&self, object: &mut Tree) {
        if meta::api_version(object).is_empty() {
            meta::set_type(object, &self.api_version, self.kind.kind);
        }
        self.to_stored(object);
        self.kind.rules.default(object);
    }
}
