#!/usr/bin/env bash
# Measure a fresh clone: time and peak memory of `make repro`, and the times of further runs for
# which everything is up to date. Prints one line per measurement.
#   tools/fresh_clone.sh [FOLDER]      FOLDER must not exist yet
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
clone=${1:-$(mktemp -u)}
git clone --quiet "$here" "$clone"
cd "$clone"

seconds() {  # seconds NAME COMMAND...: wall time of a command whose output goes to the log
  local name=$1 start; shift
  start=$(date +%s.%N)
  "$@" >>"$clone.log" 2>&1 || { echo "$name failed; see $clone.log"; exit 1; }
  printf '%-42s %8.1f s\n' "$name" "$(echo "$(date +%s.%N) - $start" | bc)"
}

seconds "fresh clone to finished make repro" /usr/bin/time -v make repro
awk '/Maximum resident/ { printf "%-42s %8.2f GB\n", "largest process of make repro", $NF / 2^20 }' "$clone.log"
export PATH="$clone/.venv/bin:$PATH"
seconds "make repro, up to date" make repro
for run in 1 2 3; do seconds "dvc repro, up to date ($run)" dvc repro; done
for run in 1 2 3; do seconds "stylefuse --help ($run)" stylefuse --help; done
