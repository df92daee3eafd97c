package dicomweb

import (
	"context"
	"errors"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/render"
	"github.com/noctis-dicom/noctis/store"
)

// mostDosed is how many samples are looked at for the highest dose.
const mostDosed = 1 << 28

// lowestShare is where the range of doses begins if none is asked for, as a share of the highest.
const lowestShare = 0.1

// parseDoses reads the range of doses that are shown, in the units of the dose.
func (o *rendering) parseDoses(value string) error {
	fields := splitList(value)
	bad := badRequest("doserange=%.60q: want the lowest and the highest dose that is shown, as LOW,HIGH", value)
	if len(fields) != 2 {
		return bad
	}
	low, ok1 := parseDecimal(fields[0])
	high, ok2 := parseDecimal(fields[1])
	if !ok1 || !ok2 || low < 0 || high <= low {
		return bad
	}
	o.Doses = &render.Range{Low: low, High: high}
	return nil
}

// wash decodes the two planes of a dose that a frame lies between. shown is nil for a range from a tenth of the highest dose to
// that.
func (s *Server) wash(ctx context.Context, e *store.Entry, ds *dicom.DataSet, frame int, shown *render.Range) ([]render.Mark, error) {
	if e.Layout.Pixel == nil {
		return nil, damaged(e, 1, errors.New("a dose without pixels"))
	}
	in, err := s.open(ctx, e)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	described, err := s.dataSet(ctx, e)
	if err != nil {
		return nil, err
	}
	dose, err := render.ReadDose(described, e.Layout.Pixel.NumberOfFrames)
	if err != nil {
		return nil, damaged(e, 1, err)
	}
	n, next, share, err := dose.Between(ds, frame)
	if n == 0 || err != nil {
		if err != nil {
			err = damaged(e, 1, err)
		}
		return nil, err
	}
	if shown == nil {
		if shown, err = s.doses(ctx, in, described, dose); err != nil {
			return nil, err
		}
	}
	before, err := s.decodedOnce(ctx, in, described, n)
	if err != nil {
		return nil, err
	}
	behind := before
	if next != n {
		if behind, err = s.decodedOnce(ctx, in, described, next); err != nil {
			return nil, err
		}
	}
	wash, err := dose.Wash(before.frame, behind.frame, share, ds, frame, *shown)
	if err != nil {
		return nil, damaged(e, n, err)
	}
	return []render.Mark{wash}, nil
}

// doses is the range of doses that is shown if none is asked for, found once for all who want it.
func (s *Server) doses(ctx context.Context, in *store.Instance, ds *dicom.DataSet, dose *render.Dose) (*render.Range, error) {
	shown, _, err := s.windows.get(ctx, "dose "+digest(in.Entry), func() (*render.Range, int64, error) {
		highest := 0.0
		frames := in.Entry.Layout.Pixel.NumberOfFrames
		for n := range frames {
			d, err := s.describe(in, ds, n+1)
			if err != nil {
				return nil, 0, err
			}
			if int64(d.Values())*int64(frames) > mostDosed {
				return nil, 0, exceeds("dose", "dose %s has more than %d samples to find the highest of; a doserange makes that unnecessary", in.Entry.Ref.Instance, mostDosed)
			}
			f, err := s.decodeFrame(ctx, in, ds, n+1)
			if err != nil {
				return nil, 0, err
			}
			highest = max(highest, dose.Highest(f.frame))
		}
		if highest == 0 {
			highest = 1 // nothing is shown of it
		}
		return &render.Range{Low: highest * lowestShare, High: highest}, 16, nil
	})
	return shown, err
}
