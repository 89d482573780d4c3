//! Why a strategic merge patch does not apply.

use apiserver_api::tree::{Map, Tree};
use thiserror::Error;

use crate::go::{Plain, Worded, type_shown};

/// Why a patch does not apply, in upstream's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// The patch is no object.
    #[error("json: cannot unmarshal {0} into Go value of type map[string]interface {{}}")]
    NoObject(&'static str),
    /// The patch has a number that no double holds.
    #[error("json: cannot unmarshal number {0} into Go value of type float64")]
    TooLarge(String),
    /// The object's type has no schema.
    #[error("strategic merge patch format is not supported")]
    Unsupported,
    /// A `$deleteFromPrimitiveList` without a field.
    #[error("invalid patch format of primitive list")]
    DeleteFromList,
    /// `$retainKeys` is no list, or does not name what the patch sets.
    #[error("invalid patch format of retainKeys")]
    RetainKeys,
    /// `$setElementOrder` is no list, or one of items that cannot be told apart.
    #[error("invalid patch format of setElementOrder list")]
    SetOrder,
    /// A list of lists.
    #[error("lists of lists are not supported")]
    ListOfLists,
    /// Something else that upstream has no answer of its own for.
    #[error("{0}")]
    Other(String),
}

/// How upstream answers a patch that does not apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 400.
    BadRequest,
    /// 422, without the text.
    Unprocessable,
    /// 500, though the client is wrong.
    Internal,
}

impl Error {
    /// How upstream answers.
    pub const fn answer(&self) -> Answer {
        match self {
            Self::ListOfLists => Answer::Unprocessable,
            Self::Other(_) => Answer::Internal,
            _ => Answer::BadRequest,
        }
    }

    /// `$patch` says something that is not known.
    pub(super) fn unknown(directive: &Tree, patch: &Map) -> Self {
        let patch = Tree::Map(patch.clone());
        Self::Other(format!(
            "unknown patch type: {} in map: {}",
            Worded(directive),
            Plain(&patch)
        ))
    }

    /// An item has no merge key.
    pub(super) fn no_key(item: &Map, key: &str) -> Self {
        let item = Tree::Map(item.clone());
        Self::Other(format!(
            "map: {} does not contain declared merge key: {key}",
            Plain(&item)
        ))
    }

    /// Not an object where one must be.
    pub(super) fn no_map(found: &Tree) -> Self {
        Self::Other(format!(
            "expected a map[string]interface {{}}, but received a {}",
            type_shown(found)
        ))
    }

    /// Not a list where one must be.
    pub(super) fn no_list(found: &Tree) -> Self {
        Self::Other(format!(
            "expected a []interface {{}}, but received a {}",
            type_shown(found)
        ))
    }
}
