//! What is spoken at one address: the type of what is sent and answered there, which is the kind's own but for the scale.

use apiserver_api::tree::Tree;
use apiserver_patch::apply::Versions;
use apiserver_patch::fields::{Filter, Matcher, Set, Step};
use apiserver_patch::typed::Type;
use apiserver_schema::built_in;

use crate::catalog::Resource;
use crate::decode::Expected;

/// What is spoken at an address.
pub(crate) trait Speech: Sync {
    /// The type of what is sent.
    fn expected(&self) -> Expected<'_>;

    /// The other versions in which others may have written.
    fn versions(&self) -> &dyn Versions;

    /// The fields that a write to this part of an object never changes, for each version.
    fn filters(&self, subresource: &str) -> Vec<(&str, Filter)>;

    /// Whether what is stored is what is served, but for the version's name.
    fn is_as_stored(&self) -> bool;

    /// Makes what is stored what is served.
    fn to_served(&self, object: &mut Tree);

    /// Makes what was sent, and read by its type, what is stored, with its defaults.
    fn settle(&self, object: &mut Tree);

    /// The type, as patches walk it.
    fn shape(&self) -> Type<'static> {
        Type::object(built_in(), self.expected().served)
    }
}

impl Speech for Resource {
    fn expected(&self) -> Expected<'_> {
        Self::expected(self)
    }

    fn versions(&self) -> &dyn Versions {
        self
    }

    fn filters(&self, subresource: &str) -> Vec<(&str, Filter)> {
        let rules = self.kind.rules;
        let (reset, only) = if subresource.is_empty() {
            (rules.reset(), &[][..])
        } else {
            rules
                .part(subresource)
                .map_or((&[][..], &[][..]), |part| (part.reset(), part.only()))
        };
        let filter = match only.iter().map(|path| prefix(path)).reduce(Matcher::or) {
            Some(matcher) => Filter::Only(matcher),
            None if reset.is_empty() => return Vec::new(),
            None => Filter::Without(Set::of(reset)),
        };
        vec![(&self.api_version, filter)]
    }

    fn is_as_stored(&self) -> bool {
        Self::is_as_stored(self)
    }

    fn to_served(&self, object: &mut Tree) {
        Self::to_served(self, object);
    }

    fn settle(&self, object: &mut Tree) {
        Self::settle(self, object);
    }
}

/// All fields below a path.
fn prefix(path: &[&str]) -> Matcher {
    let steps = path.iter().map(|name| match *name {
        "*" => Step::Any,
        name => Step::field(name),
    });
    Matcher::prefix(steps)
}
