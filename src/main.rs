//! Flags to a command, and its end to an exit code: 0 good, 1 the answer is no, 2 could not run.

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
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let env = |name: &str| std::env::var(name).ok();
    let unknown = vigie::config::unknown_variables(names());
    match runtime.block_on(cli::run(cli, &env, &unknown)) {
        Ok(Exit::Good) => ExitCode::SUCCESS,
        Ok(Exit::No) => ExitCode::from(1),
        Err(error) => failed(&error),
    }
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
