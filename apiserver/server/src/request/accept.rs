//! In which form an answer is wanted: the `Accept` header, as upstream negotiates it.

mod clauses;

use apiserver_api::status::{Reason, Status};

pub(crate) use self::clauses::{Clause, clauses};

/// What bytes an answer is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Yaml,
    Protobuf,
}

impl Form {
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Yaml => "application/yaml",
            Self::Protobuf => "application/vnd.kubernetes.protobuf",
        }
    }

    /// What a watch is called whose events are written so.
    pub(crate) const fn stream_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/vnd.kubernetes.protobuf;stream=watch",
            Self::Json | Self::Yaml => self.media_type(),
        }
    }
}

/// What is made of an object before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Nothing.
    Whole,
    /// A row of a table, of this version of `meta.k8s.io`.
    Table(&'static str),
    /// Its metadata alone.
    Metadata(&'static str),
    /// The metadata of a list's items.
    MetadataList(&'static str),
}

/// What a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) form: Form,
    pub(crate) shape: Shape,
    /// `stream=watch` was said of the type.
    pub(crate) is_stream: bool,
    pub(crate) pretty: bool,
}

impl Wanted {
    /// JSON of the object as it is.
    pub(crate) const PLAIN: Self = Self {
        form: Form::Json,
        shape: Shape::Whole,
        is_stream: false,
        pretty: false,
    };
}

/// What objects are written in.
const OBJECTS: [&str; 3] = [
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
];
const ACCEPTED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
const STREAMS: &str = "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";

/// Whether any of these types is asked for at all, which upstream's router asks before anything else: by their names, or by
/// `*/*`, but not by `application/*`.
fn is_routed(header: &str, types: &[&str]) -> bool {
    header.is_empty()
        || header.split(',').any(|part| {
            // Only spaces are around a type, not tabs.
            let plain = part.split(';').next().unwrap_or_default().trim_matches(' ');
            plain == "*/*" || types.contains(&plain)
        })
}

/// What a client wants of an object or a list; `watch` where events can be asked for there.
///
/// # Errors
/// 406 where nothing that it accepts can be had.
pub(crate) fn negotiate(header: &str, watch: bool) -> Result<Wanted, Status> {
    let streams = [
        "application/json;stream=watch",
        "application/vnd.kubernetes.protobuf;stream=watch",
    ];
    let mut types = OBJECTS.to_vec();
    if watch {
        types.extend(streams);
    }
    negotiate_among(header, &types)
}

/// The same for a log, which is a text: upstream's router knows that, and yet refuses who accepts nothing but text.
///
/// # Errors
/// 406 where the client accepts nothing that an object could be had in.
pub(crate) fn negotiate_log(header: &str) -> Result<Wanted, Status> {
    let [json, yaml, protobuf] = OBJECTS;
    negotiate_among(header, &["text/plain", json, yaml, protobuf])
}

/// The same for what is answered and not kept, of which there are no tables.
///
/// # Errors
/// 406 where nothing that it accepts can be had.
pub(crate) fn negotiate_untabled(header: &str) -> Result<Wanted, Status> {
    if !is_routed(header, &OBJECTS) {
        return Err(not_routed(&OBJECTS));
    }
    first(header, |_, wanted| !matches!(wanted.shape, Shape::Table(_)))
}

/// What a client wants of a document of which nothing else can be made, where no router asks before.
///
/// # Errors
/// 406 where nothing that it accepts can be had.
pub(crate) fn negotiate_whole(header: &str) -> Result<Wanted, Status> {
    first(header, |clause, wanted| {
        wanted.shape == Shape::Whole && clause.said("sv").unwrap_or_default().is_empty()
    })
}

/// The same behind upstream's router.
///
/// # Errors
/// 406 where nothing that it accepts can be had.
pub(crate) fn negotiate_whole_routed(header: &str) -> Result<Wanted, Status> {
    if !is_routed(header, &OBJECTS) {
        return Err(not_routed(&OBJECTS));
    }
    negotiate_whole(header)
}

/// What is wanted where the router knows these types.
fn negotiate_among(header: &str, types: &[&str]) -> Result<Wanted, Status> {
    if !is_routed(header, types) {
        return Err(not_routed(types));
    }
    first(header, |_, _| true)
}

/// What the first clause asks for that can be had, and that can be had here.
fn first(header: &str, is_here: impl Fn(&Clause<'_>, &Wanted) -> bool) -> Result<Wanted, Status> {
    if header.is_empty() {
        return Ok(Wanted::PLAIN);
    }
    clauses(header)
        .iter()
        .find_map(|clause| wanted(clause).filter(|wanted| is_here(clause, wanted)))
        .ok_or_else(|| not_accepted(ACCEPTED))
}

/// The same for a watch, whose events are never YAML.
///
/// # Errors
/// 406 where nothing that it accepts can be had.
pub(crate) fn negotiate_watch(header: &str) -> Result<Wanted, Status> {
    let wanted = negotiate(header, true)?;
    if wanted.form == Form::Yaml {
        return Err(not_accepted(STREAMS));
    }
    Ok(wanted)
}

/// 406 of upstream's router.
pub(crate) fn not_routed(types: &[&str]) -> Status {
    let available = types.join(", ");
    let message = format!("406: Not Acceptable\n\nAvailable representations: {available}");
    let mut status = Status::new(406, Reason::NotAcceptable, message);
    status.details = Some(Box::default());
    status
}

/// 406 where the client's choice is among none of these.
pub(crate) fn not_accepted(types: &str) -> Status {
    let message = format!("only the following media types are accepted: {types}");
    Status::new(406, Reason::NotAcceptable, message)
}

/// In which form a client wants all groups in one document; nothing where it wants them one by one.
pub(crate) fn negotiate_discovery(header: &str) -> Option<Form> {
    // Clauses that ask for something else are passed over, also where they stand first.
    clauses(header).iter().find_map(|clause| {
        let form = form(clause)?;
        let said = |key: &str| clause.said(key).unwrap_or_default();
        let is_stream = said("stream") == "watch" && form != Form::Yaml;
        let is_plain = said("sv").is_empty() && (is_stream || said("stream").is_empty());
        let what = (said("g"), said("v"), said("as"));
        (is_plain && what == ("apidiscovery.k8s.io", "v2", "APIGroupDiscoveryList")).then_some(form)
    })
}

fn form(clause: &Clause<'_>) -> Option<Form> {
    let mut forms = [Form::Json, Form::Yaml, Form::Protobuf].into_iter();
    forms.find(|form| {
        let name = form.media_type().split_once('/');
        name.is_some_and(|(kind, part)| clause.takes(kind, part))
    })
}

/// What a clause asks for, if it can be had.
fn wanted(clause: &Clause<'_>) -> Option<Wanted> {
    let form = form(clause)?;
    let mut wanted = Wanted { form, ..Wanted::PLAIN };
    match clause.said("stream").unwrap_or_default() {
        "" => {}
        "watch" if form != Form::Yaml => wanted.is_stream = true,
        _ => return None,
    }
    if !matches!(clause.said("sv"), None | Some("" | "v1")) {
        return None;
    }
    wanted.pretty = clause.said("pretty") == Some("1");
    let asked @ (kind, group, version) = (clause.said("as"), clause.said("g"), clause.said("v"));
    if asked == (None, None, None) {
        return Some(wanted);
    }
    let version = match (group?, version?) {
        ("meta.k8s.io", "v1") => "meta.k8s.io/v1",
        ("meta.k8s.io", "v1beta1") => "meta.k8s.io/v1beta1",
        _ => return None,
    };
    wanted.shape = match kind? {
        // Tables have no form in protobuf, and upstream takes the next clause.
        "Table" if form == Form::Protobuf => return None,
        "Table" => Shape::Table(version),
        "PartialObjectMetadata" => Shape::Metadata(version),
        "PartialObjectMetadataList" => Shape::MetadataList(version),
        _ => return None,
    };
    Some(wanted)
}

#[cfg(test)]
mod tests {
    use super::{
        Form, Shape, negotiate, negotiate_discovery, negotiate_log, negotiate_untabled, negotiate_watch,
        negotiate_whole, negotiate_whole_routed,
    };

    #[test]
    fn the_first_clause_that_can_be_had_is() {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        assert_eq!(negotiate(table, true).unwrap().shape, Shape::Table("meta.k8s.io/v1"));
        let yaml = negotiate("application/json;q=0.5,application/yaml", false).unwrap();
        assert_eq!(yaml.form, Form::Yaml);
        let wire = negotiate("application/vnd.kubernetes.protobuf,application/json", false).unwrap();
        assert_eq!(wire.form, Form::Protobuf);
        let fallen = "application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1;g=meta.k8s.io";
        assert_eq!(negotiate(fallen, false).unwrap().form, Form::Json);
        let partial =
            "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
        let partial = negotiate(partial, false).unwrap();
        assert_eq!(
            (partial.form, partial.shape),
            (Form::Protobuf, Shape::Metadata("meta.k8s.io/v1"))
        );
        assert_eq!(negotiate("", false).unwrap().form, Form::Json);
    }

    #[test]
    fn what_cannot_be_had_is_406() {
        let text = |header: &str| negotiate(header, false).unwrap_err().message;
        let types = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
        assert_eq!(
            text("text/html"),
            format!("406: Not Acceptable\n\nAvailable representations: {types}")
        );
        assert_eq!(
            text("application/*"),
            format!("406: Not Acceptable\n\nAvailable representations: {types}")
        );
        let nope = "application/json;as=Table;v=v2;g=meta.k8s.io";
        assert_eq!(
            text(nope),
            format!("only the following media types are accepted: {types}")
        );
        assert!(negotiate_watch("application/yaml").is_err());
        let watch = negotiate_watch("application/vnd.kubernetes.protobuf;stream=watch").unwrap();
        assert_eq!(
            watch.form.stream_type(),
            "application/vnd.kubernetes.protobuf;stream=watch"
        );
        assert_eq!(
            text("application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io"),
            format!("only the following media types are accepted: {types}")
        );
    }

    #[test]
    fn who_names_a_type_gets_it_before_who_takes_all() {
        for (header, form) in [
            ("*/*,application/yaml", Form::Yaml),
            ("application/*, application/yaml", Form::Yaml),
            ("application/yaml;q=0.9,*/*", Form::Json),
            ("application/yaml,application/json", Form::Yaml),
        ] {
            assert_eq!(negotiate(header, false).unwrap().form, form, "{header}");
        }
    }

    #[test]
    fn what_is_odd_is_read_as_upstream_reads_it() {
        for (header, form) in [
            ("application/json;q=x,application/yaml;q=0.1", Form::Yaml),
            ("*/*,application/yaml;q=0.1", Form::Yaml),
            ("application/yaml; as= ;q=1,application/json", Form::Json),
            ("application/yaml;g= ;q=1,application/json", Form::Json),
            ("application/yaml;as=;g=;v,application/json", Form::Yaml),
            ("application/yaml;sv=\"v1\",application/json", Form::Json),
            ("application/yaml;sv=v2;sv=v1,application/json", Form::Yaml),
            ("application/yaml;stream=x;stream= ;q=1,application/json", Form::Yaml),
            ("*/json,application / yaml,application/json;q=0.9", Form::Yaml),
            ("application/yaml/x,application/json", Form::Json),
            ("\tapplication/yaml,application/json", Form::Json),
        ] {
            assert_eq!(negotiate(header, false).unwrap().form, form, "{header:?}");
        }
        assert!(negotiate("application/json;pretty=0;pretty=1", false).unwrap().pretty);
        assert!(!negotiate("application/json;pretty=\"1\"", false).unwrap().pretty);
        for header in [
            "\tapplication/json",
            "application/json\t;q=1",
            "application / json",
            "*",
            ",",
        ] {
            assert!(negotiate(header, false).is_err(), "{header:?}");
        }
    }

    #[test]
    fn a_log_is_refused_to_who_takes_text_alone() {
        assert!(negotiate_log("").is_ok() && negotiate_log("text/plain, */*").is_ok());
        assert!(negotiate_log("text/plain,application/json").is_ok());
        let text = |header: &str| negotiate_log(header).unwrap_err().message;
        let types = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
        assert_eq!(
            text("text/plain"),
            format!("only the following media types are accepted: {types}")
        );
        assert_eq!(
            text("image/png"),
            format!("406: Not Acceptable\n\nAvailable representations: text/plain, {types}")
        );
    }

    #[test]
    fn of_what_has_one_shape_no_other_is_had() {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
        let partial = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
        let message = |refused: super::Status| (refused.code, refused.message);
        let only = "only the following media types are accepted: application/json, application/yaml, \
                    application/vnd.kubernetes.protobuf";
        for header in [table, partial, "application/json;sv=v1", "text/html"] {
            assert_eq!(
                message(negotiate_whole(header).unwrap_err()),
                (406, only.to_owned()),
                "{header}"
            );
        }
        for (header, form) in [
            ("", Form::Json),
            ("*", Form::Json),
            ("application/*", Form::Json),
            (
                "application/json;as=Table;v=v1;g=meta.k8s.io,application/yaml",
                Form::Yaml,
            ),
        ] {
            let wanted = negotiate_whole(header).unwrap();
            assert_eq!((wanted.form, wanted.shape), (form, Shape::Whole), "{header}");
        }
        for header in ["*", "application/*", table] {
            assert!(negotiate_whole_routed(header).is_err(), "{header}");
        }
        assert_eq!(message(negotiate_untabled(table).unwrap_err()), (406, only.to_owned()));
        let fallen = format!("{table},{partial}");
        assert_eq!(
            negotiate_untabled(&fallen).unwrap().shape,
            Shape::Metadata("meta.k8s.io/v1")
        );
    }

    #[test]
    fn discovery_comes_whole_to_who_asks_for_it() {
        let whole = ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
        for (header, form) in [
            (format!("application/json{whole},application/json"), Some(Form::Json)),
            // What client-go sends.
            (
                format!(
                    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json{whole},*/*"
                ),
                Some(Form::Json),
            ),
            (
                format!("application/vnd.kubernetes.protobuf{whole},application/json{whole}"),
                Some(Form::Protobuf),
            ),
            (
                format!("application/json{whole};q=0.5,application/yaml{whole}"),
                Some(Form::Yaml),
            ),
            (format!("application/json,application/json{whole}"), Some(Form::Json)),
            (format!("application/json{whole};sv=v1"), None),
            (
                "application/json;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList".to_owned(),
                None,
            ),
            ("application/vnd.kubernetes.protobuf".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(negotiate_discovery(&header), form, "{header}");
        }
    }
}
