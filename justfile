# What the gate checks, without the corpora.
check:
    cargo fmt --all --check
    cargo clippy --release --workspace --all-targets --test contract_nats --test load --test workers -- -D warnings
    cargo test --release --workspace
    RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps

# The tests on third-party corpora: see CONTRIBUTING.md.
corpora data:
    FACE_LIVENESS_DATA={{ data }} cargo test --release --test corpora -- --ignored --nocapture --test-threads 1

# Every claim that can be tried in minutes, a line each: docs/VERIFY.md.
verify:
    PYTHON=${PYTHON:-python3} .ci/verify

# The long form of what the gate does in short.
deep:
    SOAK_REQUESTS=100000 cargo test --release --test soak -- --nocapture

# Fuzzes a target of fuzz/ by cargo-fuzz, on nightly Rust. Seeds: `python fuzz/seeds.py DATA`.
fuzz target seconds:
    cd fuzz && cargo +nightly fuzz run {{ target }} -- -max_total_time={{ seconds }} -rss_limit_mb=1024 \
        -malloc_limit_mb={{ if target == "load_onnx" { "1024" } else { "128" } }} -max_len=100000 \
        {{ if path_exists("fuzz/dictionaries/" + target + ".dict") == "true" { "-dict=dictionaries/" + target + ".dict" } else { "" } }}

# The code that is not networks under Miri, on nightly Rust.
miri:
    MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test -p face-liveness-schema --lib
    MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test -p face-liveness-image --lib -- base64 orientation rgb scans bits transform

# The development sets again, every figure beside the card's: see models/training for the sets.
error-rates sets:
    models/evaluation/error_rates.py {{ sets }}

# The face detector's figures again, each beside the card's: see models/training for the photos.
detector-figures faces:
    models/evaluation/detector_figures.py {{ faces }}

# The golden answers on other processors: needs qemu-user, gcc-aarch64-linux-gnu, and the target aarch64-unknown-linux-gnu.
emulate:
    .ci/emulate

# Criterion benchmarks of each stage and of the whole request.
bench *arguments:
    cargo bench {{ arguments }}

# Licences, advisories, sources and duplicates of the dependencies.
deny:
    cargo deny check

# What the gate checks of the service: needs Chromium, wrk, nats-server, Node.js, or installs them.
service:
    .ci/service

# The engine beside a stack of published parts, in one run: the folder of `peer_stack.py`, and that of the bodies.
compare peers perf:
    cargo bench --bench compare -- {{ peers }} {{ perf }}
