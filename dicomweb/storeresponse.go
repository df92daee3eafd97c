package dicomweb

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// status is that of PS3.18 Table 10.5.3-1; of instances of no patient that of Table 12.5.3-1, by which a request has succeeded that stored
// anything, and 409 is left for what is stored already.
func (st *stored) status() int {
	nonPatient := st.resource != dicom.Studies
	switch {
	case st.stopped != nil:
		return problemOf(st.stopped).status
	case len(st.failures) == 0 && !st.warned():
		return http.StatusOK
	case st.stored > 0 && nonPatient:
		return http.StatusOK
	case st.stored > 0:
		return http.StatusAccepted
	case slices.ContainsFunc(st.failures, isQuota):
		return http.StatusInsufficientStorage // it is no conflict: the same request succeeds when there is room
	case nonPatient && !slices.ContainsFunc(st.failures, func(f *store.Failure) bool { return f.Reason == store.ReasonDuplicateInstance }):
		return http.StatusBadRequest
	}
	return http.StatusConflict
}

func isQuota(f *store.Failure) bool { return errors.Is(f.Err, store.ErrQuota) }

// warned reports whether an instance was stored with a Warning Reason.
func (st *stored) warned() bool {
	return slices.ContainsFunc(st.outcomes, func(o store.Outcome) bool { return o.Failure == nil && warningReason(o.Receipt) != 0 })
}

// dicomXML is how the response module is offered as XML (PS3.18 I.3).
var dicomXML = []offer{{mediaType: "application/dicom+xml"}, {mediaType: "application/xml"}, {mediaType: "text/xml"}}

// answerOfStore is what the response module is sent as. The default is sent where nothing acceptable is supported (PS3.18 Table 8.7.3-1): what is
// stored is stored. Under StrictAccept nothing is then (PS3.18 8.7.8.1).
func answerOfStore(r *http.Request) (offer, error) {
	chosen, err := acceptOf(r).choose(dataSetFormats...)
	if err != nil && !exchangeOf(r).strict {
		return dicomJSON[0], nil
	}
	return chosen, err
}

// respondStored sends the Store Instances Response Module, under every status: also a request that failed may have stored
// something. The codes in it say little, so that Warning says the rest (PS3.18 10.5.3.2).
func (s *Server) respondStored(w http.ResponseWriter, r *http.Request, chosen offer, st *stored) error {
	base := s.baseURL(r)
	h := w.Header()
	if st.stopped != nil {
		exchangeOf(r).err = st.stopped
		p := problemOf(st.stopped)
		s.count(p)
		warn(h, base, p.detail)
		if p.retryAfter > 0 {
			h.Set("Retry-After", strconv.Itoa(int(p.retryAfter.Seconds())))
		}
	}
	if x := exchangeOf(r); x.err == nil && len(st.failures) > 0 {
		x.err = fmt.Errorf("refused %d, the first for: %w", len(st.failures), st.failures[0])
	}
	if slices.ContainsFunc(st.failures, isQuota) {
		s.limits.Refused("quota")
	}
	st.warn(h, base)
	if st.stored > 0 && !st.dry {
		location := base + st.common().Path()
		if st.common() == (dicom.Ref{}) {
			location = base + "/" + st.resource
		}
		h.Set("Location", location)
		h.Set("Content-Location", location)
	}
	h.Set("Cache-Control", "no-store")
	return respondModule(w, r, st.status(), chosen, st.module(base))
}

// warn says what the codes do not, in at most mostWarnings lines.
func (st *stored) warn(h http.Header, base string) {
	var lines []string
	if st.dry {
		lines = append(lines, "dry-run: nothing has been stored")
	}
	for _, f := range st.failures {
		lines = append(lines, fmt.Sprintf("%04X %s%v", f.Reason, subjectOf(f), f.Err))
	}
	for _, o := range st.outcomes {
		texts := warnings(o.Receipt)
		if o.Failure != nil || len(texts) == 0 {
			continue
		}
		code := ""
		if reason := warningReason(o.Receipt); reason != 0 {
			code = fmt.Sprintf("%04X ", reason)
		}
		lines = append(lines, fmt.Sprintf("%s%s: %s", code, o.Ref.Instance, strings.Join(texts, "; ")))
	}
	const mostWarnings = 10
	for i, line := range lines {
		if i == mostWarnings {
			warn(h, base, fmt.Sprintf("there are %d more failures or warnings", len(lines)-i))
			return
		}
		warn(h, base, line)
	}
}

func subjectOf(f *store.Failure) string {
	if f.Instance == "" {
		return ""
	}
	return string(f.Instance) + ": "
}

// common is what everything that was stored lies in: one instance, one study or resource, or nothing.
func (st *stored) common() dicom.Ref {
	var ref dicom.Ref
	for _, o := range st.outcomes {
		switch {
		case o.Failure != nil, o.Elsewhere:
		case ref == (dicom.Ref{}):
			ref = o.Ref
		case ref.Study != o.Ref.Study:
			return dicom.Ref{}
		case ref != o.Ref:
			ref = dicom.Ref{Study: ref.Study, Resource: ref.Resource}
		}
	}
	return ref
}

// module is the Store Instances Response Module (PS3.18 Table I.1-1). Sequences without items are left out, as type 1C wants.
func (st *stored) module(base string) *dicom.DataSet {
	var failed, referenced, other []*dicom.DataSet
	for _, o := range st.outcomes {
		if o.Failure != nil {
			continue
		}
		item := reference(o.SOPClass, o.Ref.Instance)
		if o.Elsewhere {
			item.SetStrings(dicom.RetrieveURL, dicom.UR) // who sent it may not be allowed to know where
		} else {
			item.SetStrings(dicom.RetrieveURL, dicom.UR, base+o.Ref.Path())
		}
		if reason := warningReason(o.Receipt); reason != 0 {
			item.SetInts(dicom.WarningReason, dicom.US, int64(reason))
		}
		setFindings(item, o.Findings)
		setOriginals(item, o.Originals)
		referenced = append(referenced, item)
	}
	for _, f := range st.failures {
		item := &dicom.DataSet{}
		if f.SOPClass != "" && f.Instance != "" { // both are type 1 in an item that references an instance
			item = reference(f.SOPClass, f.Instance)
			failed = append(failed, item)
		} else {
			other = append(other, item)
		}
		item.SetInts(dicom.FailureReason, dicom.US, int64(f.Reason))
		setFindings(item, f.Findings)
	}
	ds := &dicom.DataSet{}
	switch common := st.common(); {
	case common.Study != "":
		ds.SetStrings(dicom.RetrieveURL, dicom.UR, base+dicom.Ref{Study: common.Study}.Path())
	case common.Resource != "" && common.Instance != "":
		ds.SetStrings(dicom.RetrieveURL, dicom.UR, base+common.Path())
	default:
		ds.SetStrings(dicom.RetrieveURL, dicom.UR)
	}
	for _, sequence := range []struct {
		tag   dicom.Tag
		items []*dicom.DataSet
	}{
		{dicom.FailedSOPSequence, failed},
		{dicom.ReferencedSOPSequence, referenced},
		{dicom.OtherFailuresSequence, other},
	} {
		if len(sequence.items) > 0 {
			ds.SetItems(sequence.tag, sequence.items...)
		}
	}
	return ds
}

// reference is the SOP Instance Reference Macro (PS3.3 Table 10-11).
func reference(class, instance dicom.UID) *dicom.DataSet {
	item := &dicom.DataSet{}
	item.SetStrings(dicom.ReferencedSOPClassUID, dicom.UI, string(class))
	item.SetStrings(dicom.ReferencedSOPInstanceUID, dicom.UI, string(instance))
	return item
}
