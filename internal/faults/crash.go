//go:build linux

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/noctis-dicom/noctis/internal/failpoint"
)

// killed kills the server while clients upload, and checks after the restart. Every hundred kills all is checked, and a new folder
// begins.
func killed(l *lab) error {
	for first := 0; first < l.times && !l.done(); first += 100 {
		data, err := l.fresh("data")
		if err != nil {
			return err
		}
		g, err := l.openLedger()
		if err != nil {
			return err
		}
		rounds := min(100, l.times-first)
		for round := range rounds {
			if l.done() {
				break
			}
			if err := l.killOnce(g, data, fmt.Sprint(first+round), round == rounds-1); err != nil {
				return err
			}
		}
		_, acked := g.count()
		l.res.Acknowledged += acked
		l.audit(data)
	}
	return nil
}

func (l *lab) killOnce(g *ledger, data, name string, all bool) error {
	s, err := l.start(launch{data: data})
	if err != nil {
		return err
	}
	wait := g.load(s, 4, name, nil, l.res.problem)
	_, before := g.count()
	for enough, until := before+rand.IntN(12), time.Now().Add(2*time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		if _, acked := g.count(); acked >= enough {
			break
		}
	}
	time.Sleep(time.Duration(rand.IntN(30_000)) * time.Microsecond)
	s.kill()
	wait()
	l.res.Tried++
	last := 40
	if all {
		last = -1
	}
	return l.recovered(g, launch{data: data}, last)
}

// recovered starts the server again and checks what it has.
func (l *lab) recovered(g *ledger, how launch, last int) error {
	s, err := l.start(how)
	if err != nil {
		return err
	}
	l.settled(s, how.data)
	l.check(s, g, last)
	return s.stop()
}

// killedAtSteps kills the server at each step of the write path: at its first to its Nth time, with requests of one instance (a sync
// for each file), of twelve (two syncs of the file system for all of them), and of one that belongs to no patient.
func killedAtSteps(l *lab) error {
	for _, instances := range []int{1, 12, ofNoPatient} {
		for _, point := range failpoint.Points {
			for n := 1; n <= l.times && !l.done(); n++ {
				if err := l.killAt(point, n, instances); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// ofNoPatient is, instead of a number of instances, a request with one of no patient.
const ofNoPatient = 0

func (l *lab) killAt(point string, n, instances int) error {
	data, err := l.fresh("data")
	if err != nil {
		return err
	}
	g, err := l.openLedger()
	if err != nil {
		return err
	}
	s, err := l.spawn(launch{data: data, failpoint: fmt.Sprint(point, ":", n)})
	if err != nil {
		return fmt.Errorf("%s: %w", point, err)
	}
	defer s.kill()
	for i := 0; !s.gone(); i++ {
		if i > 100 {
			return fmt.Errorf("the server never came to %q for the %d. time", point, n)
		}
		var files []sample
		for k := range instances {
			files = append(files, newSample("steps", fmt.Sprint(i), "", k, 16))
		}
		if instances == ofNoPatient {
			files = append(files, newProtocol(fmt.Sprint("steps ", i)))
		}
		if _, err := g.upload(s, files...); err != nil {
			<-s.exited
		}
	}
	l.res.Tried++
	_, acked := g.count()
	l.res.Acknowledged += acked
	if err := l.recovered(g, launch{data: data}, -1); err != nil {
		return err
	}
	l.audit(data)
	return nil
}

// killedMigration kills the first start, in which the index is made, and, in the long form, each migration of each older index at each of
// its statements, which is a test of the package that migrates.
func killedMigration(l *lab) error {
	if l.long {
		if err := l.killedAtStatements(); err != nil {
			return err
		}
	}
	for range l.times {
		if l.done() {
			break
		}
		data, err := l.fresh("data")
		if err != nil {
			return err
		}
		first := l.program(launch{data: data})
		if err := first.Start(); err != nil {
			return err
		}
		delay := time.Duration(rand.IntN(120)) * time.Millisecond
		time.Sleep(delay)
		if err := first.Process.Kill(); err != nil {
			return err
		}
		first.Wait() //nolint:errcheck // it was killed
		l.res.Tried++
		g, err := l.openLedger()
		if err != nil {
			return err
		}
		s, err := l.start(launch{data: data})
		if err != nil {
			l.res.problem("killed after %v: %v", delay, err)
			continue
		}
		if a, err := g.upload(s, newSample("migration", "", "", 1, 16)); err != nil || a.status != http.StatusOK {
			l.res.problem("killed after %v: nothing can be stored: %d, %v", delay, a.status, err)
		}
		l.check(s, g, -1)
		l.res.Acknowledged++
		if err := errors.Join(s.stop(), os.Remove(l.folder+"/ledger")); err != nil {
			return err
		}
	}
	return nil
}

var killsOfTest = regexp.MustCompile(`(\d+) kills in (\d+) migrations`)

func (l *lab) killedAtStatements() error {
	out, err := exec.CommandContext(l.ctx, filepath.Join(l.bin, "migrations.test"), "-test.v", "-test.run", "^TestMigrationThatIsKilled$").CombinedOutput()
	kills := killsOfTest.FindSubmatch(out)
	if err != nil || kills == nil {
		return fmt.Errorf("at each statement: %w\n%s", err, tail(string(out), 2000))
	}
	n, err := strconv.Atoi(string(kills[1]))
	l.res.Tried += n
	l.note("%s at statements of %s migrations", kills[1], kills[2])
	return err
}

// killedLarge kills the server of a store that grows from time to time: it is ready as soon as that of a small one.
func killedLarge(l *lab) error {
	data, err := l.fresh("data")
	if err != nil {
		return err
	}
	g, err := l.openLedger()
	if err != nil {
		return err
	}
	for round := range l.times {
		s, err := l.start(launch{data: data})
		if err != nil {
			return err
		}
		for n := range 50 {
			var files []sample
			for i := range 100 {
				files = append(files, newSample(fmt.Sprint("large ", round, " ", n/10), fmt.Sprint(n), "", i+1, 8))
			}
			if a, err := g.upload(s, files...); err != nil || a.status != http.StatusOK {
				return fmt.Errorf("filling: %d, %w", a.status, err)
			}
		}
		s.kill()
		if err := l.killOnce(g, data, fmt.Sprint("large ", round), round == l.times-1); err != nil {
			return err
		}
		if l.done() {
			break
		}
	}
	sent, acked := g.count()
	l.res.Acknowledged += acked
	l.note("%d instances", sent)
	l.audit(data)
	return nil
}

// clockJumps lets the clock of the wall jump while clients upload: what is stored stays, and nothing is purged for being old.
func clockJumps(l *lab) error {
	const program = "noctis-jumping"
	if _, err := os.Stat(filepath.Join(l.bin, program)); err != nil {
		l.res.Skipped = "it needs a program with another clock (make faults builds it)"
		return nil
	}
	data, err := l.fresh("data")
	if err != nil {
		return err
	}
	g, err := l.openLedger()
	if err != nil {
		return err
	}
	for round := range l.times {
		s, err := l.start(launch{data: data, program: program, env: []string{"NOCTIS_CLOCK=jumps"}})
		if err != nil {
			return err
		}
		bin := newSample("deleted", fmt.Sprint(round), "", 1, 16)
		if a, err := s.stow(bin); err != nil || a.status != http.StatusOK {
			return fmt.Errorf("%d, %w: %s", a.status, err, tail(string(a.body), 300))
		}
		if err := s.remove("/dicom-web" + bin.ref.Path()); err != nil {
			return err
		}
		stop := make(chan struct{})
		wait := g.load(s, 4, fmt.Sprint("clock ", round), stop, l.res.problem)
		time.Sleep(2 * time.Second)
		close(stop)
		wait()
		l.check(s, g, 40)
		s.kill()
		l.res.Tried++
		if s, err = l.start(launch{data: data}); err != nil {
			return err
		}
		l.check(s, g, -1)
		if status, _, err := s.get("/dicom-web/recycle-bin"+bin.ref.Path(), ""); err != nil || status != http.StatusOK {
			l.res.problem("what was deleted has gone from the recycle bin: %d, %v", status, err)
		}
		if err := s.stop(); err != nil {
			return err
		}
		if l.done() {
			break
		}
	}
	_, l.res.Acknowledged = g.count()
	l.audit(data)
	return nil
}

// remove deletes.
func (s *server) remove(path string) error {
	request, err := http.NewRequest(http.MethodDelete, s.url+path, nil)
	if err != nil {
		return err
	}
	response, err := s.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("DELETE: %s", response.Status)
	}
	return nil
}
