//go:build !linux

package file

import "io/fs"

// stateOf changes when a file is written to.
func stateOf(info fs.FileInfo) uint64 { return uint64(info.ModTime().UnixNano()) }
