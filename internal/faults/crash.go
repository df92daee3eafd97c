//go:build linux

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
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
	time.Sleep(time.Duration(10+rand.IntN(120)) * time.Millisecond)
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
// for each file) and of twelve (two syncs of the file system for all of them).
func killedAtSteps(l *lab) error {
	for _, instances := range []int{1, 12} {
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

// killedMigration kills the first start, in which the index is made.
func killedMigration(l *lab) error {
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
