#!/usr/bin/env bash
# Builds the demo: target/demo/index.html, one file that needs no server and no network.
set -euo pipefail
cd "$(dirname "$0")/../../.."
out=target/demo
mkdir -p "$out"
RUSTFLAGS="-D warnings -C target-feature=+simd128" .ci/cargo-for wasm32-unknown-unknown build -p unspool-demo --profile demo --locked
module=target/wasm32-unknown-unknown/demo/unspool_demo.wasm

# Writes a page, in which each line `{{name}}` of the template is replaced.
page() {
  local line
  while IFS= read -r line; do
    case $line in
      '{{style.css}}') cat crates/apps/demo/page/style.css ;;
      '{{scripts}}')
        printf 'const WASM = "%s";\n' "$(gzip -9n <"$module" | base64 -w0)"
        (cd crates/apps/demo/page && cat wasm.js presets.js plot.js draw.js pictures.js main.js "$@")
        ;;
      *) printf '%s\n' "$line" ;;
    esac
  done <crates/apps/demo/page/index.html
}

page >"$out/index.html"
page test.js >"$out/test.html"
printf '%s: %s bytes, of which WebAssembly: %s bytes, %s unpacked\n' "$out/index.html" "$(wc -c <"$out/index.html")" \
  "$(gzip -9n <"$module" | wc -c)" "$(wc -c <"$module")"
