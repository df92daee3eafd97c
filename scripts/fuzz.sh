#!/bin/sh
# Runs every fuzz target of the module, one after the other, each for the time given (default 30s).
set -eu
time=${1:-30s}
go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}' ./... | while read -r dir; do
  for target in $(grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go 2>/dev/null | sed 's/func //' | sort -u); do
    echo "== ${dir#"$PWD"/} $target for $time"
    go test -tags sqlite_fts5 -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 10x "$dir"
  done
done
