//go:build linux

package main

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/noctis-dicom/noctis/dicom"
)

// crowd is how many clients store at once.
const crowd = 32

// sameFile lets many clients store one file at once: each is told that it is stored, and it is there once.
func sameFile(l *lab) error {
	return l.crowded(func(s *server, g *ledger, round int) error {
		file := newSample("same", fmt.Sprint(round%7), fmt.Sprint(round), round, 64)
		list := g.send([]sample{file})
		for _, a := range l.atOnce(s, func(int) sample { return file }) {
			if a.status != http.StatusOK || len(a.stored(list)) != 1 {
				l.res.problem("round %d: one of %d who store the same is answered %d: %s", round, crowd, a.status, tail(string(a.body), 200))
			}
		}
		g.acknowledge(list)
		return nil
	})
}

// sameUID lets many clients store different files under one UID at once: one is stored, and all others are refused with a reason.
func sameUID(l *lab) error {
	return l.crowded(func(s *server, g *ledger, round int) error {
		files := make([]sample, crowd)
		for i := range files {
			files[i] = variant(fmt.Sprint("one UID ", round), i)
		}
		winner := -1
		for i, a := range l.atOnce(s, func(client int) sample { return files[client] }) {
			switch {
			case a.status == http.StatusOK && winner < 0:
				winner = i
			case a.status == http.StatusOK:
				l.res.problem("round %d: two files are stored under one UID", round)
			case a.status != http.StatusConflict || !a.reasoned():
				l.res.problem("round %d: who comes second is answered %d: %s", round, a.status, tail(string(a.body), 200))
			}
		}
		if winner < 0 {
			return fmt.Errorf("round %d: nobody's file is stored", round)
		}
		g.acknowledge(g.send([]sample{files[winner]}))
		return nil
	})
}

// crowded plays the rounds, and kills the server at the end of the last.
func (l *lab) crowded(play func(*server, *ledger, int) error) error {
	data, err := l.fresh("data")
	if err != nil {
		return err
	}
	g, err := l.openLedger()
	if err != nil {
		return err
	}
	s, err := l.start(launch{data: data})
	if err != nil {
		return err
	}
	defer s.kill()
	for round := range l.times {
		if l.done() {
			break
		}
		if err := play(s, g, round); err != nil {
			return err
		}
		l.res.Tried += crowd
	}
	l.check(s, g, -1)
	s.kill()
	_, l.res.Acknowledged = g.count()
	if err := l.recovered(g, launch{data: data}, -1); err != nil {
		return err
	}
	l.audit(data)
	return nil
}

// atOnce are the answers to clients who store at once.
func (l *lab) atOnce(s *server, file func(client int) sample) []answer {
	answers := make([]answer, crowd)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() {
			<-start
			a, err := s.stow(file(i))
			if err != nil {
				a.body = []byte(err.Error())
			}
			answers[i] = a
		})
	}
	close(start)
	group.Wait()
	return answers
}

// variant is one of many files of one instance.
func variant(name string, n int) sample {
	ref, file := instance(name, dicom.ExplicitVRLittleEndian, nil, dicom.PatientComments, fmt.Sprint("variant ", n))
	return sample{ref, file}
}
