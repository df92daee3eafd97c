package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/noctis-dicom/noctis/internal/durable"
)

// Log is the chain of lines in the folder "audit" of a data folder. Several processes may write to it at the same time: the server, and
// a command that makes a key. It is safe for concurrent use.
type Log struct {
	data    string
	segment int64            // bytes after which a new file is begun; 0: never
	now     func() time.Time // for the day
	grown   chan struct{}    // has something when lines have come
	head    *head
	lock    *os.File

	mu      sync.Mutex // of the two below
	next    *batch     // that is being gathered
	leading bool       // somebody writes

	files sync.Mutex // of what is below, held with the lock
	tail  tail
	bad   error // a sync failed: what is in the cache is not what is on disk
}

// tail is where the next line goes.
type tail struct {
	link
	sealed uint64 // number of the last line that the head knows
	file   *os.File
	size   int64
	day    string
}

// batch is what is written together.
type batch struct {
	events [][]byte
	done   chan struct{}
	err    error
}

// segmentSize is the size from which a new file is begun; one is begun every day, too.
const segmentSize = 32 << 20

// Open opens the log of a data folder for the one who serves it, and makes it where there is none. found is what was wrong with it; it is
// mended so that lines can follow, and what is missing stays missing for Verify.
func Open(data string) (l *Log, found []Event, err error) {
	l, made, err := open(data)
	if err != nil {
		return nil, nil, err
	}
	l.segment = segmentSize
	err = l.locked(func() error {
		found, err = l.recover(made, true)
		return err
	})
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("audit log: %w", err), l.close())
	}
	return l, found, nil
}

// Append adds events to the log of a data folder, whether its server runs or not. It begins no new file.
func Append(data string, events ...Event) error {
	l, made, err := open(data)
	if err != nil {
		return err
	}
	err = l.locked(func() error {
		found, err := l.recover(made, false)
		if err != nil {
			return err
		}
		texts, err := marshal(append(found, events...))
		if err != nil {
			return err
		}
		return l.append(texts)
	})
	return errors.Join(err, l.Close())
}

// open opens all but the files of lines. made: the key is new.
func open(data string) (l *Log, made bool, err error) {
	l = &Log{data: data, now: time.Now, grown: make(chan struct{}, 1), next: newBatch(), head: &head{}}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("audit log: %w", err), l.close())
		}
	}()
	if err := durable.MkdirAll(logFolder(data)); err != nil {
		return nil, false, err
	}
	if l.head.key, made, err = makeKey(data); err != nil {
		return nil, false, err
	}
	if l.head.file, err = durable.OpenFile(headFile(data), os.O_RDWR|os.O_CREATE); err != nil {
		return nil, false, err
	}
	l.lock, err = durable.OpenFile(filepath.Join(logFolder(data), "lock"), os.O_RDWR|os.O_CREATE)
	return l, made, err
}

func marshal(events []Event) ([][]byte, error) {
	texts := make([][]byte, len(events))
	for i := range events {
		text, err := json.Marshal(&events[i])
		if err != nil {
			return nil, fmt.Errorf("audit log: %w", err)
		}
		texts[i] = text
	}
	return texts, nil
}

func newBatch() *batch { return &batch{done: make(chan struct{})} }

// Write adds events. When it returns they are with the kernel: the end of the process does not lose them, and Sync brings them to the
// disk. Events that come together are written together.
func (l *Log) Write(events ...Event) error {
	texts, err := marshal(events)
	if err != nil {
		return err
	}
	l.mu.Lock()
	mine := l.next
	mine.events = append(mine.events, texts...)
	if l.leading {
		l.mu.Unlock()
		<-mine.done
		return mine.err
	}
	l.leading = true
	for len(l.next.events) > 0 {
		b := l.next
		l.next = newBatch()
		l.mu.Unlock()
		b.err = l.locked(func() error { return l.append(b.events) })
		close(b.done)
		l.mu.Lock()
	}
	l.leading = false
	l.mu.Unlock()
	return mine.err
}

// lockedAtMost is how long another process may hold the lock: one that was stopped must not stop a server.
const lockedAtMost = 10 * time.Second

// locked runs something that touches the files while no other process does.
func (l *Log) locked(do func() error) error {
	l.files.Lock()
	defer l.files.Unlock()
	fd := int(l.lock.Fd())
	for began := l.now(); ; time.Sleep(time.Millisecond) {
		err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EINTR) && (!errors.Is(err, unix.EWOULDBLOCK) || l.now().Sub(began) > lockedAtMost) {
			return fmt.Errorf("audit log: its lock: %w", err)
		}
	}
	defer unix.Flock(fd, unix.LOCK_UN) //nolint:errcheck // closing the file lets go of it, too
	return do()
}

// append writes the lines of events at the end.
func (l *Log) append(events [][]byte) error {
	if l.bad != nil {
		return l.bad
	}
	if err := l.catchUp(); err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	if err := l.turn(); err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	var text []byte
	last := l.tail.link
	for _, e := range events {
		text, last = appendLine(text, last, e)
	}
	if _, err := l.tail.file.WriteAt(text, l.tail.size); err != nil {
		// Half a line must not stay, or the next one would be part of it.
		return fmt.Errorf("audit log: %w", errors.Join(err, l.tail.file.Truncate(l.tail.size)))
	}
	l.tail.link = last
	l.tail.size += int64(len(text))
	select {
	case l.grown <- struct{}{}:
	default:
	}
	return nil
}

// catchUp takes in what another process has added. Where the file has become shorter, or has gone, lines go on from the last one that
// was written, so that Verify finds what is missing.
func (l *Log) catchUp() error {
	if l.tail.file == nil {
		return l.adopt()
	}
	var info unix.Stat_t
	if err := unix.Fstat(int(l.tail.file.Fd()), &info); err != nil {
		return err
	}
	switch {
	case info.Nlink == 0:
		err := l.tail.file.Close()
		l.tail.file = nil
		return err
	case info.Size < l.tail.size:
		l.tail.size = info.Size
	case info.Size > l.tail.size:
		text := make([]byte, info.Size-l.tail.size)
		if _, err := l.tail.file.ReadAt(text, l.tail.size); err != nil {
			return err
		}
		end := lastLine(text, &l.tail.link)
		l.tail.size += int64(end)
		return l.tail.file.Truncate(l.tail.size)
	}
	return nil
}

// adopt opens the last file, if another process has made one that goes on behind the last line that is known.
func (l *Log) adopt() error {
	segments, err := segmentsOf(l.data)
	if err != nil || len(segments) == 0 {
		return err
	}
	known := l.tail
	if _, err := l.openLast(segments[len(segments)-1]); err != nil {
		return err
	}
	if l.tail.n >= known.n {
		return nil
	}
	err = l.tail.file.Close()
	l.tail = known
	return err
}

// turn begins a new file where it is time.
func (l *Log) turn() error {
	today := l.now().UTC().Format(time.DateOnly)
	if l.tail.file != nil && (l.segment == 0 || l.tail.size == 0 || l.tail.size < l.segment && l.tail.day == today) {
		return nil
	}
	if l.tail.file != nil {
		if err := l.tail.file.Sync(); err != nil {
			l.bad = err
			return err
		}
	}
	path := segmentPath(l.data, l.tail.n+1)
	f, err := durable.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if errors.Is(err, fs.ErrExist) { // there is a file of lines that this one has not seen: nothing is written over
		return fmt.Errorf("%s is there already", path)
	}
	if err != nil {
		return err
	}
	if err := syncFolder(logFolder(l.data)); err != nil {
		return errors.Join(err, f.Close())
	}
	if l.tail.file != nil {
		err = l.tail.file.Close()
	}
	l.tail.file, l.tail.size, l.tail.day = f, 0, today
	return err
}

// segmentPath is the file whose first line has the number n.
func segmentPath(data string, n uint64) string {
	return filepath.Join(logFolder(data), fmt.Sprintf("log-%012d.jsonl", n))
}

// Sync brings what is written to the disk and seals it.
func (l *Log) Sync() error {
	l.files.Lock()
	at, bad := l.tail, l.bad
	l.files.Unlock()
	if bad != nil || at.file == nil || at.sealed == at.n {
		return bad
	}
	if err := at.file.Sync(); err != nil && !errors.Is(err, os.ErrClosed) { // a file that was turned over has been synced
		l.files.Lock()
		defer l.files.Unlock()
		l.bad = fmt.Errorf("audit log: %w", err)
		return l.bad
	}
	return l.locked(func() error {
		l.tail.sealed = at.n
		return l.head.write(at.link)
	})
}

// Close seals the last line.
func (l *Log) Close() error { return errors.Join(l.Sync(), l.close()) }

func (l *Log) close() error {
	var errs []error
	for _, f := range []*os.File{l.lock, l.tail.file, l.head.file} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// last is the number of the last line.
func (l *Log) last() uint64 {
	l.files.Lock()
	defer l.files.Unlock()
	return l.tail.n
}
