package dicomweb

import (
	"net/http"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/worklist"
)

// subscriberOf is the application entity in the path (PS3.5 6.2, AE).
func subscriberOf(r *http.Request) (string, error) {
	ae, err := pathVar(r, "aetitle")
	if err != nil {
		return "", err
	}
	return checkAE(ae)
}

func checkAE(ae string) (string, error) {
	ae = strings.Trim(ae, " ")
	valid := len(ae) > 0 && len(ae) <= 64 // AE has 16; clients that make one up for each window use more
	for i := 0; valid && i < len(ae); i++ {
		valid = ae[i] >= ' ' && ae[i] <= '~' && ae[i] != '\\'
	}
	if !valid {
		return "", badRequest("the subscriber is not an application entity title (PS3.5 6.2): %s", excerpt(ae))
	}
	return ae, nil
}

// subscribe is the Subscribe transaction (PS3.18 11.10): to a workitem, to the worklist, or to what a filter selects of it.
func (s *Server) subscribe(w http.ResponseWriter, r *http.Request) error {
	// Request
	sub, err := subscriptionOf(r)
	if err != nil {
		return err
	}

	// Behavior
	if err := s.worklist.Subscribe(r.Context(), sub); err != nil {
		return missingWorkitem(err)
	}

	// Response
	w.Header().Set("Content-Location", s.notificationURL(r, sub.AE))
	return done(w, http.StatusCreated)
}

func subscriptionOf(r *http.Request) (sub worklist.Subscription, err error) {
	if sub.Resource, err = workitemOf(r); err != nil {
		return sub, err
	}
	if sub.AE, err = subscriberOf(r); err != nil {
		return sub, err
	}
	pairs, err := parseParameters(r.URL.RawQuery)
	if err != nil {
		return sub, err
	}
	if err := parseBool(pairs, "deletionlock", &sub.Lock); err != nil {
		return sub, err
	}
	if sub.Resource != worklist.Filtered {
		return sub, nil
	}
	var filters []string
	for _, p := range pairs {
		if p.name == "filter" && p.value != "" {
			filters = append(filters, p.value)
		} else if _, err := match.ParsePath(p.name); err == nil { // as in a search
			filters = append(filters, p.name+"="+p.value)
		}
	}
	sub.Filter = strings.Join(filters, ",")
	if _, err := worklist.ParseFilter(sub.Filter); err != nil {
		return sub, badRequest("filter: %v", err)
	}
	return sub, nil
}

// unsubscribe is the Unsubscribe transaction (PS3.18 11.11).
func (s *Server) unsubscribe(w http.ResponseWriter, r *http.Request) error {
	return s.endSubscription(w, r, func(ae string, resource dicom.UID) error { return s.worklist.Unsubscribe(r.Context(), ae, resource) })
}

// suspend is the Suspend Global Subscription transaction (PS3.18 11.12).
func (s *Server) suspend(w http.ResponseWriter, r *http.Request) error {
	return s.endSubscription(w, r, func(ae string, resource dicom.UID) error {
		if resource != worklist.Global && resource != worklist.Filtered {
			return badRequest("only a subscription to the worklist or to a filtered worklist can be suspended (PS3.18 11.12.1.1)")
		}
		return s.worklist.Suspend(r.Context(), ae, resource)
	})
}

func (s *Server) endSubscription(w http.ResponseWriter, r *http.Request, end func(ae string, resource dicom.UID) error) error {
	// Request
	resource, err := workitemOf(r)
	if err != nil {
		return err
	}
	ae, err := subscriberOf(r)
	if err != nil {
		return err
	}

	// Behavior
	if err := end(ae, resource); err != nil {
		return missingWorkitem(err)
	}

	// Response
	return done(w, http.StatusOK)
}
