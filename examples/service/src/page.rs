//! The page for the browser, served from the binary.

use axum::Router;
use axum::http::header;
use axum::routing::get;

/// Only the page's own files; `blob:` is the chosen photo.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let html = "text/html; charset=utf-8";
    let css = "text/css; charset=utf-8";
    let module = "text/javascript; charset=utf-8";
    let files = [
        ("/", html, include_str!("../page/index.html")),
        ("/page/style.css", css, include_str!("../page/style.css")),
        ("/page/app.js", module, include_str!("../page/app.js")),
        ("/page/camera.js", module, include_str!("../page/camera.js")),
        ("/page/client.js", module, include_str!("../page/client.js")),
        ("/page/result.js", module, include_str!("../page/result.js")),
        ("/page/icon.svg", "image/svg+xml", include_str!("../page/icon.svg")),
    ];
    files.into_iter().fold(Router::new(), |router, (path, kind, text)| {
        let headers = [
            (header::CONTENT_TYPE, kind),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CACHE_CONTROL, "no-cache"),
        ];
        router.route(path, get(move || async move { (headers, text) }))
    })
}
