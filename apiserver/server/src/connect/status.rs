//! A `Status` on a stream: what a kubelet says of how a command ended, and what its client is told.

use apiserver_api::status::Status;
use apiserver_api::tree::{Tree, parse};

const EXIT_CODE: &str = "ExitCode";
const NON_ZERO: &str = "NonZeroExitCode";

/// How a command ended, as its kubelet says on the error stream; nothing is said of a command that went well.
///
/// # Errors
/// What the client is told.
pub(super) fn outcome(said: &[u8], as_status: bool) -> Result<(), Tree> {
    if said.is_empty() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(said);
    if !as_status {
        return Err(internal(&format!("error executing remote command: {text}")));
    }
    let status = match parse(said) {
        Ok(parsed) => parsed.tree,
        Err(error) => {
            let quoted = apiserver_api::go::quote(&text);
            return Err(internal(&format!("error stream protocol error: {error} in {quoted}")));
        }
    };
    match status.text("status") {
        "Success" => Ok(()),
        "Failure" if status.text("reason") == NON_ZERO => Err(exit(&status)),
        "Failure" => Err(internal(status.text("message"))),
        _ => Err(internal("error stream protocol error: unknown error")),
    }
}

/// That a command ended with a code that is not zero.
fn exit(status: &Tree) -> Tree {
    if !status.has("details") {
        return internal("error stream protocol error: details must be set");
    }
    let causes = status.at("details").items("causes");
    let Some(cause) = causes.iter().find(|cause| cause.text("reason") == EXIT_CODE) else {
        return internal(&format!("error stream protocol error: no {EXIT_CODE} cause given"));
    };
    let said = cause.text("message");
    let Ok(code) = said.parse::<u8>() else {
        let quoted = apiserver_api::go::quote(said);
        return internal(&format!(
            "error stream protocol error: invalid exit code value {quoted}"
        ));
    };
    let mut told = Tree::map();
    let message = format!("command terminated with non-zero exit code: command terminated with exit code {code}");
    told.set("metadata", Tree::map());
    told.set("status", "Failure");
    told.set("message", message);
    told.set("reason", NON_ZERO);
    let mut cause = Tree::map();
    cause.set("reason", EXIT_CODE);
    cause.set("message", code.to_string());
    let mut details = Tree::map();
    details.set("causes", Tree::List(vec![cause]));
    told.set("details", details);
    told
}

/// That all went well.
pub(super) fn success() -> Tree {
    let mut told = Tree::map();
    told.set("metadata", Tree::map());
    told.set("status", "Success");
    told
}

/// That this server failed.
pub(super) fn internal(error: &str) -> Tree {
    let mut told = Status::internal(error).to_tree();
    // On a stream Go writes it without its type.
    told.remove("kind");
    told.remove("apiVersion");
    told
}

#[cfg(test)]
mod tests {
    use super::{internal, outcome, success};

    fn told(said: &str) -> String {
        let told = outcome(said.as_bytes(), true).map_or_else(|told| told, |()| success());
        String::from_utf8(told.to_json()).unwrap()
    }

    #[test]
    fn a_command_that_went_well_is_a_success() {
        for said in ["", r#"{"metadata":{},"status":"Success"}"#] {
            assert_eq!(told(said), r#"{"metadata":{},"status":"Success"}"#);
        }
    }

    #[test]
    fn an_exit_code_is_told_on() {
        let said = r#"{"status":"Failure","reason":"NonZeroExitCode","message":"command terminated with non-zero exit code: exit status 3","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}"#;
        let text = told(said);
        let words = "command terminated with non-zero exit code: command terminated with exit code 3";
        assert!(
            text.contains(words) && text.contains(r#"{"message":"3","reason":"ExitCode"}"#),
            "{text}"
        );
        assert!(!text.contains("code\":"), "{text}");
    }

    #[test]
    fn what_makes_no_sense_is_told_as_a_failure_of_the_server() {
        for (said, words) in [
            (
                r#"{"status":"Failure","message":"no such container"}"#,
                "no such container",
            ),
            (r#"{"status":"x"}"#, "error stream protocol error: unknown error"),
            (
                r#"{"status":"Failure","reason":"NonZeroExitCode"}"#,
                "error stream protocol error: details must be set",
            ),
            (
                r#"{"status":"Failure","reason":"NonZeroExitCode","details":{}}"#,
                "error stream protocol error: no ExitCode cause given",
            ),
            (
                r#"{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"300"}]}}"#,
                "error stream protocol error: invalid exit code value \\\"300\\\"",
            ),
        ] {
            assert!(
                told(said).contains(&format!("Internal error occurred: {words}")),
                "{}",
                told(said)
            );
        }
        let text = String::from_utf8(internal("x").to_json()).unwrap();
        let expected = r#"{"code":500,"details":{"causes":[{"message":"x"}]},"message":"Internal error occurred: x","metadata":{},"reason":"InternalError","status":"Failure"}"#;
        assert_eq!(text, expected);
        assert_eq!(
            outcome(b"oh", false).unwrap_err(),
            internal("error executing remote command: oh")
        );
    }
}
