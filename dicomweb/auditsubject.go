package dicomweb

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/internal/audit"
	"github.com/noctis-dicom/noctis/procedure"
	"github.com/noctis-dicom/noctis/store"
)

// Whom a request was about: what the path says, what handlers note, and what is looked up.

// noted is what a handler says of its request.
type noted struct {
	audit.Subject
	failed string // why what was to be done to this one was not; "": it was
}

// about notes a subject that the path does not name.
func about(r *http.Request, subjects ...noted) {
	x := exchangeOf(r)
	x.subjects = append(x.subjects, subjects...)
}

// aboutRef notes a study, series or instance.
func aboutRef(r *http.Request, ref dicom.Ref) {
	sub := audit.Subject{Study: string(ref.Study)}
	if ref.Series != "" {
		sub.Series = []string{string(ref.Series)}
	}
	if ref.Instance != "" {
		sub.Instances = []string{string(ref.Instance)}
	}
	about(r, noted{Subject: sub})
}

// aboutDataSet notes what a data set says of its patient; object is the UID of what it describes.
func aboutDataSet(r *http.Request, ds *dicom.DataSet, object dicom.UID) {
	about(r, noted{Subject: subjectIn(ds, object)})
}

func subjectIn(ds *dicom.DataSet, object dicom.UID) audit.Subject {
	return audit.Subject{Patient: ds.String(dicom.PatientID), Issuer: ds.String(dicom.IssuerOfPatientID), Study: string(ds.UID(dicom.StudyInstanceUID)),
		Accession: ds.String(dicom.AccessionNumber), Object: string(object)}
}

// pathSubject is what the path names.
func pathSubject(x *exchange) audit.Subject {
	uid := func(name string) string {
		v, err := url.PathUnescape(x.vars.of(name))
		if err != nil || !dicom.UID(v).Valid() {
			return ""
		}
		return v
	}
	sub := audit.Subject{Study: uid("study")}
	if v := uid("series"); v != "" {
		sub.Series = []string{v}
	}
	if v := uid("instance"); v != "" {
		sub.Instances = []string{v}
	}
	for _, name := range []string{"workitem", "step", "transaction", "uid"} {
		if v := uid(name); v != "" {
			sub.Object = v
		}
	}
	return sub
}

// complete finds out whose a subject is. What cannot be found out stays open: the event is written all the same.
func (s *Server) complete(ctx context.Context, x *exchange, sub *audit.Subject) {
	ctx = context.WithoutCancel(ctx) // who has gone away meanwhile has seen it all the same
	var ds *dicom.DataSet
	switch {
	case sub.Object != "" && x.vars.of("workitem") != "" && s.worklist != nil:
		if item, err := s.worklist.Workitem(ctx, dicom.UID(sub.Object)); err == nil {
			ds = item.DataSet
		}
	case x.vars.of("step") != "" && s.options.Procedures != nil:
		ds = s.stepDataSet(ctx, x, sub)
	case sub.Study != "":
		s.completeStudy(ctx, sub)
		return
	}
	if ds == nil {
		return
	}
	found := subjectIn(ds, "")
	sub.Patient, sub.Issuer, sub.Accession = found.Patient, found.Issuer, found.Accession
	if sub.Study == "" {
		sub.Study = found.Study
	}
}

// completeStudy finds out whose a study is. Who reads one reads on, so that the answer is kept for as long as nothing is stored or deleted.
func (s *Server) completeStudy(ctx context.Context, sub *audit.Subject) {
	key := s.generationKey(ctx, dicom.Ref{Study: dicom.UID(sub.Study)})
	found, known := s.subjects.get(key)
	if !known {
		keys := []match.Key{{Path: match.Path{dicom.StudyInstanceUID}, Condition: match.UIDList{UIDs: []dicom.UID{dicom.UID(sub.Study)}}}}
		for ds, err := range s.store.Search(ctx, match.Query{Level: match.Study, Keys: keys, Limit: 1}) {
			if err != nil {
				return
			}
			found = subjectIn(ds, "")
			found.Number, _ = strconv.Atoi(ds.String(dicom.NumberOfStudyRelatedInstances))
			s.subjects.add(key, found, subjectBytes)
			break
		}
	}
	sub.Patient, sub.Issuer, sub.Accession = found.Patient, found.Issuer, found.Accession
	if len(sub.Series)+len(sub.Instances) == 0 {
		sub.Number = found.Number
	}
}

// subjectBytes is about the memory of what is known of a study.
const subjectBytes = 400

// stepDataSet is a procedure step that the path names.
func (s *Server) stepDataSet(ctx context.Context, x *exchange, sub *audit.Subject) *dicom.DataSet {
	step, err := url.PathUnescape(x.vars.of("step"))
	if err != nil {
		return nil
	}
	if x.vars.of("study") != "" {
		if sc, err := s.options.Procedures.Scheduled(ctx, procedure.Name{Study: dicom.UID(sub.Study), Step: step}); err == nil {
			return sc.DataSet
		}
		return nil
	}
	if p, err := s.options.Procedures.Performed(ctx, dicom.UID(step)); err == nil {
		return p.DataSet
	}
	return nil
}

// completeRemoved finds out whose something in the recycle bin is.
func (s *Server) completeRemoved(r *http.Request, sub *audit.Subject) {
	q, err := binQuery(r)
	if err != nil || q == (store.RemovedQuery{}) {
		return
	}
	q.Whole = true
	for removed, err := range s.store.RecycleBin(r.Context(), q) {
		ds := &dicom.DataSet{}
		if err != nil || ds.UnmarshalJSON(removed.Entry.Metadata) != nil {
			return
		}
		found := subjectIn(ds, "")
		found.Series, found.Instances = sub.Series, sub.Instances
		if q.Blob != nil {
			found.Series, found.Instances = []string{string(removed.Entry.Ref.Series)}, []string{string(removed.Entry.Ref.Instance)}
		}
		*sub = found
		return
	}
}

// aboutStored notes what became of a Store request: an event for each study, and one for what was refused (PS3.15 A.5.2: successes and
// failures are not mixed).
func (s *Server) aboutStored(r *http.Request, st *stored) {
	if s.options.Audit == nil {
		return
	}
	if st.dry {
		exchangeOf(r).kind = audit.Other // nothing was stored
		return
	}
	studies := map[dicom.UID]*audit.Subject{}
	var order []dicom.UID
	for _, o := range st.outcomes {
		if o.Failure != nil {
			continue
		}
		sub := studies[o.Receipt.Ref.Study]
		if sub == nil {
			sub = &audit.Subject{Study: string(o.Receipt.Ref.Study), SOPClass: string(o.Receipt.SOPClass)}
			studies[o.Receipt.Ref.Study] = sub
			order = append(order, o.Receipt.Ref.Study)
		}
		if sub.Number++; len(sub.Instances) < audit.Named {
			sub.Instances = append(sub.Instances, string(o.Receipt.Ref.Instance))
		}
		if sub.SOPClass != string(o.Receipt.SOPClass) {
			sub.SOPClass = ""
		}
	}
	for _, study := range order {
		sub := studies[study]
		n := sub.Number
		s.complete(r.Context(), exchangeOf(r), sub)
		sub.Number = n
		about(r, noted{Subject: *sub})
	}
	if len(st.failures) == 0 && st.stopped == nil {
		return
	}
	refused := audit.Subject{Number: len(st.failures)}
	for _, f := range st.failures {
		if f.Instance != "" && len(refused.Instances) < audit.Named {
			refused.Instances = append(refused.Instances, string(f.Instance))
		}
	}
	if ref, err := refOf(r); err == nil {
		refused.Study = string(ref.Study)
	}
	about(r, noted{Subject: refused, failed: "instances were refused"})
}
