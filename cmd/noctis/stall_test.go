package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A client that stops sending, or taking, loses its connection.
func TestStalledTransferEnds(t *testing.T) {
	for name, transfer := range map[string]struct {
		request  string
		answered bool
		handle   func(w http.ResponseWriter, r *http.Request) error
	}{
		"upload":      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf", true, takeAll},
		"long upload": {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\nhalf", true, takeAll},
		"chunks":      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf", true, takeAll},
		"download": {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", false, func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.Copy(w, io.LimitReader(zeros{}, 1<<30))
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			server := httptest.NewServer(stallGuard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ended <- transfer.handle(w, r)
			}), 50*time.Millisecond))
			defer server.Close()
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprint(conn, transfer.request)
			select {
			case err := <-ended:
				if err == nil {
					t.Error("the transfer ended without an error")
				}
			case <-time.After(10 * time.Second):
				t.Error("the transfer still stands")
			}
			if transfer.answered {
				conn.SetReadDeadline(time.Now().Add(10 * time.Second))
				if answer, err := io.ReadAll(conn); err != nil || !strings.Contains(string(answer), " 408 ") {
					t.Errorf("%q, %v; want an answer, and the end of the connection", answer, err)
				}
			}
		})
	}
}

// takeAll reads the body, and answers that it did not come.
func takeAll(w http.ResponseWriter, r *http.Request) error {
	_, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		w.WriteHeader(http.StatusRequestTimeout)
	}
	return err
}

// A handler that works longer than the time, with a client that waits, is no standstill.
func TestSlowHandlerIsNotStalled(t *testing.T) {
	server := httptest.NewServer(stallGuard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		select {
		case <-time.After(150 * time.Millisecond):
			io.WriteString(w, "done")
		case <-r.Context().Done():
		}
	}), 50*time.Millisecond))
	defer server.Close()
	response, err := http.Post(server.URL, "text/plain", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if line, _ := bufio.NewReader(response.Body).ReadString(0); line != "done" {
		t.Errorf("answer %q", line)
	}
}

// A handler that refuses a request by its header answers at once, whether or not the client then sends the body; if that is short, when it has not come in time.
func TestRefusalDoesNotWaitForBody(t *testing.T) {
	server := httptest.NewServer(stallGuard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnsupportedMediaType)
	}), time.Second))
	defer server.Close()
	for name, header := range map[string]string{
		"long body":               "Content-Length: 1000000\r\n",
		"short body":              "Content-Length: 100\r\n",
		"body after 100-continue": "Content-Length: 1000\r\nExpect: 100-continue\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\n%s\r\n", header)
			if line, err := bufio.NewReader(conn).ReadString('\n'); !strings.Contains(line, " 415 ") {
				t.Errorf("answer %q, %v", line, err)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
