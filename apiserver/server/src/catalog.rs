//! What this server serves: each kind in each of its versions, with all that requests need of it looked up once.

use std::collections::HashMap;
use std::sync::Arc;

use apiserver_api::gvk::{GroupKind, GroupResource, GroupVersion, GroupVersionKind, GroupVersionResource};
use apiserver_api::meta;
use apiserver_api::tree::{Text, Tree};
use apiserver_kinds::{Kind, Subresource, Verb, Version};
use apiserver_patch::apply::Versions;
use apiserver_patch::typed::Type;
use apiserver_schema::{TypeId, built_in};
use apiserver_storage::object::Reading;
use apiserver_storage::shelf::Shelf;
use apiserver_storage::store::{Layout, Store};

use crate::discovery::Served;

/// A kind as one version serves it.
pub struct Resource {
    /// The kind.
    pub kind: &'static Kind,
    /// The version.
    pub version: &'static Version,
    /// `deployments.apps`.
    pub group_resource: GroupResource,
    /// `apps/v1`.
    pub group_version: GroupVersion,
    /// `apps/v1`, as objects say it.
    pub api_version: Text,
    /// The type of what is sent and answered.
    pub served: Option<TypeId>,
    /// The `apiVersion` of what is stored.
    stored: Text,
    /// The other versions that are served.
    others: Vec<(Text, &'static Version)>,
    /// What stands before an object's body: `"kind":"Pod","apiVersion":"v1"`.
    head: &'static str,
    /// Where objects are, if they are kept at all.
    kept: Option<Kept>,
}

/// Where the objects of a kind are.
#[derive(Clone)]
pub struct Kept {
    /// The store that has them.
    pub store: Arc<Store>,
    /// Their place in it.
    pub shelf: Arc<Shelf>,
    /// Whether those who are content with what is remembered are answered with it, and not with what the store has now
    /// (`--watch-cache`).
    pub cached: bool,
}

impl Resource {
    /// With the version, as requests name it.
    pub fn group_version_resource(&self) -> GroupVersionResource {
        self.group_resource.version(self.version.name)
    }

    /// With the version.
    pub fn group_version_kind(&self) -> GroupVersionKind {
        self.group_version.kind(self.kind.kind)
    }

    /// Without the version.
    pub fn group_kind(&self) -> GroupKind {
        self.kind.group_kind()
    }

    /// Where its objects are; none are kept of what is only asked.
    pub fn shelf(&self) -> Option<&Arc<Shelf>> {
        self.kept.as_ref().map(|kept| &kept.shelf)
    }

    /// The same with the store behind it.
    pub const fn kept(&self) -> Option<&Kept> {
        self.kept.as_ref()
    }

    /// A subresource.
    pub fn subresource(&self, name: &str) -> Option<&'static Subresource> {
        self.kind.subresources.iter().find(|one| one.name == name)
    }

    /// Whether it can be asked for this.
    pub fn can(&self, verb: Verb) -> bool {
        self.kind.verbs.contains(&verb)
    }

    /// What stands before a stored object's body where nothing else of it changes in this version.
    pub fn head(&self) -> Option<&'static str> {
        self.is_as_stored().then_some(self.head)
    }

    /// Whether objects look in this version as they are stored, but for the version's name.
    pub fn is_as_stored(&self) -> bool {
        self.version
            .conversion
            .as_ref()
            .is_none_or(apiserver_kinds::Conversion::is_same)
    }

    /// Makes what was read in this version what is stored.
    pub fn to_stored(&self, object: &mut Tree) {
        if let Some(conversion) = &self.version.conversion {
            (conversion.store)(object);
        }
        meta::set_type(object, &self.stored, self.kind.kind);
    }

    /// Makes what is stored what this version serves.
    pub fn to_served(&self, object: &mut Tree) {
        if let Some(conversion) = &self.version.conversion {
            (conversion.serve)(object);
        }
        meta::set_type(object, &self.api_version, self.kind.kind);
    }

    /// The stored form of a tree without a type, as caches keep them.
    pub fn typed(&self, mut object: Tree) -> Tree {
        meta::set_type(&mut object, &self.stored, self.kind.kind);
        object
    }

    /// `ConfigMapList`.
    pub fn list_kind(&self) -> String {
        format!("{}List", self.kind.kind)
    }

    /// What Go calls the type inside the server: `core.ConfigMap`.
    pub fn go_type(&self) -> String {
        format!("{}.{}", crate::decode::package(self.kind.group), self.kind.kind)
    }

    /// An object as Go writes it of which nothing is said but what this says.
    pub fn blank(&self, mut object: Tree) -> Tree {
        if let Some(id) = self.served {
            built_in().read(id, &mut object);
        }
        object
    }

    /// The type of what is sent and answered, as patches walk it.
    pub fn shape(&self) -> Type<'static> {
        Type::object(built_in(), self.served)
    }
}

impl Versions for Resource {
    fn kind(&self, version: &str) -> Option<Type<'_>> {
        let (_, version) = self.others.iter().find(|(name, _)| name == version)?;
        Some(Type::object(built_in(), built_in().named(version.schema)))
    }

    fn convert(&self, object: &Tree, version: &str) -> Result<Tree, String> {
        let known = self.others.iter().find(|(name, _)| name == version);
        let Some((name, other)) = known else {
            let message = format!("{} is not served in version {version}", self.kind.kind);
            return Err(message);
        };
        let mut object = object.clone();
        self.to_stored(&mut object);
        if let Some(conversion) = &other.conversion {
            (conversion.serve)(&mut object);
        }
        meta::set_type(&mut object, name, self.kind.kind);
        Ok(object)
    }
}

/// How a kind's objects are read from the store.
struct Fields(&'static Kind);

impl Reading for Fields {
    fn fields(&self, object: &Tree) -> Vec<Text> {
        self.0
            .selection
            .fields
            .iter()
            .map(|field| field.value(object).into())
            .collect()
    }

    fn convert(&self, object: &mut Tree) -> Result<(), String> {
        let found = meta::api_version(object);
        let versions = || apiserver_kinds::all().filter(|kind| kind.folder == self.0.folder);
        let spelled = |kind: &Kind, version: &Version| GroupVersion::new(kind.group, version.name).to_string();
        let pairs = versions().flat_map(|kind| kind.versions.iter().map(move |version| (kind, version)));
        let known = pairs
            .into_iter()
            .find(|(kind, version)| spelled(kind, version) == found);
        match known {
            Some((_, version)) => {
                if let Some(conversion) = &version.conversion {
                    (conversion.store)(object);
                }
                Ok(())
            }
            None => Err(format!(
                "no kind {} is registered for version {}",
                apiserver_api::go::quote(meta::kind(object)),
                apiserver_api::go::quote(found)
            )),
        }
    }
}

/// All that is served.
pub struct Catalog {
    by_path: HashMap<(Text, Text, Text), Arc<Resource>>,
    /// The preferred version of each resource.
    by_name: HashMap<GroupResource, Arc<Resource>>,
    /// The stores of all resources.
    stores: Vec<Arc<Store>>,
}

impl Catalog {
    /// What is to be kept in the store: one layout for each folder.
    pub fn layouts(history: usize) -> Vec<Layout> {
        stored_kinds()
            .map(|kind| Layout {
                resource: GroupResource::new(kind.group, kind.plural),
                folder: kind.folder.into(),
                namespaced: kind.namespaced,
                reading: Arc::new(Fields(kind)),
                history,
            })
            .collect()
    }

    /// What is served, of what `kept` says is kept where: it is asked by folder.
    pub fn new(served: &Served, kept: impl Fn(&str) -> Option<Kept>) -> Self {
        let (mut by_path, mut by_name) = (HashMap::new(), HashMap::new());
        let mut stores: Vec<Arc<Store>> = Vec::new();
        for kind in apiserver_kinds::all() {
            for version in kind.versions.iter().filter(|version| served.serves(kind, version.name)) {
                let resource = Arc::new(resource(kind, version, served, &kept));
                if let Some(Kept { store, .. }) = &resource.kept
                    && !stores.iter().any(|known| Arc::ptr_eq(known, store))
                {
                    stores.push(store.clone());
                }
                let key = (kind.group.into(), version.name.into(), kind.plural.into());
                by_name
                    .entry(resource.group_resource.clone())
                    .or_insert_with(|| resource.clone());
                by_path.insert(key, resource);
            }
        }
        Self {
            by_path,
            by_name,
            stores,
        }
    }

    /// A resource as a version serves it.
    pub fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.by_path.get(&(group.into(), version.into(), plural.into()))
    }

    /// A resource as its preferred version serves it.
    pub fn preferred(&self, resource: &GroupResource) -> Option<&Arc<Resource>> {
        self.by_name.get(resource)
    }

    /// Whether any resource of a group version is served.
    pub fn serves(&self, group: &str, version: &str) -> bool {
        self.by_path
            .keys()
            .any(|(own, name, _)| own == group && name == version)
    }

    /// Waits until the caches of all stores were filled. Before, what bounds others' writes is not known yet.
    ///
    /// # Errors
    /// They are not in time.
    pub(crate) async fn filled(&self) -> Result<(), apiserver_storage::error::Error> {
        for store in &self.stores {
            store.reaches(1).await?;
        }
        Ok(())
    }

    /// All resources in all versions.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.by_path.values()
    }
}

/// The kinds whose objects are kept, one of each folder: the one that is stored as it is.
fn stored_kinds() -> impl Iterator<Item = &'static Kind> {
    apiserver_kinds::all().filter(|kind| {
        let is_own = kind.versions.iter().any(|version| version.conversion.is_none());
        is_own && kind.verbs.contains(&Verb::Get) && !kind.folder.is_empty()
    })
}

fn resource(
    kind: &'static Kind,
    version: &'static Version,
    served: &Served,
    kept: impl Fn(&str) -> Option<Kept>,
) -> Resource {
    let group_version = GroupVersion::new(kind.group, version.name);
    let api_version: Text = group_version.to_string().into();
    let head = format!(r#""kind":"{}","apiVersion":"{api_version}""#, kind.kind);
    let others = kind.versions.iter().filter(|other| served.serves(kind, other.name));
    let is_kept = kind.verbs.contains(&Verb::Get) && !kind.folder.is_empty();
    Resource {
        kind,
        version,
        group_resource: GroupResource::new(kind.group, kind.plural),
        served: built_in().named(version.schema),
        stored: stored_version(kind),
        others: others
            .map(|other| (GroupVersion::new(kind.group, other.name).to_string().into(), other))
            .collect(),
        // A server's catalog is made once, and lives as long as the program.
        head: Box::leak(head.into_boxed_str()),
        kept: if is_kept { kept(kind.folder) } else { None },
        group_version,
        api_version,
    }
}

/// The `apiVersion` in which a kind's objects are stored, which may be that of another group.
fn stored_version(kind: &'static Kind) -> Text {
    let same = apiserver_kinds::all().filter(move |other| !kind.folder.is_empty() && other.folder == kind.folder);
    let own = std::iter::once(kind).chain(same);
    let stored = own
        .flat_map(|kind| kind.versions.iter().map(move |version| (kind, version)))
        .find(|(_, version)| version.conversion.is_none());
    let (kind, version) = stored.unwrap_or((kind, &kind.versions[0]));
    GroupVersion::new(kind.group, version.name).to_string().into()
}
