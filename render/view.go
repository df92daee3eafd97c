package render

import (
	"errors"
	"fmt"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// VOI is one of the views that a data set offers (PS3.3 C.11.2): a table or a window.
type VOI struct {
	Explanation string // as the file names it, may be empty
	transform   voi
	err         error // why it cannot be used
}

// Choice names one of the views of a data set: by its place, counted from 1 through the tables and then the windows, or, where
// that is 0, by its explanation.
type Choice struct {
	Number      int
	Explanation string
}

// chosen finds the view.
func (a Attributes) chosen(c Choice) (voi, error) {
	for i, v := range a.VOIs {
		if c.Number == i+1 || c.Number == 0 && equalText(v.Explanation, c.Explanation) {
			if v.err != nil {
				return nil, fmt.Errorf("%w: VOI %d: %w", ErrOptions, i+1, v.err)
			}
			return v.transform, nil
		}
	}
	if c.Number > 0 {
		return nil, fmt.Errorf("%w: VOI %d of %d", ErrOptions, c.Number, len(a.VOIs))
	}
	return nil, fmt.Errorf("%w: none of the %d VOIs has the explanation %.64q", ErrOptions, len(a.VOIs), c.Explanation)
}

// voi reads the VOI LUT Module or the Frame VOI LUT macro from the first place that has a table or a window. The first view is
// the one that is shown if none is asked for; of the others, one that means nothing keeps its number.
func (r reader) voi(a *Attributes, places []*dicom.DataSet) (err error) {
	for _, p := range places {
		tables, centers := tables(p, dicom.VOILUTSequence), numbers(p, dicom.WindowCenter)
		if len(tables) == 0 && len(centers) == 0 {
			continue
		}
		// A table is entered with what the modality transformation gives, signed unless that cannot be negative.
		signed := r.signed && a.ModalityLUT == nil || a.Rescale != nil && (a.Rescale.Slope < 0 || a.Rescale.Intercept < 0)
		for i, item := range tables {
			l, err := r.lut(item, "VOI LUT Sequence (0028,3010)", signed)
			view := VOI{Explanation: strings.TrimSpace(item.String(dicom.LUTExplanation)), err: err}
			if err == nil {
				view.transform = l.voi
			}
			if i == 0 {
				if a.VOILUT = l; err != nil {
					return err
				}
			}
			a.VOIs = append(a.VOIs, view)
		}
		explanations := p.Strings(dicom.WindowCenterWidthExplanation)
		for i := range centers {
			w, view := window(p, i), VOI{}
			if w == nil {
				view.err = errors.New("the window has no center, or a width that is not positive")
			} else {
				view.transform = w.at
			}
			if i < len(explanations) {
				view.Explanation = strings.TrimSpace(explanations[i])
			}
			if i == 0 && len(tables) == 0 {
				a.Window = w
			}
			a.VOIs = append(a.VOIs, view)
		}
		return nil
	}
	return nil
}

// Windowless reports whether a frame, counted from 1, is one of gray levels and has no VOI LUT and no usable window, so that its
// picture depends on Options.Automatic unless the other options say more. It needs no bulk data.
func Windowless(ds *dicom.DataSet, frame int) bool {
	switch keyword(ds, dicom.PhotometricInterpretation) {
	case "MONOCHROME1", "MONOCHROME2":
	default:
		return false
	}
	if bits, _ := number(ds, dicom.BitsAllocated); bits == 1 {
		return false
	}
	for _, p := range macros(functionalGroups(ds, frame), dicom.FrameVOILUTSequence, ds) {
		switch {
		case len(tables(p, dicom.VOILUTSequence)) > 0:
			return false
		case len(numbers(p, dicom.WindowCenter)) > 0:
			return window(p, 0) == nil
		}
	}
	return true
}

// tables returns the items of the sequence that have a lookup table: files hold items of empty elements.
func tables(ds *dicom.DataSet, sequence dicom.Tag) []*dicom.DataSet {
	var items []*dicom.DataSet
	for _, item := range ds.Items(sequence) {
		if len(numbers(item, dicom.LUTDescriptor)) > 0 {
			items = append(items, item)
		}
	}
	return items
}

// window reads the window at the index, nil if it means nothing. LINEAR is not defined for a width below 1 (PS3.3 C.11.2.1.2.1);
// where values are small numbers, a file that says so means LINEAR_EXACT.
func window(p *dicom.DataSet, i int) *Window {
	centers, widths := numbers(p, dicom.WindowCenter), numbers(p, dicom.WindowWidth)
	if i >= len(centers) || i >= len(widths) || !finite(centers[i]) || !finite(widths[i]) || widths[i] <= 0 {
		return nil
	}
	w := &Window{Center: centers[i], Width: widths[i]}
	switch keyword(p, dicom.VOILUTFunction) {
	case "LINEAR_EXACT":
		w.Function = LinearExact
	case "SIGMOID":
		w.Function = Sigmoid
	default:
		if w.Width < 1 {
			w.Function = LinearExact
		}
	}
	return w
}

// equalText compares explanations as people do: regardless of case and of space around them.
func equalText(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}
