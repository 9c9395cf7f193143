#!/bin/sh
# Markdown with the metrics that differ from those of another commit: tools/metrics_report.sh main
set -eu
base=${1:?name a branch or a commit}
export DVC_NO_ANALYTICS=true
printf '## Metrics compared with %s\n\n' "$base"
dvc metrics diff --md "$base" | grep -v -E 'weights|expectations' || true
printf '\n## Parameters\n\n'
dvc params diff --md "$base"
