// Package readiness says of a stored study whether viewers can show it, and why not ("why is it black?"): what each instance lacks
// that viewers need (attributes.go), which values lead them astray (values.go), whether its frames are there and can be decoded to something that its window shows (pixels.go), and
// whether a series is a volume for multiplanar reconstruction (geometry.go). It holds no patient data.
package readiness

import (
	"context"
	"fmt"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/store"
)

// Severity says what a finding means for who looks at the study.
type Severity string

// Hidden: something is not shown, or wrongly. Limited: it is shown, and something does not work (measuring, a first window, text).
const (
	Hidden  Severity = "hidden"
	Limited Severity = "limited"
)

// Finding is one thing that is wrong in a series, however many instances have it; the first one is named.
type Finding struct {
	Severity  Severity  `json:"severity"`
	Kind      string    `json:"kind"`
	Series    dicom.UID `json:"seriesInstanceUID"`
	Instance  dicom.UID `json:"sopInstanceUID"`
	Frame     int       `json:"frame,omitempty"`
	Instances int       `json:"instances"` // how many
	Detail    string    `json:"detail"`
}

// Kinds of findings.
const (
	Missing       = "attribute missing"
	Description   = "pixel description"
	Frames        = "frames missing"
	Undecodable   = "frame not decodable"
	Photometric   = "colors"
	Window        = "window"
	CharacterSets = "character set"
	File          = "stored file"
)

// Series is what a series is for a viewer.
type Series struct {
	Series    dicom.UID `json:"seriesInstanceUID"`
	Modality  string    `json:"modality,omitempty"`
	Instances int       `json:"instances"`
	Frames    int       `json:"frames"`
	Decoded   int       `json:"framesDecoded"` // how many of them were tried
	MPR       bool      `json:"mpr"`           // it is a volume
	NoMPR     string    `json:"mprReason,omitempty"`
}

// Report is the readiness of a study.
type Report struct {
	Study    dicom.UID `json:"studyInstanceUID"`
	Ready    bool      `json:"ready"` // nothing is hidden
	Series   []*Series `json:"series"`
	Findings []Finding `json:"findings"`           // the first thousand
	Unlisted int       `json:"unlisted,omitempty"` // how many more there are, of one instance each
}

// mostFindings is how many are listed: an instance may have a hundred thousand private attributes with as many unreadable texts.
const mostFindings = 1000

// Decode decodes a frame, counted from 1.
type Decode func(ctx context.Context, in *store.Instance, ds *dicom.DataSet, frame int) (*pixel.Frame, error)

// Options of an examination.
type Options struct {
	Decode Decode // nil: DecodeFrame
	None   bool   // no frame is decoded
	Deep   bool   // every frame is decoded; else the first, the middle and the last of each series
}

// Of examines a study. The error is store.ErrNotFound, wrapped, if it is not stored.
func Of(ctx context.Context, st *store.Store, study dicom.UID, o Options) (*Report, error) {
	if o.Decode == nil {
		o.Decode = DecodeFrame
	}
	x := &examination{Report: &Report{Study: study, Ready: true, Findings: []Finding{}}, store: st, options: o, seen: map[string]*seen{}}
	sizes := map[dicom.UID]int{}
	for e, err := range st.Entries(ctx, dicom.Ref{Study: study}) {
		if err != nil {
			return nil, err
		}
		sizes[e.Ref.Series]++
	}
	if len(sizes) == 0 {
		return nil, fmt.Errorf("study %s: %w", study, store.ErrNotFound)
	}
	for e, err := range st.Entries(ctx, dicom.Ref{Study: study}) {
		if err != nil {
			return nil, err
		}
		if err := x.instance(ctx, e, sizes[e.Ref.Series]); err != nil {
			return nil, err
		}
	}
	x.closeSeries()
	return x.Report, nil
}

// examination is a report in the making.
type examination struct {
	*Report
	store   *store.Store
	options Options
	seen    map[string]*seen
	series  *Series // the one at hand
	planes  []plane
}

// seen is where a finding is, and the last instance that had it.
type seen struct {
	index int
	last  dicom.UID
}

// find adds a finding, or one more instance to it. What is said with numbers is said of the first; of attributes each is a finding.
func (x *examination) find(ref dicom.Ref, frame int, severity Severity, kind, format string, a ...any) {
	f := Finding{severity, kind, ref.Series, ref.Instance, frame, 1, fmt.Sprintf(format, a...)}
	key := strings.Join([]string{kind, string(ref.Series), format}, "\x00")
	if kind == Missing || kind == CharacterSets {
		key += f.Detail
	}
	if s := x.seen[key]; s != nil {
		if s.last != ref.Instance {
			s.last = ref.Instance
			x.Findings[s.index].Instances++
		}
		return
	}
	x.Ready = x.Ready && severity != Hidden
	if len(x.Findings) == mostFindings {
		x.Unlisted++
		return
	}
	x.seen[key] = &seen{len(x.Findings), ref.Instance}
	x.Findings = append(x.Findings, f)
}

// instance examines one instance of a series of that many.
func (x *examination) instance(ctx context.Context, e *store.Entry, of int) error {
	if x.series == nil || x.series.Series != e.Ref.Series {
		x.closeSeries()
		x.series = &Series{Series: e.Ref.Series}
		x.Series = append(x.Series, x.series)
	}
	x.series.Instances++
	in, err := x.store.Open(ctx, e)
	if err != nil {
		if ctx.Err() == nil {
			x.find(e.Ref, 0, Hidden, File, "it is missing or damaged")
		}
		return ctx.Err()
	}
	defer in.Close()
	ds, err := in.DataSet(ctx)
	if err != nil {
		return err
	}
	if x.series.Modality == "" {
		x.series.Modality = strings.Clone(ds.String(dicom.Modality)) // and no more of the data set
	}
	x.attributes(e, ds)
	x.text(e.Ref, ds)
	x.declared(e.Ref, in.File())
	return x.pixels(ctx, in, ds, of)
}

// closeSeries says of the series at hand whether it is a volume.
func (x *examination) closeSeries() {
	if x.series != nil && x.series.Frames > 0 {
		x.series.NoMPR = noVolume(x.planes, x.series.Frames)
		x.series.MPR = x.series.NoMPR == ""
	}
	x.planes = nil
}
