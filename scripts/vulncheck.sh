#!/bin/sh
# Looks for known vulnerabilities that the program reaches. Where the database of vulnerabilities cannot be reached it says so and goes
# on: no network is no finding.
set -eu
report=$(mktemp)
trap 'rm -f "$report"' EXIT
status=0
${GO:-go} run golang.org/x/vuln/cmd/govulncheck@v1.9.0 -tags sqlite_fts5 ./... >"$report" 2>&1 || status=$?
cat "$report"
if [ "$status" -eq 0 ]; then
  exit 0
fi
if grep -q 'fetching vulnerabilities' "$report"; then
  echo "govulncheck: NOT CHECKED, the database of vulnerabilities cannot be reached from here; going on"
  exit 0
fi
exit "$status"
