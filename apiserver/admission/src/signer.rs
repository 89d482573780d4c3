//! Who may do what on behalf of a signer (`certauthorization.IsAuthorizedForSignerName`).

use apiserver_access::authorize::{Attributes, Authorizer, Decision, On, Resource};
use apiserver_api::user::User;

/// The group that signers, which are no objects, belong to.
pub(crate) const GROUP: &str = "certificates.k8s.io";

/// Whether a user may do this for a signer, or for all signers of its domain.
pub(crate) async fn may(authorizer: &dyn Authorizer, user: &User, verb: &str, signer: &str) -> bool {
    let domain = signer.split('/').next().unwrap_or_default();
    for name in [signer, &format!("{domain}/*")] {
        let resource = Resource {
            group: GROUP,
            version: "*",
            resource: "signers",
            name,
            ..Resource::default()
        };
        let on = On::Resource(resource);
        if authorizer.authorize(&Attributes { user, verb, on }).await.decision == Decision::Allow {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::may;
    use crate::double::Scene;

    #[tokio::test]
    async fn a_right_for_the_domain_is_one_for_its_signers() {
        let mut scene = Scene::new();
        for (right, signer, expected) in [
            ("sign certificates.k8s.io/signers a.com/b", "a.com/b", true),
            ("sign certificates.k8s.io/signers a.com/*", "a.com/b", true),
            ("sign certificates.k8s.io/signers b.com/*", "a.com/b", false),
            ("approve certificates.k8s.io/signers a.com/b", "a.com/b", false),
        ] {
            scene.allow(&[right]);
            let user = scene.user.clone();
            assert_eq!(may(&scene.rights, &user, "sign", signer).await, expected, "{right}");
        }
    }
}
