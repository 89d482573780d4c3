//! The words behind the names of structs and the types of fields.

use crate::model::{Field, Keys, Lists, Shape, Struct, Union};

impl Struct {
    /// Takes one of the words behind a name.
    pub(super) fn say(&mut self, word: &str) -> Result<(), String> {
        match word.split_once('=') {
            None if word == "atomic" => self.atomic = true,
            Some(("union", fields)) => {
                let (discriminator, fields) = fields.split_once(':').unwrap_or(("", fields));
                self.union = Some(Union {
                    discriminator: discriminator.into(),
                    fields: split(fields),
                });
            }
            _ => return Err(format!("{word:?} says nothing of a struct")),
        }
        Ok(())
    }
}

/// The names of a list with commas.
fn split(names: &str) -> Keys {
    names.split(',').map(Into::into).collect()
}

impl Field {
    /// Takes one of the words behind a type.
    pub(super) fn say(&mut self, word: &str) -> Result<(), String> {
        match (word, &mut self.shape) {
            ("required", _) => self.required = true,
            ("set", Shape::List(_, kind)) => {
                *kind = Lists::Set;
                self.told = true;
            }
            ("atomic", Shape::Map(_, atomic)) => {
                *atomic = true;
                self.told = true;
            }
            ("atomic", Shape::List(..) | Shape::Bytes) | ("granular", Shape::Map(..) | Shape::Struct(_)) => {
                self.told = true;
            }
            ("merge", _) => self.patch.merge = true,
            ("replace", _) => self.patch.replace = true,
            ("retainKeys", _) => self.patch.retain_keys = true,
            (word, shape) => match (word.split_once('='), shape) {
                (Some(("keys", keys)), Shape::List(_, kind)) => {
                    *kind = Lists::Map(split(keys));
                    self.told = true;
                }
                (Some(("merge", key)), _) => {
                    self.patch.merge = true;
                    self.patch.key = Some(key.into());
                }
                (Some(("mergekey", key)), _) => self.patch.key = Some(key.into()),
                _ => return Err(format!("{word:?} says nothing of such a field")),
            },
        }
        Ok(())
    }
}
