//! Starts a server from its settings, and stops it.

use std::fmt::Display;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum_server::Handle;
use axum_server::accept::DefaultAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use face_liveness::Engine;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rustls::ServerConfig;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::time::sleep;
use tracing_subscriber::EnvFilter;

use crate::audit::AuditLog;
use crate::config::{Config, LogFormat};
use crate::connections::Limited;
use crate::keys::Keys;
use crate::limits::{MAX_BODY, MAX_HEADERS, MAX_URI};
use crate::metrics::Metrics;
use crate::nats::{Failure, Remote, RemoteParams};
use crate::observe::Observers;
use crate::page::Package;
use crate::pool::Pool;
use crate::rates::Rates;
use crate::router::{Backend, Service, probes, router};
use crate::upload::Uploads;

/// How long a new connection may take to send the headers of its first request.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// Larger than the contract's limits, so that the service itself answers 414 and 431. Beyond this
/// size hyper answers 431, without a body.
const HEAD_BUFFER: usize = 2 * (MAX_URI + MAX_HEADERS);

/// A listening server.
pub struct Server {
    config: Config,
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    service: Arc<Service>,
}

impl Server {
    /// Checks the settings, loads the engine unless `--nats` is set, and listens. Connections wait
    /// until [`run`](Self::run) is called.
    ///
    /// # Errors
    /// If any of these fails, with a message for the operator.
    pub async fn start(config: Config) -> Result<Self, Failure> {
        if config.nats.is_some() {
            return Self::with_workers(config, MAX_BODY).await;
        }
        let metrics = Metrics::default();
        let builder = Engine::builder().on_progress(metrics.on_progress());
        let engine = builder.provenance(config.audit.is_some()).build()?;
        Self::with_engine(config, engine, metrics).await
    }

    /// Starts with a given engine. Its stages are in the metrics if it was built with
    /// [`Metrics::on_progress`].
    ///
    /// # Errors
    /// Those of [`start`](Self::start).
    pub async fn with_engine(
        config: Config,
        engine: Engine,
        metrics: Metrics,
    ) -> Result<Self, Failure> {
        let pool = Pool::new(engine, config.engines.params(), metrics.clone());
        Self::new(config, pool.max_body_bytes(), Backend::Here(pool), metrics).await
    }

    /// Starts in front of workers whose engines accept bodies of up to `max_body_bytes`.
    ///
    /// # Errors
    /// Those of [`start`](Self::start).
    pub async fn with_workers(config: Config, max_body_bytes: usize) -> Result<Self, Failure> {
        let metrics = Metrics::default();
        let url = config.nats.as_deref().ok_or("--nats is missing")?;
        let params =
            RemoteParams { deadline: config.engines.deadline_seconds, ..Default::default() };
        let remote =
            Remote::connect(url, &config.subject, max_body_bytes, params, metrics.clone()).await;
        let remote = remote.map_err(|error| format!("--nats {url}: {error}"))?;
        Self::new(config, max_body_bytes, Backend::Workers(remote), metrics).await
    }

    async fn new(
        config: Config,
        limit: usize,
        backend: Backend,
        metrics: Metrics,
    ) -> Result<Self, Failure> {
        let keys = match &config.keys {
            Some(path) => {
                let text = std::fs::read_to_string(path);
                let text = text.map_err(|error| format!("--keys {}: {error}", path.display()))?;
                Some(
                    Keys::parse(&text)
                        .map_err(|error| format!("--keys {}: {error}", path.display()))?,
                )
            }
            None if config.listen.ip().is_loopback() => None,
            None => {
                return Err(
                    "--keys is required to listen on this address: --new-key NAME makes one".into(),
                );
            }
        };
        let tls = match (&config.tls_cert, &config.tls_key) {
            (Some(cert), Some(key)) => Some(tls(cert, key)?),
            _ => None,
        };
        let audit = config.audit.as_deref().map(|path| {
            let audit = AuditLog::open(path, metrics.clone());
            audit.map(Arc::new).map_err(|error| format!("--audit {}: {error}", path.display()))
        });
        let audit = audit.transpose()?;
        let package = config.browser_package.as_deref().map(|folder| {
            Package::read(folder)
                .map_err(|error| format!("--browser-package {}: {error}", folder.display()))
        });
        let service = Service {
            backend,
            keys,
            rates: Rates::new(config.rate_per_key, config.rate),
            uploads: Uploads::new(config.bodies_mb, config.body_seconds, limit, metrics.clone()),
            observers: Observers { metrics, audit, draining: Arc::default() },
            package: package.transpose()?,
        };
        let listener = TcpListener::bind(config.listen);
        let listener = listener.map_err(|error| format!("--listen {}: {error}", config.listen))?;
        listener.set_nonblocking(true)?;
        Ok(Self { config, listener, tls, service: Arc::new(service) })
    }

    /// The address that the server listens on.
    ///
    /// # Errors
    /// If the system call fails.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `end` completes, then drains: reports itself as not ready, answers the requests
    /// it has accepted, and returns.
    ///
    /// # Errors
    /// If the listener fails.
    pub fn run(self, end: BoxFuture<'static, ()>) -> BoxFuture<'static, Result<(), Failure>> {
        self.serve(end).boxed()
    }

    async fn serve(self, end: BoxFuture<'static, ()>) -> Result<(), Failure> {
        let Self { config, listener, tls, service } = self;
        let handle = Handle::new();
        tokio::spawn({
            let (handle, service) = (handle.clone(), Arc::clone(&service));
            // Enough for the slowest body and the longest wait in the queue.
            let longest = config.body_seconds + config.engines.deadline_seconds;
            async move {
                end.await;
                tracing::info!("stopping: no longer ready");
                service.observers.draining.store(true, Ordering::Relaxed);
                sleep(config.drain_seconds).await;
                handle.graceful_shutdown(Some(longest));
            }
        });
        let app = router(Arc::clone(&service)).into_make_service();
        let mut server = axum_server::Server::<SocketAddr>::from_listener(
            tokio::net::TcpListener::from_std(listener)?,
        )
        .handle(handle)
        .http1_only()
        .first_request_timeout(FIRST_REQUEST);
        server
            .http_builder()
            .http1()
            .header_read_timeout(config.idle_seconds)
            .max_buf_size(HEAD_BUFFER)
            // A client may shut down its sending side while it waits for the answer.
            .half_close(true);
        let (connections, unread) = (config.connections, config.unread_seconds);
        match tls {
            None => {
                let acceptor = Limited::new(DefaultAcceptor, connections, unread);
                server.acceptor(acceptor).serve(app).await?
            }
            Some(tls) => {
                let acceptor = Limited::new(RustlsAcceptor::new(tls), connections, unread);
                server.acceptor(acceptor).serve(app).await?
            }
        }
        if let Backend::Here(pool) = &service.backend {
            pool.finished().await;
        }
        tracing::info!("stopped");
        Ok(())
    }
}

/// The TLS settings. Offers HTTP/1.1 alone: HTTP/2 is not served.
fn tls(cert: &Path, key: &Path) -> Result<RustlsConfig, Failure> {
    let about_cert = |error: &dyn Display| format!("--tls-cert {}: {error}", cert.display());
    let about_key = |error: &dyn Display| format!("--tls-key {}: {error}", key.display());
    let chain = CertificateDer::pem_file_iter(cert).and_then(Iterator::collect);
    let chain: Vec<_> = chain.map_err(|error| about_cert(&error))?;
    if chain.is_empty() {
        return Err(about_cert(&"it holds no certificate").into());
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| match error {
        pem::Error::NoItemsFound => about_key(&"it holds no private key"),
        error => about_key(&error),
    })?;
    any_supported_type(&key).map_err(|error| about_key(&error))?;
    let settings = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
    let mut settings = settings.map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => about_key(&"it is not the key of the certificate"),
        error => about_cert(&error),
    })?;
    settings.alpn_protocols = vec![b"http/1.1".to_vec(), b"http/1.0".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(settings)))
}

/// Serves `/healthz`, `/readyz` and `/metrics` for a worker, which serves nothing else over HTTP.
///
/// # Errors
/// If it cannot listen.
pub fn serve_probes(
    listen: SocketAddr,
    metrics: Metrics,
) -> BoxFuture<'static, Result<(), Failure>> {
    async move {
        let listener = tokio::net::TcpListener::bind(listen).await;
        let listener = listener.map_err(|error| format!("--probes {listen}: {error}"))?;
        tokio::spawn(async move { axum::serve(listener, probes(metrics)).await });
        Ok(())
    }
    .boxed()
}

/// Returns on SIGTERM or Ctrl-C.
pub async fn terminated() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let sigterm = async {
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(mut signal) => signal.recv().await,
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupted => (),
            _ = sigterm => (),
        }
    }
    #[cfg(not(unix))]
    let _ = interrupted.await;
}

/// Starts logging to standard error. A panic is logged by its location only: its message could hold
/// request data.
///
/// # Errors
/// If the filter is invalid.
pub fn start_logging(format: LogFormat, filter: &str) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter)?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(location, "panicked");
    }));
    Ok(())
}
