//go:build linux

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// recording is a workload as the disk saw it.
type recording struct {
	size   int64
	base   map[int64]*page
	log    []event
	ledger *ledger // whose promises say nothing yet of what was acknowledged
	order  []*promise
}

// replayDisk is large enough for the ten instances and the index.
const replayDisk = 48 << 20

// recordWorkload stores ten instances on a disk that writes everything down: requests of the given numbers of instances. The store is
// empty before, and its server ends by itself.
func (l *lab) recordWorkload(requests []int, args ...string) (*recording, error) {
	d, err := l.newBlockDisk("recorded", replayDisk)
	if err != nil {
		return nil, err
	}
	if err := d.format(); err != nil {
		return nil, err
	}
	at := filepath.Join(l.folder, "recorded")
	if err := d.mount(at, "errors=remount-ro"); err != nil {
		return nil, err
	}
	l.later(func() { unix.Unmount(at, unix.MNT_DETACH) }) //nolint:errcheck // it may not be mounted
	how := launch{data: filepath.Join(at, "data"), args: args}
	s, err := l.start(how)
	if err != nil {
		return nil, err
	}
	if err := system("sync", "-f", at); err != nil { // of this disk alone: others may hang
		return nil, err
	}
	r := &recording{size: d.size, base: d.begin()}
	if r.ledger, err = l.openLedger(); err != nil {
		return nil, err
	}
	for i, n := range requests {
		var files []sample
		for k := range n {
			files = append(files, newSample(fmt.Sprint("replay ", i%2), fmt.Sprint(i), fmt.Sprint(i), k+1, []int{16, 128}[k%2]))
		}
		a, err := r.ledger.upload(s, files...)
		if err != nil || a.status != 200 {
			return nil, fmt.Errorf("request %d: %d, %v", i, a.status, err)
		}
		_, acked := r.ledger.count()
		d.mark(acked)
	}
	if err := s.stop(); err != nil {
		return nil, err
	}
	if err := unmount(at); err != nil {
		return nil, err
	}
	r.log = d.end()
	r.order = r.ledger.sent
	for _, p := range r.order {
		p.acked = false
	}
	return r, d.detach()
}

// upTo sets what had been acknowledged after n events of the log.
func (r *recording) upTo(n int) {
	acked := 0
	for _, e := range r.log[:n] {
		acked = max(acked, e.mark)
	}
	for i, p := range r.order {
		p.acked = i < acked
	}
	r.ledger.acked = acked
}

// workloads of ten instances: each by itself, and in batches that share a sync of the file system.
var workloads = [][]int{{1, 1, 8}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}}

// everyPrefix replays every prefix of the block writes of a workload: the disk as a power cut leaves it that comes between two writes.
// The server starts on each, and everything acknowledged by then has to be there.
func everyPrefix(l *lab) error { return l.prefixes() }

func everyPrefixUnsynced(l *lab) error { return l.prefixes("--unsafe-no-sync") }

func (l *lab) prefixes(args ...string) error {
	stride := 1
	if l.times < len(workloads) && !l.res.Control { // the short form: some prefixes of one workload
		stride = 12
	}
	for _, requests := range workloads[:max(1, min(l.times, len(workloads)))] {
		r, err := l.recordWorkload(requests, args...)
		if err != nil {
			return err
		}
		state, writes := clonePages(r.base), 0
		for i, e := range r.log {
			if e.data == nil && i+1 < len(r.log) {
				continue
			}
			if e.data != nil {
				store(state, e.data, e.offset)
				writes++
			}
			if writes%stride != 0 || l.done() {
				continue
			}
			// The marks that follow at once belong to this state: nothing was written between.
			upTo := i + 1
			for upTo < len(r.log) && r.log[upTo].data == nil {
				upTo++
			}
			if err := l.tryState(r, state, upTo, fmt.Sprintf("write %d", writes), args); err != nil {
				return err
			}
			if l.res.Control && l.res.Lost > 0 {
				l.note("lost by prefix %d", writes)
				return nil
			}
		}
		if stride == 1 && !l.done() {
			l.note("all %d prefixes of the workload %v", writes, requests)
		}
	}
	return nil
}

// torn replays a workload up to a random write, and of what was written after the last flush before it only some: a disk may keep
// what it has in its cache in any order, or write half of a block's sectors.
func torn(l *lab) error {
	r, err := l.recordWorkload(workloads[0])
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	for range l.times {
		if l.done() {
			break
		}
		at := 1 + random.IntN(len(r.log))
		flushed := 0
		for i, e := range r.log[:at] {
			if e.flush {
				flushed = i
			}
		}
		state := clonePages(r.base)
		dropped := 0
		for i, e := range r.log[:at] {
			keep := len(e.data)
			if i > flushed && e.data != nil {
				switch random.IntN(4) {
				case 0:
					keep = 0
				case 1:
					keep = 512 * random.IntN(1+len(e.data)/512)
				}
				if keep < len(e.data) {
					dropped++
				}
			}
			store(state, e.data[:keep], e.offset)
		}
		if err := l.tryState(r, state, at, fmt.Sprintf("event %d, %d writes torn or lost", at, dropped), nil); err != nil {
			return err
		}
	}
	return nil
}

func clonePages(pages map[int64]*page) map[int64]*page {
	c := make(map[int64]*page, len(pages))
	for n, p := range pages {
		c[n] = p
	}
	return c
}

// tryState mounts a disk in the given state and checks what a server finds there.
func (l *lab) tryState(r *recording, state map[int64]*page, upTo int, name string, args []string) error {
	d := withPages(filepath.Join(l.folder, "replayed.fuse"), r.size, state)
	if err := l.attach(d); err != nil {
		return err
	}
	at := filepath.Join(l.folder, "replayed")
	if err := d.mount(at, "errors=remount-ro"); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	before := len(l.res.Problems)
	r.upTo(upTo)
	l.res.Tried++
	l.res.Acknowledged += r.ledger.acked
	how := launch{data: filepath.Join(at, "data"), args: args}
	err := l.recovered(r.ledger, how, -1)
	if err == nil {
		l.audit(how.data)
	}
	for i := before; i < len(l.res.Problems); i++ {
		l.res.Problems[i] = name + ": " + l.res.Problems[i]
	}
	if err != nil {
		l.res.problem("%s: %v", name, err)
	}
	return errors.Join(unmount(at), d.detach())
}
