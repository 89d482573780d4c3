//! `Audit-Id`: the name of a request, which the client may have chosen.

use base::random::Random;
use http::header::{HeaderMap, HeaderName, HeaderValue};

pub(super) const AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");

/// The name that the client gives, else a random UUID (version 4).
pub(super) fn of(headers: &HeaderMap, random: &dyn Random) -> HeaderValue {
    match headers.get(AUDIT_ID) {
        Some(given) if !given.is_empty() => given.clone(),
        _ => new(random),
    }
}

fn new(random: &dyn Random) -> HeaderValue {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let mut bytes = [0_u8; 16];
    random.fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = [b'-'; 36];
    let mut at = 0;
    for (number, byte) in bytes.into_iter().enumerate() {
        if matches!(number, 4 | 6 | 8 | 10) {
            at += 1;
        }
        text[at] = DIGITS[usize::from(byte >> 4)];
        text[at + 1] = DIGITS[usize::from(byte & 15)];
        at += 2;
    }
    // Digits and dashes may stand in every header.
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("unknown"))
}

#[cfg(test)]
mod tests {
    use base::random::Seeded;
    use http::HeaderMap;

    use super::{AUDIT_ID, of};

    #[test]
    fn a_request_has_the_name_that_it_came_with_or_a_new_one() {
        let (mut headers, random) = (HeaderMap::new(), Seeded::new(1));
        let name = of(&headers, &random);
        let parts: Vec<usize> = name.to_str().unwrap().split('-').map(str::len).collect();
        assert_eq!((parts, name.as_bytes()[14]), (vec![8, 4, 4, 4, 12], b'4'));
        assert_ne!(of(&headers, &random), name);
        headers.insert(AUDIT_ID, "mine".parse().unwrap());
        assert_eq!(of(&headers, &random), "mine");
        headers.insert(AUDIT_ID, "".parse().unwrap());
        assert_eq!(of(&headers, &random).len(), 36);
    }
}
