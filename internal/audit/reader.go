package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// segment is a file of the log.
type segment struct {
	path  string
	first uint64 // number of its first line
}

// segmentsOf lists the files of a log in their order.
func segmentsOf(data string) ([]segment, error) {
	entries, err := os.ReadDir(logFolder(data)) // sorted by name, which is by number
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []segment
	for _, e := range entries {
		var first uint64
		if n, _ := fmt.Sscanf(e.Name(), "log-%012d.jsonl", &first); n == 1 && filepath.Ext(e.Name()) == ".jsonl" {
			all = append(all, segment{filepath.Join(logFolder(data), e.Name()), first})
		}
	}
	return all, nil
}

// reader reads the lines of a log, one file after the other, while it grows.
type reader struct {
	data   string
	file   *os.File
	at     segment
	number int   // of the line in its file
	offset int64 // in the file, of what is behind buffer
	buffer []byte
	start  int // of what was not returned yet
}

// readFrom begins with the file that line n lies in.
func readFrom(data string, n uint64) (*reader, error) {
	r := &reader{data: data}
	segments, err := segmentsOf(data)
	if err != nil {
		return nil, err
	}
	for i, s := range segments {
		if i == 0 || s.first <= n {
			r.at = s
		}
	}
	return r, nil
}

// next returns the next line without its end, which is valid until the next call; io.EOF where there is none yet.
func (r *reader) next() ([]byte, error) {
	text, err := r.nextHere()
	if err != io.EOF {
		return text, err
	}
	after, err := r.following()
	if err != nil {
		return nil, err
	}
	if after.path == "" {
		return nil, io.EOF
	}
	if text, err := r.nextHere(); err != io.EOF { // it may have come before the new file was begun
		return text, err
	}
	if torn := r.torn(); torn > 0 { // only the last file may end within a line
		r.number++
		text := r.buffer[r.start:]
		r.start = len(r.buffer)
		return text, nil
	}
	if err := r.close(); err != nil {
		return nil, err
	}
	r.at, r.number, r.offset, r.buffer, r.start = after, 0, 0, r.buffer[:0], 0
	return r.next()
}

// following is the file after this one.
func (r *reader) following() (segment, error) {
	segments, err := segmentsOf(r.data)
	for _, s := range segments {
		if s.first > r.at.first || r.at.path == "" {
			return s, err
		}
	}
	return segment{}, err
}

// torn is how many bytes lie behind the last whole line.
func (r *reader) torn() int { return len(r.buffer) - r.start }

func (r *reader) nextHere() ([]byte, error) {
	if r.at.path == "" {
		return nil, io.EOF
	}
	if r.file == nil {
		f, err := os.Open(r.at.path)
		if err != nil {
			return nil, err
		}
		r.file = f
	}
	searched := r.start
	for {
		if n := bytes.IndexByte(r.buffer[searched:], '\n'); n >= 0 {
			text := r.buffer[r.start : searched+n]
			r.start = searched + n + 1
			r.number++
			return text, nil
		}
		searched = len(r.buffer)
		if r.torn() > 2*longest { // no line is as long as this
			text := r.buffer[r.start:]
			r.start = len(r.buffer)
			r.number++
			return text, nil
		}
		searched -= r.start
		r.buffer = append(r.buffer[:0], r.buffer[r.start:]...)
		r.start = 0
		had := len(r.buffer)
		r.buffer = append(r.buffer, make([]byte, 64<<10)...)
		n, err := r.file.ReadAt(r.buffer[had:], r.offset)
		r.offset += int64(n)
		r.buffer = r.buffer[:had+n]
		if n == 0 && err == io.EOF {
			return nil, io.EOF
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
	}
}

func (r *reader) close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	return err
}
