//! A definition as upstream checks it: what all versions have in common stands at the top, and messages say so.

use apiserver_api::tree::Tree;

/// What all versions share is here and no longer at them.
pub(super) struct View<'v> {
    /// The spec.
    pub(super) spec: &'v Tree,
    /// Its versions.
    pub(super) versions: &'v [Tree],
    shared: [bool; FIELDS.len()],
}

/// What versions may share.
pub(super) const FIELDS: [&str; 4] = ["schema", "subresources", "additionalPrinterColumns", "selectableFields"];

static NOTHING: Tree = Tree::Null;

impl<'v> View<'v> {
    /// The view of a spec.
    pub(super) fn of(spec: &'v Tree) -> Self {
        let versions = spec.items("versions");
        let same = |field: &str| {
            versions
                .iter()
                .all(|version| version.at(field) == versions[0].at(field))
        };
        Self {
            spec,
            versions,
            shared: FIELDS.map(same),
        }
    }

    fn is_shared(&self, field: &str) -> bool {
        let at = FIELDS.iter().position(|known| *known == field);
        at.is_some_and(|at| self.shared[at])
    }

    /// What all versions have under a field; `null` where they differ.
    pub(super) fn top(&self, field: &str) -> &'v Tree {
        match self.versions.first() {
            Some(first) if self.is_shared(field) => first.at(field),
            _ => &NOTHING,
        }
    }

    /// What a version has under a field by itself.
    pub(super) fn own(&self, version: &'v Tree, field: &str) -> &'v Tree {
        if self.is_shared(field) {
            &NOTHING
        } else {
            version.at(field)
        }
    }

    /// Whether a version has the status subresource.
    pub(super) fn has_status(version: &Tree) -> bool {
        version.at("subresources").has("status")
    }

    /// The schemas of all versions, each once if they are the same.
    pub(super) fn schemas_of(versions: &'v [Tree]) -> Vec<&'v Tree> {
        let schema = |version: &'v Tree| version.at("schema").at("openAPIV3Schema");
        let mut schemas: Vec<&Tree> = versions.iter().map(schema).filter(|schema| !schema.is_null()).collect();
        schemas.dedup();
        schemas
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree;

    use super::View;

    #[test]
    fn what_versions_share_stands_at_the_top() {
        let text = br#"{"versions":[{"name":"a","schema":{"x":1},"subresources":{"status":{}}},{"name":"b","schema":{"x":1}}]}"#;
        let spec = tree::parse(text).unwrap().tree;
        let view = View::of(&spec);
        assert_eq!(view.top("schema"), view.versions[0].at("schema"));
        assert!(view.own(&view.versions[0], "schema").is_null());
        assert!(view.top("subresources").is_null());
        assert!(view.own(&view.versions[0], "subresources").has("status"));
        assert!(View::has_status(&view.versions[0]) && !View::has_status(&view.versions[1]));
    }
}
