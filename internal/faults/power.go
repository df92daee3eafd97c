//go:build linux

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// disk is a loop-mounted ext4 whose power can be cut.
type disk struct {
	image, mount string
	journal      bool // else it is checked, as after each crash, before it is mounted
}

// newDisk makes one of the given size.
func (l *lab) newDisk(name string, bytes int64, journal bool) (*disk, error) {
	d := &disk{filepath.Join(l.folder, name+".img"), filepath.Join(l.folder, name), journal}
	if err := os.MkdirAll(d.mount, 0o700); err != nil {
		return nil, err
	}
	if err := makeExt4(d.image, bytes, journal); err != nil {
		return nil, err
	}
	l.later(func() { d.unmount() }) //nolint:errcheck // it may not be mounted
	return d, d.mountIt()
}

// makeExt4 makes an image whose metadata is complete, so that nothing is written to it by itself later.
func makeExt4(image string, bytes int64, journal bool) error {
	os.Remove(image)
	f, err := os.Create(image)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(bytes), f.Close()); err != nil {
		return err
	}
	features := "has_journal"
	if !journal {
		features = "^has_journal"
	}
	return system("mkfs.ext4", "-q", "-F", "-O", features, "-E", "lazy_itable_init=0,lazy_journal_init=0", image)
}

func (d *disk) mountIt() error {
	if !d.journal {
		var repaired *exec.ExitError
		if err := system("e2fsck", "-fy", d.image); err != nil && !(errors.As(err, &repaired) && repaired.ExitCode() == 1) {
			return err
		}
	}
	return system("mount", "-o", "loop", d.image, d.mount)
}

func (d *disk) data() string { return filepath.Join(d.mount, "data") }

func (d *disk) unmount() error { return unmount(d.mount) }

// unmount retries, since a killed process may still be letting go of its files.
func unmount(at string) error {
	var err error
	for range 200 {
		if err = unix.Unmount(at, 0); err == nil || !errors.Is(err, unix.EBUSY) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("unmount %s: %w", at, err)
}

// ext4Shutdown is EXT4_IOC_SHUTDOWN, and noLogFlush its flag EXT4_GOING_FLAGS_NOLOGFLUSH: from now on nothing reaches the disk, not
// even what is in the journal's buffers.
const (
	ext4Shutdown = 0x8004587D
	noLogFlush   = 2
)

func (d *disk) cutPower() error {
	dir, err := os.Open(d.mount)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := unix.IoctlSetPointerInt(int(dir.Fd()), ext4Shutdown, noLogFlush); err != nil {
		return fmt.Errorf("EXT4_IOC_SHUTDOWN: %w", err)
	}
	return nil
}

func powerCut(l *lab) error { return l.cutPowerOften(true) }

func powerCutNoJournal(l *lab) error { return l.cutPowerOften(false) }

func powerCutUnsynced(l *lab) error { return l.cutPowerOften(true, "--unsafe-no-sync") }

// cutPowerOften begins with a new disk every fifty cuts.
func (l *lab) cutPowerOften(journal bool, args ...string) error {
	for first := 0; first < l.times && !l.done(); first += 50 {
		d, err := l.newDisk("disk", 1<<30, journal)
		if err != nil {
			return err
		}
		g, err := l.openLedger()
		if err != nil {
			return err
		}
		rounds := min(50, l.times-first)
		for round := range rounds {
			if l.done() {
				break
			}
			last := 60
			if round == rounds-1 {
				last = -1
			}
			if err := l.cutPowerOnce(d, g, fmt.Sprint(first+round), last, args); err != nil {
				return err
			}
			if l.res.Control && l.res.Lost > 0 {
				l.note("%d of %d acknowledged instances lost by cut %d", l.res.Lost, g.acked, l.res.Tried)
				l.res.Acknowledged += g.acked
				return d.unmount()
			}
		}
		_, acked := g.count()
		l.res.Acknowledged += acked
		l.audit(d.data())
		if err := d.unmount(); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) cutPowerOnce(d *disk, g *ledger, name string, last int, args []string) error {
	s, err := l.start(launch{data: d.data(), args: args})
	if err != nil {
		return err
	}
	stop := make(chan struct{})
	wait := g.load(s, 4, name, stop, func(string, ...any) {}) // what comes after the cut is refused, in whatever words
	time.Sleep(time.Duration(20+rand.IntN(400)) * time.Millisecond)
	if err := d.cutPower(); err != nil {
		return err
	}
	time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond) // what would be acknowledged now would be a lie
	s.kill()
	close(stop)
	wait()
	for line := range strings.Lines(s.stderr.String()) {
		if strings.Contains(line, "status=500") && len(l.res.Note) < 400 {
			_, why, _ := strings.Cut(line, "err=")
			l.note("500 after the cut: %s", tail(strings.TrimSpace(why), 200))
		}
	}
	if err := d.unmount(); err != nil {
		return err
	}
	if err := d.mountIt(); err != nil {
		return err
	}
	l.res.Tried++
	return l.recovered(g, launch{data: d.data(), args: args}, last)
}
