//! Paths that are no resources, by way of all that a request goes through.

use std::sync::Arc;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use url::Url;

use crate::pipeline::Pipeline;
use crate::pipeline::tests::{Setup, ask, get, pipeline, shown, text};

#[tokio::test(start_paused = true)]
async fn paths_are_taken_as_they_are_and_routes_with_a_slash_but_only_for_reading() {
    let pipeline = pipeline(Setup::default());
    for (method, path, code) in [
        ("GET", "/healthz/", 404),
        ("GET", "/healthz/ping/", 404),
        ("POST", "/healthz/ping", 200),
        ("GET", "/metrics/", 404),
        ("POST", "/metrics", 200),
        ("HEAD", "/metrics", 200),
        ("POST", "/openapi/v3", 200),
        ("GET", "/openapi/v3/", 404),
        ("GET", "/openapi/v2/", 404),
        ("POST", "/", 200),
        ("GET", "/version/", 200),
        ("POST", "/version", 405),
        ("HEAD", "/version", 405),
        ("OPTIONS", "/version", 405),
        ("GET", "/version/more", 404),
        ("POST", "/.well-known/openid-configuration", 405),
        ("HEAD", "/openid/v1/jwks", 405),
        ("GET", "/openid/v1/jwks/", 200),
        ("GET", "/openid/v1", 404),
        ("HEAD", "/api", 405),
        ("HEAD", "/api/v1", 405),
        ("HEAD", "/apis/apps/v1", 405),
        ("DELETE", "/apis/apps/v1", 405),
        // What upstream's aggregator tells of others it tells in any case.
        ("HEAD", "/apis", 200),
        ("POST", "/apis/apps", 200),
        ("POST", "/apis/apiregistration.k8s.io", 405),
        ("POST", "/apis/nope", 404),
    ] {
        let request = Request::builder().method(method).uri(path);
        let answer = ask(&pipeline, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status(), code, "{method} {path}");
        if code == 405 && method != "HEAD" {
            let said = text(answer).await;
            assert!(said.contains(r#""reason":"MethodNotAllowed""#), "{said}");
        }
    }
}

/// What a request without a body is answered, with these headers.
async fn code(pipeline: &Arc<Pipeline>, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = ask(pipeline, request.body(Body::empty()).unwrap()).await;
    answer.status().as_u16()
}

#[tokio::test(start_paused = true)]
async fn a_path_that_no_method_has_leads_nowhere_and_any_other_refuses_the_rest() {
    let pipeline = pipeline(Setup::default());
    let reviews = "/apis/authorization.k8s.io/v1";
    for (path, taken) in [
        ("/api/v1/bindings".to_owned(), false),
        ("/api/v1/namespaces/n/bindings/b".to_owned(), false),
        (format!("{reviews}/localsubjectaccessreviews"), false),
        (format!("{reviews}/subjectaccessreviews/s"), false),
        (format!("{reviews}/namespaces/n/localsubjectaccessreviews/l"), false),
        ("/api/v1/namespaces/n/configmaps///c".to_owned(), false),
        ("/api/v1/namespaces/n/configmaps/c//d".to_owned(), false),
        ("/api/v1/pods/p".to_owned(), false),
        ("/api/v1/namespaces/n/nodes".to_owned(), false),
        ("/api/v1/proxy/namespaces/n/pods".to_owned(), false),
        ("/api/v1/namespaces/n/bindings".to_owned(), true),
        (format!("{reviews}/subjectaccessreviews"), true),
        ("/api/v1/pods".to_owned(), true),
        ("/apis/apps/v1/deployments".to_owned(), true),
    ] {
        for method in ["PUT", "PATCH", "OPTIONS", "HEAD"] {
            let expected = if taken { 405 } else { 404 };
            assert_eq!(code(&pipeline, method, &path, &[]).await, expected, "{method} {path}");
        }
        if !taken {
            for method in ["GET", "POST", "DELETE"] {
                assert_eq!(code(&pipeline, method, &path, &[]).await, 404, "{method} {path}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_documents_no_tables_are_made_and_the_index_is_for_everyone() {
    let pipeline = pipeline(Setup::default());
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let tables_too = format!("{table},application/json");
    for (path, accept, expected) in [
        ("/api/v1", table, 406),
        ("/api/v1", &tables_too, 200),
        ("/api/v1", "application/*", 406),
        ("/apis", table, 406),
        ("/apis", "application/*", 200),
        ("/apis", "*", 200),
        ("/apis/apps", table, 406),
        ("/apis/apps", "*", 200),
        ("/apis/apiregistration.k8s.io", "*", 406),
        ("/", table, 200),
        ("/", "image/png", 200),
        ("/index.html", "image/png", 200),
    ] {
        let told = code(&pipeline, "GET", path, &[("accept", accept)]).await;
        assert_eq!(told, expected, "{path} {accept}");
    }
    let review = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    assert_eq!(code(&pipeline, "POST", review, &[("accept", table)]).await, 406);
    let [index, page] = ["/", "/index.html"].map(|path| get(&pipeline, path));
    assert_eq!(text(index.await).await, text(page.await).await);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_that_it_is_no_page_and_a_single_check_does_not() {
    let sniff = |answer: &crate::answer::Answer| answer.headers().contains_key("x-content-type-options");
    let denied = pipeline(Setup {
        mode: "AlwaysDeny",
        ..Setup::default()
    });
    for path in ["/api/v1/pods", "/version"] {
        let refused = get(&denied, path).await;
        assert_eq!((refused.status().as_u16(), sniff(&refused)), (403, true), "{path}");
    }
    let pipeline = pipeline(Setup::default());
    let check = get(&pipeline, "/healthz/ping").await;
    assert_eq!((check.status().as_u16(), sniff(&check)), (200, false));
    assert_eq!(check.headers()["content-type"], "text/plain; charset=utf-8");
    assert!(sniff(&get(&pipeline, "/healthz?exclude=etcd").await));
}

#[tokio::test(start_paused = true)]
async fn what_proves_tokens_may_be_kept_for_an_hour() {
    let pipeline = pipeline(Setup::default());
    for (path, told) in [
        ("/openid/v1/jwks", "public, max-age=3600"),
        ("/.well-known/openid-configuration", "public, max-age=3600"),
        ("/version", "no-cache, private"),
    ] {
        assert_eq!(get(&pipeline, path).await.headers()["cache-control"], told, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn watches_are_read_by_get_alone() {
    let pipeline = pipeline(Setup::default());
    for (method, path, code) in [
        ("POST", "/api/v1/watch/namespaces/n/configmaps", 405),
        ("DELETE", "/api/v1/watch/namespaces/n/configmaps/c", 405),
        ("OPTIONS", "/api/v1/watch/configmaps", 405),
        ("HEAD", "/api/v1/watch/configmaps", 405),
        ("HEAD", "/api/v1/configmaps?watch=1", 405),
        ("HEAD", "/api/v1/configmaps/c", 404),
        ("POST", "/api/v1/watch/configmaps/c", 404),
        ("GET", "/api/v1/watch/namespaces/n/pods/p/log", 404),
        ("GET", "/api/v1/watch/namespaces/n/bindings", 404),
    ] {
        let request = Request::builder().method(method).uri(path);
        let answer = ask(&pipeline, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status(), code, "{method} {path}");
    }
}

#[tokio::test(start_paused = true)]
async fn metrics_begin_anew_where_profiles_may_be_taken() {
    for (profiling, said) in [(true, "metrics reset\n"), (false, "# HELP ")] {
        let pipeline = pipeline(Setup {
            profiling,
            ..Setup::default()
        });
        get(&pipeline, "/livez?exclude=etcd").await;
        let counted = async || {
            let slis = text(get(&pipeline, "/metrics/slis").await).await;
            let slis = slis.contains("kubernetes_healthchecks_total");
            (!shown(&pipeline, "apiserver_request_total").await.is_empty(), slis)
        };
        assert_eq!(counted().await, (true, true));
        for path in ["/metrics", "/metrics/slis"] {
            let request = Request::delete(path).body(Body::empty()).unwrap();
            let answer = text(ask(&pipeline, request).await).await;
            assert!(answer.starts_with(said), "{answer}");
        }
        assert_eq!(counted().await, (!profiling, !profiling));
        get(&pipeline, "/livez?exclude=etcd").await;
        assert_eq!(counted().await, (true, true));
    }
}

#[tokio::test(start_paused = true)]
async fn a_document_that_there_is_not_is_of_no_media_type() {
    let pipeline = pipeline(Setup::default());
    let none = get(&pipeline, "/openapi/v3/nope").await;
    assert_eq!(
        (none.status().as_u16(), none.headers().get("content-type")),
        (404, None)
    );
    assert_eq!(text(none).await, "");
    let other = get(&pipeline, "/openapi").await;
    assert_eq!(other.headers()["content-type"], "text/plain; charset=utf-8");
}

#[tokio::test(start_paused = true)]
async fn a_page_shows_the_documents_where_it_is_wanted() {
    for path in ["/swagger-ui", "/swagger-ui/", "/swagger-ui/swagger-ui.css"] {
        let answer = get(&pipeline(Setup::default()), path).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(text(answer).await, "404 page not found\n");
    }
    let pipeline = pipeline(Setup {
        swagger_ui: true,
        ..Setup::default()
    });
    for path in ["/swagger-ui", "/swagger-ui/"] {
        let page = get(&pipeline, path).await;
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        assert!(
            page.headers()["content-security-policy"]
                .to_str()
                .unwrap()
                .contains("connect-src 'self'")
        );
        let here = Url::parse("https://h:1").unwrap().join(path).unwrap();
        let page = text(page).await;
        let parts = page.split(" href=\"").skip(1).chain(page.split(" src=\"").skip(1));
        let parts: Vec<&str> = parts.filter_map(|part| part.split('"').next()).collect();
        assert_eq!(parts.len(), 6);
        for part in parts {
            let part = here.join(part).unwrap();
            let answer = get(&pipeline, part.path()).await;
            let media = match part.path().rsplit('.').next() {
                Some("js") => "text/javascript; charset=utf-8",
                Some("css") => "text/css; charset=utf-8",
                _ => "image/png",
            };
            assert_eq!(answer.status(), 200, "{part}");
            assert_eq!(answer.headers()["content-type"], media, "{part}");
            assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
            assert!(
                answer.into_body().collect().await.unwrap().to_bytes().len() > 200,
                "{part}"
            );
        }
    }
    assert_eq!(get(&pipeline, "/swagger-ui/nope.js").await.status(), 404);
    assert_eq!(get(&pipeline, "/swagger-ui/index.css/more").await.status(), 404);
    let paths = text(get(&pipeline, "/").await).await;
    assert!(paths.contains("\"/swagger-ui/\""));
}

#[tokio::test(start_paused = true)]
async fn the_page_refers_to_documents_that_there_are() {
    let pipeline = pipeline(Setup {
        swagger_ui: true,
        ..Setup::default()
    });
    let script = text(get(&pipeline, "/swagger-ui/initializer.js").await).await;
    let list = script.split_once("const urls = ").unwrap().1;
    let list = list.split_once(".map(").unwrap().0;
    let list = apiserver_api::tree::parse(list.as_bytes()).unwrap().tree;
    let all = list.as_list().unwrap();
    assert_eq!((all.len(), all.last().unwrap().text("path")), (49, "v2"));
    assert!(all.iter().any(|one| one.text("name") == "api/v1"));
    for one in all {
        let path = format!("/openapi/{}", one.text("path"));
        let document = get(&pipeline, &path).await;
        assert_eq!(document.status(), 200, "{path}");
        assert_eq!(document.headers()["content-type"], "application/json", "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_page_asks_who_may_see_it() {
    let pipeline = pipeline(Setup {
        mode: "AlwaysDeny",
        swagger_ui: true,
        ..Setup::default()
    });
    for path in ["/swagger-ui", "/swagger-ui/", "/swagger-ui/swagger-ui-bundle.js"] {
        assert_eq!(get(&pipeline, path).await.status(), 403, "{path}");
    }
}
