#!/usr/bin/env bash
# The main job: one policy to six artifacts with a verdict for each rule, five calls judged, and the kernel refusing a write.
set -euo pipefail
cd "$(dirname "$0")/.."
avakill=$PWD/.venv/bin/avakill

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME=$scratch/home
mkdir -p "$HOME/project/src" "$HOME/.ssh" "$HOME/.config/avakill"
mkdir "$HOME/project/.git"
printf 'not a real key\n' >"$HOME/.ssh/id_ed25519"
cp fixtures/policies/coding-agent/policy.yaml "$HOME/.config/avakill/avakill.yaml"
cd "$HOME/project"

title() { printf '\n== %s ==\n' "$*"; }

title "avakill compile -o $scratch/out"
"$avakill" compile -o "$scratch/out" --pod-selector app=agent

title "five tool calls"
judge() {
  printf '%s\n  -> ' "$1"
  printf '%s' "$1" | "$avakill" evaluate || true
}
judge '{"tool": "Read", "args": {"file_path": "src/main.py"}}'
judge '{"tool": "Read", "args": {"file_path": "~/.ssh/id_ed25519"}}'
judge '{"tool": "Write", "args": {"file_path": "src/../.env.local", "content": "TOKEN=1"}}'
judge '{"tool": "Bash", "args": {"command": "cd src && r\"m\" -rf build"}}'
judge '{"tool": "Bash", "args": {"command": "git push origin main"}}'

title "avakill check read ~/.ssh/id_ed25519"
"$avakill" check read '~/.ssh/id_ed25519' || true

title "the kernel"
if reason=$("$avakill" enforce landlock --quiet -- true 2>&1); then
  echo '$ avakill enforce landlock -- sh -c "echo hello > src/note"'
  "$avakill" enforce landlock --quiet -- sh -c 'echo hello > src/note && echo "written: $(cat src/note)"'
  echo '$ avakill enforce landlock -- sh -c "echo key >> ~/.ssh/authorized_keys"'
  if "$avakill" enforce landlock --quiet -- sh -c 'echo key >> ~/.ssh/authorized_keys'; then
    echo 'the write was NOT refused: this is a bug, please report it' >&2
    exit 1
  fi
  echo 'refused by the kernel'
else
  echo "not shown here: $reason"
fi
