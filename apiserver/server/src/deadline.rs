//! How long a request may take: as long as the server allows, or shorter if the client says so by `timeout` in the query.

use std::time::Duration;

use apiserver_api::status::Status;
use apiserver_api::time;

use crate::request::query::Query;

/// The time that a request may take which is not long by nature. A client that says nothing, nothing above zero or more than
/// is allowed gets what is allowed.
///
/// # Errors
/// 400 in upstream's words where what it says is no span of time.
pub(crate) fn of(query: &Query, allowed: Duration) -> Result<Duration, Status> {
    let said = query.text("timeout");
    if said.is_empty() {
        return Ok(allowed);
    }
    let span = time::Duration::parse(said);
    let span =
        span.map_err(|error| Status::bad_request(format!("invalid timeout specified in the request URL - {error}")))?;
    let nanos = u64::try_from(span.nanos()).unwrap_or_default();
    Ok(match Duration::from_nanos(nanos) {
        Duration::ZERO => allowed,
        wanted => wanted.min(allowed),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::of;
    use crate::request::query::Query;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_client_gets_what_it_asks_for_if_that_is_less_than_it_may_have() {
        for (query, expected) in [
            ("", MINUTE),
            ("timeout=", MINUTE),
            ("timeout=1s", Duration::from_secs(1)),
            ("timeout=1500ms", Duration::from_millis(1500)),
            ("timeout=0s", MINUTE),
            ("timeout=-1s", MINUTE),
            ("timeout=2m", MINUTE),
        ] {
            assert_eq!(of(&Query::parse(query), MINUTE).unwrap(), expected, "{query}");
        }
    }

    #[test]
    fn what_is_no_span_of_time_is_told() {
        let refused = of(&Query::parse("timeout=soon"), MINUTE).unwrap_err();
        let words = r#"invalid timeout specified in the request URL - time: invalid duration "soon""#;
        assert_eq!((refused.code, refused.message.as_str()), (400, words));
    }
}
