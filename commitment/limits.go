package commitment

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// What lies outside of the limits of who asks (match.Limits) is not committed, as if it were not there. A request that waits, and its
// result, bear the limits of who made it as a private attribute: it is answered within them, and to nobody who has others.
const (
	limitsCreator dicom.Tag = 0x00090010
	limitsOf      dicom.Tag = 0x00091001
	creator                 = "NOCTIS COMMITMENT"
)

// bearing returns a data set with the limits of the context, and without any that a client wrote.
func bearing(ctx context.Context, ds *dicom.DataSet) *dicom.DataSet {
	ds = bare(ds)
	if l := match.LimitsOf(ctx); !l.Everything() {
		text, err := json.Marshal(l)
		if err != nil { // four lists of texts: it cannot be
			text = nil
		}
		ds.SetStrings(limitsCreator, dicom.LO, creator)
		ds.SetStrings(limitsOf, dicom.UT, string(text))
	}
	return ds
}

func bare(ds *dicom.DataSet) *dicom.DataSet {
	ds = ds.Clone()
	ds.Delete(limitsCreator)
	ds.Delete(limitsOf)
	return ds
}

// borne are the limits that a data set bears.
func borne(ds *dicom.DataSet) (l match.Limits, err error) {
	if ds.Has(limitsOf) {
		if err = json.Unmarshal([]byte(ds.String(limitsOf)), &l); err != nil {
			err = fmt.Errorf("limits of a storage commitment request: %w", err)
		}
	}
	return l, err
}

// Result returns the result of a request, nil while there is none; ErrUnknown, also for who has other limits than who made it, ErrGone.
func (s *Service) Result(ctx context.Context, uid dicom.UID) (*dicom.DataSet, error) {
	ds, err := s.Repository.Result(ctx, uid)
	l := match.LimitsOf(ctx)
	if err != nil || ds == nil {
		if !l.Everything() && err != nil {
			return nil, ErrUnknown
		}
		return nil, err
	}
	made, err := borne(ds)
	if err != nil {
		return nil, err
	}
	if !l.Everything() && made.Text() != l.Text() {
		return nil, ErrUnknown
	}
	return bare(ds), nil
}
