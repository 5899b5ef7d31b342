# Recipes; `.ci/run` runs the same commands.

# List the recipes.
default:
    @just --list

# The narrated tour on an embedded registry.
demo:
    cargo run --release -p waxseal-demo

# Every test that needs no outside program.
test:
    cargo test --workspace

# Bundles from PyPI, npm, GitHub and others that really are out there.
wild:
    .ci/wild

# Every byte changed of everything that verifies (minutes; `test` takes some).
mutants:
    WAXSEAL_EVERY_BYTE=1 cargo test -p waxseal-verify --test it -- tampered:: --nocapture

# The two programs as they are given away: static files, in the folder that is printed last.
dist:
    .ci/dist

# List the functions that ordinary runs execute anew (after a new Rust, or new versions of dependencies).
layout: keyless-setup
    .ci/layout

# Format, lints, documentation.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- --deny warnings
    RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps --document-private-items

# Licences, bans and sources of the dependencies.
deny:
    cargo deny --locked check licenses bans sources

# Fetch the peers (cosign, notation, oras, crane, docker-registry, etcd) into .peers.
interop-setup:
    .ci/peers

# The table of theirs by ours and ours by theirs.
interop: interop-setup
    cargo run --release -p waxseal-interop --bin waxseal-interop

# Fetch or build the servers of a real Kubernetes API.
cluster-setup:
    .ci/peers
    .ci/kube-apiserver

# The webhook behind a real kube-apiserver.
cluster: cluster-setup
    cargo run --release -p waxseal-interop --bin waxseal-cluster

# Fetch or build the services and clients of keyless signing.
keyless-setup: interop-setup
    .ci/sigstore-peers

# A private Sigstore of the real services on loopback, until standard input ends.
sigstore-up FOLDER="target/sigstore": keyless-setup
    cargo run --release -p waxseal-interop --bin waxseal-keyless -- up {{FOLDER}}

# Keyless signatures of ours, cosign 3, sigstore-python and sigstore-js, each verified by all.
interop-keyless *WORDS: keyless-setup
    cargo run --release -p waxseal-interop --bin waxseal-keyless -- {{WORDS}}

# Sigstore's conformance suite over its command line, every case with the file and with the digest.
conformance:
    .ci/conformance

# TUF's conformance suite against our client (WAXSEAL_TUF_SUITE names a checkout of it).
tuf-conformance:
    .ci/tuf-conformance

# Make root filesystems of real packages, and fetch what says what is in them.
sbom-setup:
    .ci/sbom-peers

# Our SBOMs beside dpkg, rpm, pip, npm, go and cargo, and read by others' tools.
sbom-truth *WORDS: sbom-setup
    cargo run --release -p waxseal-interop --bin waxseal-sbom-truth -- {{WORDS}}

# Fuzz one target of `fuzz/`, from the files that the tests make (needs cargo-fuzz and a nightly Rust).
fuzz TARGET SECONDS="60":
    cargo run --quiet --manifest-path fuzz/Cargo.toml --bin seeds
    cd fuzz && cargo +nightly fuzz run -D {{TARGET}} -- -max_total_time={{SECONDS}} -timeout=10 -rss_limit_mb=1024

# Syft's SBOMs held against images, whole and with a package taken out (builds Syft, for minutes).
sbom-syft:
    .ci/sbom-syft

# Fetch what opens our pages in the machine's Chromium.
report-setup:
    .ci/report-peers

# The report in a real browser; `--screenshot docs/report.png` takes the picture of the documentation.
report-browser *ARGS: report-setup
    cargo run --release -p waxseal-interop --bin waxseal-pages -- {{ARGS}}

# Whole-process measurements beside the peers; `just bench --quick` for a look.
bench *ARGS: keyless-setup
    cargo run --release -p waxseal-bench -- {{ARGS}}
