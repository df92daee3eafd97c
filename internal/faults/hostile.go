//go:build linux

package main

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// attack is a row of hostile requests. prepare makes them; each function that it returns is one client, which is called again and again.
type attack struct {
	name, how string
	args      []string // of the server
	prepare   func(*siege) ([]func() error, error)
}

// slack is what a bystander's p99 may always take, in milliseconds: below that it says more about the machine, which others use too, than
// about the server. Both times are noted.
const slack = 20

// leftover is how many descriptors and goroutines more there may be after an attack: connections to the index, and threads, that were opened for it.
const leftover = 100

// hostile makes a row of an attack: while it goes on a bystander is served, in at most twice the time (at its 99th percentile; in times
// with and without the attack by turns), the process stays within 256 MiB, and at the end it has lost nothing and stores as before.
func hostile(a attack) func(*lab) error {
	return func(l *lab) error {
		data, err := l.fresh("data")
		if err != nil {
			return err
		}
		g, err := l.openLedger()
		if err != nil {
			return err
		}
		s, err := l.start(launch{data: data, args: append([]string{"--memory", "256MiB"}, a.args...)})
		if err != nil {
			return err
		}
		defer s.kill()
		paths := []string{"/healthz"}
		if len(a.args) == 0 {
			in := newSample("bystander", "", "", 1, 256)
			if answer, err := g.upload(s, in); err != nil || answer.status != http.StatusOK {
				return fmt.Errorf("before the attack: %d, %w", answer.status, err)
			}
			path := "/dicom-web" + in.ref.Path()
			paths = []string{path, path + "/metadata", "/dicom-web/studies?StudyInstanceUID=" + string(in.ref.Study)}
		}
		open, going := s.files(), s.goroutines()
		if err := l.besieged(s, a.name, paths); err != nil {
			return err
		}
		if s.gone() {
			return fmt.Errorf("the server has gone: %s", tail(s.stderr.String(), 500))
		}
		if strings.Contains(s.stderr.String(), "panic") {
			l.res.problem("a panic: %s", tail(s.stderr.String(), 500))
		}
		if len(a.args) == 0 {
			if answer, err := g.upload(s, newSample("bystander", "after", "", 1, 16)); err != nil || answer.status != http.StatusOK {
				l.res.problem("nothing is stored after the attack: %d, %v", answer.status, err)
			}
			l.check(s, g, -1)
			l.settled(s, data)
		}
		l.leftOver(s, open, going, leftover)
		_, l.res.Acknowledged = g.count()
		if err := s.stop(); err != nil {
			return err
		}
		l.audit(data)
		return nil
	}
}

// besieged attacks by turns, and judges what that does to a bystander and to memory.
func (l *lab) besieged(s *server, name string, paths []string) error {
	turns, length := 1, 700*time.Millisecond
	if l.long {
		turns, length = 4*l.times, 2*time.Second
	}
	enemy, err := l.attacker(name, s.url)
	if err != nil {
		return err
	}
	schedule(unix.SCHED_RR, 1)
	defer schedule(unix.SCHED_NORMAL, 0)
	calm, besieged := bystander{paths: paths}, bystander{paths: paths}
	calm.watch(s, &result{}, time.Now().Add(100*time.Millisecond))            // what comes first takes longer
	calm.took = nil                                                           // and says nothing
	os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.pid()), []byte("5"), 0) //nolint:errcheck // the peak begins anew
	for range turns {
		if l.done() || s.gone() {
			break
		}
		calm.watch(s, l.res, time.Now().Add(length))
		ended := enemy.attack(length)
		for attacked := true; attacked; {
			besieged.watch(s, l.res, time.Now().Add(100*time.Millisecond))
			select {
			case err := <-ended:
				if err != nil {
					return err
				}
				attacked = false
			default:
			}
		}
	}
	if err := enemy.end(); err != nil {
		return err
	}
	l.res.Tried = enemy.toll.Tries
	for _, p := range enemy.toll.Problems {
		l.res.problem("%s", p)
	}
	peak := int64(s.status("VmHWM")) << 10
	before, during := calm.at(990), besieged.at(990)
	l.note("answers %s; a bystander's p99 %.1f ms, without the attack %.1f ms (%d and %d requests); resident at most %d MiB",
		statuses(enemy.toll.Seen), during, before, len(besieged.took), len(calm.took), peak>>20)
	if peak > memoryBound {
		l.res.problem("resident memory came to %d MiB", peak>>20)
	}
	if l.long && during > 2*before && during > slack {
		l.res.problem("a bystander's p99 is %.1f times as long", during/before)
	}
	return nil
}

// statuses says which answers came; 0 is a connection that broke off.
func statuses(seen map[int]int) string {
	var all []string
	for status := range seen {
		if status == 0 {
			all = append(all, "hung up")
		} else {
			all = append(all, fmt.Sprint(status))
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}
