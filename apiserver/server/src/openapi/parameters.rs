//! What can be said in a query: the fields of upstream's options, in words of our own.

/// A parameter of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// Whether it is a part of the path; else it stands in the query.
    pub(super) in_path: bool,
    /// As JSON calls it.
    pub(super) kind: &'static str,
    pub(super) description: String,
}

impl Parameter {
    fn new(name: &'static str, in_path: bool, kind: &'static str, description: &str) -> Self {
        Self {
            name,
            in_path,
            kind,
            description: description.to_owned(),
        }
    }

    pub(super) fn in_path(name: &'static str, description: &str) -> Self {
        Self::new(name, true, "string", description)
    }

    /// By what parameters of several operations are held to be the same.
    pub(super) const fn key(&self) -> (&'static str, bool) {
        (self.name, self.in_path)
    }
}

/// A field of options: its name, its type and what is said of it. Where nothing is said here, the type `DeleteOptions` has
/// the same field, and upstream's words of it are taken.
type Said = (&'static str, &'static str, &'static str);

/// Fields of options.
pub(super) type Options = &'static [Said];

pub(super) const PRETTY: Options = &[(
    "pretty",
    "string",
    "Whether JSON is written for people: with lines and indents.",
)];

pub(super) const LIST: Options = &[
    ("labelSelector", "string", "Only objects with such labels."),
    (
        "fieldSelector",
        "string",
        "Only objects with such values in their fields; each kind has a few that may be named.",
    ),
    ("watch", "boolean", "Whether changes are streamed instead of a list."),
    (
        "allowWatchBookmarks",
        "boolean",
        "Whether a watch may send bookmarks, which tell how far it has come.",
    ),
    (
        "resourceVersion",
        "string",
        "How recent the answer must be, or where a watch begins.",
    ),
    (
        "resourceVersionMatch",
        "string",
        "How the resource version is meant: NotOlderThan or Exact.",
    ),
    ("timeoutSeconds", "integer", "How long a list or a watch may take."),
    (
        "limit",
        "integer",
        "How many objects are answered at most; more can be asked for with what `continue` says.",
    ),
    (
        "continue",
        "string",
        "What the list before said, to go on where it ended.",
    ),
    (
        "sendInitialEvents",
        "boolean",
        "Whether a watch begins with an event for every object that is there, ended by a bookmark.",
    ),
    ("shardSelector", "string", "Only objects of such a part of all."),
];

/// What of [`LIST`] counts where a whole collection is deleted.
pub(super) const WATCH_ONLY: &[&str] = &["watch", "allowWatchBookmarks"];

const DRY_RUN: Said = ("dryRun", "string", "");
const FIELD_MANAGER: Said = (
    "fieldManager",
    "string",
    "Who changes the fields that are set: at most 128 characters that can be printed.",
);
const FIELD_VALIDATION: Said = (
    "fieldValidation",
    "string",
    "What happens to fields that are unknown or named twice: Ignore drops them, Warn drops them and tells so, Strict \
     refuses the request.",
);

pub(super) const CREATE: Options = &[DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION];
pub(super) const UPDATE: Options = CREATE;
pub(super) const PATCH: Options = &[
    DRY_RUN,
    (
        "fieldManager",
        "string",
        "Who changes the fields that are set: at most 128 characters that can be printed. An apply must say it.",
    ),
    FIELD_VALIDATION,
    ("force", "boolean", "Whether an apply takes fields from other managers."),
];
pub(super) const DELETE: Options = &[
    DRY_RUN,
    ("gracePeriodSeconds", "integer", ""),
    ("ignoreStoreReadErrorWithClusterBreakingPotential", "boolean", ""),
    ("orphanDependents", "boolean", ""),
    ("propagationPolicy", "string", ""),
];

const STDERR: Said = ("stderr", "boolean", "Whether the standard error stream is wanted.");
const STDIN: Said = ("stdin", "boolean", "Whether a standard input stream is sent.");
const STDOUT: Said = ("stdout", "boolean", "Whether the standard output stream is wanted.");
const TTY: Said = ("tty", "boolean", "Whether the command gets a terminal.");
const PATH: Said = ("path", "string", "The path that is asked for behind the proxy.");
const SERVICE_PATH: Said = (
    "path",
    "string",
    "The path that is asked for behind the proxy, the service or one of its ports before it.",
);

/// The options of a subresource that is a connection or reads something else than an object, by their kind.
pub(super) fn of_kind(kind: &str) -> Options {
    match kind {
        "PodAttachOptions" => {
            const OPTIONS: Options = &[
                (
                    "container",
                    "string",
                    "The container to attach to; that of a pod with one need not be named.",
                ),
                STDERR,
                STDIN,
                STDOUT,
                TTY,
            ];
            OPTIONS
        }
        "PodExecOptions" => {
            const OPTIONS: Options = &[
                (
                    "command",
                    "string",
                    "The command and its arguments, which no shell reads.",
                ),
                (
                    "container",
                    "string",
                    "The container to run it in; that of a pod with one need not be named.",
                ),
                STDERR,
                STDIN,
                STDOUT,
                TTY,
            ];
            OPTIONS
        }
        "PodLogOptions" => LOG,
        "PodPortForwardOptions" => &[(
            "ports",
            "integer",
            "The ports to forward, for clients that speak WebSocket.",
        )],
        "ServiceProxyOptions" => &[SERVICE_PATH],
        "NodeProxyOptions" | "PodProxyOptions" => &[PATH],
        _ => &[],
    }
}

const LOG: Options = &[
    (
        "container",
        "string",
        "The container whose log is read; that of a pod with one need not be named.",
    ),
    (
        "follow",
        "boolean",
        "Whether the stream stays open for what is still to come.",
    ),
    (
        "insecureSkipTLSVerifyBackend",
        "boolean",
        "Whether the kubelet's certificate goes unchecked.",
    ),
    ("limitBytes", "integer", "How many bytes are answered at most."),
    (
        "previous",
        "boolean",
        "Whether the log of the container that ran before is read.",
    ),
    ("sinceSeconds", "integer", "From how many seconds ago the log is read."),
    (
        "stream",
        "string",
        "Which of the streams are read: All, Stdout or Stderr.",
    ),
    ("tailLines", "integer", "How many lines from the end are read."),
    ("timestamps", "boolean", "Whether each line begins with its time."),
];

/// The parameters of options; `delete` has the words of `DeleteOptions`.
pub(super) fn parameters(options: Options, delete: impl Fn(&str) -> &'static str) -> impl Iterator<Item = Parameter> {
    options.iter().map(move |(name, kind, said)| {
        let said = if said.is_empty() { delete(name) } else { said };
        Parameter::new(name, false, kind, said)
    })
}
