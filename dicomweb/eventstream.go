package dicomweb

import (
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// streamEvents is an extension for pages that show what is stored and what is to be read: server-sent events (HTML Living Standard 9.2) that
// say what has changed. "workitem" has the UIDs of workitem and study and the state, "study" the UID of one that has more or fewer
// instances now, and "reload" says that something was missed. They are no record: who needs every change subscribes (PS3.18 11.10).
func (s *Server) streamEvents(w http.ResponseWriter, r *http.Request) error {
	watcher := s.worklist.Hub().Watch()
	defer watcher.Close()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	control := http.NewResponseController(w)
	text := "retry: 2000\nevent: reload\ndata: {}\n\n"
	for {
		if _, err := io.WriteString(w, text); err != nil {
			return nil // the page has gone
		}
		if err := control.Flush(); err != nil {
			return nil
		}
		select {
		case <-watcher.C:
			notices, lost := watcher.Take()
			text = ""
			if lost {
				text = "event: reload\ndata: {}\n\n"
			}
			for _, n := range notices {
				kind := "workitem"
				if n.Workitem == "" {
					kind = "study"
				}
				data, err := json.Marshal(struct {
					Workitem string `json:"workitem,omitempty"`
					Study    string `json:"study,omitempty"`
					State    string `json:"state,omitempty"`
				}{string(n.Workitem), string(n.Study), string(n.State)})
				if err != nil {
					return err
				}
				text += "event: " + kind + "\ndata: " + string(data) + "\n\n"
			}
		case <-time.After(heartbeat):
			text = ": still here\n\n"
		case <-r.Context().Done():
			return nil
		case <-s.streams.Done():
			return nil
		}
	}
}
