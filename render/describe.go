package render

import (
	"fmt"
	"math"

	"github.com/noctis-dicom/noctis/dicom"
)

// Attributes are what rendering needs to know of a frame: functional groups are resolved (PS3.3 C.7.6.16). The zero value is a
// frame of which nothing is known. Attributes are not changed by anything once they are made.
type Attributes struct {
	ModalityLUT *LUT     // first item of the Modality LUT Sequence
	Rescale     *Rescale // nil: none; used where there is no ModalityLUT
	VOILUT      *LUT     // first item of the VOI LUT Sequence; used before Window
	Window      *Window  // the frame's first window, if it is usable
	Inverse     bool     // Presentation LUT Shape is INVERSE; MONOCHROME1 is inverted anyway, and once
	Padding     *Range   // stored values that are no part of the picture (PS3.3 C.7.5.1.1.2)
	Palette     *Palette // for PALETTE COLOR, or the supplemental one of an image that is gray else
	VOIs        []VOI    // all that the frame offers: tables, then windows
	Overlays    []Overlay
	Shutter     *Shutter
	PixelAspect float64 // height of a pixel over its width; 0: not known
	State       *State  // of the presentation state that the frame is shown by, nil: none
	signed      bool    // Pixel Representation is 1
	colored     bool    // three samples or a palette: there are no gray levels
}

// Rescale is the linear Modality LUT: Slope times the stored value plus Intercept (PS3.3 C.11.1.1.2). Both are finite, and Slope
// is not zero.
type Rescale struct{ Slope, Intercept float64 }

// Range is a range of values, ends included.
type Range struct{ Low, High float64 }

// Bulk returns the bytes of a value that the data set holds as dicom.Bulk with the URI, in little endian.
type Bulk func(uri string) ([]byte, error)

// Describe collects the attributes of a frame, counted from 1. It is DescribeWithBulk for data sets whose lookup tables are all
// in memory: that one of them is not is an error.
func Describe(ds *dicom.DataSet, frame int) (Attributes, error) {
	return DescribeWithBulk(ds, frame, nil)
}

// DescribeWithBulk collects the attributes of a frame, counted from 1, and asks bulk for those lookup tables that the data set
// only names. A window that means nothing (width zero, negative, absent, no number) is left out, so that Render finds one; a
// lookup table that contradicts itself is an error that names it, because without it the picture would be wrong.
func DescribeWithBulk(ds *dicom.DataSet, frame int, bulk Bulk) (Attributes, error) {
	if frame < 1 {
		return Attributes{}, fmt.Errorf("frame %d: frames are counted from 1", frame)
	}
	r := reader{bulk: bulk, signed: isSigned(ds)}
	groups := functionalGroups(ds, frame)
	a := Attributes{signed: r.signed}
	switch photometric := keyword(ds, dicom.PhotometricInterpretation); photometric {
	case "MONOCHROME1", "MONOCHROME2", "":
	default:
		a.colored = true
	}
	if err := r.modality(&a, macros(groups, dicom.PixelValueTransformationSequence, ds)); err != nil {
		return Attributes{}, err
	}
	if scaling, there := number(ds, dicom.DoseGridScaling); there && scaling > 0 && a.ModalityLUT == nil && a.Rescale == nil {
		a.Rescale = &Rescale{Slope: scaling} // to Dose Units (PS3.3 C.8.8.3)
	}
	if err := r.voi(&a, macros(groups, dicom.FrameVOILUTSequence, ds)); err != nil {
		return Attributes{}, err
	}
	a.Inverse = keyword(ds, dicom.PresentationLUTShape) == "INVERSE"
	a.Padding = padding(ds, r.signed)
	a.PixelAspect = pixelAspect(macros(groups, dicom.PixelMeasuresSequence, ds))
	var err error
	if hasPalette(ds) {
		if a.Palette, err = r.palette(ds); err != nil {
			return Attributes{}, err
		}
	}
	if a.Overlays, err = r.overlays(ds, frame); err != nil {
		return Attributes{}, err
	}
	a.Shutter = r.shutter(macros(groups, dicom.FrameDisplayShutterSequence, ds), a.Overlays)
	return a, nil
}

// hasPalette reports whether the data set has a palette that matters: that of PALETTE COLOR, or a supplemental one (PS3.3 C.7.6.19),
// which only counts where Pixel Presentation says so.
func hasPalette(ds *dicom.DataSet) bool {
	switch keyword(ds, dicom.PhotometricInterpretation) {
	case "PALETTE COLOR":
		return true
	case "MONOCHROME2":
		presentation := keyword(ds, dicom.PixelPresentation)
		return (presentation == "COLOR" || presentation == "MIXED") && len(numbers(ds, dicom.RedPaletteColorLookupTableDescriptor)) == 3
	}
	return false
}

// functionalGroups are the items that may hold macros of the frame: its own before the shared one.
func functionalGroups(ds *dicom.DataSet, frame int) []*dicom.DataSet {
	var groups []*dicom.DataSet
	if own := ds.Items(dicom.PerFrameFunctionalGroupsSequence); frame <= len(own) {
		groups = append(groups, own[frame-1])
	}
	if shared := ds.Items(dicom.SharedFunctionalGroupsSequence); len(shared) > 0 {
		groups = append(groups, shared[0])
	}
	return groups
}

// macros are the places where attributes of the macro may be, the nearest to the frame first; the data set itself is the last.
func macros(groups []*dicom.DataSet, sequence dicom.Tag, ds *dicom.DataSet) []*dicom.DataSet {
	var places []*dicom.DataSet
	for _, g := range groups {
		if items := g.Items(sequence); len(items) > 0 {
			places = append(places, items[0])
		}
	}
	return append(places, ds)
}

// reader holds what is needed to read lookup tables.
type reader struct {
	bulk   Bulk
	signed bool // Pixel Representation is 1
}

func isSigned(ds *dicom.DataSet) bool {
	n, _ := number(ds, dicom.PixelRepresentation)
	return n == 1
}

// modality reads the Modality LUT Module or the Pixel Value Transformation macro from the first place that has either.
func (r reader) modality(a *Attributes, places []*dicom.DataSet) (err error) {
	for _, p := range places {
		if items := tables(p, dicom.ModalityLUTSequence); len(items) > 0 {
			a.ModalityLUT, err = r.lut(items[0], "Modality LUT Sequence (0028,3000)", r.signed)
			return err
		}
		slope, hasSlope := number(p, dicom.RescaleSlope)
		intercept, hasIntercept := number(p, dicom.RescaleIntercept)
		if !hasSlope && !hasIntercept {
			continue
		}
		if slope == 0 { // absent, or it would make all pixels alike
			slope = 1
		}
		if slope != 1 || intercept != 0 {
			a.Rescale = &Rescale{slope, intercept}
		}
		return nil
	}
	return nil
}

// padding reads Pixel Padding Value and Range Limit, which bounds the range on either side (PS3.3 C.7.5.1.1.2).
func padding(ds *dicom.DataSet, signed bool) *Range {
	for _, t := range [][2]dicom.Tag{
		{dicom.PixelPaddingValue, dicom.PixelPaddingRangeLimit},
		{dicom.FloatPixelPaddingValue, dicom.FloatPixelPaddingRangeLimit},
		{dicom.DoubleFloatPixelPaddingValue, dicom.DoubleFloatPixelPaddingRangeLimit},
	} {
		value, found := number(ds, t[0])
		if !found {
			continue
		}
		limit, found := number(ds, t[1])
		if !found {
			limit = value
		}
		if t[0] == dicom.PixelPaddingValue {
			value, limit = represent(value, signed), represent(limit, signed)
		}
		return &Range{min(value, limit), max(value, limit)}
	}
	return nil
}

// represent gives a 16-bit number the sign that Pixel Representation says it has: writers, and readers of implicit VR, take US
// for SS and the reverse.
func represent(x float64, signed bool) float64 {
	switch {
	case signed && x > math.MaxInt16 && x <= math.MaxUint16:
		return x - 1<<16
	case !signed && x < 0 && x >= math.MinInt16:
		return x + 1<<16
	}
	return x
}

// pixelAspect is the height of a pixel over its width, by the first attribute that says it (PS3.3 C.7.6.3.1.7, 10.7.1.3, C.8.8.2), 0 if
// none does, or what it says cannot be.
func pixelAspect(places []*dicom.DataSet) float64 {
	for _, p := range places {
		for _, t := range []dicom.Tag{dicom.PixelSpacing, dicom.ImagerPixelSpacing, dicom.NominalScannedPixelSpacing,
			dicom.ImagePlanePixelSpacing, dicom.PixelAspectRatio} {
			n := numbers(p, t)
			if len(n) < 2 || !(n[0] > 0) || !(n[1] > 0) {
				continue
			}
			return n[0] / n[1]
		}
	}
	return 0
}

// Aspect ratios beyond this are mistakes; those this near to 1 are rounding.
const (
	greatestAspect  = 50
	aspectTolerance = 0.005
)

// aspect is PixelAspect as it is used: 1 where it is not known, square, or absurd.
func (a Attributes) aspect() float64 { return usableAspect(a.PixelAspect) }

func usableAspect(r float64) float64 {
	if !(r >= 1.0/greatestAspect && r <= greatestAspect) || math.Abs(r-1) < aspectTolerance {
		return 1
	}
	return r
}
