package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// lastLine moves last to the last line of text, and returns where that ends. Lines that are none are skipped.
func lastLine(text []byte, last *link) (end int) {
	for {
		n := bytes.IndexByte(text[end:], '\n')
		if n < 0 {
			return end
		}
		if l, err := parseLine(text[end : end+n]); err == nil {
			*last = l.link
		}
		end += n + 1
	}
}

// recover finds the end of the log: in its last file, behind the last whole line. What a crash has left of a line is taken away; that is
// no damage, because a line is sealed only when it is on disk. A seal of lines that are not there, or are not as they were, is one; the
// chain goes on from the sealed line, so that what is missing stays to be seen. Lines behind the seal are told of if nobody else is writing.
func (l *Log) recover(newKey, alone bool) (found []Event, err error) {
	tell := func(outcome Outcome, format string, a ...any) {
		found = append(found, Event{Time: l.now().UTC(), Kind: Interrupt, Outcome: outcome, Detail: fmt.Sprintf(format, a...)})
	}
	segments, err := segmentsOf(l.data)
	if err != nil {
		return nil, err
	}
	sealed, _, err := l.head.read()
	whole := err == nil
	switch {
	case errors.Is(err, errHead) && len(segments) == 0:
		if err := l.head.write(link{}); err != nil {
			return nil, err
		}
	case errors.Is(err, errHead) && newKey:
		tell(Minor, "the key of the log was missing; a new one was made")
	case errors.Is(err, errHead):
		tell(Minor, "%v", err)
	case err != nil:
		return nil, err
	}
	if len(segments) > 0 {
		torn, err := l.openLast(segments[len(segments)-1])
		if err != nil {
			return nil, err
		}
		if torn > 0 {
			tell(Success, "%d bytes of a line that a crash had cut off were removed", torn)
		}
	}
	switch at := &l.tail.link; {
	case sealed.n > at.n:
		tell(Minor, "the log was cut off: lines %d to %d are missing", at.n+1, sealed.n)
		*at = sealed
	case sealed.n == at.n && sealed.hash != at.hash:
		tell(Minor, "line %d was changed", at.n)
		*at = sealed
	case sealed.n < at.n && whole && alone:
		tell(Success, "lines %d to %d were not sealed: they are the last ones before a crash, or of somebody without the key", sealed.n+1, at.n)
	}
	l.tail.sealed = sealed.n
	return found, nil
}

// openLast opens the last file, and takes away what is behind its last whole line.
func (l *Log) openLast(s segment) (torn int64, err error) {
	l.tail.n = s.first - 1
	f, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	l.tail.file = f
	text, err := io.ReadAll(f)
	if err != nil {
		return 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	l.tail.day = info.ModTime().UTC().Format(time.DateOnly)
	l.tail.size = int64(lastLine(text, &l.tail.link))
	if torn = int64(len(text)) - l.tail.size; torn > 0 {
		err = f.Truncate(l.tail.size)
	}
	return torn, err
}
