//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
)

// quiet waits until the server has nothing left to do of what clients gave up: no connection is open, waits in its socket's queue or is
// being closed, and no request is in flight. What was sent and never answered is stored by then, or never will be.
func (s *server) quiet() error {
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		s.http.CloseIdleConnections()
		open, err := s.connections()
		if err != nil {
			return err
		}
		if open == 0 {
			status, body, err := s.get("/metrics", "")
			if err == nil && status == http.StatusOK && strings.Contains(string(body), "\nnoctis_http_requests_in_flight 0\n") {
				return nil
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("requests are not finished: %d connections, %v", open, err)
		}
	}
}

// connections counts those of the server's port, whether it has accepted them or not, but for what is only remembered (TIME_WAIT).
func (s *server) connections() (int, error) {
	at, err := url.Parse(s.url)
	if err != nil {
		return 0, err
	}
	port, err := strconv.Atoi(at.Port())
	if err != nil {
		return 0, err
	}
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return 0, err
	}
	const listening, waiting = "0A", "06"
	open := 0
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		if len(fields) > 3 && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", port)) && fields[3] != listening && fields[3] != waiting {
			open++
		}
	}
	return open, nil
}

// feed is what the change feed says is stored, and how often.
func (s *server) feed() (map[dicom.UID]int, error) {
	stored := map[dicom.UID]int{}
	for after := ""; ; {
		status, body, err := s.asked("/dicom-web/changes?limit=10000"+after, "application/json")
		if err != nil || status != http.StatusOK {
			return nil, fmt.Errorf("change feed: %d, %w", status, errors.Join(err, errFeed))
		}
		var page struct {
			Changes []struct {
				Kind     string    `json:"kind"`
				Instance dicom.UID `json:"sopInstanceUID"`
			} `json:"changes"`
			Next string `json:"next"`
			More bool   `json:"more"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, err
		}
		for _, c := range page.Changes {
			if c.Kind == "stored" {
				stored[c.Instance]++
			}
		}
		if !page.More {
			return stored, nil
		}
		after = "&after=" + url.QueryEscape(page.Next)
	}
}

var errFeed = errors.New("it cannot be read")

// readings counts the workitems of a study.
func (s *server) readings(study dicom.UID) (int, error) {
	status, body, err := s.asked("/dicom-web/workitems?limit=10&StudyInstanceUID="+string(study), "application/dicom+json")
	if err != nil || status == http.StatusNoContent {
		return 0, err
	}
	var found []json.RawMessage
	if status != http.StatusOK {
		return 0, fmt.Errorf("status %d", status)
	}
	err = json.Unmarshal(body, &found)
	return len(found), err
}

// agree compares the change feed and the worklist with which instances are there: each is in the feed once, and its study has the one
// workitem; of a study of which nothing is there there is none.
func (l *lab) agree(s *server, there map[*promise]bool) {
	feed, err := s.feed()
	if err != nil {
		l.res.problem("%v", err)
		return
	}
	studies := map[dicom.UID]bool{}
	for p, is := range there {
		if n := feed[p.ref.Instance]; (n == 1) != is || n > 1 {
			l.res.Half++
			l.res.problem("half: %s: it is there: %v, and %d times in the change feed", p.ref.Path(), is, n)
		}
		if p.ref.Study != "" {
			studies[p.ref.Study] = studies[p.ref.Study] || is
		}
	}
	for study, is := range studies {
		n, err := s.readings(study)
		if err != nil || is && n != 1 || n > 1 {
			l.res.Half++
			l.res.problem("half: study %s: it is there: %v, and it has %d workitems (%v)", study, is, n, err)
		}
	}
}
