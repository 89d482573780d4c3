//! A request as all parts of the server see it: what is asked for, by whom, and in which form the answer is wanted.

pub(crate) mod accept;
pub(crate) mod content;
pub(crate) mod info;
mod media;
pub(crate) mod query;

use std::time::Instant;

use apiserver_api::time::Time;
use apiserver_api::user::User;
use apiserver_api::warnings::Warnings;
use http::{Extensions, HeaderMap, Method, Uri};
use parking_lot::Mutex;

use self::info::Info;
use self::query::Query;

/// A request.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// As it was sent.
    pub(crate) uri: Uri,
    /// As it was sent, with percent signs decoded.
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    /// What the connection says of it: the `SocketAddr` of the client, and how the connection is taken over.
    pub(crate) extensions: Extensions,
    pub(crate) info: Info,
    pub(crate) user: User,
    /// When it came, by the clock on the wall.
    pub(crate) now: Time,
    /// When it came.
    pub(crate) since: Instant,
    /// What the client is warned of.
    pub(crate) warnings: Mutex<Warnings>,
}

impl Call {
    /// A header; empty where there is none. What is no text is something, though nobody knows what.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| str::from_utf8(value.as_bytes()).unwrap_or("\u{fffd}"))
    }

    /// Warns the client, once of each thing.
    pub(crate) fn warn(&self, text: impl Into<String>) {
        self.warnings.lock().add(text);
    }

    /// Who a write is noted for: the field manager that was named, or the program that asks.
    pub(crate) fn manager(&self, named: &str) -> String {
        if !named.is_empty() {
            return named.to_owned();
        }
        let agent = self.header("user-agent");
        let program = agent.split('/').next().unwrap_or_default();
        // Upstream cuts names at this many bytes, and leaves what cannot be printed out.
        let mut name: String = program.chars().filter(|letter| !letter.is_control()).collect();
        while name.len() > 128 {
            name.pop();
        }
        if name.is_empty() {
            "unknown".clone_into(&mut name);
        }
        name
    }

    /// Whether people read the answer, who want it on many lines.
    pub(crate) fn is_pretty(&self) -> bool {
        match self.query.get("pretty") {
            Some(text) if !text.is_empty() => matches!(text, "1" | "t" | "T" | "TRUE" | "true" | "True"),
            _ => {
                let agent = self.header("user-agent");
                ["curl", "Wget", "Mozilla/5.0"]
                    .iter()
                    .any(|program| agent.starts_with(program))
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Instant;

    use apiserver_api::time::Time;
    use apiserver_api::user::User;
    use http::{Extensions, HeaderMap, Method};
    use parking_lot::Mutex;

    use super::{Call, Info, Query};

    /// A request of nobody.
    pub(crate) fn call(method: &str, target: &str) -> Call {
        let method: Method = method.parse().unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = Query::parse(query);
        Call {
            info: Info::of(&method, path, &query),
            method,
            uri: target.parse().unwrap(),
            path: path.to_owned(),
            query,
            headers: HeaderMap::new(),
            extensions: Extensions::new(),
            user: User::default(),
            now: Time::from_unix(0),
            since: Instant::now(),
            warnings: Mutex::default(),
        }
    }

    #[test]
    fn a_write_is_noted_for_the_manager_that_was_named_or_the_program_that_asks() {
        let mut call = call("GET", "/");
        assert_eq!(
            (call.manager("m").as_str(), call.manager("").as_str()),
            ("m", "unknown")
        );
        call.headers
            .insert("user-agent", "kubectl/v1.36 (linux)".parse().unwrap());
        assert_eq!(call.manager(""), "kubectl");
    }

    #[test]
    fn people_get_many_lines_unless_they_say_otherwise() {
        let mut call = call("GET", "/?pretty=false");
        call.headers.insert("user-agent", "curl/8".parse().unwrap());
        assert!(!call.is_pretty());
        call.query = Query::default();
        assert!(call.is_pretty());
    }
}
