package readiness

import (
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
}

// needs are the attributes without which OHIF and cornerstone show nothing, or less. Those of the pixels are in pixel.Describe.
var needs = []need{
	{severity: Hidden, tags: []dicom.Tag{dicom.SOPClassUID, dicom.Modality}},
	{images: true, severity: Limited, tags: []dicom.Tag{dicom.InstanceNumber, dicom.PhotometricInterpretation, dicom.SamplesPerPixel, dicom.PixelRepresentation}},
	{images: true, modalities: []string{"CT", "MR", "PT"}, severity: Limited, tags: []dicom.Tag{dicom.FrameOfReferenceUID}},
	{classes: []string{"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"}, severity: Hidden, tags: []dicom.Tag{
		dicom.SegmentSequence, dicom.SharedFunctionalGroupsSequence, dicom.PerFrameFunctionalGroupsSequence}},
	{classes: []string{"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"}, severity: Limited, tags: []dicom.Tag{
		dicom.FrameOfReferenceUID, dicom.ReferencedSeriesSequence}},
	{classes: []string{"1.2.840.10008.5.1.4.1.1.481.3"}, severity: Hidden, tags: []dicom.Tag{
		dicom.StructureSetROISequence, dicom.ROIContourSequence}},
	{classes: []string{"1.2.840.10008.5.1.4.1.1.481.3"}, severity: Limited, tags: []dicom.Tag{dicom.ReferencedFrameOfReferenceSequence}},
	{classes: []string{"1.2.840.10008.5.1.4.1.1.88."}, severity: Hidden, tags: []dicom.Tag{dicom.ContentSequence}},
	{classes: []string{"1.2.840.10008.5.1.4.1.1.104."}, severity: Hidden, tags: []dicom.Tag{dicom.EncapsulatedDocument}},
	{classes: []string{"1.2.840.10008.5.1.4.1.1.104."}, severity: Limited, tags: []dicom.Tag{dicom.MIMETypeOfEncapsulatedDocument}},
	{classes: []string{"1.2.840.10008.5.1.4.1.1.9."}, severity: Hidden, tags: []dicom.Tag{dicom.WaveformSequence}},
	{images: true, modalities: []string{"US"}, severity: Limited, tags: []dicom.Tag{dicom.SequenceOfUltrasoundRegions}},
	{images: true, modalities: []string{"PT"}, severity: Limited, tags: []dicom.Tag{ // standardized uptake values
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
				x.find(e.Ref, 0, n.severity, Missing, "%s %v", t.Keyword(), t)
			}
		}
	}
	if image && slices.Contains([]string{"CT", "MR", "PT", "CR", "DX", "MG", "XA", "RF", "NM"}, modality) && spacingOf(ds, 1) == nil {
		x.find(e.Ref, 0, Limited, Missing, "neither %s nor %s: lengths cannot be measured", dicom.PixelSpacing.Keyword(), dicom.ImagerPixelSpacing.Keyword())
	}
	if !image && slices.Contains(imageModalities, modality) && ds.Has(dicom.Rows) {
		x.find(e.Ref, 0, Hidden, Missing, "%s %v", dicom.PixelData.Keyword(), dicom.PixelData)
	}
}

// text looks for characters that are not of the character set that the file declares: they were replaced when it was read.
func (x *examination) text(ref dicom.Ref, ds *dicom.DataSet) {
	for e := range ds.All() {
		if v, isText := e.Value.(dicom.Strings); isText && slices.ContainsFunc(v, unreadable) {
			x.find(ref, 0, Limited, CharacterSets, "%s %v has characters that are not of the declared set", e.Tag.Keyword(), e.Tag)
		}
	}
}

func unreadable(s string) bool { return strings.ContainsRune(s, '\uFFFD') }
