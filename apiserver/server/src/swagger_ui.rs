//! Swagger UI: a page at `/swagger-ui` that shows the documents of `OpenAPI` to people.
//!
//! All that it needs is served here, so that it works where there is no other network; a browser is told to take nothing from
//! elsewhere. References are relative: the page also works behind `kubectl proxy`, which says who asks. It is asked for as any
//! other path that is no resource, so roles must name `/swagger-ui` and `/swagger-ui/*` for whom may see it.

use apiserver_api::tree::Tree;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue, X_CONTENT_TYPE_OPTIONS};

use crate::answer::{self, Answer};
use crate::openapi::Packed;
use crate::request::Call;

/// What the page may do: speak with this server, and show what comes from it. Swagger UI draws with styles in elements and with
/// pictures in URLs.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// A file of Swagger UI's release: its name, its media type and itself.
type File = (&'static str, &'static str, Packed);

macro_rules! file {
    ($name:literal, $media:expr) => {
        (
            $name,
            $media,
            Packed::ready(include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz"))),
        )
    };
}

/// The build script takes them out of the release.
static FILES: [File; 5] = [
    file!("favicon-32x32.png", "image/png"),
    file!("index.css", STYLE),
    file!("swagger-ui-bundle.js", SCRIPT),
    file!("swagger-ui-standalone-preset.js", SCRIPT),
    file!("swagger-ui.css", STYLE),
];

/// What starts it. It is found beside the documents' folder, wherever that is for the browser.
const INITIALIZER: &str = "initializer.js";

/// The page and what belongs to it.
#[derive(Debug)]
pub(crate) struct SwaggerUi {
    initializer: String,
}

impl SwaggerUi {
    /// It lets choose from the documents of these paths below `/openapi/v3/`, and that of all.
    pub(crate) fn new<'d>(documents: impl Iterator<Item = &'d str>) -> Self {
        Self {
            initializer: initializer(documents),
        }
    }

    /// Answers a request for something below the page's path; nothing if there is no such thing.
    pub(crate) fn serve(&self, call: &Call, below: &[&str]) -> Option<Answer> {
        let mut answer = match below {
            [] => answer::bytes(200, "text/html; charset=utf-8", page(&call.path)),
            [INITIALIZER] => answer::bytes(200, SCRIPT, self.initializer.clone()),
            [name] => {
                let (_, media, packed) = FILES.iter().find(|(file, ..)| file == name)?;
                answer::unpacked(call, media, packed)
            }
            _ => return None,
        };
        answer.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY);
        let no_guess = HeaderValue::from_static("nosniff");
        answer.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, no_guess);
        Some(answer)
    }
}

/// The page, as a browser must see it that asked for this path.
fn page(path: &str) -> String {
    // What is relative begins behind the last slash.
    let base = if path.ends_with('/') { "" } else { "swagger-ui/" };
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Kubernetes API</title>
<link rel="icon" type="image/png" sizes="32x32" href="{base}favicon-32x32.png">
<link rel="stylesheet" href="{base}swagger-ui.css">
<link rel="stylesheet" href="{base}index.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{base}swagger-ui-bundle.js"></script>
<script src="{base}swagger-ui-standalone-preset.js"></script>
<script src="{base}{INITIALIZER}"></script>
</body>
</html>
"#
    )
}

fn initializer<'d>(documents: impl Iterator<Item = &'d str>) -> String {
    let named = |name: &str, path: String| {
        let mut one = Tree::map();
        one.set("name", name);
        one.set("path", path);
        one
    };
    let all = documents.map(|path| named(path, format!("v3/{path}")));
    let all: Vec<Tree> = all.chain([named("OpenAPI 2.0", "v2".to_owned())]).collect();
    let all = Tree::from(all).to_json();
    let all = String::from_utf8_lossy(&all);
    format!(
        r##"const here = document.currentScript.src;
const urls = {all}.map(({{ name, path }}) => ({{ name, url: new URL("../openapi/" + path, here).href }}));
window.onload = () => {{
  window.ui = SwaggerUIBundle({{
    dom_id: "#swagger-ui",
    urls,
    "urls.primaryName": "api/v1",
    deepLinking: true,
    docExpansion: "none",
    validatorUrl: null,
    layout: "StandaloneLayout",
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  }});
}};
"##
    )
}
