package dicomweb

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// byName knows whoever Authorization names.
type byName map[string]access.Principal

func (b byName) Authenticate(r *http.Request) (access.Principal, error) {
	switch name := r.Header.Get("Authorization"); name {
	case "":
		return access.Principal{Kind: access.Nobody}, nil
	case "broken":
		return access.Principal{}, errors.New("the key store is on fire")
	default:
		p, found := b[name]
		if !found {
			return p, access.ErrUnauthenticated
		}
		return p, nil
	}
}

func (byName) Challenges() []string { return []string{`Bearer realm="noctis"`} }

func TestRoutesAskForRoles(t *testing.T) {
	s, err := New(memstore.New(store.Options{}), Options{Log: slog.New(slog.DiscardHandler), Authenticator: byName{
		"reader": {Name: "reader", Kind: access.Key, Roles: access.RolesOf(access.Read)},
		"boss":   {Name: "boss", Kind: access.Key, Roles: access.RolesOf(access.Admin)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path, who string
		want              int
	}{
		{"GET", "/dicom-web/studies", "", 401},
		{"GET", "/dicom-web/studies", "stranger", 401},
		{"OPTIONS", "/dicom-web/studies", "stranger", 401},
		{"GET", "/dicom-web/studies", "broken", 500},
		{"GET", "/dicom-web/studies", "reader", 204},
		{"GET", "/dicom-web/studies", "boss", 204},
		{"HEAD", "/dicom-web/studies", "", 401},
		{"OPTIONS", "/dicom-web/studies", "", 204},
		{"DELETE", "/dicom-web/studies/1.2", "reader", 403},
		{"DELETE", "/dicom-web/studies/1.2", "boss", 404},
		{"GET", "/dicom-web/recycle-bin", "reader", 403},
		{"GET", "/dicom-web/recycle-bin", "boss", 200},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		if c.who != "" {
			r.Header.Set("Authorization", c.who)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s %s by %q: %d, want %d", c.method, c.path, c.who, w.Code, c.want)
		}
		if (w.Code == 401) != (w.Header().Get("WWW-Authenticate") != "") {
			t.Errorf("%s %s by %q: WWW-Authenticate %q with %d", c.method, c.path, c.who, w.Header().Get("WWW-Authenticate"), w.Code)
		}
	}
}
