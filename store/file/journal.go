package file

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/noctis-dicom/noctis/internal/durable"
)

// journalName is the file of the journal: lines of text, each ended by a line feed, added to and never changed.
const journalName = "journal"

// journal is the open file. A line that a crash has cut off was not acknowledged: it is cut off whole when the file is opened.
type journal struct {
	mu   sync.Mutex
	path string
	file *os.File
	size int64 // of the lines that are durable, in bytes
}

func openJournal(root string) (*journal, error) {
	path := filepath.Join(root, journalName)
	f, err := durable.OpenFile(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	j := &journal{path: path, file: f}
	if j.size, err = wholeLines(f); err == nil {
		err = j.cut()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("journal: %w", err), f.Close())
	}
	return j, nil
}

// wholeLines returns where the last line feed ends.
func wholeLines(f *os.File) (int64, error) {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	block := make([]byte, 4096)
	for end > 0 {
		part := block[:min(end, int64(len(block)))]
		if _, err := f.ReadAt(part, end-int64(len(part))); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return end - int64(len(part)) + int64(i) + 1, nil
		}
		end -= int64(len(part))
	}
	return 0, nil
}

// cut takes away what is behind the durable lines.
func (j *journal) cut() error {
	info, err := j.file.Stat()
	if err != nil || info.Size() == j.size {
		return err
	}
	return j.file.Truncate(j.size)
}

// Record implements store.Blobs.
func (b *Blobs) Record(ctx context.Context, lines ...string) error {
	if err := errors.Join(ctx.Err(), b.poisoned()); err != nil || len(lines) == 0 {
		return err
	}
	j := b.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	text := strings.Join(lines, "\n") + "\n"
	if _, err := j.file.WriteAt([]byte(text), j.size); err != nil {
		return fmt.Errorf("journal: %w", full(errors.Join(err, j.cut())))
	}
	if err := b.sync(j.file); err != nil {
		return b.poison(errors.Join(err, j.cut()))
	}
	j.size += int64(len(text))
	return nil
}

// Records implements store.Blobs.
func (b *Blobs) Records(ctx context.Context) iter.Seq2[string, error] {
	return readRecords(ctx, b.journal.path, func(*os.File) (int64, error) {
		b.journal.mu.Lock()
		defer b.journal.mu.Unlock()
		return b.journal.size, nil
	})
}

// readRecords yields the lines of a journal, up to its length.
func readRecords(ctx context.Context, path string, length func(*os.File) (int64, error)) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield("", fmt.Errorf("journal: %w", err))
			return
		}
		defer f.Close()
		size, err := length(f)
		if err != nil {
			yield("", fmt.Errorf("journal: %w", err))
			return
		}
		lines := bufio.NewScanner(io.NewSectionReader(f, 0, size))
		for lines.Scan() {
			if err := ctx.Err(); err != nil {
				yield("", err)
				return
			}
			if !yield(lines.Text(), nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield("", fmt.Errorf("journal: %w", err))
		}
	}
}
