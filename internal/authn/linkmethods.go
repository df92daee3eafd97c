package authn

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/access"
)

// CarriedLinks are links whose token is in the query (Links.Carry): a picture in another page has nowhere else to put it.
type CarriedLinks struct{ *Links }

// Challenges are none: nobody is asked for a link.
func (l *Links) Challenges() []string { return nil }

// Begun is false: links let somebody in who could not, and keep nobody out.
func (l *Links) Begun() (bool, error) { return false, nil }

// Authenticate knows whoever bears a link, for what it is for.
func (l CarriedLinks) Authenticate(r *http.Request) (access.Principal, bool, error) {
	token, carried := r.Context().Value(carriedKey{}).(string)
	if !carried {
		return access.Principal{}, false, nil
	}
	link, err := l.verify(token)
	if err == nil && !link.covers(r) {
		err = errLinkOver
	}
	if err != nil {
		return access.Principal{}, true, err
	}
	return l.principal(link, r), true, nil
}

// OpenedLinks are links to studies that a browser has opened (Links.ServeHTTP): their tokens are in cookies, for requests of our own pages.
type OpenedLinks struct{ *Links }

// Authenticate knows whoever has opened links. Cookies of links that are over are none. Who has opened several sees all of their studies, if
// what else limits them is the same.
func (l OpenedLinks) Authenticate(r *http.Request) (p access.Principal, found bool, err error) {
	root, err := l.Root(r)
	if err != nil || !ownRequest(r, root) {
		return access.Principal{}, false, nil //nolint:nilerr // the request is refused for it elsewhere
	}
	for _, c := range r.Cookies() {
		if !strings.HasPrefix(c.Name, linkCookie(root, "")) {
			continue
		}
		link, err := l.verify(c.Value)
		switch {
		case err != nil && !errors.Is(err, access.ErrUnauthenticated):
			return access.Principal{}, true, err
		case err != nil || !link.study() || !link.covers(r):
			continue
		}
		one := l.principal(link, r)
		if !found {
			p, found = one, true
			continue
		}
		studies := p.Scope.Studies
		same := p
		same.Name, same.Scope.Studies = one.Name, one.Scope.Studies
		if reflect.DeepEqual(same, one) {
			p.Scope.Studies = append(studies, one.Scope.Studies...)
		}
	}
	return p, found, nil
}

// linkCookie is the name of the cookie of a link.
func linkCookie(root, id string) string { return cookieName(root) + "-link-" + id }

// ServeHTTP opens a link, at "/link/" and its token: it gives the browser a cookie that is worth as much as the link, and sends it to the
// viewer; with a link to something else than a study, to that. The token does not stay in the address.
func (l *Links) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	root, err := l.Root(r)
	_, token, _ := strings.Cut(r.URL.Path, "/link/")
	var link Link
	if err == nil {
		link, err = l.verify(token)
	}
	switch {
	case errors.Is(err, access.ErrUnauthenticated):
		h.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, "This link is over, or never was.\n") //nolint:errcheck // who has gone away is not answered
		return
	case err != nil:
		http.Error(w, "the server failed", http.StatusInternalServerError)
		return
	}
	at := root
	if link.Tenant != "" {
		at += "/t/" + url.PathEscape(link.Tenant)
	}
	if !link.study() {
		http.Redirect(w, r, at+"/dicom-web"+link.Path+"?"+joinQuery(link.Query, token), http.StatusSeeOther)
		return
	}
	c := cookieOf(root, token, int(time.Until(link.Expires).Seconds()))
	c.Name = linkCookie(root, link.ID)
	http.SetCookie(w, c)
	if _, err := r.Cookie(cookieName(root)); err == nil { // a session that is over would come first
		l.dropSession(w, r, root)
	}
	http.Redirect(w, r, at+"/viewer/viewer?StudyInstanceUIDs="+url.QueryEscape(string(link.Study)), http.StatusSeeOther)
}

// dropSession ends the cookie of a session that is over.
func (l *Links) dropSession(w http.ResponseWriter, r *http.Request, root string) {
	if l.InSession != nil && !l.InSession(r) {
		http.SetCookie(w, cookieOf(root, "", -1))
	}
}

func joinQuery(query, token string) string {
	if query != "" {
		query += "&"
	}
	return query + parameter + "=" + token
}

// Address is what a person opens: the token after /link/. Resource is what a program or an <img> asks for.
func (l Link) Address(root, token string) string { return root + "/link/" + token }

// Resource is the address of what the link is for, below the base of the DICOMweb services.
func (l Link) Resource(base, token string) string {
	return base + l.Path + "?" + joinQuery(l.Query, token)
}

// TargetOf is the target of a link to what lies at a reference, or to one resource of it, as rendered with a query.
func TargetOf(ref dicom.Ref, frames, resource, query string) Target {
	t := Target{Study: ref.Study, Path: ref.Path(), Whole: resource == "", Query: query}
	for _, part := range []string{frames, resource} {
		if part != "" {
			t.Path += "/" + part
		}
	}
	return t
}
