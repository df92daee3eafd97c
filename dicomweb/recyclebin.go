package dicomweb

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// The recycle bin is for administrators, an extension below /recycle-bin: what has been deleted or replaced, and can be restored, read or
// purged. A version is one file of an instance; it is named by its SHA-256.

// binQuery reads what the path names: a study, series or instance, a version, or everything.
func binQuery(r *http.Request) (q store.RemovedQuery, err error) {
	if q.Ref, err = refOf(r); err != nil {
		return q, err
	}
	digest, err := pathVar(r, "version")
	if err != nil || digest == "" {
		return q, err
	}
	id, err := hex.DecodeString(digest)
	if q.Blob = new(store.BlobID); err != nil || copy(q.Blob[:], id) != len(q.Blob) || len(id) != len(q.Blob) {
		return q, badRequest("the version in the path is not a SHA-256 in hexadecimal: %s", excerpt(digest))
	}
	return q, nil
}

// binned is a study of the recycle bin, or a resource of instances of no patient.
type binned struct {
	Study    dicom.UID      `json:"studyInstanceUID"`
	Resource string         `json:"resource,omitempty"`
	Versions int            `json:"versions"`
	Bytes    int64          `json:"bytes"`
	Deleted  int            `json:"deleted"`
	Replaced int            `json:"replaced"`
	Last     string         `json:"lastRemoved"`
	Purge    string         `json:"purgeAfter,omitempty"` // of what was removed last
	DataSet  *dicom.DataSet `json:"dataset"`              // what the version that was removed last says of the study
}

// binLimit is how many studies of the recycle bin are listed where the request says nothing.
const binLimit = 100

// listRecycleBin lists the studies in the recycle bin, that of the last removal first.
func (s *Server) listRecycleBin(w http.ResponseWriter, r *http.Request) error {
	// Request
	query, err := queryOf(r)
	if err != nil {
		return err
	}
	limit := binLimit
	if text := query.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 {
			return badRequest("limit is %s; it can be 1 and more", excerpt(text))
		}
	}
	// Behavior
	studies, err := s.store.RecycledStudies(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("X-Total-Count", strconv.Itoa(len(studies)))
	list := []binned{}
	for _, st := range studies[:min(limit, len(studies))] {
		ds, err := s.removedDataSet(r.Context(), st.Blob)
		if err != nil {
			return err
		}
		b := binned{
			Study: st.Ref.Study, Resource: st.Ref.Resource, Versions: st.Deleted + st.Replaced, Bytes: st.Bytes, Deleted: st.Deleted, Replaced: st.Replaced,
			Last: st.Last.Format(time.RFC3339), Purge: s.purgeAfter(st.Last),
		}
		b.DataSet, _ = store.Split(ds)
		list = append(list, b)
	}
	// Response
	return respondJSON(w, r, http.StatusOK, list)
}

// purgeAfter is when what was removed at a time goes for good, "" if nobody knows.
func (s *Server) purgeAfter(removed time.Time) string {
	if s.options.RecycleRetention <= 0 {
		return ""
	}
	return removed.Add(s.options.RecycleRetention).Format(time.RFC3339)
}

// removedDataSet is the data set of a version, empty if it has gone meanwhile or cannot be read.
func (s *Server) removedDataSet(ctx context.Context, id store.BlobID) (*dicom.DataSet, error) {
	ds := &dicom.DataSet{}
	for removed, err := range s.store.RecycleBin(ctx, store.RemovedQuery{Blob: &id, Whole: true}) {
		if err != nil {
			return nil, err
		}
		if ds.UnmarshalJSON(removed.Entry.Metadata) != nil {
			ds = &dicom.DataSet{}
		}
	}
	return ds, nil
}

// listVersions lists the versions in the recycle bin below a study, series or instance, what was removed last first.
func (s *Server) listVersions(w http.ResponseWriter, r *http.Request) error {
	// Request
	q, err := binQuery(r)
	if err != nil {
		return err
	}
	// Behavior
	type version struct {
		Version  string `json:"version"`
		Study    string `json:"studyInstanceUID"`
		Series   string `json:"seriesInstanceUID"`
		Instance string `json:"sopInstanceUID"`
		SOPClass string `json:"sopClassUID"`
		Bytes    int64  `json:"bytes"`
		Stored   string `json:"stored"`
		Removed  string `json:"removed"`
		Kind     string `json:"kind"`
		Purge    string `json:"purgeAfter,omitempty"`
		URL      string `json:"url"`
	}
	list := []version{}
	for removed, err := range s.store.RecycleBin(r.Context(), q) {
		if err != nil {
			return err
		}
		e := removed.Entry
		list = append(list, version{
			e.Blob.String(), string(e.Ref.Study), string(e.Ref.Series), string(e.Ref.Instance), string(e.SOPClass), e.Size,
			e.Stored.Format(time.RFC3339), removed.Time.Format(time.RFC3339), removed.Kind.String(), s.purgeAfter(removed.Time),
			s.baseURL(r) + "/recycle-bin/versions/" + e.Blob.String(),
		})
	}
	if len(list) == 0 {
		return notFound("nothing of %s is in the recycle bin", q.Ref.Path())
	}
	// Response
	return respondJSON(w, r, http.StatusOK, list)
}

// version finds the version that the path names.
func (s *Server) version(r *http.Request) (*store.Removed, error) {
	q, err := binQuery(r)
	if err != nil {
		return nil, err
	}
	q.Whole = true
	for removed, err := range s.store.RecycleBin(r.Context(), q) {
		return removed, err
	}
	return nil, notFound("this version is not in the recycle bin")
}

// retrieveVersion sends the file of a version, byte for byte.
func (s *Server) retrieveVersion(w http.ResponseWriter, r *http.Request) error {
	// Request
	removed, err := s.version(r)
	if err != nil {
		return err
	}
	// Behavior
	in, err := s.open(r.Context(), removed.Entry)
	if err != nil {
		return err
	}
	defer in.Close()
	// Response
	w.Header().Set("Content-Type", mediaDICOM)
	w.Header().Set("Cache-Control", "no-store")
	return serveContent(w, r, time.Time{}, in.File())
}

// retrieveVersionMetadata sends what a version says of itself, as DICOM JSON.
func (s *Server) retrieveVersionMetadata(w http.ResponseWriter, r *http.Request) error {
	// Request
	removed, err := s.version(r)
	if err != nil {
		return err
	}
	if removed.Entry.Metadata == nil {
		return notFound("the file of this version cannot be read")
	}
	// Response
	w.Header().Set("Cache-Control", "no-store")
	return respond(w, r, http.StatusOK, "application/dicom+json", append(append([]byte("["), removed.Entry.Metadata...), ']'))
}

// restoreInstances takes what the path names out of the recycle bin and stores it again. An instance that was stored anew meanwhile stays,
// unless the parameter "replace" is set.
func (s *Server) restoreInstances(w http.ResponseWriter, r *http.Request) error {
	// Request
	q, err := binQuery(r)
	if err != nil {
		return err
	}
	query, err := queryOf(r)
	if err != nil {
		return err
	}
	replace := query.Has("replace") && query.Get("replace") != "false" && query.Get("replace") != "0"
	// Behavior
	result, err := s.store.Restore(context.WithoutCancel(r.Context()), q, replace)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return notFound("what is to be restored is not in the recycle bin")
	case err != nil:
		return storeError(err)
	}
	// Response
	status := http.StatusOK
	if result.Restored == 0 && len(result.Conflicts)+len(result.Damaged) > 0 {
		status = http.StatusConflict
	}
	return respondJSON(w, r, status, map[string]any{
		"restored": result.Restored, "conflicts": paths(result.Conflicts), "damaged": paths(result.Damaged)})
}

func paths(refs []dicom.Ref) []string {
	all := []string{}
	for _, ref := range refs {
		all = append(all, ref.Path())
	}
	return all
}

// purgeInstances removes what the path names from the recycle bin for good; of the whole bin what was removed before the time that the
// parameter "before" says.
func (s *Server) purgeInstances(w http.ResponseWriter, r *http.Request) error {
	// Request
	q, err := binQuery(r)
	if err != nil {
		return err
	}
	query, err := queryOf(r)
	if err != nil {
		return err
	}
	if text := query.Get("before"); text != "" {
		if q.Before, err = time.Parse(time.RFC3339, text); err != nil {
			return badRequest("before is %s; it is a time like 2026-03-01T00:00:00Z", excerpt(text))
		}
	} else if q.Blob == nil && q.Ref == (dicom.Ref{}) {
		return badRequest("what is to be purged? Name a study, or say with before=… of which time")
	}
	// Behavior
	n, bytes, err := s.store.Purge(context.WithoutCancel(r.Context()), q, -1)
	if err != nil {
		return storeError(err)
	}
	if n == 0 && q.Before.IsZero() {
		return notFound("what is to be purged is not in the recycle bin")
	}
	// Response
	return respondJSON(w, r, http.StatusOK, map[string]int64{"purged": int64(n), "bytes": bytes})
}

// respondJSON sends what is only true at this moment.
func respondJSON(w http.ResponseWriter, r *http.Request, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return respond(w, r, status, "application/json", body)
}
