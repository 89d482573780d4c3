//! `CreateOptions`, `UpdateOptions` and `PatchOptions`, which differ in their names and in `force`.

use apiserver_api::meta::validate_field_manager;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

use super::{dry_run, judge};
use crate::request::query::Query;

/// What becomes of fields that are not known, and of keys that stand twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    /// They are dropped.
    Ignore,
    /// They are dropped, and the client is warned.
    Warn,
    /// The write is refused.
    Strict,
}

/// The options of a write.
#[derive(Clone, Debug)]
pub(crate) struct WriteOptions {
    pub(crate) dry_run: bool,
    /// As it was named; may be empty.
    pub(crate) manager: String,
    pub(crate) validation: FieldValidation,
    /// Whether an apply takes fields from others.
    pub(crate) force: bool,
    /// As admission sees them.
    pub(crate) tree: Tree,
}

impl WriteOptions {
    /// Reads the options of a create or an update.
    ///
    /// # Errors
    /// 422 where they make no sense.
    pub(crate) fn of(kind: &str, query: &Query) -> Result<Self, Status> {
        Self::read(kind, query, &mut Refusals::new())
    }

    /// Reads the options of a patch; `apply` is one that applies a configuration.
    ///
    /// # Errors
    /// 422 where they make no sense.
    pub(crate) fn of_patch(query: &Query, apply: bool) -> Result<Self, Status> {
        let mut refusals = Refusals::new();
        if apply && query.text("fieldManager").is_empty() {
            refusals.required(&Path::of("fieldManager"), "is required for apply patch");
        }
        if !apply && query.get("force").is_some() {
            refusals.forbidden(&Path::of("force"), "may not be specified for non-apply patch");
        }
        Self::read("PatchOptions", query, &mut refusals)
    }

    fn read(kind: &str, query: &Query, refusals: &mut Refusals) -> Result<Self, Status> {
        let manager = query.text("fieldManager").to_owned();
        validate_field_manager(&Path::of("fieldManager"), &manager, refusals);
        let values: Vec<String> = query.all("dryRun").map(str::to_owned).collect();
        let dry_run = dry_run(&values, refusals);
        let validation = match query.text("fieldValidation") {
            "" | "Warn" => FieldValidation::Warn,
            "Ignore" => FieldValidation::Ignore,
            "Strict" => FieldValidation::Strict,
            other => {
                let known = &["", "Ignore", "Strict", "Warn"];
                refusals.not_supported(&Path::of("fieldValidation"), other, known);
                FieldValidation::Warn
            }
        };
        judge(kind, refusals)?;
        let mut tree = Tree::map();
        tree.set("kind", kind);
        tree.set("apiVersion", "meta.k8s.io/v1");
        if dry_run {
            tree.set("dryRun", values.iter().map(String::as_str).collect::<Tree>());
        }
        for key in ["fieldManager", "fieldValidation"] {
            if !query.text(key).is_empty() {
                tree.set(key, query.text(key));
            }
        }
        let force = query.flag("force");
        if let Some(force) = force {
            tree.set("force", force);
        }
        Ok(Self {
            dry_run,
            manager,
            validation,
            force: force.unwrap_or_default(),
            tree,
        })
    }

    /// As an update's that makes the object, or as those of what a patch comes to.
    pub(crate) fn named(&self, kind: &str) -> Tree {
        let mut tree = self.tree.clone();
        tree.set("kind", kind);
        tree.remove("force");
        tree
    }
}

#[cfg(test)]
mod tests {
    use super::WriteOptions;
    use crate::request::query::Query;

    #[test]
    fn a_manager_whose_name_cannot_be_seen_is_refused() {
        let told =
            |query: &str| WriteOptions::of("CreateOptions", &Query::parse(query)).map_err(|status| status.message);
        let said = r#"CreateOptions.meta.k8s.io "" is invalid: fieldManager: Invalid value: "#;
        for (sent, quoted, code) in [
            ("%E2%80%8B", r"\u200b", "U+200B"),
            ("%E3%80%80", r"\u3000", "U+3000"),
            ("%07", r"\a", "U+0007"),
        ] {
            let wanted = format!("{said}\"a{quoted}\": invalid character {code} (at position 1)");
            assert_eq!(told(&format!("fieldManager=a{sent}")).unwrap_err(), wanted);
        }
        let seen = told("fieldManager=%E2%9D%A4%EF%B8%8F%20kubectl").unwrap();
        assert_eq!(seen.manager, "\u{2764}\u{fe0f} kubectl");
    }
}
