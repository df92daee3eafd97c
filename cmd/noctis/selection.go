package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/file"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

// selection is which studies of a data folder a command reads, while its server may be running.
type selection struct {
	Data   string   `default:"./data" placeholder:"DIR" help:"Data folder (default ${default}). Its server may be running."`
	Tenant ofTenant `placeholder:"NAME" help:"The archive of this tenant; default: the server's own."`
	Study  []string `placeholder:"UID" help:"Study Instance UID; may be repeated."`
	Where  []string `placeholder:"KEY=VALUE" sep:"none" help:"Attribute of studies as in a search: PatientID=4711, StudyDate=20260101-20260131, PatientName=DOE*, ModalitiesInStudy=CT; may be repeated, all must match."`
	All    bool     `help:"All studies, and for copy and export what belongs to no patient."`
}

// reading is a data folder that is only read.
type reading struct {
	*store.Store
	index *sqlite.Index
}

// openReading opens a data folder without keeping its server out.
func openReading(ctx context.Context, data string) (*reading, error) {
	if err := refuseHalfRestored(data); err != nil {
		return nil, err
	}
	if _, err := os.Stat(indexFile(data)); err != nil {
		return nil, fmt.Errorf("%s is no data folder: %w", data, err)
	}
	index, err := sqlite.OpenReading(ctx, indexFile(data))
	if err != nil {
		return nil, err
	}
	return &reading{store.New(index, file.OpenReading(blobFolder(data)), store.Options{}), index}, nil
}

func (r *reading) close() error { return r.index.Close() }

// selected is a study that was chosen, or what belongs to no patient.
type selected struct {
	uid       dicom.UID
	resource  string // of instances of no patient, which have no study
	patient   string // what studies of the same patient have in common
	instances int
}

// query is the search that the flags ask for.
func (s selection) query() (match.Query, error) {
	q := match.Query{Level: match.Study, Limit: -1}
	if len(s.Study) == 0 && len(s.Where) == 0 && !s.All {
		return q, errors.New("which studies? Name them with --study, --where, or --all")
	}
	where := s.Where
	if len(s.Study) > 0 {
		where = append(slices.Clone(where), "StudyInstanceUID="+strings.Join(s.Study, ","))
	}
	var keys []match.Key
	for _, w := range where {
		name, value, found := strings.Cut(w, "=")
		if !found {
			return q, fmt.Errorf("--where %q: want KEY=VALUE", w)
		}
		path, err := match.ParsePath(name)
		if err != nil {
			return q, fmt.Errorf("--where %q: %w", w, err)
		}
		if match.LevelOf(path[0]) > match.Study {
			return q, fmt.Errorf("--where %q: this is no attribute of a study (for modalities use ModalitiesInStudy)", w)
		}
		key, err := match.ParseKey(path, value, match.ParseOptions{})
		if err != nil {
			return q, fmt.Errorf("--where %q: %w", w, err)
		}
		keys = append(keys, key)
	}
	q.Keys = match.Combine(keys)
	return q, nil
}

var errNoStudy = errors.New("no study matches")

// studies finds what the flags ask for, those of a patient together. It is an error if there are none, unless all are asked for.
func (r *reading) studies(ctx context.Context, s selection) (studies []selected, instances int, err error) {
	q, err := s.query()
	if err != nil {
		return nil, 0, err
	}
	for ds, err := range r.Search(ctx, q) {
		if err != nil {
			return nil, 0, err
		}
		study := selected{uid: ds.UID(dicom.StudyInstanceUID), patient: ds.String(dicom.PatientID) + `\` + ds.String(dicom.PatientName)}
		if e, found := ds.Get(dicom.NumberOfStudyRelatedInstances); found {
			if n, ok := e.Value.(dicom.Ints); ok && len(n) > 0 {
				study.instances = int(n[0])
			}
		}
		instances += study.instances
		studies = append(studies, study)
	}
	if len(studies) == 0 && !s.All {
		return nil, 0, errNoStudy
	}
	slices.SortFunc(studies, func(a, b selected) int {
		return cmp.Or(strings.Compare(a.patient, b.patient), strings.Compare(string(a.uid), string(b.uid)))
	})
	return studies, instances, nil
}

// nonPatient are the instances of no patient, by resource, where all is asked for.
func (r *reading) nonPatient(ctx context.Context, s selection) (resources []selected, instances int, err error) {
	if !s.All {
		return nil, 0, nil
	}
	for _, name := range dicom.NonPatientResources() {
		n, err := r.Count(ctx, match.Query{Level: match.Instance, Scope: dicom.Ref{Resource: name}})
		if err != nil {
			return nil, 0, err
		}
		if n > 0 {
			resources, instances = append(resources, selected{resource: name, instances: n}), instances+n
		}
	}
	return resources, instances, nil
}

// sound opens an instance whose bytes are those that were stored.
func (r *reading) sound(ctx context.Context, e *store.Entry) (*store.Instance, error) {
	in, err := r.Open(ctx, e)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	if _, err = io.Copy(sum, in.File()); err == nil && store.BlobID(sum.Sum(nil)) != e.Blob {
		err = fmt.Errorf("%w: see noctis doctor", store.ErrBlobDamaged)
	}
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return in, nil
}
