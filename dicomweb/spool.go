package dicomweb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/noctis-dicom/noctis/store"
)

// spool keeps the parts of one request until it is known what they are for: in one file, removed when the request is over, and its end in
// memory, since there may be a hundred thousand parts of a byte. Nobody else can read it. It is used by one goroutine.
type spool struct {
	folder  string // "" is the system's
	limit   int64
	file    *os.File // nil until more has come than pending takes
	size    int64
	pending []byte // the end, which is not in the file
}

// extent is a piece of a spool.
type extent struct{ offset, length int64 }

// Write appends to the spool.
func (s *spool) Write(p []byte) (int, error) {
	e, err := s.add(bytes.NewReader(p))
	return int(e.length), err
}

// add appends what r has.
func (s *spool) add(r io.Reader) (extent, error) {
	e := extent{offset: s.size}
	for {
		room, err := s.room()
		if err != nil {
			return e, err
		}
		n, err := r.Read(room)
		if s.size+int64(n) > s.limit {
			return e, exceeds("spool", "bulk data of more than the %d bytes that one request may hold", s.limit)
		}
		s.pending = s.pending[:len(s.pending)+n]
		s.size += int64(n)
		e.length += int64(n)
		if err == io.EOF {
			return e, nil
		}
		if err != nil {
			return e, err
		}
	}
}

// room is where the next bytes go: behind what is pending, which goes to the file when it is full.
func (s *spool) room() ([]byte, error) {
	if s.pending == nil {
		s.pending = make([]byte, 0, copyBuffer)
	}
	if len(s.pending) == cap(s.pending) {
		if err := s.flush(); err != nil {
			return nil, err
		}
	}
	return s.pending[len(s.pending):cap(s.pending)], nil
}

func (s *spool) flush() error {
	if s.file == nil {
		file, err := os.CreateTemp(s.folder, "noctis-store-*")
		if err != nil {
			return fmt.Errorf("spool: %w", err)
		}
		s.file = file
		_ = os.Remove(file.Name()) // so that a crash leaves nothing; where that cannot be, close does it
	}
	_, err := s.file.WriteAt(s.pending, s.written())
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		err = fmt.Errorf("spool: %w", store.ErrNoSpace)
	}
	if err == nil {
		s.pending = s.pending[:0]
	}
	return err
}

// written is how much is in the file.
func (s *spool) written() int64 { return s.size - int64(len(s.pending)) }

// ReadAt is that of io.ReaderAt, over the file and what is pending.
func (s *spool) ReadAt(p []byte, at int64) (n int, err error) {
	if left := s.written() - at; left > 0 {
		n, err = s.file.ReadAt(p[:min(int64(len(p)), left)], at)
		if err != nil {
			return n, err
		}
	}
	if begin := at + int64(n) - s.written(); begin >= 0 && begin < int64(len(s.pending)) {
		n += copy(p[n:], s.pending[begin:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// open reads a piece. The reader is independent of others, and of what is appended meanwhile.
func (s *spool) open(e extent) *io.SectionReader { return io.NewSectionReader(s, e.offset, e.length) }

func (s *spool) close() {
	if s.file != nil {
		s.file.Close()
		_ = os.Remove(s.file.Name()) // it has gone already, except where open files cannot be removed
	}
}
