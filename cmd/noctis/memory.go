package main

import (
	"os"
	"runtime/debug"

	"github.com/noctis-dicom/noctis/store/sqlite"
)

// AfterApply bounds the memory of the process, whatever the command, before it runs (docs/adr/0023-memory-of-uploads.md): beyond nine sixteenths
// garbage is collected at any cost of time. The rest is for what Go does not count, SQLite and the program itself, and for what comes
// while it collects. A server divides it further (serveCommand.shareMemory).
func (c *commands) AfterApply() error {
	c.Serve.Memory = c.Memory
	if c.Memory <= 0 {
		return nil
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(c.Memory) * 9 / 16)
	}
	sqlite.SetMemoryLimit(int64(c.Memory) / 8)
	return nil
}
