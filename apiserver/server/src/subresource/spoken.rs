//! What is spoken below an object where it is not the object's own type: its scale, and what is posted there.

use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_kinds::{Column, Kind};
use apiserver_patch::apply::{OneVersion, Versions};
use apiserver_patch::fields::Filter;
use apiserver_schema::built_in;

use crate::answer::{self, Answer, Tables};
use crate::decode::Expected;
use crate::machine::Speech;
use crate::request::Call;
use crate::request::accept::{Shape, Wanted};

/// A type that is spoken in one version only.
pub(crate) struct Spoken {
    /// As the schema calls it.
    pub(super) schema: &'static str,
    pub(super) api_version: &'static str,
    pub(super) kind: &'static str,
    /// Fills in what was not said.
    pub(super) default: fn(&mut Tree),
    /// What a table shows of it.
    pub(super) columns: &'static [Column],
}

/// A type without defaults, of which a table shows what it does of most.
pub(super) const PLAIN: Spoken = Spoken {
    schema: "",
    api_version: "",
    kind: "",
    default: as_it_is,
    columns: Kind::PLAIN.columns,
};

impl Speech for Spoken {
    fn expected(&self) -> Expected<'_> {
        Expected {
            api_version: self.api_version,
            kind: self.kind,
            served: built_in().named(self.schema),
            rules: None,
        }
    }

    fn versions(&self) -> &dyn Versions {
        &OneVersion
    }

    fn filters(&self, _subresource: &str) -> Vec<(&str, Filter)> {
        Vec::new()
    }

    fn is_as_stored(&self) -> bool {
        true
    }

    fn to_served(&self, _object: &mut Tree) {}

    fn settle(&self, object: &mut Tree) {
        meta::set_type(object, self.api_version, self.kind);
        (self.default)(object);
    }
}

const fn as_it_is(_object: &mut Tree) {}

impl Spoken {
    /// Such an object in the form of the client's choice.
    pub(super) fn shown(&self, call: &Call, wanted: Wanted, code: u16, object: &Tree) -> Result<Answer, Status> {
        Ok(match wanted.shape {
            Shape::Whole | Shape::MetadataList(_) => answer::tree(call, wanted, code, object),
            Shape::Metadata(version) => answer::tree(call, wanted, code, &answer::metadata(version, object, &[])),
            Shape::Table(version) => {
                let table = Tables::new(call, version)?.of(self.columns, object);
                answer::tree(call, wanted, code, &table)
            }
        })
    }
}
