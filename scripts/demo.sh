#!/usr/bin/env bash
# Placeholder: the steps of `make demo`.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/avakill --version
