package dicomweb

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/noctis-dicom/noctis/store"
)

// spool keeps the parts of one request on disk until it is known what they are for: one file, removed when the request is over.
// Nobody else can read it. It is used by one goroutine.
type spool struct {
	folder string // "" is the system's
	limit  int64
	file   *os.File // nil until the first byte
	size   int64
	buffer []byte // for all parts: there may be a hundred thousand of a byte
}

// extent is a piece of a spool.
type extent struct{ offset, length int64 }

// Write appends to the spool.
func (s *spool) Write(p []byte) (int, error) {
	if s.file == nil {
		file, err := os.CreateTemp(s.folder, "noctis-store-*")
		if err != nil {
			return 0, fmt.Errorf("spool: %w", err)
		}
		s.file = file
		_ = os.Remove(file.Name()) // so that a crash leaves nothing; where that cannot be, close does it
	}
	if s.size+int64(len(p)) > s.limit {
		return 0, exceeds("spool", "bulk data of more than the %d bytes that one request may hold", s.limit)
	}
	n, err := s.file.WriteAt(p, s.size)
	s.size += int64(n)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		err = fmt.Errorf("spool: %w", store.ErrNoSpace)
	}
	return n, err
}

// add appends what r has.
func (s *spool) add(r io.Reader) (extent, error) {
	e := extent{offset: s.size}
	if s.buffer == nil {
		s.buffer = make([]byte, copyBuffer)
	}
	_, err := io.CopyBuffer(struct{ io.Writer }{s}, r, s.buffer)
	e.length = s.size - e.offset
	return e, err
}

// open reads a piece. The reader is independent of others, and of what is appended meanwhile.
func (s *spool) open(e extent) *io.SectionReader {
	if s.file == nil {
		return io.NewSectionReader(noBytes{}, 0, 0)
	}
	return io.NewSectionReader(s.file, e.offset, e.length)
}

// noBytes is a file that nothing was written to.
type noBytes struct{}

func (noBytes) ReadAt([]byte, int64) (int, error) { return 0, io.EOF }

func (s *spool) close() {
	if s.file != nil {
		s.file.Close()
		_ = os.Remove(s.file.Name()) // it has gone already, except where open files cannot be removed
	}
}
