//! Whose is this token? What is answered to a `TokenReview`.

use apiserver_api::status::Status;
use apiserver_api::tree::{Text, Tree};

use super::audience::common;
use super::{Authenticator, Chain, Credentials, Headers, Notes, invalid_bearer_token};

/// Checks that a review asks anything. It comes before admission.
///
/// # Errors
/// 400: there is no token.
pub fn check(review: &Tree) -> Result<(), Status> {
    if review.at("spec").text("token").is_empty() {
        return Err(Status::bad_request(
            "token is required for TokenReview in authentication",
        ));
    }
    Ok(())
}

/// Answers a review: its status is whose the token is, and for whom of those that the review names, which are this server
/// where it names none.
///
/// # Errors
/// 500: the token was taken, for none of them.
pub async fn answer(chain: &Chain, notes: &Notes, review: &mut Tree) -> Result<(), Status> {
    let spec = review.at("spec");
    let header = format!("Bearer {}", spec.text("token"));
    let named = spec.items("audiences").iter().filter_map(Tree::as_str);
    let mut audiences: Vec<Text> = named.map(Into::into).collect();
    if audiences.is_empty() {
        audiences = chain.audiences().to_vec();
    }
    let outcome = chain
        .authenticate(&Credentials {
            peer: None,
            headers: Headers::new(&[("Authorization", header.as_bytes())]),
            path: "",
            audiences: &audiences,
            notes,
        })
        .await;
    let mut status = Tree::map();
    status.set("user", Tree::map());
    match outcome {
        Ok(Some(found)) => {
            if !audiences.is_empty() && common(&found.audiences, &audiences).is_empty() {
                let (wanted, got) = (&audiences, &found.audiences);
                tracing::error!(?wanted, ?got, "error validating audience");
                return Err(Status::internal("error validating audiences"));
            }
            status.set("authenticated", true);
            status.set("user", found.user.to_tree());
            if !found.audiences.is_empty() {
                status.set("audiences", found.audiences.into_iter().collect::<Tree>());
            }
        }
        Ok(None) => {}
        // Upstream asks first whether it is the token of the server itself, which says that it is not. Ours has none, as its
        // parts need not say who they are; the words are the same.
        Err(refused) => status.set("error", invalid_bearer_token().and(refused).to_string()),
    }
    review.set("status", status);
    Ok(())
}
