//! One tag of a page, written again as upstream's library writes tags, with its links rewritten.

use std::convert::Infallible;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

use super::links::Links;

/// Which attributes of which elements are links; upstream's.
const LINKS: &[(&str, &[&str])] = &[
    ("a", &["href"]),
    ("applet", &["codebase"]),
    ("area", &["href"]),
    ("audio", &["src"]),
    ("base", &["href"]),
    ("blockquote", &["cite"]),
    ("body", &["background"]),
    ("button", &["formaction"]),
    ("command", &["icon"]),
    ("del", &["cite"]),
    ("embed", &["src"]),
    ("form", &["action"]),
    ("frame", &["longdesc", "src"]),
    ("head", &["profile"]),
    ("html", &["manifest"]),
    ("iframe", &["longdesc", "src"]),
    ("img", &["longdesc", "src", "usemap"]),
    ("input", &["src", "usemap", "formaction"]),
    ("ins", &["cite"]),
    ("link", &["href"]),
    ("object", &["classid", "codebase", "data", "usemap"]),
    ("q", &["cite"]),
    ("script", &["src"]),
    ("source", &["src"]),
    ("video", &["poster", "src"]),
];

/// A tag that begins an element, from its `<` to its `>`: names in lower case, values in quotes.
pub(super) fn rewritten(tag: &[u8], links: &Links) -> Vec<u8> {
    let mut out = Vec::with_capacity(tag.len() + 64);
    let mut attributes: &[&str] = &[];
    let mut is_link = false;
    let mut in_value = false;
    let mut hear = |event: CallbackEvent<'_>| match event {
        CallbackEvent::OpenStartTag { name } => {
            out.push(b'<');
            out.extend_from_slice(name);
            let of = LINKS.iter().find(|(element, _)| element.as_bytes() == name);
            attributes = of.map_or(&[], |(_, attributes)| attributes);
        }
        CallbackEvent::AttributeName { name } => {
            if std::mem::replace(&mut in_value, true) {
                out.push(b'"');
            }
            out.push(b' ');
            out.extend_from_slice(name);
            out.extend_from_slice(b"=\"");
            is_link = attributes.iter().any(|attribute| attribute.as_bytes() == name);
        }
        CallbackEvent::AttributeValue { value } => {
            let link = str::from_utf8(value).ok().filter(|_| is_link);
            // What is no link is left to whoever reads the page.
            match link.and_then(|link| links.rewrite(link).ok()) {
                Some(to) => escape(to.as_bytes(), &mut out),
                None => escape(value, &mut out),
            }
        }
        _ => {}
    };
    let emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: Span| -> Option<Infallible> {
        hear(event);
        None
    });
    // It has no tokens to give, so that the first step is the last.
    let none = Tokenizer::new_with_emitter(tag, emitter).next();
    debug_assert!(none.is_none());
    if in_value {
        out.push(b'"');
    }
    if tag.ends_with(b"/>") {
        out.push(b'/');
    }
    out.push(b'>');
    out
}

/// Writes a value as Go does.
fn escape(value: &[u8], out: &mut Vec<u8>) {
    for byte in value {
        match byte {
            b'&' => out.extend_from_slice(b"&amp;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\r' => out.extend_from_slice(b"&#13;"),
            other => out.push(*other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LINKS, Links, rewritten};

    fn written(tag: &str) -> String {
        let links = Links {
            before: "/p".to_owned(),
            backend: "10.0.0.1".to_owned(),
            client: "api".to_owned(),
        };
        String::from_utf8(rewritten(tag.as_bytes(), &links)).unwrap()
    }

    #[test]
    fn each_attribute_that_is_a_link_is_rewritten_and_no_other() {
        for (element, attributes) in LINKS {
            for attribute in *attributes {
                let tag = written(&format!("<{element} {attribute}=/x>"));
                assert_eq!(tag, format!("<{element} {attribute}=\"/p/x\">"));
            }
            assert_eq!(
                written(&format!("<{element} other=/x>")),
                format!("<{element} other=\"/x\">")
            );
        }
        assert_eq!(written("<other href=/x src=/x>"), r#"<other href="/x" src="/x">"#);
    }

    #[test]
    fn a_tag_is_written_as_upstreams_library_writes_it() {
        for (tag, expected) in [
            ("<BR>", "<br>"),
            ("<br/>", "<br/>"),
            ("<br />", "<br/>"),
            (
                "<input disabled VALUE='a\"b' x=>",
                r#"<input disabled="" value="a&#34;b" x="">"#,
            ),
            ("<p a=1 a=2>", r#"<p a="1" a="2">"#),
            (
                "<p a='&lt;&#39;&eacute;&nope;&'>",
                r#"<p a="&lt;&#39;é&amp;nope;&amp;">"#,
            ),
            ("<p a='x\r\ny'>", "<p a=\"x\ny\">"),
            ("<a href=/x/>", r#"<a href="/p/x/"/>"#),
            ("<a href=':x'>", r#"<a href=":x">"#),
            ("<a href='/a' href='/b'>", r#"<a href="/p/a" href="/p/b">"#),
        ] {
            assert_eq!(written(tag), expected, "{tag}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        let links = Links {
            before: "/p".to_owned(),
            backend: String::new(),
            client: String::new(),
        };
        assert_eq!(rewritten(b"<a href='/\xff'>", &links), b"<a href=\"/\xff\">");
    }
}
