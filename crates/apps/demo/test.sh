#!/usr/bin/env bash
# Builds the demo and drives its page in a browser without a window: see page/test.js.
set -euo pipefail
cd "$(dirname "$0")/../../.."
crates/apps/demo/build.sh test
command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq chromium; } >/dev/null
profile=$(mktemp -d)
log=$profile/log
touch "$log"
# The port keeps the browser open after the page is loaded; a group of its own lets it be ended with its children.
setsid chromium --headless=new --no-sandbox --disable-gpu --user-data-dir="$profile/data" --remote-debugging-port=0 \
  --enable-logging=stderr "file://$PWD/target/demo/test.html" >"$log" 2>&1 &
browser=$!
trap 'kill -- -$browser 2>/dev/null || true; wait $browser 2>/dev/null || true; rm -rf "$profile"' EXIT
for ((waited = 0; waited < 240; waited++)); do
  case $(grep -o '"the demo: [^"]*' "$log" || true) in
    '"the demo: passed')
      echo "the demo in a browser: passed after $waited half seconds"
      exit 0
      ;;
    ?*) break ;;
  esac
  sleep 0.5
done
echo "the demo in a browser failed, or has not ended:"
tail -n 40 "$log"
exit 1
