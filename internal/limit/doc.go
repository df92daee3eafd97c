// Package limit bounds what one principal, and what all of them together, may ask of a server at a time: rate.go how many requests a
// second, gate.go how many of a costly kind at once. limits.go puts those of a server together, and counts what they refuse.
package limit
