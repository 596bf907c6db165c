# Style, lints, tests and documentation: the gate without corpora and other programs.
check:
    .ci/style
    .ci/links
    cargo fmt --all --check
    cargo clippy --release --locked --workspace --all-targets \
        --test contract_nats --test load --test workers -- -D warnings
    cargo test --release --locked --workspace
    RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --workspace --no-deps

# The claims of docs/VERIFY.md that take minutes, a line each.
verify:
    .ci/install system python
    PATH="$PWD/target/venv/bin:$PATH" PYTHON="$PWD/target/venv/bin/python" .ci/verify

# The tests on third-party corpora, in the folder `data`: CONTRIBUTING.md lists them.
corpora data:
    FACE_LIVENESS_DATA={{ data }} cargo test --release --workspace --test corpora -- \
        --ignored --nocapture --test-threads 1

# Rates of error on your own images: docs/EVALUATE.md.
eval *arguments:
    cargo run --release --example evaluate -- {{ arguments }}

# Criterion benchmarks: each stage, each network, the whole request.
bench *arguments:
    cargo bench {{ arguments }}

# The engine beside a stack of published parts; `peers` holds peer_stack.py, `perf` the bodies.
compare peers perf:
    cargo bench --bench compare -- {{ peers }} {{ perf }}

# The public API against docs/api; `just api --write` accepts a change.
api *arguments:
    .ci/api {{ arguments }}

# The packages as crates.io would hand them out: each feature alone, examples of the documentation.
packages:
    .ci/install python
    PATH="$PWD/target/venv/bin:$PATH" .ci/packages

# Licences, advisories, sources and duplicates of the dependencies.
deny:
    .ci/install python
    PATH="$PWD/target/venv/bin:$PATH" cargo deny --all-features check

# The service under schemathesis, in Chromium, under load, and its NATS workers.
service:
    .ci/service

# The tests of models/training.
training:
    .ci/install training
    cd models/training && ../../target/venv/bin/python -m pytest

# 100,000 requests on four threads.
deep:
    SOAK_REQUESTS=100000 cargo test --release --workspace --test soak -- --nocapture

# Compares decoded pixels with those of Pillow and libjpeg-turbo. Lists the differences.
pixels *corpora:
    .ci/install python
    target/venv/bin/python .ci/pixel_parity.py {{ corpora }}

# The same, on JPEGs of random sampling factors and scans from libjpeg-turbo's encoder.
sampled-jpegs count seed:
    .ci/install system python
    rm -rf target/sampled-jpegs
    target/venv/bin/python .ci/sampled_jpegs.py target/sampled-jpegs {{ count }} {{ seed }}
    target/venv/bin/python .ci/pixel_parity.py target/sampled-jpegs

# Runs a fuzz target by cargo-fuzz, on nightly Rust. Seeds: `python fuzz/seeds.py DATA`.
fuzz target seconds:
    cd fuzz && cargo +nightly fuzz run {{ target }} -- -max_total_time={{ seconds }} \
        -max_len=100000 -rss_limit_mb=1024 \
        -malloc_limit_mb={{ if target == "load_onnx" { "1024" } else { "128" } }} \
        $(ls dictionaries/{{ target }}.dict 2> /dev/null | sed s/^/-dict=/)

# The code without networks under Miri, on nightly Rust.
miri:
    MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test --lib -p face-liveness-schema
    MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test --lib -p face-liveness-image -- \
        base64 orientation rgb scan_budget
    MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test --lib \
        -p face-liveness-jpeg-scaled -- huffman idct

# Other targets: the engine compiles, crates that read bytes pass their tests, golden answers.
targets *arguments:
    .ci/targets {{ arguments }}

# The package for the browser, into target/wasm-package, and its tests.
wasm:
    .ci/wasm build
    .ci/wasm test

# The wheel for Python, into target/wheels, and its tests.
python:
    .ci/python

# The libraries for C, into target/release, and their tests.
c:
    .ci/c

# The error rates at each operating point against the models' manifests; `--write` writes them.
operating-points *arguments:
    models/evaluation/operating_points.py {{ arguments }}

# Scores the development sets again, and compares every figure with the model's card.
error-rates sets:
    models/evaluation/error_rates.py {{ sets }}

# Compares groups of people again, and checks every table of docs/FAIRNESS.md.
fairness sets:
    models/evaluation/fairness.py {{ sets }}

# Measures the face detector again, and compares every figure with its card.
detector-figures faces:
    models/evaluation/detector_figures.py {{ faces }}
