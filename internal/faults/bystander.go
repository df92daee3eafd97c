//go:build linux

package main

import (
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// bystander uses the server as anybody does, and knows how long that took: a retrieval, its metadata, a search.
type bystander struct {
	paths []string
	took  []time.Duration
}

func (b *bystander) watch(s *server, res *result, until time.Time) {
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for time.Now().Before(until) {
		for _, path := range b.paths {
			request, err := http.NewRequest("GET", s.url+path, nil)
			if err != nil {
				return
			}
			request.Header.Set("Accept", "*/*")
			began := time.Now()
			response, err := client.Do(request)
			if err == nil {
				io.Copy(io.Discard, response.Body) //nolint:errcheck // the status tells
				response.Body.Close()
			}
			b.took = append(b.took, time.Since(began))
			if err != nil || response.StatusCode != http.StatusOK {
				res.problem("a bystander is not served: %v", err)
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// at returns the milliseconds within which so many of a thousand requests were answered.
func (b *bystander) at(perMille int) float64 {
	if len(b.took) == 0 {
		return 0
	}
	slices.Sort(b.took)
	return float64(b.took[(len(b.took)-1)*perMille/1000].Microseconds()) / 1000
}

// schedule gives all threads of this process a policy, and those that come of them. A bystander's client that runs as soon as it may
// (SCHED_RR), with an attack and without, waits for the server only, as it would on a machine of its own; else it would wait
// for a processor, too.
func schedule(policy, priority uint32) {
	threads, _ := os.ReadDir("/proc/self/task") //nolint:errcheck // there are none then
	for _, thread := range threads {
		if id, err := strconv.Atoi(thread.Name()); err == nil {
			unix.SchedSetAttr(id, &unix.SchedAttr{Policy: policy, Priority: priority}, 0) //nolint:errcheck // where it may not, it waits like others
		}
	}
}
