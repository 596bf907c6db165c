//! Which machine, day and commit a generated document was measured on.

use std::process::Command;

/// Generated figures do not count as uncommitted changes: another benchmark may have just written
/// them.
const FIGURES: [&str; 2] = [":(top,exclude)benches/*.md", ":(top,exclude)benches/*.svg"];

/// A line such as `Intel(R) Xeon(R) Processor, 2026-11-26, commit 9bbca5d`. `.ci/stale` reads the
/// commit. Uncommitted changes are mentioned, since such figures cannot be repeated.
pub fn provenance() -> String {
    let date = output("date", &["+%F"]);
    let commit = output("git", &["rev-parse", "--short", "HEAD"]);
    let changes = output(
        "git",
        &["status", "--porcelain", "--untracked-files=no", "--", ":/", FIGURES[0], FIGURES[1]],
    );
    let changed = if changes.is_empty() { "" } else { " with uncommitted changes" };
    format!("{}, {date}, commit {commit}{changed}", machine())
}

fn machine() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.to_owned())
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
