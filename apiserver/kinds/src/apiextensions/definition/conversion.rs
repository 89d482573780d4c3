//! How objects become one version of another.

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::check::one_of;
use crate::webhook;

/// The versions of reviews that a conversion's webhook understands.
pub(super) fn review_versions(conversion: &Tree) -> &[Tree] {
    conversion.at("webhook").items("conversionReviewVersions")
}

/// Checks the conversion; one of the reviews must be known if `recognized`.
pub(super) fn validate(path: &Path<'_>, conversion: &Tree, recognized: bool, refusals: &mut Refusals) {
    let strategy = conversion.text("strategy");
    one_of(&path.field("strategy"), strategy, &["None", "Webhook"], true, refusals);
    let config = conversion.at("webhook").at("clientConfig");
    let (config_path, versions_path) = (
        path.field("webhookClientConfig"),
        path.field("conversionReviewVersions"),
    );
    if strategy == "Webhook" {
        if config.is_null() {
            refusals.required(&config_path, "required when strategy is set to Webhook");
        } else {
            webhook::validate(&config_path, config, refusals);
        }
        let versions = review_versions(conversion);
        return webhook::validate_review_versions(&versions_path, versions, "", recognized, refusals);
    }
    let detail = "should not be set when strategy is not set to Webhook";
    if !config.is_null() {
        refusals.forbidden(&config_path, detail);
    }
    if !review_versions(conversion).is_empty() {
        refusals.forbidden(&versions_path, detail);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree;

    use super::validate;

    #[test]
    fn a_webhook_is_there_if_it_converts_and_only_then() {
        for (conversion, expected) in [
            (r#"{"strategy":"None"}"#, &[][..]),
            (
                r#"{"strategy":"Webhook","webhook":{"clientConfig":{"url":"https://a"},"conversionReviewVersions":["v1"]}}"#,
                &[],
            ),
            ("{}", &["c.strategy: Required value"]),
            (
                r#"{"strategy":"Webhook"}"#,
                &[
                    "c.webhookClientConfig: Required value: required when strategy is set to Webhook",
                    "c.conversionReviewVersions: Required value",
                ],
            ),
            (
                r#"{"strategy":"None","webhook":{"clientConfig":{},"conversionReviewVersions":["v1"]}}"#,
                &[
                    "c.webhookClientConfig: Forbidden: should not be set when strategy is not set to Webhook",
                    "c.conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook",
                ],
            ),
        ] {
            let conversion = tree::parse(conversion.as_bytes()).unwrap().tree;
            let mut refusals = Refusals::new();
            validate(&Path::of("c"), &conversion, true, &mut refusals);
            let said: Vec<String> = refusals.iter().map(ToString::to_string).collect();
            assert_eq!(said, expected);
        }
    }
}
