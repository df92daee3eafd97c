package file

import (
	"io/fs"
	"syscall"
)

// stateOf mixes what changes when a file is written to or replaced: its inode, and the time of its last change, which nobody can set.
func stateOf(info fs.FileInfo) uint64 {
	of, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return uint64(info.ModTime().UnixNano())
	}
	const prime = 1099511628211 // FNV-1a, by words
	sum := uint64(14695981039346656037)
	for _, n := range []uint64{of.Ino, uint64(of.Ctim.Nano()), uint64(of.Mtim.Nano()), uint64(of.Size)} {
		sum = (sum ^ n) * prime
	}
	return sum
}
