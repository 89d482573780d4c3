//! Names of images, read as the registries' own rule has them: what tag they mean.

const NAME_MAX: usize = 255;
const DIGEST_HEX_MIN: usize = 32;

/// Whether the name of an image means its newest version: it says so, or it says neither a tag nor a digest. A name that
/// cannot be read means nothing.
pub(super) fn is_latest(image: &str) -> bool {
    tag(image) == Some("latest")
}

/// The tag that a name means; `None` where it cannot be read or has only a digest.
fn tag(image: &str) -> Option<&str> {
    if image.len() == 64 && image.bytes().all(|byte| matches!(byte, b'a'..=b'f' | b'0'..=b'9')) {
        // It would be taken for the identifier of an image.
        return None;
    }
    let (domain, rest) = match image.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" || has_capital(first) => {
            (Some(first), rest)
        }
        _ => (None, image),
    };
    let (name, digest) = match rest.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (rest, None),
    };
    let (name, tag) = match name.split_once(':') {
        Some((name, tag)) => (name, Some(tag)),
        None => (name, None),
    };
    let fine = domain.is_none_or(is_domain)
        && name.split('/').all(is_component)
        && full_length(domain, name) <= NAME_MAX
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest);
    match (tag, digest) {
        _ if !fine => None,
        (Some(tag), _) => Some(tag),
        (None, None) => Some("latest"),
        (None, Some(_)) => None,
    }
}

/// The length with the domain that is meant where none is given.
fn full_length(domain: Option<&str>, name: &str) -> usize {
    let implied = if name.contains('/') {
        "docker.io/"
    } else {
        "docker.io/library/"
    };
    domain.map_or(implied.len(), |domain| domain.len() + 1) + name.len()
}

fn has_capital(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn is_domain(domain: &str) -> bool {
    let (host, port) = match domain.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (domain, None),
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let named = match v6 {
        Some(host) => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':'),
        None => host.split('.').all(label),
    };
    named && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Lower-case words between single dots, one or two underscores, or any number of dashes.
fn is_component(component: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    let edges = [bytes.first(), bytes.last()];
    if !edges.into_iter().all(|edge| edge.is_some_and(|byte| word(*byte))) {
        return false;
    }
    bytes.chunk_by(|a, b| word(*a) == word(*b)).all(|run| match run {
        [first, ..] if word(*first) => true,
        [b'.' | b'_'] | [b'_', b'_'] => true,
        run => run.iter().all(|byte| *byte == b'-'),
    })
}

fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=128).contains(&tag.len())
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else {
        return false;
    };
    let length = match algorithm {
        "sha256" => Some(64),
        "sha384" => Some(96),
        "sha512" => Some(128),
        _ => None,
    };
    let part = |part: &str| {
        part.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    algorithm.split(['-', '_', '+', '.']).all(part)
        && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
        && length.map_or(hex.len() >= DIGEST_HEX_MIN, |length| hex.len() == length)
}

#[cfg(test)]
mod tests {
    use super::is_latest;

    #[test]
    fn an_image_without_tag_and_digest_is_the_newest() {
        let digest = format!("img@sha256:{}", "a".repeat(64));
        for (image, latest) in [
            ("img", true),
            ("img:latest", true),
            ("example.com:5000/a/b", true),
            ("localhost/img", true),
            ("img:1", false),
            ("example.com:5000/img:1", false),
            (&digest, false),
            ("Img", false),
            ("", false),
            ("a b", false),
            ("a__b", true),
            ("a___b", false),
            ("a---b", true),
            (&"a".repeat(64), false),
        ] {
            assert_eq!(is_latest(image), latest, "{image}");
        }
    }
}
