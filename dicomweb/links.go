package dicomweb

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/authn"
)

// defaultLink is how long a link lives that is not said to.
const defaultLink = 24 * time.Hour

// linkRoutes are the resources of signed links, an extension: who may read something lets others read it for a time.
func (s *Server) linkRoutes() []route {
	if s.options.Links == nil {
		return nil
	}
	const (
		study    = BasePath + "/studies/{study}"
		series   = study + "/series/{series}"
		instance = series + "/instances/{instance}"
		links    = BasePath + "/links"
	)
	return []route{
		{"link-study", "POST", study + "/link", extension, access.Read, s.createLink},
		{"link-series", "POST", series + "/link", extension, access.Read, s.createLink},
		{"link-instance", "POST", instance + "/link", extension, access.Read, s.createLink},
		{"link-frames", "POST", instance + "/frames/{frames}/link", extension, access.Read, s.createLink},
		{"links", "GET", links, extension, access.Admin, s.listLinks},
		{"link-revoke", "DELETE", links + "/{link}", extension, access.Admin, s.revokeLink},
	}
}

// linkRequest is the payload of a request for a link. Without it a link is to all that is here, for a day.
type linkRequest struct {
	Expires  string `json:"expires"`  // a duration ("12h", "3d"), or a time (RFC 3339)
	Resource string `json:"resource"` // "rendered", "thumbnail" or "metadata" of it, with the query
	Query    string `json:"query"`
}

// createLink issues a signed link to what the path names, to be read by whoever has it.
func (s *Server) createLink(w http.ResponseWriter, r *http.Request) error {
	// Request
	ref, err := refOf(r)
	if err != nil {
		return err
	}
	frames, err := pathVar(r, "frames")
	if err != nil {
		return err
	}
	if frames != "" {
		if _, err := parseFrames(frames); err != nil {
			return err
		}
		frames = "frames/" + frames
	}
	asked, expires, err := s.readLinkRequest(r)
	if err != nil {
		return err
	}
	who := access.Of(r.Context())
	if who.Kind == access.Link {
		return &problem{status: http.StatusForbidden, detail: "who came by a link cannot make others"}
	}

	// Behavior
	if _, err := s.entries(r.Context(), ref); err != nil {
		return err
	}
	link, token, err := s.options.Links.Add(who, authn.TargetOf(ref, frames, asked.Resource, asked.Query), expires)
	if err != nil {
		return err
	}

	// Response
	base := s.baseURL(r)
	answer := linkJSON{Link: link, URL: link.Resource(base, token), Open: link.Address(exchangeOf(r).root, token)}
	return sendLinks(w, r, http.StatusCreated, answer)
}

// linkJSON is a link as it is sent. The addresses are there once, when it is made.
type linkJSON struct {
	authn.Link
	State string     `json:"state,omitempty"`
	Used  *time.Time `json:"used,omitempty"`
	URL   string     `json:"url,omitempty"`
	Open  string     `json:"open,omitempty"` // for people: in the viewer, if it is of a study
}

func sendLinks(w http.ResponseWriter, r *http.Request, status int, answer any) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return respond(w, r, status, mediaJSON, body)
}

// maxLinkRequest bounds the payload.
const maxLinkRequest = 16 << 10

func (s *Server) readLinkRequest(r *http.Request) (asked linkRequest, expires time.Time, err error) {
	body, err := decodedBody(r)
	if err != nil {
		return asked, expires, err
	}
	text, err := io.ReadAll(io.LimitReader(body, maxLinkRequest))
	if err != nil {
		return asked, expires, requestError(err)
	}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &asked); err != nil {
			return asked, expires, badRequest(`the payload is not like {"expires": "12h", "resource": "rendered", "query": "viewport=512,512"}`)
		}
	}
	if !slices.Contains([]string{"", "rendered", "thumbnail", "metadata"}, asked.Resource) {
		return asked, expires, badRequest("resource is %s; it can be rendered, thumbnail or metadata, or left out: then the link is to everything", excerpt(asked.Resource))
	}
	asked.Query = strings.TrimPrefix(asked.Query, "?")
	if query, err := url.ParseQuery(asked.Query); err != nil || query.Has("link") || asked.Resource == "" && asked.Query != "" {
		return asked, expires, badRequest("query is %s; it is that of the resource, percent-encoded", excerpt(asked.Query))
	}
	most := cmp.Or(s.options.MaxLink, 30*defaultLink)
	lives := min(defaultLink, most)
	if asked.Expires != "" {
		if at, err := time.Parse(time.RFC3339, asked.Expires); err == nil {
			lives = time.Until(at)
		} else if lives, err = parseLife(asked.Expires); err != nil {
			return asked, expires, badRequest("expires is %s; it can be a duration like 12h or 3d, or a time like 2027-01-31T12:00:00Z", excerpt(asked.Expires))
		}
	}
	if lives < time.Second || lives > most {
		return asked, expires, badRequest("a link can live from a second to %v", most)
	}
	return asked, time.Now().Add(lives), nil
}

// parseLife reads "12h" or "3d".
func parseLife(text string) (time.Duration, error) {
	if days, found := strings.CutSuffix(text, "d"); found {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}

// listLinks lists the links that have been issued; who sees only a part of the archive, his own.
func (s *Server) listLinks(w http.ResponseWriter, r *http.Request) error {
	// Request
	if _, err := acceptOf(r).choose(offer{mediaType: mediaJSON}); err != nil {
		return err
	}
	// Behavior
	links, err := s.options.Links.List()
	if err != nil {
		return err
	}
	list := []linkJSON{}
	for _, l := range links {
		if !mayManage(r, l) {
			continue
		}
		state, err := s.options.Links.State(l)
		if err != nil {
			return err
		}
		one := linkJSON{Link: l, State: state}
		if used := s.options.Links.Used(l.ID); !used.IsZero() {
			one.Used = &used
		}
		list = append(list, one)
	}
	// Response
	return sendLinks(w, r, http.StatusOK, list)
}

// revokeLink ends a link, at once also for what is under way.
func (s *Server) revokeLink(w http.ResponseWriter, r *http.Request) error {
	// Request
	id, err := pathVar(r, "link")
	if err != nil {
		return err
	}
	// Behavior
	links, err := s.options.Links.List()
	if err != nil {
		return err
	}
	at := slices.IndexFunc(links, func(l authn.Link) bool { return l.ID == id && l.Revoked == nil && mayManage(r, l) })
	if at < 0 {
		return notFound("there is no link %s that is not revoked", excerpt(id))
	}
	if _, err := s.options.Links.Revoke(id); err != nil {
		return fmt.Errorf("link %s: %w", id, err)
	}
	// Response
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// mayManage reports whether who sends the request may know of the link.
func mayManage(r *http.Request, l authn.Link) bool {
	who := access.Of(r.Context())
	return l.Tenant == who.Tenant && (match.LimitsOf(r.Context()).Everything() || l.By == string(who.Kind)+":"+who.Name)
}
