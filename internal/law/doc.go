// Package law holds the rules of the repository that no compiler checks: who may import whom, how the standard is cited, and how
// long a file may grow. It has tests only; `make check` runs them.
package law
