package render

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// State is what a softcopy presentation state adds to the attributes of a frame (PS3.3 A.33.1 to A.33.4): how gray levels become
// P-Values or pseudo-colors, which part of the image is shown, and what is drawn over it.
type State struct {
	PresentationLUT *LUT     // nil: none
	Pseudo          *Palette // of a pseudo-color state: entered with the gray level, over the whole of its entries
	Area            *Area    // nil: the whole image
	Quarters        int      // quarter turns clockwise, 0 to 3, before the flip
	Flip            bool     // left to right
	Mask            *Mask    // what is subtracted from the frames, nil: nothing; Subtract does it before Render
	Layers          []Layer  // in ascending order: the later ones lie over the earlier
}

// SizeMode is a Presentation Size Mode (PS3.3 C.10.4).
type SizeMode int

// The modes. That of TRUE SIZE cannot be told from SCALE TO FIT where the size of the display's pixels is not known (PS3.18
// 8.3.5.1.6).
const (
	ScaleToFit SizeMode = iota
	Magnify
)

// Area is a displayed area: whole pixels of the image, of which those outside of it are black.
type Area struct {
	Left, Top, Width, Height int     // the corner counted from 0
	Aspect                   float64 // height of a pixel over its width; 0: that of the image
	Mode                     SizeMode
	Magnification            float64 // pixels of the picture in one of the image, along its rows; of Magnify only
}

// stateKind is what images a presentation state is for.
type stateKind int

const (
	grayState stateKind = iota + 1
	colorState
	pseudoState
	blendingState
	variableState // gray levels or pseudo-color, with a modality transformation for each image
)

// stateKinds are the softcopy presentation states that are applied here: Grayscale, Color, Pseudo-Color, Blending, and Variable
// Modality LUT.
var stateKinds = map[dicom.UID]stateKind{
	"1.2.840.10008.5.1.4.1.1.11.1":  grayState,
	"1.2.840.10008.5.1.4.1.1.11.2":  colorState,
	"1.2.840.10008.5.1.4.1.1.11.3":  pseudoState,
	"1.2.840.10008.5.1.4.1.1.11.4":  blendingState,
	"1.2.840.10008.5.1.4.1.1.11.12": variableState,
}

// IsState reports whether instances of the SOP class are presentation states that Present applies.
func IsState(class dicom.UID) bool { return stateKinds[class] != 0 }

// Reference is an image that a presentation state is for.
type Reference struct {
	Series, Instance dicom.UID
	Frames           []int // nil: all
}

// References are the images of a presentation state in its order (PS3.3 C.11.11): those that lie under others, of a blending one.
func References(state *dicom.DataSet) []Reference {
	if stateKinds[uid(state, dicom.SOPClassUID)] == blendingState {
		if state = blended(state, underlying); state == nil {
			return nil
		}
	}
	return referencesOf(state)
}

func referencesOf(state *dicom.DataSet) []Reference {
	var all []Reference
	for _, series := range state.Items(dicom.ReferencedSeriesSequence) {
		for _, image := range series.Items(dicom.ReferencedImageSequence) {
			r := Reference{Series: uid(series, dicom.SeriesInstanceUID), Instance: uid(image, dicom.ReferencedSOPInstanceUID)}
			for _, n := range numbers(image, dicom.ReferencedFrameNumber) {
				if n >= 1 {
					r.Frames = append(r.Frames, int(n))
				}
			}
			if r.Instance != "" {
				all = append(all, r)
			}
		}
	}
	return all
}

func uid(ds *dicom.DataSet, t dicom.Tag) dicom.UID { return dicom.UID(strings.TrimSpace(ds.String(t))) }

// subject is the frame that a presentation state is applied to.
type subject struct {
	instance dicom.UID
	frame    int
}

// is reports whether an item of the state is for the frame: it names no images, or this one, and no frames, or this one.
func (s subject) is(item *dicom.DataSet) bool {
	images := item.Items(dicom.ReferencedImageSequence)
	for _, image := range images {
		if uid(image, dicom.ReferencedSOPInstanceUID) == s.instance {
			frames := numbers(image, dicom.ReferencedFrameNumber)
			if len(frames) == 0 || slices.Contains(frames, float64(s.frame)) {
				return true
			}
		}
	}
	return len(images) == 0
}

// first is the first item of the sequence that is for the frame, nil if there is none.
func (s subject) first(state *dicom.DataSet, sequence dicom.Tag) *dicom.DataSet {
	for _, item := range state.Items(sequence) {
		if s.is(item) {
			return item
		}
	}
	return nil
}

// errPresentation is the beginning of what is wrong with a presentation state.
var errPresentation = errors.New("presentation state")

// Present returns the attributes of a frame as the presentation state has them, of an instance that the state is for. bulk gives
// those values of the state that its data set only names. A state is complete: transformations that it does not have are not
// made, whatever the image says (PS3.4 N.2); only overlays that it activates may be the image's own (PS3.3 C.11.7).
func (a Attributes) Present(state *dicom.DataSet, instance dicom.UID, frame int, bulk Bulk) (Attributes, error) {
	a, err := a.present(state, subject{instance, frame}, bulk)
	if err != nil {
		return Attributes{}, fmt.Errorf("%w: %w", errPresentation, err)
	}
	return a, nil
}

func (a Attributes) present(state *dicom.DataSet, to subject, bulk Bulk) (Attributes, error) {
	kind := stateKinds[uid(state, dicom.SOPClassUID)]
	if kind == 0 {
		return a, errors.New("its SOP class is not one that is applied here")
	}
	r := reader{bulk: bulk, signed: a.signed}
	p := Attributes{State: &State{}, Palette: a.Palette, PixelAspect: a.PixelAspect, signed: a.signed}
	var err error
	transformed := state // what has the transformations of gray levels
	if kind == blendingState {
		if transformed = blended(state, underlying); transformed == nil {
			return a, errNoBlending
		}
	}
	if kind == colorState {
		if !a.colored {
			return a, errors.New("it is for images of color")
		}
	} else if a.colored {
		return a, errors.New("it is for images of gray levels")
	} else if err = r.grayscale(&p, transformed, to, kind); err != nil {
		return a, err
	}
	p.colored = a.colored
	if p.State.Mask, err = readMask(state); err != nil {
		return a, err
	}
	if p.State.Layers, err = readLayers(state, to); err != nil {
		return a, err
	}
	if p.Overlays, err = r.activated(state, a.Overlays, to.frame, p.State.Layers); err != nil {
		return a, err
	}
	p.Shutter = r.shutter([]*dicom.DataSet{state}, p.Overlays)
	return p, p.State.spatial(state, to)
}

// grayscale reads the transformations of gray levels: modality, VOI, presentation, and pseudo-color.
func (r reader) grayscale(p *Attributes, state *dicom.DataSet, to subject, kind stateKind) (err error) {
	places := []*dicom.DataSet{state}
	if item := to.first(state, dicom.VariableModalityLUTSequence); item != nil && kind == variableState { // PS3.3 C.11.35
		places = []*dicom.DataSet{item}
	}
	if err = r.modality(p, places); err != nil {
		return err
	}
	if item := to.first(state, dicom.SoftcopyVOILUTSequence); item != nil {
		if err = r.voi(p, []*dicom.DataSet{item}); err != nil {
			return err
		}
	}
	r.signed = false
	if kind == pseudoState || kind == variableState && len(numbers(state, dicom.RedPaletteColorLookupTableDescriptor)) == 3 {
		p.State.Pseudo, err = r.palette(state)
		return err
	}
	if items := tables(state, dicom.PresentationLUTSequence); len(items) > 0 {
		p.State.PresentationLUT, err = r.lut(items[0], "Presentation LUT Sequence (2050,0010)", false)
		return err
	}
	p.Inverse = keyword(state, dicom.PresentationLUTShape) == "INVERSE"
	return nil
}

// activated reads the overlays that are drawn: planes of the state, else of the image, whose layer exists; and those of the state
// that may be a bitmap shutter.
func (r reader) activated(state *dicom.DataSet, image []Overlay, frame int, layers []Layer) ([]Overlay, error) {
	planes, err := r.overlays(state, frame)
	if err != nil {
		return nil, err
	}
	for _, o := range image {
		if !slices.ContainsFunc(planes, func(p Overlay) bool { return p.Group == o.Group }) {
			planes = append(planes, o)
		}
	}
	for i := range planes {
		planes[i].Layer = -1
		name := keyword(state, in(planes[i].Group, dicom.OverlayActivationLayer))
		for k, l := range layers {
			if name != "" && l.Name == name {
				planes[i].Layer = k
			}
		}
	}
	slices.SortStableFunc(planes, func(x, y Overlay) int { return x.Layer - y.Layer })
	return planes, nil
}

// maxSideOfArea bounds a displayed area, so that sums of corners do not overflow; how much may be drawn is bounded by Render.
const maxSideOfArea = 1 << 20

// spatial reads Spatial Transformation and Displayed Area (PS3.3 C.10.6, C.10.4).
func (s *State) spatial(state *dicom.DataSet, to subject) error {
	rotation, _ := number(state, dicom.ImageRotation)
	turns := int(rotation) / 90
	if float64(turns*90) != rotation {
		return fmt.Errorf("Image Rotation (0070,0042) is %g, want a multiple of 90", rotation)
	}
	s.Quarters = (turns%4 + 4) % 4
	s.Flip = keyword(state, dicom.ImageHorizontalFlip) == "Y"
	item := to.first(state, dicom.DisplayedAreaSelectionSequence)
	if item == nil {
		return nil
	}
	tl, br := numbers(item, dicom.DisplayedAreaTopLeftHandCorner), numbers(item, dicom.DisplayedAreaBottomRightHandCorner)
	if len(tl) != 2 || len(br) != 2 {
		return errors.New("the displayed area has no corners (0070,0052), (0070,0053)")
	}
	for _, n := range slices.Concat(tl, br) {
		if !(n >= -maxSideOfArea && n <= maxSideOfArea) {
			return fmt.Errorf("a corner of the displayed area lies at %g", n)
		}
	}
	// The corners are those of the area as it is shown; in the image a turned one has its top left elsewhere.
	area := &Area{Left: int(min(tl[0], br[0])) - 1, Top: int(min(tl[1], br[1])) - 1}
	area.Width, area.Height = int(max(tl[0], br[0]))-area.Left, int(max(tl[1], br[1]))-area.Top
	for _, t := range []dicom.Tag{dicom.PresentationPixelSpacing, dicom.PresentationPixelAspectRatio} {
		if n := numbers(item, t); len(n) >= 2 && n[0] > 0 && n[1] > 0 {
			area.Aspect = n[0] / n[1]
			break
		}
	}
	if keyword(item, dicom.PresentationSizeMode) == "MAGNIFY" {
		ratio, ok := number(item, dicom.PresentationPixelMagnificationRatio)
		if !ok || ratio <= 0 {
			return errors.New("MAGNIFY without Presentation Pixel Magnification Ratio (0070,0103)")
		}
		area.Mode, area.Magnification = Magnify, ratio
	}
	s.Area = area
	return nil
}
