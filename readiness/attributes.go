package readiness

import (
	"fmt"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// need is what viewers want of some kind of instance.
type need struct {
	classes    []string // SOP classes, or what they begin with if they end in a dot; none: of every class
	modalities []string // none: of every modality
	images     bool     // only where there is pixel data
	severity   Severity
	tags       []dicom.Tag
	without    string // what viewers do without them; "" where the name says it
}

// needs are the attributes without which OHIF and cornerstone show nothing, or less. Those of the pixels are in pixel.Describe.
var needs = []need{
	{severity: Hidden, tags: []dicom.Tag{dicom.SOPClassUID, dicom.Modality},
		without: "viewers do not know what it is, and show nothing"},
	{images: true, severity: Limited, tags: []dicom.Tag{dicom.InstanceNumber}, without: "viewers may show the images in any order"},
	{images: true, severity: Limited, tags: []dicom.Tag{dicom.PhotometricInterpretation, dicom.SamplesPerPixel, dicom.PixelRepresentation,
		dicom.BitsStored, dicom.HighBit}, without: "viewers guess how the pixels are to be read, and may show black or noise"},
	{images: true, modalities: []string{"CT", "MR", "PT"}, severity: Limited, tags: []dicom.Tag{dicom.FrameOfReferenceUID},
		without: "no reconstruction in other planes, no lines of reference, no common scrolling"},
	{classes: []string{"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"}, severity: Hidden, tags: []dicom.Tag{
		dicom.SegmentSequence, dicom.SharedFunctionalGroupsSequence, dicom.PerFrameFunctionalGroupsSequence}, without: "no segment is shown"},
	{classes: []string{"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"}, severity: Limited, tags: []dicom.Tag{
		dicom.FrameOfReferenceUID, dicom.ReferencedSeriesSequence}, without: "viewers do not know over which images the segments belong"},
	{classes: []string{"1.2.840.10008.5.1.4.1.1.481.3"}, severity: Hidden, tags: []dicom.Tag{
		dicom.StructureSetROISequence, dicom.ROIContourSequence}, without: "no structure is shown"},
	{classes: []string{"1.2.840.10008.5.1.4.1.1.481.3"}, severity: Limited, tags: []dicom.Tag{dicom.ReferencedFrameOfReferenceSequence},
		without: "viewers do not know over which images the structures belong"},
	{classes: []string{"1.2.840.10008.5.1.4.1.1.88."}, severity: Hidden, tags: []dicom.Tag{dicom.ContentSequence}},
	{classes: []string{"1.2.840.10008.5.1.4.1.1.104."}, severity: Hidden, tags: []dicom.Tag{dicom.EncapsulatedDocument}},
	{classes: []string{"1.2.840.10008.5.1.4.1.1.104."}, severity: Limited, tags: []dicom.Tag{dicom.MIMETypeOfEncapsulatedDocument}},
	{classes: []string{"1.2.840.10008.5.1.4.1.1.9."}, severity: Hidden, tags: []dicom.Tag{dicom.WaveformSequence}},
	{images: true, modalities: []string{"US"}, severity: Limited, tags: []dicom.Tag{dicom.SequenceOfUltrasoundRegions},
		without: "lengths cannot be measured"},
	{images: true, modalities: []string{"PT"}, severity: Limited, without: "no standardized uptake values (SUV)", tags: []dicom.Tag{
		dicom.RadiopharmaceuticalInformationSequence, dicom.CorrectedImage, dicom.Units, dicom.DecayCorrection, dicom.PatientWeight,
		dicom.SeriesDate, dicom.SeriesTime, dicom.AcquisitionDate, dicom.AcquisitionTime}},
}

// imageModalities are those whose instances are images, unless their class is another one.
var imageModalities = []string{"CT", "MR", "PT", "NM", "CR", "DX", "MG", "US", "XA", "RF", "XC", "SM", "ES", "OP"}

func (n need) applies(class, modality string, image bool) bool {
	ofClass := func(c string) bool { return class == c || strings.HasSuffix(c, ".") && strings.HasPrefix(class, c) }
	return (image || !n.images) &&
		(len(n.classes) == 0 || slices.ContainsFunc(n.classes, ofClass)) &&
		(len(n.modalities) == 0 || slices.Contains(n.modalities, modality))
}

// attributes looks for what is absent or has no value.
func (x *examination) attributes(e *store.Entry, ds *dicom.DataSet) {
	modality, image := strings.TrimSpace(ds.String(dicom.Modality)), e.Layout.Pixel != nil
	for _, n := range needs {
		if !n.applies(string(e.SOPClass), modality, image) {
			continue
		}
		for _, t := range n.tags {
			if el, found := ds.Get(t); !found || el.Value == nil {
				x.find(e.Ref, 0, n.severity, Missing, "%s", strings.TrimSuffix(fmt.Sprintf("%s %v: %s", t.Keyword(), t, n.without), ": "))
			}
		}
	}
	if image && slices.Contains([]string{"CT", "MR", "PT", "CR", "DX", "MG", "XA", "RF", "NM"}, modality) && spacingOf(ds, 1) == nil {
		x.find(e.Ref, 0, Limited, Missing, "neither %s nor %s: lengths cannot be measured", dicom.PixelSpacing.Keyword(), dicom.ImagerPixelSpacing.Keyword())
	}
	if !image && slices.Contains(imageModalities, modality) && ds.Has(dicom.Rows) {
		x.find(e.Ref, 0, Hidden, Missing, "%s %v: there is nothing to show", dicom.PixelData.Keyword(), dicom.PixelData)
	}
}

// text looks for characters that are not of the character set that the file declares: they were replaced when it was read.
func (x *examination) text(ref dicom.Ref, ds *dicom.DataSet) {
	for e := range ds.Pieces() { // of items only the data sets around them are looked at
		if v, isText := e.Value.(dicom.Strings); isText && slices.ContainsFunc(v, unreadable) {
			x.find(ref, 0, Limited, CharacterSets, "%s %v has characters that are not of the declared set", e.Tag.Keyword(), e.Tag)
		}
	}
}

func unreadable(s string) bool { return strings.ContainsRune(s, '\uFFFD') }
