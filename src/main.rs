//! Flags to a command, and its end to an exit code: 0 good, 1 the answer is no, 2 could not run.

use anyhow::Context as _;
use clap::Parser;
use std::process::ExitCode;
use vigie::cli::{self, Cli, Exit};

fn main() -> ExitCode {
    // Two crates bring TLS of their own; without one provider for both, the first connection would panic.
    let provider = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::parse();
    if provider.is_err() {
        cli::complain("vigie: another TLS provider was installed first");
        return ExitCode::from(2);
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let unknown = vigie::config::unknown_variables(names());
    let ended = cli::run(&runtime, cli, (&variable, &unknown));
    // A program that was to tell a secret is not waited for.
    runtime.shutdown_background();
    match ended {
        Ok(Exit::Good) => ExitCode::SUCCESS,
        Ok(Exit::No) => ExitCode::from(1),
        Err(error) => failed(&error),
    }
}

/// How many threads may wait for the disk at a time. None of them waits for another, so that one is enough.
const BLOCKING_THREADS: &str = "VIGIE_BLOCKING_THREADS";

/// Threads as tokio has them (it reads `TOKIO_WORKER_THREADS` itself), and fewer that wait for the disk where that is asked for.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all();
    if let Some(asked) = std::env::var(BLOCKING_THREADS).ok().filter(|text| !text.is_empty()) {
        let threads = asked.parse().ok().filter(|threads| (1..=512).contains(threads));
        let wrong = || format!("{BLOCKING_THREADS}={asked}: a number from 1 to 512 is wanted");
        builder.max_blocking_threads(threads.with_context(wrong)?);
    }
    Ok(builder.build()?)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Of the variables that are set; an empty one counts as unset.
fn names() -> impl Iterator<Item = String> {
    let set = std::env::vars_os().filter(|(_, value)| !value.is_empty());
    set.filter_map(|(name, _)| name.into_string().ok())
}

/// One line that says what, then why.
fn failed(error: &anyhow::Error) -> ExitCode {
    cli::complain(format!("vigie: {error}"));
    for cause in error.chain().skip(1) {
        cli::complain(format!("  because: {cause}"));
    }
    ExitCode::from(2)
}
