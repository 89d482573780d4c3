//! Levels, versions, and the policy that a namespace's labels say.

use std::fmt;

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{Map, Tree};

const PREFIX: &str = "pod-security.kubernetes.io/";

/// How much pods may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Everything.
    Privileged,
    /// Nothing that is known to take over the node.
    Baseline,
    /// Only what is good practice.
    Restricted,
}

impl Level {
    /// Reads a level; the error is upstream's text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "privileged" => Ok(Self::Privileged),
            "baseline" => Ok(Self::Baseline),
            "restricted" => Ok(Self::Restricted),
            _ => Err("must be one of privileged, baseline, restricted".to_owned()),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        })
    }
}

/// As which minor version of Kubernetes 1 defined the levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// As this server does.
    Latest,
    /// `v1.25`
    Minor(i64),
}

impl Version {
    /// Reads a version; the error is upstream's text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "must be \"latest\" or \"v1.x\"".to_owned();
        if text == "latest" {
            return Ok(Self::Latest);
        }
        let digits = text.strip_prefix("v1.").ok_or_else(wrong)?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
        let minor = digits.parse().map_err(|_| wrong())?;
        if plain { Ok(Self::Minor(minor)) } else { Err(wrong()) }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => out.write_str("latest"),
            Self::Minor(minor) => write!(out, "v1.{minor}"),
        }
    }
}

/// A level as of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standard {
    pub(super) level: Level,
    pub(super) version: Version,
}

impl Standard {
    /// Restricts nothing.
    pub(super) const PRIVILEGED: Self = Self {
        level: Level::Privileged,
        version: Version::Latest,
    };

    fn put(&mut self, level: Option<Level>, version: Option<Version>) {
        self.level = level.unwrap_or(self.level);
        self.version = version.unwrap_or(self.version);
    }

    fn is_equivalent(self, other: Self) -> bool {
        self == other || self.level == Level::Privileged && other.level == Level::Privileged
    }
}

impl fmt::Display for Standard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.level, self.version)
    }
}

/// What holds in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    /// Pods beyond it are refused.
    pub(super) enforce: Standard,
    /// Pods beyond it are noted in the audit log.
    pub(super) audit: Standard,
    /// Of pods and templates beyond it clients are warned.
    pub(super) warn: Standard,
}

impl Policy {
    /// Restricts nothing.
    pub(super) const PRIVILEGED: Self = Self {
        enforce: Standard::PRIVILEGED,
        audit: Standard::PRIVILEGED,
        warn: Standard::PRIVILEGED,
    };

    /// Whether nothing is restricted.
    pub(super) fn is_privileged(self) -> bool {
        [self.enforce, self.audit, self.warn]
            .iter()
            .all(|standard| standard.level == Level::Privileged)
    }

    /// Whether it comes to the same.
    pub(super) fn is_equivalent(self, other: Self) -> bool {
        self.enforce.is_equivalent(other.enforce)
            && self.audit.is_equivalent(other.audit)
            && self.warn.is_equivalent(other.warn)
    }
}

/// Whether a namespace says anything of a mode.
pub(super) fn says(namespace: &Tree, mode: &str) -> bool {
    let labels = meta::labels(namespace);
    labels.contains(&format!("{PREFIX}{mode}")) || labels.contains(&format!("{PREFIX}{mode}-version"))
}

/// The policy that a namespace's labels say, and what is wrong with them. What cannot be read enforces the strictest level and
/// neither warns nor is noted.
pub(super) fn policy(labels: &Map, defaults: Policy) -> (Policy, Refusals) {
    let mut policy = defaults;
    let mut labels = Labels {
        labels,
        refusals: Refusals::new(),
    };
    let enforce = labels.read("enforce", "", Level::parse, Level::Restricted);
    let follows = enforce.is_some() && labels.refusals.is_empty();
    let enforce_version = labels.read("enforce", "-version", Version::parse, Version::Latest);
    policy.enforce.put(enforce, enforce_version);
    let audit = labels.read("audit", "", Level::parse, Level::Privileged);
    let audit_version = labels.read("audit", "-version", Version::parse, Version::Latest);
    policy.audit.put(audit, audit_version);
    let warn = labels.read("warn", "", Level::parse, Level::Privileged);
    let warn_version = labels.read("warn", "-version", Version::parse, Version::Latest);
    policy.warn.put(warn, warn_version);
    // Who is told which pods are refused is also told which templates will have none.
    if follows && warn.is_none() && policy.enforce.level > policy.warn.level {
        policy.warn.level = policy.enforce.level;
        if warn_version.is_none() {
            policy.warn.version = policy.enforce.version;
        }
    }
    (policy, labels.refusals)
}

struct Labels<'n> {
    labels: &'n Map,
    refusals: Refusals,
}

impl Labels<'_> {
    /// What a label says, if it is there; `wrong` where that cannot be read.
    fn read<T>(&mut self, mode: &str, tail: &str, parse: fn(&str) -> Result<T, String>, wrong: T) -> Option<T> {
        let key = format!("{PREFIX}{mode}{tail}");
        let value = self.labels.get(&key)?.as_str()?;
        Some(parse(value).unwrap_or_else(|detail| {
            let path = Path::of("metadata");
            let path = path.field("labels");
            self.refusals.invalid(&path.key(&key), value, &detail);
            wrong
        }))
    }
}
