//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// rawBody is a Store request of three instances and the places where its parts begin and end.
func rawBody(name string) (files []sample, body []byte, edges []int) {
	var b bytes.Buffer
	for i := range 3 {
		f := newSample("network", name, name, i+1, 32)
		files = append(files, f)
		edges = append(edges, b.Len())
		b.WriteString("--edge\r\nContent-Type: application/dicom\r\n\r\n")
		edges = append(edges, b.Len())
		b.Write(f.bytes)
		edges = append(edges, b.Len())
		b.WriteString("\r\n")
	}
	edges = append(edges, b.Len())
	b.WriteString("--edge--\r\n")
	return files, b.Bytes(), edges
}

// dial opens a connection and sends the header of a Store request of so many bytes.
func (s *server) dial(length int) (net.Conn, error) {
	address := strings.TrimPrefix(s.url, "http://")
	c, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(c, "POST /dicom-web/studies HTTP/1.1\r\nHost: %s\r\nContent-Type: multipart/related; type=\"application/dicom\"; boundary=edge\r\n"+
		"Content-Length: %d\r\n\r\n", address, length)
	return c, err
}

// leftOver tells what the server still has ten seconds later of descriptors and goroutines, beyond what it had before and some more. A client that has
// ended may have connections that the system is still closing.
func (l *lab) leftOver(s *server, descriptors, goroutines, more int) {
	for deadline := time.Now().Add(10 * time.Second); (s.files() > descriptors+more || s.goroutines() > goroutines+more) && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
	if n, m := s.files(), s.goroutines(); n > descriptors+more || m > goroutines+more {
		l.res.problem("%d descriptors are open, %d were before; %d goroutines run, %d did", n, descriptors, m, goroutines)
	}
}

// goroutines is how many goroutines the server has; 0: it does not say.
func (s *server) goroutines() (n int) {
	_, text, err := s.get("/debug/pprof/goroutine?debug=1", "")
	if err == nil {
		fmt.Sscanf(string(text), "goroutine profile: total %d", &n) //nolint:errcheck // 0 then
	}
	return n
}

// truncated cuts uploads off at each boundary, a byte before and after it, and within the parts: by closing, by half closing, by a reset.
func truncated(l *lab) error {
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
	descriptors, goroutines := s.files(), s.goroutines()
	if goroutines == 0 {
		return errors.New("the server does not say how many goroutines it has")
	}
	_, whole, edges := rawBody("")
	var cuts []int
	for _, e := range edges {
		cuts = append(cuts, e-1, e, e+1, e+150, e+700)
	}
	for round := range l.times {
		for _, cut := range cuts {
			for _, how := range []string{"close", "half close", "reset"} {
				if cut < 0 || cut >= len(whole)-10 || l.done() {
					continue
				}
				if err := l.truncateOnce(s, g, fmt.Sprint(round, " ", cut, " ", how), cut, how); err != nil {
					return err
				}
			}
		}
	}
	if err := l.withoutEnd(s, g); err != nil {
		return err
	}
	l.check(s, g, -1)
	l.settled(s, data)
	_, l.res.Acknowledged = g.count()
	l.leftOver(s, descriptors, goroutines, 20)
	if err := s.stop(); err != nil {
		return err
	}
	l.audit(data)
	return nil
}

func (l *lab) truncateOnce(s *server, g *ledger, name string, cut int, how string) error {
	files, body, _ := rawBody(name)
	list := g.send(files)
	c, err := s.dial(len(body))
	if err != nil {
		return err
	}
	defer c.Close()
	c.Write(body[:min(cut, len(body))]) //nolint:errcheck // it is cut off anyway
	l.res.Tried++
	switch tcp := c.(*net.TCPConn); how {
	case "reset":
		return tcp.SetLinger(0) // the close that follows sends RST
	case "half close":
		if err := tcp.CloseWrite(); err != nil {
			return err
		}
		c.SetReadDeadline(time.Now().Add(10 * time.Second)) //nolint:errcheck // a TCP connection has deadlines
		answer, _ := io.ReadAll(c)
		status, _, _ := strings.Cut(string(answer), "\r\n")
		if strings.HasPrefix(status, "HTTP/1.1 200") {
			l.res.problem("cut at %d: an upload that broke off is answered with %q", cut, status)
		}
		// What came whole may be stored; the answer says which.
		for _, p := range list {
			if _, referenced, ok := strings.Cut(string(answer), `"00081199"`); ok && strings.Contains(referenced, string(p.ref.Instance)) &&
				!strings.Contains(string(answer), `"00081198"`) {
				g.acknowledge([]*promise{p})
			}
		}
	}
	return nil
}

// withoutEnd sends bodies that are as long as they say, and lack their last boundary, have another one than they say, or none.
func (l *lab) withoutEnd(s *server, g *ledger) error {
	const related = `multipart/related; type="application/dicom"; boundary=`
	for name, spoil := range map[string]func([]byte) (string, []byte){
		"no last boundary": func(b []byte) (string, []byte) {
			return related + "edge", bytes.TrimSuffix(b, []byte("\r\n--edge--\r\n"))
		},
		"last boundary cut":      func(b []byte) (string, []byte) { return related + "edge", bytes.TrimSuffix(b, []byte("--\r\n")) },
		"another boundary":       func(b []byte) (string, []byte) { return related + "other", b },
		"no boundary said":       func(b []byte) (string, []byte) { return `multipart/related; type="application/dicom"`, b },
		"a part without its end": func(b []byte) (string, []byte) { return related + "edge", b[:len(b)/2] },
	} {
		files, body, _ := rawBody(name)
		list := g.send(files)
		kind, body := spoil(body)
		a, err := s.post(kind, bytes.NewReader(body))
		if err != nil {
			return err
		}
		l.res.Tried++
		if a.status != http.StatusBadRequest {
			l.res.problem("%s: status %d: %s", name, a.status, tail(string(a.body), 200))
		}
		g.acknowledge(a.stored(list))
	}
	return nil
}

// slow holds hundreds of connections open that send or take next to nothing; a bystander is served all the same.
func slow(l *lab) error {
	data, err := l.fresh("data")
	if err != nil {
		return err
	}
	g, err := l.openLedger()
	if err != nil {
		return err
	}
	s, err := l.start(launch{data: data, args: []string{"--stall-timeout", "3s", "--header-timeout", "3s"}})
	if err != nil {
		return err
	}
	defer s.kill()
	in := newSample("slow", "", "", 1, 1024)
	if _, err := g.upload(s, in); err != nil {
		return err
	}
	address := strings.TrimPrefix(s.url, "http://")
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	for i := range 200 * l.times {
		c, err := net.DialTimeout("tcp", address, 10*time.Second)
		if err != nil {
			return err
		}
		open = append(open, c)
		switch i % 3 {
		case 0: // a header that does not end
			fmt.Fprintf(c, "POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\n")
		case 1: // a body that does not come
			fmt.Fprintf(c, "POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nContent-Type: application/dicom\r\nContent-Length: 1000000\r\n\r\nabc")
		case 2: // an answer that is not read
			fmt.Fprintf(c, "GET /dicom-web%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: application/dicom; transfer-syntax=*\r\n\r\n", in.ref.Path())
		}
		l.res.Tried++
	}
	for n := range 20 {
		began := time.Now()
		if a, err := g.upload(s, newSample("slow", "bystander", fmt.Sprint(n), 1, 64)); err != nil || a.status != http.StatusOK {
			l.res.problem("a bystander: %d, %v", a.status, err)
		}
		if took := time.Since(began); took > 5*time.Second {
			l.res.problem("a bystander waited %v", took)
		}
	}
	l.note("resident %d MiB", s.status("VmHWM")>>10)
	// Each is hung up on when it has stood still for three seconds.
	var group sync.WaitGroup
	for i, c := range open {
		group.Go(func() {
			defer c.Close()                                     // what the server has hung up on is open until we have, too
			c.SetReadDeadline(time.Now().Add(20 * time.Second)) //nolint:errcheck // a TCP connection has deadlines
			if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
				l.res.problem("a connection that stands still is kept: %s", []string{"header", "body", "answer"}[i%3])
			}
		})
	}
	group.Wait()
	l.check(s, g, -1)
	l.settled(s, data)
	_, l.res.Acknowledged = g.count()
	if err := s.stop(); err != nil {
		return err
	}
	l.audit(data)
	return nil
}
