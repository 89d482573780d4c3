//! Content that a client may have already, or want a part of: conditions and ranges, as Go's `http.ServeContent` has.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};

use super::{Answer, bytes, packed, set, text, unpacked};
use crate::openapi::Packed;
use crate::pipeline::reads;
use crate::request::Call;

/// What is sent.
pub(crate) enum Kept<'k> {
    /// Bytes that are kept compressed.
    Packed(&'k Packed),
    /// Bytes as they are.
    Plain(Bytes),
}

/// What is sent, and what clients know it by.
pub(crate) struct Content<'c> {
    pub(crate) media_type: &'static str,
    /// Without quotes; empty where it has none.
    pub(crate) tag: &'c str,
    /// Since when it is as it is, in seconds since 1970.
    pub(crate) modified: u64,
    pub(crate) body: Kept<'c>,
}

/// What conditions come to.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It is to be sent.
    Send,
    /// The client has it.
    Known,
    /// It is not what the client thinks it is.
    Other,
}

/// Why there is no such part.
#[derive(Debug, PartialEq, Eq)]
enum Unfit {
    Malformed,
    Beyond,
}

/// Answers with content, or with the part of it that is wanted. Who wants several parts gets the whole, as may be.
pub(crate) fn content(call: &Call, content: &Content<'_>) -> Answer {
    let media_type = content.media_type;
    match content.judge(call) {
        Verdict::Known => {
            let mut answer = bytes(304, media_type, Bytes::new());
            answer.headers_mut().remove(CONTENT_TYPE);
            content.name(&mut answer);
            if !content.tag.is_empty() {
                answer.headers_mut().remove(LAST_MODIFIED);
            }
            return answer;
        }
        Verdict::Other => {
            let mut answer = bytes(412, media_type, Bytes::new());
            content.name(&mut answer);
            return answer;
        }
        Verdict::Send => {}
    }
    let wanted = call.header(RANGE.as_str());
    let mut answer = if wanted.is_empty() || !content.fits_if_range(call) {
        content.whole(call)
    } else {
        match part(wanted, content.body.length()) {
            Ok(Some(part)) => content.part(part),
            Ok(None) => content.whole(call),
            Err(unfit) => return refused(&unfit, content.body.length()),
        }
    };
    set(&mut answer, ACCEPT_RANGES, "bytes");
    content.name(&mut answer);
    answer
}

impl Kept<'_> {
    fn length(&self) -> usize {
        match self {
            Self::Packed(packed) => packed.length(),
            Self::Plain(bytes) => bytes.len(),
        }
    }
}

impl Content<'_> {
    fn whole(&self, call: &Call) -> Answer {
        match &self.body {
            Kept::Packed(kept) => unpacked(call, self.media_type, kept),
            Kept::Plain(bytes) => packed(call, 200, self.media_type, bytes.clone()),
        }
    }

    /// A part is never compressed: it is one of the bytes as they are.
    fn part(&self, part: Range<usize>) -> Answer {
        let total = self.body.length();
        let whole = match &self.body {
            Kept::Packed(kept) => kept.plain(),
            Kept::Plain(bytes) => bytes.clone(),
        };
        let told = format!("bytes {}-{}/{total}", part.start, part.end.saturating_sub(1));
        let mut answer = bytes(206, self.media_type, whole.slice(part));
        set(&mut answer, CONTENT_RANGE, &told);
        answer
    }

    /// Says what clients know it by.
    fn name(&self, answer: &mut Answer) {
        if !self.tag.is_empty() {
            set(answer, ETAG, &format!("\"{}\"", self.tag));
        }
        set(answer, LAST_MODIFIED, &date(self.modified));
    }

    fn since(&self) -> SystemTime {
        time(self.modified)
    }

    fn judge(&self, call: &Call) -> Verdict {
        let said = |name: &HeaderName| Some(call.header(name.as_str())).filter(|said| !said.is_empty());
        let date = |name| said(name).and_then(|said| httpdate::parse_http_date(said).ok());
        let fits = match said(&IF_MATCH) {
            Some(tags) => self.is_among(tags, true),
            None => date(&IF_UNMODIFIED_SINCE).is_none_or(|date| self.since() <= date),
        };
        if !fits {
            return Verdict::Other;
        }
        let reads = reads(&call.method);
        match said(&IF_NONE_MATCH) {
            Some(tags) if self.is_among(tags, false) => {
                if reads {
                    Verdict::Known
                } else {
                    Verdict::Other
                }
            }
            None if reads && date(&IF_MODIFIED_SINCE).is_some_and(|date| self.since() <= date) => Verdict::Known,
            Some(_) | None => Verdict::Send,
        }
    }

    /// Whether it is the content of which the client has a part, where the client says which that is.
    fn fits_if_range(&self, call: &Call) -> bool {
        let said = call.header(IF_RANGE.as_str());
        if said.is_empty() || !reads(&call.method) {
            return true;
        }
        match first_tag(said) {
            Some((tag, _)) => !self.tag.is_empty() && tag.strip_prefix('"') == Some(&format!("{}\"", self.tag)),
            None => httpdate::parse_http_date(said).is_ok_and(|date| date == self.since()),
        }
    }

    /// Whether its tag is in a list; what says that it is weak is passed over unless tags must be strong.
    fn is_among(&self, mut tags: &str, strong: bool) -> bool {
        let own = format!("\"{}\"", self.tag);
        loop {
            tags = tags.trim_start_matches(|letter: char| letter.is_ascii_whitespace() || letter == ',');
            if tags.starts_with('*') {
                return true;
            }
            let Some((tag, rest)) = first_tag(tags) else {
                return false;
            };
            let tag = if strong { tag } else { tag.trim_start_matches("W/") };
            if !self.tag.is_empty() && tag == own {
                return true;
            }
            tags = rest;
        }
    }
}

/// A second since 1970 as headers write it.
pub(crate) fn date(second: u64) -> String {
    httpdate::fmt_http_date(time(second))
}

fn time(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(second)
}

/// The tag at the beginning of a text, with its quotes, and what comes behind it.
fn first_tag(text: &str) -> Option<(&str, &str)> {
    // What comes behind may be long, and is looked at again for the next tag.
    let text = text.trim_start();
    let open = if text.starts_with("W/") { 2 } else { 0 };
    let inner = text[open..].strip_prefix('"')?;
    let length = inner.find('"')?;
    let is_plain = inner[..length].bytes().all(|byte| byte > 0x20 && byte != 0x7f);
    is_plain.then(|| text.split_at(open + length + 2))
}

/// The part of so many bytes that a header asks for; nothing where it asks for none, or for several.
fn part(wanted: &str, total: usize) -> Result<Option<Range<usize>>, Unfit> {
    let list = wanted.strip_prefix("bytes=").ok_or(Unfit::Malformed)?;
    let (mut parts, mut beyond) = (Vec::new(), false);
    for one in list.split(',').map(str::trim).filter(|one| !one.is_empty()) {
        match span(one, total)? {
            Some(span) => parts.push(span),
            None => beyond = true,
        }
    }
    match parts.as_slice() {
        [] if beyond => Err(Unfit::Beyond),
        [one] => Ok(Some(one.clone())),
        _ => Ok(None),
    }
}

/// What `3-5`, `3-` or `-3` is of so many bytes; nothing where it lies beyond them.
fn span(text: &str, total: usize) -> Result<Option<Range<usize>>, Unfit> {
    let number = |text: &str| text.trim().parse::<usize>().map_err(|_| Unfit::Malformed);
    let (from, to) = text.split_once('-').ok_or(Unfit::Malformed)?;
    if from.trim().is_empty() {
        let from = total.saturating_sub(number(to)?);
        return Ok((from < total).then_some(from..total));
    }
    let from = number(from)?;
    let to = if to.trim().is_empty() { None } else { Some(number(to)?) };
    if from >= total {
        return Ok(None);
    }
    match to {
        Some(to) if to < from => Err(Unfit::Malformed),
        Some(to) => Ok(Some(from..to.saturating_add(1).min(total))),
        None => Ok(Some(from..total)),
    }
}

fn refused(unfit: &Unfit, total: usize) -> Answer {
    match unfit {
        Unfit::Malformed => text(416, "invalid range\n"),
        Unfit::Beyond => {
            let mut answer = text(416, "invalid range: failed to overlap\n");
            set(&mut answer, CONTENT_RANGE, &format!("bytes */{total}"));
            answer
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::{Content, Kept, Unfit, content, part};
    use crate::request::tests::call;

    /// When it was made, and a second before.
    const MADE: &str = "Sat, 01 Jan 2000 00:00:00 GMT";
    const EARLIER: &str = "Fri, 31 Dec 1999 23:59:59 GMT";

    /// What of `0123456789` is answered to these headers: the code, the part that is told, and the body.
    async fn asked(method: &str, tag: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
        let mut call = call(method, "/");
        for (name, value) in headers {
            let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            call.headers.insert(name, value.parse().unwrap());
        }
        let ten = Content {
            media_type: "text/plain",
            tag,
            modified: 946_684_800,
            body: Kept::Plain("0123456789".into()),
        };
        let answer = content(&call, &ten);
        let code = answer.status().as_u16();
        let told = answer.headers().get("content-range");
        let told = told.map(|told| told.to_str().unwrap().to_owned()).unwrap_or_default();
        assert_eq!(answer.headers().contains_key("content-type"), code != 304);
        assert_eq!(answer.headers().contains_key("etag"), !tag.is_empty() && code != 416);
        let is_dated = code != 416 && (code != 304 || tag.is_empty());
        assert_eq!(answer.headers().contains_key("last-modified"), is_dated);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (code, told, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn a_part_is_sent_to_who_wants_one() {
        for (range, code, told, body) in [
            ("bytes=0-3", 206, "bytes 0-3/10", "0123"),
            ("bytes=7-", 206, "bytes 7-9/10", "789"),
            ("bytes=-2", 206, "bytes 8-9/10", "89"),
            ("bytes=-200", 206, "bytes 0-9/10", "0123456789"),
            ("bytes=8-99", 206, "bytes 8-9/10", "89"),
            ("bytes=0-1,4-5", 200, "", "0123456789"),
            ("bytes=", 200, "", "0123456789"),
            ("bytes=10-", 416, "bytes */10", "invalid range: failed to overlap\n"),
            ("lines=1-2", 416, "", "invalid range\n"),
            ("bytes=3-1", 416, "", "invalid range\n"),
            ("bytes=x-", 416, "", "invalid range\n"),
        ] {
            let answered = asked("GET", "t", &[("range", range)]).await;
            assert_eq!(answered, (code, told.to_owned(), body.to_owned()), "{range}");
        }
        assert_eq!(part("bytes=-0", 10), Err(Unfit::Beyond));
    }

    #[tokio::test]
    async fn a_part_of_something_else_is_not_sent() {
        for (said, code) in [
            (r#""t""#, 206),
            (r#""other""#, 200),
            (r#"W/"t""#, 200),
            (MADE, 206),
            (EARLIER, 200),
            ("nonsense", 200),
        ] {
            let headers = [("range", "bytes=1-1"), ("if-range", said)];
            assert_eq!(asked("GET", "t", &headers).await.0, code, "{said}");
        }
    }

    #[tokio::test]
    async fn who_has_it_is_told_so() {
        for (name, value, code) in [
            ("if-none-match", r#""t""#, 304),
            ("if-none-match", r#""a", W/"t""#, 304),
            ("if-none-match", "*", 304),
            ("if-none-match", r#""a""#, 200),
            ("if-none-match", "t", 200),
            ("if-modified-since", MADE, 304),
            ("if-modified-since", EARLIER, 200),
            ("if-modified-since", "nonsense", 200),
            ("if-match", r#""t""#, 200),
            ("if-match", r#"W/"t""#, 412),
            ("if-match", r#""a""#, 412),
            ("if-unmodified-since", MADE, 200),
            ("if-unmodified-since", EARLIER, 412),
        ] {
            assert_eq!(asked("GET", "t", &[(name, value)]).await.0, code, "{name}: {value}");
        }
        // The tag has the say where both are said.
        let both = [("if-none-match", r#""a""#), ("if-modified-since", MADE)];
        assert_eq!(asked("GET", "t", &both).await.0, 200);
        assert_eq!(asked("PUT", "t", &[("if-none-match", "*")]).await.0, 412);
        assert_eq!(asked("PUT", "t", &[("if-modified-since", MADE)]).await.0, 200);
        assert_eq!(asked("GET", "", &[("if-modified-since", MADE)]).await.0, 304);
    }
}
