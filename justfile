# What the gate checks, without the corpora.
check:
    cargo fmt --all --check
    cargo clippy --release --workspace --all-targets --test contract_nats --test load --test workers -- -D warnings
    cargo test --release --workspace
    RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps

# The tests on third-party corpora: see CONTRIBUTING.md.
corpora data:
    FACE_LIVENESS_DATA={{ data }} cargo test --release --test corpora -- --ignored --nocapture --test-threads 1

# The long form of what the gate does in short.
deep:
    SOAK_REQUESTS=100000 cargo test --release --test soak -- --nocapture

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
