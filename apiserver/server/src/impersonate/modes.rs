//! The ways of being allowed to act as another user, in the order in which they are tried.
//!
//! Those of constrained impersonation ask two things: whether the user may do what the request does as somebody else
//! (`impersonate-on:MODE:VERB`), and whether they may be that somebody (`impersonate:MODE`). The last way, the only one there
//! was before, asks the second alone (`impersonate`).

use apiserver_access::authenticate::service_account;
use apiserver_access::authorize::{Attributes, Authorizer, On, Resource, forbidden};
use apiserver_api::go::quote;
use apiserver_api::names::{domain_prefixed_path, name_is_dns_subdomain};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;
use apiserver_api::tree::{Map, Text, Tree};
use apiserver_api::user::{ANONYMOUS, AUTHENTICATED, MASTERS, UNAUTHENTICATED, User};

use crate::access;

const GROUP: &str = "authentication.k8s.io";
/// The group of all nodes.
const NODES: &str = "system:nodes";
/// How nodes' names as users begin.
const NODE_PREFIX: &str = "system:node:";
/// Where the token of a pod says on which node the pod is.
const NODE_NAME: &str = "authentication.kubernetes.io/node-name";
/// What is shown of such tokens instead of what they say: the keys alone.
const NODE_KEYS: &str = "authentication.kubernetes.io/associated-node-keys";
/// From so many on it is asked first whether all may be had.
const MANY: usize = 4;

/// A way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// A service account acts as the node on which its pod is.
    AssociatedNode,
    /// As any node.
    ArbitraryNode,
    /// As a service account.
    ServiceAccount,
    /// As anybody else.
    UserInfo,
    /// As anybody at all.
    Legacy,
}

/// All ways in their order.
pub(super) const MODES: [Mode; 5] = [
    Mode::AssociatedNode,
    Mode::ArbitraryNode,
    Mode::ServiceAccount,
    Mode::UserInfo,
    Mode::Legacy,
];

impl Mode {
    /// As verbs spell it; `None` for the way that there was before.
    const fn name(self) -> Option<&'static str> {
        match self {
            Self::AssociatedNode => Some("associated-node"),
            Self::ArbitraryNode => Some("arbitrary-node"),
            Self::ServiceAccount => Some("serviceaccount"),
            Self::UserInfo => Some("user-info"),
            Self::Legacy => None,
        }
    }

    /// Whether the way is for such users.
    fn is_for(self, wanted: &User, who: &User) -> bool {
        let plain = wanted.uid.is_empty() && wanted.groups.is_empty() && wanted.extra.is_empty();
        let node = node_name(&wanted.name);
        let account = service_account::split(&wanted.name);
        match self {
            Self::AssociatedNode => plain && node.is_some_and(|node| is_on(who, node)),
            Self::ArbitraryNode => plain && node.is_some(),
            Self::ServiceAccount => plain && account.is_some(),
            Self::UserInfo => node.is_none() && account.is_none(),
            Self::Legacy => true,
        }
    }

    /// The user that is acted as; `None` where the way is for others.
    ///
    /// # Errors
    /// 403: who asks may not.
    pub(super) async fn check(
        self,
        authorizer: &dyn Authorizer,
        wanted: &User,
        asked: &Attributes<'_>,
    ) -> Result<Option<User>, Status> {
        if !self.is_for(wanted, asked.user) {
            return Ok(None);
        }
        let shown;
        let mut who = asked.user;
        if self == Self::AssociatedNode {
            shown = without_place(who);
            who = &shown;
        }
        if let Some(mode) = self.name() {
            let verb = format!("impersonate-on:{mode}:{}", asked.verb);
            let on = asked.on.clone();
            let asked = Attributes {
                user: who,
                verb: &verb,
                on,
            };
            allowed(authorizer, &asked).await?;
        }
        let verb = self
            .name()
            .map_or_else(|| "impersonate".to_owned(), |mode| format!("impersonate:{mode}"));
        let asking = Asking {
            mode: self,
            authorizer,
            who,
            verb,
        };
        asking.become_user(wanted).await.map(Some)
    }
}

/// Asks whether somebody may be somebody else.
struct Asking<'a> {
    mode: Mode,
    authorizer: &'a dyn Authorizer,
    who: &'a User,
    verb: String,
}

impl Asking<'_> {
    async fn become_user(&self, wanted: &User) -> Result<User, Status> {
        let mut user = wanted.clone();
        self.name(wanted, &mut user).await?;
        if !wanted.uid.is_empty() {
            self.ask(extra_resource("uids", &wanted.uid)).await?;
        }
        self.groups(&wanted.groups).await?;
        self.extra(&wanted.extra).await?;
        let all = |group: &str, user: &mut User| {
            if !user.is_in(group) {
                user.groups.push(group.into());
            }
        };
        if user.name == ANONYMOUS {
            all(UNAUTHENTICATED, &mut user);
        } else if !user.is_in(UNAUTHENTICATED) {
            all(AUTHENTICATED, &mut user);
        }
        Ok(user)
    }

    const fn is_constrained(&self) -> bool {
        !matches!(self.mode, Mode::Legacy)
    }

    /// Users and groups, which once were of the core group.
    fn resource<'r>(&self, resource: &'r str, name: &'r str) -> Resource<'r> {
        Resource {
            group: if self.is_constrained() { GROUP } else { "" },
            ..extra_resource(resource, name)
        }
    }

    async fn ask(&self, on: Resource<'_>) -> Result<(), Status> {
        allowed(self.authorizer, &self.attributes(on)).await
    }

    fn attributes<'r>(&'r self, on: Resource<'r>) -> Attributes<'r> {
        Attributes {
            user: self.who,
            verb: &self.verb,
            // What one pod of a service account may, all may: on whichever node.
            on: On::Resource(match self.mode {
                Mode::AssociatedNode => Resource { name: "*", ..on },
                _ => on,
            }),
        }
    }

    fn refuse(&self, on: Resource<'_>, why: &str) -> Status {
        forbidden(&self.attributes(on), why)
    }

    async fn name(&self, wanted: &User, user: &mut User) -> Result<(), Status> {
        if let Some(node) = node_name(&wanted.name).filter(|_| self.is_constrained()) {
            user.groups = vec![NODES.into()];
            return self.ask(self.resource("nodes", node)).await;
        }
        let Some((namespace, name)) = service_account::split(&wanted.name) else {
            return self.ask(self.resource("users", &wanted.name)).await;
        };
        if wanted.groups.is_empty() {
            user.groups = service_account::groups(namespace).into();
        }
        let on = self.resource("serviceaccounts", name);
        self.ask(Resource { namespace, ..on }).await
    }

    async fn groups(&self, groups: &[Text]) -> Result<(), Status> {
        if self.is_constrained() {
            if groups.iter().any(Text::is_empty) {
                let why = "impersonating the empty string group is not allowed";
                return Err(self.refuse(self.resource("groups", ""), why));
            }
            if groups.iter().any(|group| group == MASTERS) {
                let why = "impersonating the system:masters group is not allowed";
                return Err(self.refuse(self.resource("groups", MASTERS), why));
            }
            if groups.len() >= MANY && self.ask(self.resource("groups", "*")).await.is_ok() {
                return Ok(());
            }
        }
        for group in groups {
            self.ask(self.resource("groups", group)).await?;
        }
        Ok(())
    }

    async fn extra(&self, extra: &Map) -> Result<(), Status> {
        if extra.is_empty() {
            return Ok(());
        }
        if self.is_constrained() {
            check_extra(extra).map_err(|why| self.refuse(extra_resource("userextras", ""), &why))?;
            let on = extra_resource("userextras", "*");
            let all = Resource { subresource: "*", ..on };
            if is_large(extra) && self.ask(all).await.is_ok() {
                return Ok(());
            }
        }
        for (key, values) in extra.iter() {
            for value in strings(values) {
                let on = extra_resource("userextras", value);
                self.ask(Resource { subresource: key, ..on }).await?;
            }
        }
        Ok(())
    }
}

/// What always was of the group of questions who somebody is.
fn extra_resource<'r>(resource: &'r str, name: &'r str) -> Resource<'r> {
    Resource {
        group: GROUP,
        version: "v1",
        resource,
        name,
        ..Resource::default()
    }
}

async fn allowed(authorizer: &dyn Authorizer, asked: &Attributes<'_>) -> Result<(), Status> {
    let verdict = authorizer.authorize(asked).await;
    if verdict.is_allowed() {
        return Ok(());
    }
    Err(forbidden(asked, &access::why_not(&verdict)))
}

fn strings(values: &Tree) -> impl Iterator<Item = &str> {
    values.as_list().unwrap_or_default().iter().filter_map(Tree::as_str)
}

/// What constrained impersonation wants of what else is known of a user.
fn check_extra(extra: &Map) -> Result<(), String> {
    for (key, values) in extra.iter() {
        if key.is_empty() {
            return Err("impersonating the empty string key in extra is not allowed".to_owned());
        }
        let mut refusals = Refusals::new();
        domain_prefixed_path(&Path::of("extra").field("key"), key, &mut refusals);
        if !refusals.is_empty() {
            return Err(format!(
                "impersonating an invalid key in extra is not allowed: {refusals}"
            ));
        }
        if key.chars().any(char::is_uppercase) {
            let key = quote(key);
            return Err(format!(
                "impersonating a non-lowercase key in extra is not allowed: {key}"
            ));
        }
        if strings(values).any(str::is_empty) {
            return Err("impersonating the empty string value in extra is not allowed".to_owned());
        }
    }
    Ok(())
}

fn is_large(extra: &Map) -> bool {
    extra.iter().map(|(_, values)| strings(values).count()).sum::<usize>() >= MANY
}

/// The node that a user is.
fn node_name(user: &str) -> Option<&str> {
    let name = user.strip_prefix(NODE_PREFIX)?;
    name_is_dns_subdomain(name, false).is_empty().then_some(name)
}

/// Whether somebody is a service account whose pod is on a node.
fn is_on(who: &User, node: &str) -> bool {
    service_account::split(&who.name).is_some() && one(&who.extra, NODE_NAME) == Some(node)
}

/// The one value under a key.
fn one<'e>(extra: &'e Map, key: &str) -> Option<&'e str> {
    match extra.get(key)?.as_list()? {
        [value] => value.as_str(),
        _ => None,
    }
}

/// A service account as if it were nowhere in particular.
fn without_place(who: &User) -> User {
    let mut keys: Vec<&str> = who.extra.keys().collect();
    keys.sort_unstable();
    let mut extra = Map::new();
    extra.insert(NODE_KEYS, keys.into_iter().collect());
    User { extra, ..who.clone() }
}
