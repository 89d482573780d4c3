//! How a write passes through the rules of a kind: what upstream's registries do between admission and the store.

use apiserver_api::gvk::GroupKind;
use apiserver_api::meta;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_schema::built_in;

use crate::kind::{Asked, Kind, StatusRules};

impl Kind {
    /// What it is called in a refusal.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind::new(self.known_in.unwrap_or(self.group), self.kind)
    }

    fn judge(&self, object: &Tree, refusals: &Refusals) -> Result<(), Status> {
        if refusals.is_empty() {
            Ok(())
        } else {
            Err(Status::invalid(&self.group_kind(), meta::name(object), refusals))
        }
    }

    /// Takes a new object through the rules. It has its defaults, its namespace, a name if that was generated, a uid and the
    /// time of its making. Returns what the client is warned of.
    ///
    /// # Errors
    /// 422 with all that is wrong with it.
    pub fn create(&self, asked: &Asked<'_>, object: &mut Tree) -> Result<Vec<String>, Status> {
        self.create_besides(asked, object, Refusals::new())
    }

    /// The same where something is refused already that needs more than the object to be known.
    ///
    /// # Errors
    /// 422 with all that is wrong with it.
    pub fn create_besides(
        &self,
        asked: &Asked<'_>,
        object: &mut Tree,
        mut refusals: Refusals,
    ) -> Result<Vec<String>, Status> {
        if let Some(metadata) = object.get_mut("metadata") {
            metadata.remove("deletionTimestamp");
            metadata.remove("deletionGracePeriodSeconds");
            metadata.remove("selfLink");
        }
        self.rules.prepare_create(asked, object);
        self.rules.validate(asked, object, &mut refusals);
        self.judge(object, &refusals)?;
        // After the kind's own, whose words say more.
        self.validate_any(object, &mut refusals);
        self.judge(object, &refusals)?;
        let warnings = self.rules.warnings(object, None);
        self.finish(object);
        Ok(warnings)
    }

    /// Takes an object through the rules that is to replace `old`. Returns what the client is warned of.
    ///
    /// # Errors
    /// 422 with all that is wrong with it.
    pub fn update(&self, asked: &Asked<'_>, object: &mut Tree, old: &Tree) -> Result<Vec<String>, Status> {
        meta::set_generation(object, meta::generation(old));
        self.rules.prepare_update(asked, object, old);
        keep_system_metadata(object, old);
        let mut refusals = Refusals::new();
        self.validate_common(object, old, &mut refusals);
        self.rules.validate_update(asked, object, old, &mut refusals);
        self.judge(object, &refusals)?;
        let warnings = self.rules.warnings(object, Some(old));
        self.finish(object);
        Ok(warnings)
    }

    /// The same for a write to the status.
    ///
    /// # Errors
    /// 422 with all that is wrong with it, 500 where the kind has no status.
    pub fn update_status(&self, asked: &Asked<'_>, object: &mut Tree, old: &Tree) -> Result<Vec<String>, Status> {
        self.update_part("status", asked, object, old)
    }

    /// The same for a write to a part of the object: `status`, `finalize`.
    ///
    /// # Errors
    /// 422 with all that is wrong with it, 500 where the kind has no such part.
    pub fn update_part(
        &self,
        subresource: &str,
        asked: &Asked<'_>,
        object: &mut Tree,
        old: &Tree,
    ) -> Result<Vec<String>, Status> {
        self.prepare_part(subresource, asked, object, old)?;
        self.check_part(subresource, asked, object, old, Refusals::new())
    }

    fn part(&self, subresource: &str) -> Result<&dyn StatusRules, Status> {
        self.rules.part(subresource).ok_or_else(|| {
            let plural = self.plural;
            Status::internal(format!("{plural} has no {subresource} subresource"))
        })
    }

    /// The first half of [`Kind::update_part`]: what else than the part stays as it was.
    ///
    /// # Errors
    /// 500 where the kind has no such part.
    pub fn prepare_part(
        &self,
        subresource: &str,
        asked: &Asked<'_>,
        object: &mut Tree,
        old: &Tree,
    ) -> Result<(), Status> {
        let rules = self.part(subresource)?;
        meta::set_generation(object, meta::generation(old));
        rules.prepare(asked, object, old);
        keep_system_metadata(object, old);
        Ok(())
    }

    /// The second half: checks what was prepared. Something may be refused already that needs more than the object to be
    /// known.
    ///
    /// # Errors
    /// 422 with all that is wrong with it, 500 where the kind has no such part.
    pub fn check_part(
        &self,
        subresource: &str,
        asked: &Asked<'_>,
        object: &mut Tree,
        old: &Tree,
        known: Refusals,
    ) -> Result<Vec<String>, Status> {
        let rules = self.part(subresource)?;
        let mut refusals = Refusals::new();
        self.validate_common(object, old, &mut refusals);
        refusals.extend(known);
        rules.validate(asked, object, old, &mut refusals);
        self.judge(object, &refusals)?;
        let warnings = rules.warnings(object, old);
        self.finish(object);
        Ok(warnings)
    }

    /// Brings a checked object into the form in which it is stored.
    fn finish(&self, object: &mut Tree) {
        self.rules.canonicalize(object);
        if let Some(id) = self.stored() {
            built_in().omit(id, object);
        }
    }

    /// What is checked of the metadata of every object.
    fn validate_any(&self, object: &Tree, refusals: &mut Refusals) {
        let path = Path::of("metadata");
        meta::validate(
            &path,
            meta::metadata(object),
            self.namespaced,
            names::name_is_path_segment,
            refusals,
        );
    }

    /// What is checked of every update, before the kind's own rules.
    fn validate_common(&self, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        self.validate_any(object, refusals);
        let path = Path::of("metadata");
        meta::validate_update(&path, meta::metadata(object), meta::metadata(old), refusals);
    }
}

/// What a client cannot change of the metadata.
fn keep_system_metadata(object: &mut Tree, old: &Tree) {
    let old = meta::metadata(old);
    let metadata = object.child("metadata");
    for field in ["creationTimestamp", "deletionTimestamp"] {
        if let Some(value) = old.get(field) {
            metadata.set(field, value.clone());
        }
    }
    for field in ["uid", "deletionGracePeriodSeconds"] {
        if let Some(value) = old.get(field) {
            metadata.set_default(field, value.clone());
        }
    }
}
