package dicomweb

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/webhook"
)

// webhookRoutes are for administrators, an extension: how the webhooks do, and their dead letters, which can be sent again or discarded.
func (s *Server) webhookRoutes() []route {
	if s.options.Webhooks == nil {
		return nil
	}
	const (
		hooks   = BasePath + "/webhooks"
		hook    = hooks + "/{webhook}"
		letters = hook + "/dead-letters"
		letter  = letters + "/{letter}"
	)
	return []route{
		{"webhooks", "GET", hooks, extension, access.Admin, whole(s.listWebhooks)},
		{"webhook-test", "POST", hook + "/test", extension, access.Admin, whole(s.testWebhook)},
		{"webhook-letters", "GET", letters, extension, access.Admin, whole(s.listLetters)},
		{"webhook-discard-all", "DELETE", letters, extension, access.Admin, whole(s.discardLetters)},
		{"webhook-resend", "POST", letter + "/resend", extension, access.Admin, whole(s.resendLetter)},
		{"webhook-discard", "DELETE", letter, extension, access.Admin, whole(s.discardLetters)},
	}
}

// webhookJSON is how a webhook does.
type webhookJSON struct {
	Name        string   `json:"name"`
	URL         string   `json:"url,omitempty"` // without its query; of one that is not in the settings any more there is none
	Events      []string `json:"events,omitempty"`
	Cursor      string   `json:"cursor,omitempty"`
	Behind      int64    `json:"behind"`
	Delivered   int64    `json:"delivered"`
	Failing     int      `json:"failing"`
	LastSuccess string   `json:"lastSuccess,omitempty"`
	LastFailure string   `json:"lastFailure,omitempty"`
	Reason      string   `json:"reason,omitempty"`
	DeadLetters int      `json:"deadLetters"`
}

// letterJSON is a dead letter.
type letterJSON struct {
	ID       int64           `json:"id"`
	Message  string          `json:"message"`
	At       string          `json:"at"`
	Attempts int             `json:"attempts"`
	Reason   string          `json:"reason"`
	Body     json.RawMessage `json:"body"`
}

// moment is a time as the extensions write it, "" for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// listWebhooks says how the webhooks do.
func (s *Server) listWebhooks(w http.ResponseWriter, r *http.Request) error {
	// Behavior
	all, err := s.options.Webhooks.Status(r.Context())
	if err != nil {
		return err
	}

	// Response
	list := make([]webhookJSON, len(all))
	for i, h := range all {
		list[i] = webhookJSON{h.Name, h.URL, kindNames(h.Events), h.At.String(), h.Behind, h.Delivered, h.Failing, moment(h.Taken), moment(h.Failed), h.Reason, h.Dead}
	}
	return respondJSON(w, r, http.StatusOK, list)
}

func kindNames(kinds []store.ChangeKind) (names []string) {
	for _, k := range kinds {
		names = append(names, k.String())
	}
	return names
}

// Bounds of a page of dead letters.
const (
	lettersDefault = 100
	lettersMost    = 1000
)

// listLetters lists the dead letters of a webhook, the oldest first, behind the one with the id after.
func (s *Server) listLetters(w http.ResponseWriter, r *http.Request) error {
	// Request
	name, err := pathVar(r, "webhook")
	if err != nil {
		return err
	}
	query, err := queryOf(r)
	if err != nil {
		return err
	}
	after, limit := int64(0), lettersDefault
	if text := query.Get("after"); text != "" {
		if after, err = strconv.ParseInt(text, 10, 64); err != nil || after < 0 {
			return badRequest("after is %s; it can be the id of a dead letter", excerpt(text))
		}
	}
	if text := query.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > lettersMost {
			return badRequest("limit is %s; it can be 1 to %d", excerpt(text), lettersMost)
		}
	}

	// Behavior
	letters, err := s.options.Webhooks.Letters(r.Context(), name, after, limit)
	if err != nil {
		return err
	}

	// Response
	list := make([]letterJSON, len(letters))
	for i, l := range letters {
		list[i] = letterJSON{l.ID, l.Message.ID, moment(l.At), l.Attempts, l.Reason, l.Message.Body}
	}
	return respondJSON(w, r, http.StatusOK, list)
}

// testWebhook sends a test, once: 502 if it was not taken.
func (s *Server) testWebhook(w http.ResponseWriter, r *http.Request) error {
	name, err := pathVar(r, "webhook")
	if err == nil {
		err = s.options.Webhooks.Test(r.Context(), name)
	}
	return delivered(w, err)
}

// resendLetter sends a dead letter once more: 502 if it was not taken; else it is one no longer.
func (s *Server) resendLetter(w http.ResponseWriter, r *http.Request) error {
	name, id, err := letterOf(r)
	if err == nil {
		err = s.options.Webhooks.Resend(r.Context(), name, id)
	}
	return delivered(w, err)
}

// delivered is the answer after an attempt.
func delivered(w http.ResponseWriter, err error) error {
	switch {
	case errors.Is(err, webhook.ErrUnknown):
		return notFound("%v", webhook.ErrUnknown)
	case errors.Is(err, webhook.ErrUndelivered):
		return &problem{status: http.StatusBadGateway, detail: err.Error()}
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// discardLetters drops a dead letter, or all of a webhook, and says how many.
func (s *Server) discardLetters(w http.ResponseWriter, r *http.Request) error {
	// Request
	name, id, err := letterOf(r)
	if err != nil {
		return err
	}

	// Behavior
	n, err := s.options.Webhooks.Discard(r.Context(), name, id)
	if errors.Is(err, webhook.ErrUnknown) {
		return notFound("%v", webhook.ErrUnknown)
	}
	if err != nil {
		return err
	}

	// Response
	return respondJSON(w, r, http.StatusOK, map[string]int{"discarded": n})
}

// letterOf is what the path names: a webhook, and a dead letter or 0.
func letterOf(r *http.Request) (name string, id int64, err error) {
	if name, err = pathVar(r, "webhook"); err != nil {
		return "", 0, err
	}
	text, err := pathVar(r, "letter")
	if err != nil || text == "" {
		return name, 0, err
	}
	if id, err = strconv.ParseInt(text, 10, 64); err != nil || id < 1 {
		return "", 0, notFound("%v", webhook.ErrUnknown)
	}
	return name, id, nil
}
