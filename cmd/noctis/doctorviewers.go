package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/noctis-dicom/noctis/dicom"
	viewing "github.com/noctis-dicom/noctis/readiness" // readiness is that of the server
	"github.com/noctis-dicom/noctis/store"
)

// viewers is what the report says of all studies together: whether viewers can show them.
type viewers struct {
	Studies  int              `json:"studies"`
	Ready    int              `json:"ready"`
	Frames   int              `json:"frames"`
	Decoded  int              `json:"framesDecoded"`
	Problems []*viewerProblem `json:"problems,omitempty"`
}

// viewerProblem is one kind of problem, in however many studies. The first of them is named.
type viewerProblem struct {
	Severity  viewing.Severity `json:"severity"`
	Kind      string           `json:"kind"`
	Detail    string           `json:"detail"` // of the first
	Studies   int              `json:"studies"`
	Instances int              `json:"instances"`
	Study     dicom.UID        `json:"studyInstanceUID"`
}

// sampledStudies is of how many studies frames are decoded, where not all are.
const sampledStudies = 200

// examineViewers looks at the metadata of all studies, and decodes the first, the middle and the last frame of each series of a sample of them,
// another one each time; or all frames of all.
func (p *patient) examineViewers(ctx context.Context) error {
	from, err := openReading(ctx, p.Data)
	if err != nil {
		return err
	}
	defer from.close() //nolint:errcheck // it has only been read
	studies, _, err := from.studies(ctx, selection{All: true})
	if err != nil {
		return err
	}
	v, step := &viewers{}, (len(studies)+sampledStudies-1)/sampledStudies
	for i, study := range studies {
		o := viewing.Options{Deep: p.Deep, None: !p.Deep && i%step != p.d.Began.Minute()%step}
		r, err := viewing.Of(ctx, from.Store, study.uid, o)
		switch {
		case errors.Is(err, store.ErrNotFound): // deleted meanwhile
			continue
		case err != nil:
			return err
		}
		v.add(r)
		p.progress(i+1, len(studies))
	}
	p.d.Viewers = v
	return nil
}

func (v *viewers) add(r *viewing.Report) {
	v.Studies++
	if r.Ready {
		v.Ready++
	}
	for _, s := range r.Series {
		v.Frames += s.Frames
		v.Decoded += s.Decoded
	}
	here := map[*viewerProblem]bool{}
	for _, f := range r.Findings {
		p := v.problem(f, r.Study)
		p.Instances += f.Instances
		if !here[p] {
			here[p] = true
			p.Studies++
		}
	}
}

func (v *viewers) problem(f viewing.Finding, study dicom.UID) *viewerProblem {
	for _, p := range v.Problems {
		if p.Severity == f.Severity && p.Kind == f.Kind {
			return p
		}
	}
	p := &viewerProblem{Severity: f.Severity, Kind: f.Kind, Detail: f.Detail, Study: study}
	v.Problems = append(v.Problems, p)
	return p
}

func (v *viewers) print(t terminal) {
	fmt.Fprintf(t.out, "viewers: %d of %d studies are ready, %d of %d frames were decoded\n", v.Ready, v.Studies, v.Decoded, v.Frames)
	for _, p := range v.Problems {
		fmt.Fprintf(t.out, "  %s: %s in %d studies, %d instances; the first: %s (study %s)\n", p.Severity, p.Kind, p.Studies, p.Instances, p.Detail, p.Study)
	}
	if len(v.Problems) > 0 {
		fmt.Fprintln(t.out, "  noctis readiness says more of a study")
	}
}
