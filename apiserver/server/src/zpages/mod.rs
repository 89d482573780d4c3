//! `/statusz` and `/flagz`: what the server is and what it was told, as text for people and as objects for programs
//! (upstream's `server/statusz` and `server/flagz`).

mod choice;
mod flagz;
mod statusz;

use std::collections::BTreeMap;
use std::sync::Arc;

use apiserver_api::tree::Tree;
use base::random::Random;
use http::header::{CONTENT_TYPE, HeaderValue};

use self::choice::{Choice, choose, refuse};
use crate::answer::{self, Answer};
use crate::request::Call;
use crate::request::accept::{Form, Wanted};

/// The component as its pages name it.
const COMPONENT: &str = "apiserver";
/// The group of the objects.
pub(crate) const GROUP: &str = "config.k8s.io";
/// The versions that the objects have, and whether a client is told to leave one.
pub(crate) const VERSIONS: [(&str, bool); 2] = [("v1alpha1", true), ("v1beta1", false)];
/// What stands between a name and its value: one of these by chance, so that nobody reads the pages by a program.
const DELIMITERS: [&str; 4] = [":", ": ", "=", " "];

/// Which pages there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `/statusz` is served (`ComponentStatusz`).
    pub statusz: bool,
    /// What `/flagz` shows, by flag, where it is served (`ComponentFlagz`).
    pub flagz: Option<BTreeMap<String, String>>,
}

/// The pages.
pub(crate) struct Zpages {
    statusz: Option<statusz::Statusz>,
    flagz: Option<flagz::Flagz>,
    random: Arc<dyn Random>,
}

impl Zpages {
    /// The pages of a server that started so many seconds after the beginning of 1970. `paths` are those of its index.
    pub(crate) fn new(options: Options, started: i64, paths: &[String], random: Arc<dyn Random>) -> Self {
        Self {
            statusz: options.statusz.then(|| statusz::Statusz::new(started, paths)),
            flagz: options.flagz.map(|flags| flagz::Flagz::new(flags, delimiter(&*random))),
            random,
        }
    }

    /// Answers where the path is a page's.
    pub(crate) fn serve(&self, call: &Call) -> Option<Answer> {
        Some(match call.path.as_str() {
            "/statusz" => {
                let page = self.statusz.as_ref()?;
                let text = || page.text(call.now, delimiter(&*self.random));
                show(call, "Statusz", text, |tree| page.fill(call.now, tree))
            }
            "/flagz" => {
                let page = self.flagz.as_ref()?;
                show(call, "Flagz", || page.text().to_owned(), |tree| page.fill(tree))
            }
            _ => return None,
        })
    }
}

/// A page in the form that the client takes.
fn show(call: &Call, kind: &str, text: impl Fn() -> String, fill: impl Fn(&mut Tree)) -> Answer {
    match choose(call.header("accept"), kind) {
        Err(refused) => refuse(call, &refused),
        Ok(Choice::Text) => {
            let mut answer = answer::text(200, text());
            // Upstream does not say so here.
            answer.headers_mut().remove("x-content-type-options");
            answer
        }
        Ok(Choice::Object { form, version, pretty }) => {
            if VERSIONS.contains(&(version, true)) {
                let page = kind.to_lowercase();
                call.warn(format!(
                    "This version of the {page} endpoint is deprecated. Please use a newer version."
                ));
            }
            let mut tree = Tree::map();
            tree.set("kind", kind);
            tree.set("apiVersion", format!("{GROUP}/{version}"));
            let mut metadata = Tree::map();
            metadata.set("name", COMPONENT);
            tree.set("metadata", metadata);
            fill(&mut tree);
            object(call, form, pretty, &tree, &format!(";g={GROUP};v={version};as={kind}"))
        }
    }
}

fn object(call: &Call, form: Form, pretty: bool, tree: &Tree, parameters: &str) -> Answer {
    let wanted = Wanted {
        form,
        pretty,
        ..Wanted::PLAIN
    };
    let mut answer = answer::tree(call, wanted, 200, tree);
    let media_type = format!("{}{parameters}", form.media_type());
    if let Ok(media_type) = HeaderValue::from_str(&media_type) {
        answer.headers_mut().insert(CONTENT_TYPE, media_type);
    }
    answer
}

/// The first lines of a page; upstream's.
fn heading(page: &str) -> String {
    format!(
        "\n{COMPONENT} {page}\nWarning: This endpoint is not meant to be machine parseable, has no formatting compatibility \
         guarantees and is for debugging purposes only.\n"
    )
}

fn delimiter(random: &dyn Random) -> &'static str {
    DELIMITERS[random.below(DELIMITERS.len() as u64) as usize % DELIMITERS.len()]
}

#[cfg(test)]
mod tests;
