#!/usr/bin/env bash
# Makes .venv with the package and the pinned tools, if it is missing or stale (another Python, another pyproject.toml).
set -euo pipefail
cd "$(dirname "$0")/.."

readonly venv=.venv
readonly stamp=$venv/.avakill-setup

say() { printf 'setup: %s\n' "$*" >&2; }

is_new_enough() {
  "$1" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
  local name
  for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14; do
    if command -v "$name" >/dev/null 2>&1 && is_new_enough "$name"; then
      command -v "$name"
      return
    fi
  done
  say "Python 3.11 or later is needed (or say PYTHON=/path/to/python3)"
  return 1
}

# What the environment was made from: when it changes, the environment is stale.
wanted() {
  "$venv/bin/python" - <<'PY'
import hashlib, pathlib, sys
text = pathlib.Path("pyproject.toml").read_bytes()
print(hashlib.sha256(text).hexdigest(), sys.version.split()[0], pathlib.Path.cwd())
PY
}

# The same Python in the same place, of which only the packages may have changed.
is_reusable() {
  [ -f "$stamp" ] && is_new_enough "$venv/bin/python" && [ "$(cut -d' ' -f2- "$stamp")" = "$(wanted | cut -d' ' -f2-)" ]
}

make_venv() {
  local python=$1
  rm -rf "$venv"
  if "$python" -m venv "$venv" >/dev/null 2>&1; then
    return
  fi
  rm -rf "$venv"
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "python3-venv is missing: installing it"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
  fi
  "$python" -m venv "$venv"
}

install_package() {
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
}

if [ -f "$stamp" ] && is_new_enough "$venv/bin/python" && [ "$(cat "$stamp")" = "$(wanted)" ]; then
  exit 0
fi

if is_reusable; then
  say "pyproject.toml changed: installing into $venv again"
else
  python=$(find_python)
  say "making $venv with $python"
  make_venv "$python"
fi
if ! install_package; then
  say "installing failed, trying once more"
  sleep 5
  install_package
fi
wanted >"$stamp"
