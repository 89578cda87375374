#!/usr/bin/env bash
# Builds the demo: target/demo/index.html, one file that needs no server and no network.
set -euo pipefail
cd "$(dirname "$0")/../../.."
out=target/demo
mkdir -p "$out"
build() {
  RUSTFLAGS="-D warnings -C target-feature=+simd128" .ci/cargo-for wasm32-unknown-unknown build \
    -p unspool-demo --profile demo --locked "$@"
}
# A constant for JavaScript, which has the compressed module of this name.
module() { printf 'const %s = "%s";\n' "$1" "$(gzip -9n <"target/wasm32-unknown-unknown/demo/$2.wasm" | base64 -w0)"; }

# Writes a page: the template, with its lines `{{name}}` replaced. Its argument prints more scripts.
page() {
  local line
  while IFS= read -r line; do
    case $line in
      '{{style.css}}') cat crates/apps/demo/page/style.css ;;
      '{{scripts}}')
        module WASM unspool_demo
        (cd crates/apps/demo/page && cat wasm.js presets.js plot.js draw.js pictures.js main.js)
        "$@"
        ;;
      *) printf '%s\n' "$line" ;;
    esac
  done <crates/apps/demo/page/index.html
}

build --lib
page : >"$out/index.html"
echo "$out/index.html: $(wc -c <"$out/index.html") bytes"

# What test.sh drives.
if [ "${1-}" = test ]; then
  build --example fit
  test_scripts() {
    module FIT examples/fit
    cat crates/apps/demo/page/test.js
  }
  page test_scripts >"$out/test.html"
fi
