#!/bin/sh
# Markdown with what differs from another commit: tools/metrics_report.sh main [FOLDER]
# In FOLDER, index.html shows the sample grids and curves of both; DVC's cache or remote has them.
set -eu
base=${1:?name a branch or a commit}
export DVC_NO_ANALYTICS=true
changes=$(dvc metrics diff --md "$base" | grep -v -E 'weights|expectations' || true)
ours=$(printf '%s\n' "$changes" | grep -F methods.stylefuse. || true)
printf '## Metrics compared with %s\n\n' "$base"
if [ "$ours" ]; then
    printf '%s\n' "$changes" | sed 2q
    printf '%s\n' "$ours"
else
    echo "The trained models' metrics are the same."
fi
printf '\n<details><summary>All metrics that differ</summary>\n\n%s\n\n</details>\n' "$changes"
printf '\n## Parameters\n\n'
dvc params diff --md "$base"
if [ "${2-}" ]; then
    dvc plots diff "$base" --out "$2" >&2
    printf '\nSample grids and curves: `%s/index.html`\n' "$2"
fi
