package dicomweb

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/worklist"
)

// notificationURL is where a subscriber opens its Notification Connection.
func (s *Server) notificationURL(r *http.Request, ae string) string {
	return "ws" + strings.TrimPrefix(s.baseURL(r), "http") + "/subscribers/" + url.PathEscape(ae)
}

// How events are sent: so many at once, and a sign of life while there are none.
const (
	eventsAtOnce      = 100
	heartbeat         = 20 * time.Second
	notificationStall = time.Minute
)

// openNotifications is the Open Notification Connection transaction (PS3.18 8.10.4): at the address that Subscribe gives, or at that of the
// service with the query parameter aetitle, because somebody has to say whose events these are to be.
func (s *Server) openNotifications(w http.ResponseWriter, r *http.Request) error {
	// Request
	ae, err := s.listenerOf(r)
	if err != nil {
		return err
	}
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		w.Header().Set("Upgrade", "websocket")
		return &problem{status: http.StatusUpgradeRequired, detail: "event reports are sent over a WebSocket (PS3.18 8.10.4)"}
	}

	// Behavior
	leave, err := s.listen(r)
	if err != nil {
		return err
	}
	defer leave()
	watcher := s.worklist.Hub().Watch(ae)
	defer watcher.Close()
	if _, err := s.worklist.Pending(r.Context(), ae, 0, 1); err != nil {
		return missingWorkitem(err)
	}

	// Response
	http.NewResponseController(w).SetWriteDeadline(time.Time{}) //nolint:errcheck // the connection has no end; Ping finds who has gone
	http.NewResponseController(w).SetReadDeadline(time.Time{})  //nolint:errcheck // the same
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: s.originPatterns(), Subprotocols: requestedProtocols(r)})
	if err != nil { // it has answered
		exchangeOf(r).err = err
		return nil
	}
	exchangeOf(r).status = http.StatusSwitchingProtocols
	defer conn.CloseNow()
	ctx, stop := context.WithCancel(conn.CloseRead(r.Context()))
	defer stop()
	go func() {
		select {
		case <-s.streams.Done():
			conn.Close(websocket.StatusGoingAway, "the server is shutting down") //nolint:errcheck // it goes anyway
		case <-ctx.Done():
		}
	}()
	err = s.sendEvents(ctx, conn, ae, watcher)
	if ctx.Err() == nil && err != nil && !errors.Is(err, context.Canceled) {
		exchangeOf(r).err = err
	}
	return nil
}

func (s *Server) listenerOf(r *http.Request) (string, error) {
	if ae, err := pathVar(r, "aetitle"); err != nil || ae != "" {
		if err != nil {
			return "", err
		}
		return checkAE(ae)
	}
	pairs, err := parseParameters(r.URL.RawQuery)
	if err != nil {
		return "", err
	}
	ae, err := single(pairs, "aetitle")
	if err != nil {
		return "", err
	}
	if ae == "" {
		return "", badRequest("a notification connection is opened for a subscriber: %s/subscribers/{aetitle}, as Subscribe answers (PS3.18 11.10.3.2)", BasePath)
	}
	return checkAE(ae)
}

// originPatterns are the origins of pages that may open a connection: those that may read everything else.
func (s *Server) originPatterns() []string {
	var patterns []string
	for _, o := range s.options.AllowedOrigins {
		if _, host, found := strings.Cut(o, "://"); found {
			o = host
		}
		patterns = append(patterns, strings.TrimSuffix(o, "/"))
	}
	return patterns
}

// requestedProtocols agrees to the protocol that a client asks for first: what is sent does not depend on it.
func requestedProtocols(r *http.Request) []string {
	first, _, _ := strings.Cut(r.Header.Get("Sec-WebSocket-Protocol"), ",")
	if first = strings.TrimSpace(first); first == "" {
		return nil
	}
	return []string{first}
}

// sendEvents sends what waits for the entity, and then what comes, until the connection ends. An event is acknowledged when the pong to a
// ping that followed it has come: then the client's end of the connection has it. What is not acknowledged is sent again over the next
// connection.
func (s *Server) sendEvents(ctx context.Context, conn *websocket.Conn, ae string, watcher *worklist.Watcher) error {
	var sent int64
	for {
		texts, last, err := s.eventsFor(ctx, ae, sent)
		if err != nil {
			return err
		}
		for _, text := range texts {
			if err := sendText(ctx, conn, text); err != nil {
				return err
			}
		}
		if sent = last; len(texts) == 0 {
			select {
			case <-watcher.C:
				continue
			case <-time.After(heartbeat):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := ping(ctx, conn); err != nil {
			return err
		}
		if len(texts) > 0 {
			if err := s.worklist.Acknowledge(ctx, ae, sent); err != nil {
				return err
			}
		}
	}
}

// eventsFor returns the event reports behind one that was sent, as texts (PS3.18 8.10.5.1.1), and the number of the last of them.
func (s *Server) eventsFor(ctx context.Context, ae string, sent int64) (texts [][]byte, last int64, err error) {
	last = sent
	err = look(ctx, s.events, func(ctx context.Context) error {
		reports, err := s.worklist.Pending(ctx, ae, sent, eventsAtOnce)
		if err != nil {
			return err
		}
		for _, report := range reports {
			ds := report.DataSet.Clone()
			ds.SetInts(messageID, dicom.US, report.ID&0xFFFF)
			text, err := ds.MarshalJSON()
			if err != nil {
				return err
			}
			texts, last = append(texts, text), report.ID
		}
		return nil
	})
	return texts, last, err
}

func sendText(ctx context.Context, conn *websocket.Conn, text []byte) error {
	ctx, stop := context.WithTimeout(ctx, notificationStall)
	defer stop()
	return conn.Write(ctx, websocket.MessageText, text)
}

// messageID is Message ID (0000,0110).
const messageID dicom.Tag = 0x00000110

func ping(ctx context.Context, conn *websocket.Conn) error {
	ctx, stop := context.WithTimeout(ctx, notificationStall)
	defer stop()
	return conn.Ping(ctx)
}
