package dicomtest

import (
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
)

// The SOP classes of softcopy presentation states.
const (
	GrayscaleState   dicom.UID = "1.2.840.10008.5.1.4.1.1.11.1"
	ColorState       dicom.UID = "1.2.840.10008.5.1.4.1.1.11.2"
	PseudoColorState dicom.UID = "1.2.840.10008.5.1.4.1.1.11.3"
	BlendingState    dicom.UID = "1.2.840.10008.5.1.4.1.1.11.4"
)

// State is a softcopy presentation state of images of one study, in a series of its own. It shows the whole of the first image, and
// does nothing else.
type State struct {
	Class  dicom.UID // "": grayscale
	Name   string
	Images []Instance
	Frames string // Referenced Frame Number of all images, e.g. `1\3`; "": all frames
	With   []any  // pairs of tag and value, as of Image, that are added last
}

// Item makes a sequence item of pairs of tag and value.
func Item(pairs ...any) *dicom.DataSet { return item(pairs...) }

// Blended makes the elements of a blending presentation state that lays images over others of the same study, by half.
func Blended(under, over []Instance) []any {
	position := func(name string, images []Instance) *dicom.DataSet {
		return item(dicom.BlendingPosition, name, dicom.StudyInstanceUID, images[0].DataSet.String(dicom.StudyInstanceUID),
			dicom.ReferencedSeriesSequence, State{Images: images}.references())
	}
	ramp, zeros := make([]byte, 512), make([]byte, 512)
	for i := range 256 {
		ramp[2*i+1], ramp[2*i] = byte(i), byte(i)
	}
	lut := []int64{256, 0, 16}
	return []any{dicom.BlendingSequence, []*dicom.DataSet{position("UNDERLYING", under), position("SUPERIMPOSED", over)}, dicom.RelativeOpacity, []float64{0.5},
		dicom.RedPaletteColorLookupTableDescriptor, lut, dicom.GreenPaletteColorLookupTableDescriptor, lut, dicom.BluePaletteColorLookupTableDescriptor, lut,
		dicom.RedPaletteColorLookupTableData, ramp, dicom.GreenPaletteColorLookupTableData, zeros, dicom.BluePaletteColorLookupTableData, zeros}
}

// Instance makes the presentation state.
func (s State) Instance() Instance {
	first := s.Images[0].DataSet
	if s.Class == "" {
		s.Class = GrayscaleState
	}
	ds := &dicom.DataSet{}
	for _, t := range []dicom.Tag{dicom.PatientName, dicom.PatientID, dicom.PatientBirthDate, dicom.PatientSex, dicom.StudyInstanceUID,
		dicom.StudyID, dicom.StudyDate, dicom.StudyTime, dicom.AccessionNumber, dicom.ReferringPhysicianName} {
		if e, found := first.Get(t); found {
			ds.Set(e)
		}
	}
	study := first.String(dicom.StudyInstanceUID)
	set(ds, dicom.SOPClassUID, s.Class, dicom.SOPInstanceUID, UID(study, "state", s.Name),
		dicom.SeriesInstanceUID, UID(study, "states"), dicom.Modality, "PR", dicom.SeriesNumber, 99, dicom.InstanceNumber, 1,
		dicom.Manufacturer, "Noctis",
		dicom.ContentLabel, "TEST", dicom.ContentDescription, "", dicom.ContentCreatorName, "",
		dicom.PresentationCreationDate, "20260101", dicom.PresentationCreationTime, "120000",
		dicom.ReferencedSeriesSequence, s.references(),
		dicom.DisplayedAreaSelectionSequence, item(
			dicom.DisplayedAreaTopLeftHandCorner, []int64{1, 1},
			dicom.DisplayedAreaBottomRightHandCorner, []int64{integer(first, dicom.Columns), integer(first, dicom.Rows)},
			dicom.PresentationSizeMode, "SCALE TO FIT", dicom.PresentationPixelAspectRatio, `1\1`))
	if s.Class == GrayscaleState {
		set(ds, dicom.PresentationLUTShape, "IDENTITY")
	}
	set(ds, s.With...)
	return Instance{DataSet: ds, TransferSyntax: dicom.ExplicitVRLittleEndian}
}

// File makes the file; it panics if that cannot be written, which is a mistake in the test.
func (s State) File() []byte {
	b, err := s.Instance().File()
	if err != nil {
		panic(err)
	}
	return b
}

// references are the items of Referenced Series Sequence, one a series.
func (s State) references() []*dicom.DataSet {
	var names []string
	images := map[string][]*dicom.DataSet{}
	for _, in := range s.Images {
		series := in.DataSet.String(dicom.SeriesInstanceUID)
		if !slices.Contains(names, series) {
			names = append(names, series)
		}
		image := item(dicom.ReferencedSOPClassUID, in.DataSet.String(dicom.SOPClassUID),
			dicom.ReferencedSOPInstanceUID, in.DataSet.String(dicom.SOPInstanceUID))
		if s.Frames != "" {
			set(image, dicom.ReferencedFrameNumber, s.Frames)
		}
		images[series] = append(images[series], image)
	}
	all := make([]*dicom.DataSet, len(names))
	for i, series := range names {
		all[i] = item(dicom.SeriesInstanceUID, series, dicom.ReferencedImageSequence, images[series])
	}
	return all
}

func integer(ds *dicom.DataSet, t dicom.Tag) int64 {
	e, _ := ds.Get(t)
	if n, ok := e.Value.(dicom.Ints); ok && len(n) > 0 {
		return n[0]
	}
	return 0
}
