//! The page for the browser, served from the binary, and the package that scores in the browser.

use std::path::Path;
use std::{fs, io};

use axum::Router;
use axum::http::header;
use axum::routing::get;
use bytes::Bytes;

/// Only the page's own files; `blob:` is the chosen photo. `wasm-unsafe-eval` lets the page compile
/// the package, and evaluates no JavaScript.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; \
    worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const MODULE: &str = "text/javascript; charset=utf-8";

/// The built package of `bindings/wasm`.
pub(crate) struct Package {
    module: Bytes,
    wasm: Bytes,
}

impl Package {
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let file = |name| fs::read(folder.join(name)).map(Bytes::from);
        Ok(Self { module: file("face_liveness.js")?, wasm: file("face_liveness_bg.wasm")? })
    }
}

/// The page offers to score on the device only where there is a package.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(package: Option<&Package>) -> Router<S> {
    let css = "text/css; charset=utf-8";
    let mut index = include_str!("../page/index.html").to_owned();
    if package.is_none() {
        index = index.replace(" data-device", "");
    }
    let texts = [
        ("/page/style.css", css, include_str!("../page/style.css")),
        ("/page/app.js", MODULE, include_str!("../page/app.js")),
        ("/page/camera.js", MODULE, include_str!("../page/camera.js")),
        ("/page/client.js", MODULE, include_str!("../page/client.js")),
        ("/page/device.js", MODULE, include_str!("../page/device.js")),
        ("/page/live.js", MODULE, include_str!("../page/live.js")),
        ("/page/orientation.js", MODULE, include_str!("../page/orientation.js")),
        ("/page/result.js", MODULE, include_str!("../page/result.js")),
        ("/page/worker.js", MODULE, include_str!("../page/worker.js")),
        ("/page/icon.svg", "image/svg+xml", include_str!("../page/icon.svg")),
    ];
    let package = package.into_iter().flat_map(|package| {
        [
            ("/page/package/face_liveness.js", MODULE, package.module.clone()),
            ("/page/package/face_liveness_bg.wasm", "application/wasm", package.wasm.clone()),
        ]
    });
    texts
        .into_iter()
        .map(|(path, kind, text)| (path, kind, Bytes::from_static(text.as_bytes())))
        .chain(package)
        .chain([("/", "text/html; charset=utf-8", Bytes::from(index))])
        .fold(Router::new(), |router, (path, kind, content)| {
            let headers = [
                (header::CONTENT_TYPE, kind),
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::REFERRER_POLICY, "no-referrer"),
                (header::CACHE_CONTROL, "no-cache"),
            ];
            router.route(path, get(move || async move { (headers, content) }))
        })
}
