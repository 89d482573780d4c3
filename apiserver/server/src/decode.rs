//! What a client sent, made an object of the stored version: decoded as strictly as it asks for, typed, with its defaults.

use std::fmt::Write;

use apiserver_api::go;
use apiserver_api::gvk::{GroupVersion, GroupVersionKind};
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::{self, Tree};
use apiserver_api::yaml;
use apiserver_kinds::Rules;
use apiserver_schema::{TypeId, built_in};
use bytes::Bytes;

use crate::catalog::Resource;
use crate::options::FieldValidation;
use crate::request::Call;
use crate::request::content::{self, Content, Document, Unread};

/// Where upstream's registry of a group's types stands, which its messages name.
pub(crate) fn scheme(group: &str) -> &'static str {
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
    /// The rules of the kind, where it is one.
    pub(crate) rules: Option<&'a dyn Rules>,
}

impl Expected<'_> {
    /// Why an object that was read by its type cannot be read all the same.
    pub(crate) fn unreadable(&self, object: &Tree) -> Option<String> {
        self.rules?.unreadable(object)
    }
}

/// Why a document is not taken.
enum Unfit {
    /// Not even what it is is known.
    Unknown(String),
    /// It is of this kind, and not taken.
    Of(GroupVersionKind, String),
    /// It is of the right kind in another version.
    Version(GroupVersionKind),
}

impl From<Unread> for Unfit {
    fn from(unread: Unread) -> Self {
        match unread.kind {
            Some(kind) => Self::Of(kind, unread.message),
            None => Self::Unknown(unread.message),
        }
    }
}

/// Why a document is not of the kind that is expected.
enum Misfit {
    Version,
    Other(String),
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
        return Err(refused(expected, &Unfit::Of(kind, message), bytes));
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
    let document = content::parse(content, bytes, expected)?;
    let kind = kind_of(&document.tree, expected).map_err(Unfit::Unknown)?;
    if kind.version.is_empty() {
        let message = format!("Object 'apiVersion' is missing in '{}'", String::from_utf8_lossy(bytes));
        return Err(Unfit::Of(kind, message));
    }
    match fits(&document, &kind, expected) {
        Ok(()) => read(document, expected).map_err(|message| Unfit::Of(kind, message)),
        Err(Misfit::Version) => Err(Unfit::Version(kind)),
        Err(Misfit::Other(message)) => Err(Unfit::Of(kind, message)),
    }
}

/// Checks that a document is of the kind that is expected, in whichever version.
///
/// # Errors
/// What the decoder says.
pub(crate) fn check_kind(document: &Document, expected: Expected<'_>) -> Result<(), String> {
    let kind = kind_of(&document.tree, expected)?;
    match fits(document, &kind, expected) {
        Ok(()) | Err(Misfit::Version) => Ok(()),
        Err(Misfit::Other(message)) => Err(message),
    }
}

/// Checks that a document is of the kind that is expected. One that is not is read by its own type first: upstream finds out
/// only then that it is the wrong one.
fn fits(document: &Document, kind: &GroupVersionKind, expected: Expected<'_>) -> Result<(), Misfit> {
    let wanted = GroupVersionKind::of(expected.api_version, expected.kind);
    if *kind == wanted {
        return Ok(());
    }
    let own = type_of(kind);
    let mistake = own.and_then(|id| built_in().read(id, &mut document.tree.clone()).mistake(&document.json));
    Err(match mistake {
        Some(mistake) => Misfit::Other(mistake.message),
        None if own.is_some() && kind.group == wanted.group && kind.kind == wanted.kind => Misfit::Version,
        None => Misfit::Other(not_expected(kind, expected)),
    })
}

/// Checks a document by its type.
pub(crate) fn read(document: Document, expected: Expected<'_>) -> Result<Typed, String> {
    let Document {
        mut tree,
        json,
        mut duplicates,
    } = document;
    if let Some(id) = expected.served {
        let mut findings = built_in().read(id, &mut tree);
        let unknown = std::mem::take(&mut findings.unknown);
        if let Some(mistake) = findings.mistake(&json) {
            return Err(mistake.message);
        }
        if let Some(why) = expected.unreadable(&tree) {
            return Err(why);
        }
        // Duplicates of YAML have no paths, and come first.
        let told = |path: String| (format!("unknown field {}", go::quote(&path)), path);
        duplicates.extend(unknown.into_iter().map(told).map(|(text, path)| (path, text)));
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
    let given = GroupVersion::parse(api_version).map_err(|error| error.to_string())?;
    let wanted = GroupVersionKind::of(expected.api_version, expected.kind);
    let kind = if kind.is_empty() { expected.kind } else { kind };
    // A group without a version is as good as the whole where it is the right one.
    let is_open = given.version.is_empty() && (given.group.is_empty() || given.group == wanted.group);
    Ok(if is_open {
        wanted.group_version().kind(kind)
    } else {
        given.kind(kind)
    })
}

/// What is said of an object of another kind than the one that is expected.
fn not_expected(kind: &GroupVersionKind, expected: Expected<'_>) -> String {
    let version = kind.group_version().to_string();
    if is_known(kind) {
        let wanted = GroupVersionKind::of(expected.api_version, expected.kind);
        return format!(
            "converting ({}.{}) to ({}.{}): unknown conversion",
            // Where options are registered with other groups, they are of this version all the same.
            if is_option(kind) { "v1" } else { &kind.version },
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
    let is_common = matches!(
        kind.kind.as_str(),
        "List" | "Status" | "APIVersions" | "APIGroup" | "APIGroupList" | "APIResourceList"
    );
    let item = kind.kind.strip_suffix("List");
    (is_common && kind.group.is_empty())
        || is_option(kind)
        || type_of(kind).is_some()
        || item.is_some_and(|item| type_of(&GroupVersionKind::new(&kind.group, &kind.version, item)).is_some())
}

/// Whether this is what requests and events have beside objects, which is registered with each group version.
fn is_option(kind: &GroupVersionKind) -> bool {
    let of_group = |known: &&apiserver_kinds::Kind| known.group == kind.group;
    matches!(
        kind.kind.as_str(),
        "ListOptions"
            | "GetOptions"
            | "DeleteOptions"
            | "CreateOptions"
            | "UpdateOptions"
            | "PatchOptions"
            | "WatchEvent"
    ) && apiserver_kinds::all()
        .filter(of_group)
        .any(|known| known.versions.iter().any(|version| version.name == kind.version))
}

/// The type of a kind: of one that is a resource, or of one that is only spoken somewhere.
pub(crate) fn type_of(kind: &GroupVersionKind) -> Option<TypeId> {
    let mut own = apiserver_kinds::all().filter(|known| known.group == kind.group && known.kind == kind.kind);
    let served = own.find_map(|known| known.versions.iter().find(|one| one.name == kind.version));
    if let Some(version) = served {
        return built_in().named(version.schema);
    }
    // Types that are not spoken anywhere are parts of others.
    let mut spoken = apiserver_kinds::all()
        .flat_map(|known| known.subresources)
        .filter_map(|part| part.speaks);
    spoken.find(|(group, _, name)| *group == kind.group && *name == kind.kind)?;
    let name = format!("io.k8s.api.{}.{}.{}", package(&kind.group), kind.version, kind.kind);
    built_in().named(&name)
}

/// Go's package of a group's types inside the server.
pub(crate) fn package(group: &str) -> &str {
    match group.split('.').next().unwrap_or_default() {
        "" => "core",
        name => name,
    }
}

/// 400 for a body that is not taken (`transformDecodeError`).
fn refused(expected: Expected<'_>, unfit: &Unfit, bytes: &[u8]) -> Status {
    Status::bad_request(match unfit {
        Unfit::Version(kind) => format!(
            "the API version in the data ({}) does not match the expected API version ({})",
            kind.group_version(),
            expected.api_version
        ),
        Unfit::Of(kind, message) if !kind.kind.is_empty() => format!(
            "{} in version {} cannot be handled as a {}: {message}",
            kind.kind,
            go::quote(&kind.version),
            expected.kind,
        ),
        Unfit::Of(_, message) | Unfit::Unknown(message) => format!(
            "the object provided is unrecognized (must be of type {}): {message} ({})",
            expected.kind,
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
        Some(_) => cut.iter().fold(String::new(), |mut shown, byte| {
            // Writing to a string does not fail.
            let _ = write!(shown, "{byte:02x}");
            shown
        }),
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
            rules: Some(self.kind.rules),
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

#[cfg(test)]
mod tests {
    use apiserver_schema::built_in;

    use super::{Expected, body};
    use crate::options::FieldValidation;
    use crate::request::tests::call;

    const CONFIG_MAP: Expected<'static> = Expected {
        api_version: "v1",
        kind: "ConfigMap",
        served: None,
        rules: None,
    };

    fn refused(expected: Expected<'_>, text: &'static str) -> Option<String> {
        let call = call("POST", "/");
        let read = body(&call, expected, FieldValidation::Ignore, &text.into());
        read.err().map(|status| status.message)
    }

    #[test]
    fn a_version_that_is_none_or_half_of_one_is_told() {
        let deployment = Expected {
            api_version: "apps/v1",
            kind: "Deployment",
            served: built_in().named("io.k8s.api.apps.v1.Deployment"),
            rules: None,
        };
        let config_map = |text| refused(CONFIG_MAP, text);
        assert_eq!(
            config_map(r#"{"apiVersion":"a/b/c","kind":"ConfigMap"}"#).unwrap(),
            "the object provided is unrecognized (must be of type ConfigMap): unexpected GroupVersion string: a/b/c \
             ({\"apiVersion\":\"a/b/c\",\"kind\":\" ...)"
        );
        assert_eq!(
            config_map(r#"{"apiVersion":"apps/","kind":"ConfigMap"}"#).unwrap(),
            "ConfigMap in version \"\" cannot be handled as a ConfigMap: Object 'apiVersion' is missing in \
             '{\"apiVersion\":\"apps/\",\"kind\":\"ConfigMap\"}'"
        );
        assert_eq!(config_map(r#"{"apiVersion":"/","kind":"ConfigMap"}"#), None);
        assert_eq!(
            refused(deployment, r#"{"apiVersion":"apps/","kind":"Deployment"}"#),
            None
        );
    }

    #[test]
    fn options_are_known_with_each_group_version_and_are_no_objects() {
        for version in ["v1", "apps/v1"] {
            let text = format!(r#"{{"apiVersion":"{version}","kind":"DeleteOptions"}}"#);
            let told = refused(CONFIG_MAP, Box::leak(text.into_boxed_str())).unwrap();
            let end = "converting (v1.DeleteOptions) to (core.ConfigMap): unknown conversion";
            assert!(told.ends_with(end), "{told}");
        }
        let told = refused(CONFIG_MAP, r#"{"apiVersion":"nope/v1","kind":"DeleteOptions"}"#).unwrap();
        assert!(told.contains("no kind \"DeleteOptions\" is registered"), "{told}");
    }
}
