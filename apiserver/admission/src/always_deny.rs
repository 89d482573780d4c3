//! `AlwaysDeny`: lets nothing pass; deprecated, of use to tests of clients alone.

use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::plugin::{Operation, Plugin, Request};
use crate::refuse::forbidden;

const WORDS: &str = "admission control is denying all modifications";

/// The plugin.
pub(crate) struct AlwaysDeny;

#[async_trait]
impl Plugin for AlwaysDeny {
    fn name(&self) -> &'static str {
        "AlwaysDeny"
    }

    fn handles(&self, _operation: Operation) -> bool {
        true
    }

    async fn admit(&self, request: &Request<'_>, object: Option<&mut Tree>) -> Result<(), Status> {
        Err(forbidden(request, object.as_deref(), WORDS))
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        Err(forbidden(request, object, WORDS))
    }
}

#[cfg(test)]
mod tests {
    use super::AlwaysDeny;
    use crate::testing::Ask;

    #[tokio::test]
    async fn nothing_passes() {
        let ask = Ask::create("", "v1", "ConfigMap", "configmaps").within("t").named("a");
        let words = r#"configmaps "a" is forbidden: admission control is denying all modifications"#;
        assert_eq!(ask.admit(&AlwaysDeny, "{}").await.unwrap_err().message, words);
        assert_eq!(ask.validate(&AlwaysDeny, "{}").await.unwrap_err().message, words);
    }
}
