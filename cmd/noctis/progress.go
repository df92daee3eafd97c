package main

import (
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
)

// progress shows how far a command is, on a terminal; elsewhere it shows nothing. It is used by one goroutine at a time.
type progress struct{ bar *progressbar.ProgressBar }

func newProgress(w io.Writer, what string) *progress {
	f, isFile := w.(*os.File)
	if !isFile {
		return &progress{}
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return &progress{}
	}
	return &progress{progressbar.NewOptions(1, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100e6), progressbar.OptionClearOnFinish())}
}

func (p *progress) set(done, total int) {
	if p.bar != nil && total > 0 {
		p.bar.ChangeMax(total)
		p.bar.Set(done) //nolint:errcheck // a bar that cannot be drawn is no reason to stop
	}
}

// clear makes room for a line of text.
func (p *progress) clear() {
	if p.bar != nil {
		p.bar.Clear() //nolint:errcheck // as above
	}
}

func (p *progress) finish() {
	if p.bar != nil {
		p.bar.Finish() //nolint:errcheck // as above
	}
}
