#!/usr/bin/env bash
# Print the path of a promtool: the machine's own, else one taken out of Debian's package `prometheus` into .venv.
#
# The package is unpacked, not installed: no service starts, no root is needed, `make clean` removes it.
set -euo pipefail
cd "$(dirname "$0")/.."

if command -v promtool; then exit 0; fi

ours=.venv/promtool/promtool
if [ ! -x "$ours" ]; then
  { command -v apt-get && command -v dpkg-deb; } >/dev/null || {
    echo "promtool is missing: install Prometheus (https://prometheus.io/download/) so that promtool is on PATH" >&2
    exit 1
  }
  mkdir -p .venv/promtool
  scratch=$(mktemp -d .venv/promtool/XXXXXX)
  trap 'rm -rf "$scratch"' EXIT
  echo "Fetching promtool out of Debian's package prometheus" >&2
  # Root's own folders are closed to the user that apt would download as.
  fetch() { (cd "$scratch" && apt-get -qq -o APT::Sandbox::User=root download prometheus) >&2; }
  # A new machine has no package lists yet: the first refusal says no more than that.
  fetch 2>/dev/null || {
    $([ "$(id -u)" = 0 ] || command -v sudo) apt-get -qq update >&2 || {
      echo "promtool is missing, and apt has no package lists: as root, run apt-get update" >&2
      exit 1
    }
    fetch
  }
  dpkg-deb --fsys-tarfile "$scratch"/prometheus_*.deb | tar -xf - -C "$scratch" ./usr/bin/promtool
  mv -f "$scratch/usr/bin/promtool" "$ours" # atomic: two checks at once both find a whole file
fi
echo "$PWD/$ours"
