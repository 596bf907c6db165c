//! The Liveness API over HTTP, with a page for the browser:
//! `cargo run --release --example server`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

use clap::Parser;
use face_liveness_service::{Config, Keys, Server, return_freed_memory, start_logging, terminated};

#[tokio::main]
async fn main() -> ExitCode {
    match run(Config::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("server: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(config: Config) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if let Some(name) = &config.new_key {
        let (key, line) = Keys::make(name)?;
        print!("{line}");
        eprintln!("{key}");
        return Ok(());
    }
    return_freed_memory();
    start_logging(config.log_format, &config.log)?;
    let scheme = if config.tls_cert.is_some() { "https" } else { "http" };
    let server = Server::start(config).await?;
    println!("listening on {scheme}://{}", server.address()?);
    server.run(Box::pin(terminated())).await
}
