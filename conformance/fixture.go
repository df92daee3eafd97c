package conformance

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// SOP classes of the suite's own instances (PS3.6 Annex A).
const (
	ctImage          = "1.2.840.10008.5.1.4.1.1.2"
	usMultiFrame     = "1.2.840.10008.5.1.4.1.1.3.1"
	mrImage          = "1.2.840.10008.5.1.4.1.1.4"
	secondaryCapture = "1.2.840.10008.5.1.4.1.1.7"
	basicTextSR      = "1.2.840.10008.5.1.4.1.1.88.11"
	segmentation     = "1.2.840.10008.5.1.4.1.1.66.4"
	encapsulatedPDF  = "1.2.840.10008.5.1.4.1.1.104.1"
	grayscaleState   = "1.2.840.10008.5.1.4.1.1.11.1"
)

// instance is one instance of the fixture. Of one that was there before, only the UIDs are known.
type instance struct {
	study, series, uid string
	class, syntax      string
	file               []byte
	rows, columns      int
	frames             [][]byte // native, little endian
	encoded            [][]byte // as they lie in the file, where that is encapsulated
}

func (in *instance) studyPath() string  { return "/studies/" + in.study }
func (in *instance) seriesPath() string { return in.studyPath() + "/series/" + in.series }
func (in *instance) path() string       { return in.seriesPath() + "/instances/" + in.uid }

// fixture is what the cases work on: two studies that the suite stores, or, in read-only mode, an instance of a given study.
type fixture struct {
	run  string // eight hexadecimal digits that no other run has
	own  bool
	ct   [3]*instance // a series of slices, 16 bits signed; the first stands for "an instance"
	us   *instance    // three frames of 8 bits
	rgb  *instance    // 8 bits, three samples
	bare *instance    // implicit VR little endian
	mr   *instance    // two frames, RLE Lossless
	sr   *instance    // a report
	seg  *instance    // three frames of 5 x 5 bits
	pdf  *instance    // an encapsulated document
	gsps *instance    // a presentation state of the first slice: window 50, 101, mirrored
}

// image ends the case where there is no instance at all.
func (t *T) image() *instance {
	if t.data.ct[0] == nil {
		t.skip("no instance to retrieve: the suite could store none, and none was given")
	}
	return t.data.ct[0]
}

// own ends the case unless the suite's own studies are stored.
func (t *T) own() *fixture {
	if !t.data.own {
		t.skip("needs the suite's own studies")
	}
	return t.data
}

// all returns the suite's instances.
func (f *fixture) all() []*instance {
	return append(f.ct[:], f.us, f.rgb, f.bare, f.mr, f.sr, f.seg, f.pdf, f.gsps)
}

// alpha and beta are the two studies.
func (f *fixture) alpha() string { return f.ct[0].study }
func (f *fixture) beta() string  { return f.rgb.study }

// mine is a search key that the suite's two studies match and no other.
func (f *fixture) mine() string { return "PatientID=CF-" + f.run + "-?" }

func newRun() string {
	var b [4]byte
	rand.Read(b[:])
	return strings.ToUpper(hex.EncodeToString(b[:]))
}

func (f *fixture) study(letter string) dicomtest.Study {
	s := dicomtest.Study{
		Patient: dicomtest.Patient{Name: "Conform" + f.run + "^Alpha^Middle", ID: "CF-" + f.run + "-A", BirthDate: "19700102", Sex: "F"},
		Name:    "conformance " + f.run + letter, Date: "20240310", Time: "101500", Description: "Conformance alpha",
		Accession: "CFA" + f.run, ReferringPhysician: "Referrer^Robin",
	}
	switch letter {
	case "A":
	case "B":
		s.ID = "CF-" + f.run + "-B"
		s.Patient.Name = "Conform" + f.run + "^Beta=山田^太郎=やまだ^たろう"
		s.Date, s.Time, s.Description, s.Accession, s.Sex = "20240415", "143000.5", "Conformance beta", "CFB"+f.run, "M"
	default:
		s.Patient.Name, s.ID, s.Accession = "Spare"+f.run+"^"+letter[1:], "CF-"+f.run+"-"+letter, "CFX"+f.run
		s.Description = "Conformance spare"
	}
	return s
}

// build makes the instances. Nothing of them but their UIDs and names depends on the run.
func (f *fixture) build() error {
	a, b := f.study("A"), f.study("B")
	slices16 := dicomtest.Series{Study: a, Number: 1, Modality: "CT", Description: "Axial"}
	var err error
	keep := func(in *instance, e error) *instance {
		if err == nil {
			err = e
		}
		return in
	}
	for i := range f.ct {
		ds := slices16.Instance(ctImage, i+1)
		request := &dicom.DataSet{}
		request.SetStrings(dicom.ScheduledProcedureStepID, dicom.SH, "SPS"+f.run)
		request.SetStrings(dicom.RequestedProcedureID, dicom.SH, "RP"+f.run)
		ds.SetItems(dicom.RequestAttributesSequence, request)
		ds.SetStrings(dicom.PerformedProcedureStepStartDate, dicom.DA, "20240310")
		ds.SetStrings(dicom.PerformedProcedureStepStartTime, dicom.TM, "100500")
		ds.SetStrings(dicom.WindowCenter, dicom.DS, "100")
		ds.SetStrings(dicom.WindowWidth, dicom.DS, "200")
		ds.SetStrings(dicom.RescaleIntercept, dicom.DS, "0")
		ds.SetStrings(dicom.RescaleSlope, dicom.DS, "1")
		ds.SetStrings(dicom.NewTag(0x0009, 0x0010), dicom.LO, "NOCTIS CONFORMANCE")
		ds.SetStrings(dicom.NewTag(0x0009, 0x1001), dicom.LO, fmt.Sprintf("private %d", i+1))
		f.ct[i] = keep(native(ds, pixels{rows: 16, columns: 16, bits: 16, signed: true, shift: i}))
	}
	f.us = keep(native(dicomtest.Series{Study: a, Number: 2, Modality: "US", Description: "Cine"}.Instance(usMultiFrame, 1),
		pixels{rows: 12, columns: 10, bits: 8, frames: 3}))
	f.rgb = keep(native(dicomtest.Series{Study: b, Number: 1, Modality: "OT", Description: "Colour"}.Instance(secondaryCapture, 1),
		pixels{rows: 8, columns: 8, bits: 8, samples: 3}))
	bare := dicomtest.Series{Study: b, Number: 1, Modality: "OT", Description: "Colour"}.Instance(secondaryCapture, 2)
	f.bare = keep(nativeAs(bare, pixels{rows: 8, columns: 8, bits: 16}, dicom.ImplicitVRLittleEndian))
	f.mr = keep(runLength(dicomtest.Series{Study: b, Number: 5, Modality: "MR", Description: "Compressed"}.Instance(mrImage, 1),
		pixels{rows: 8, columns: 8, bits: 16, frames: 2}))
	f.sr = keep(report(dicomtest.Series{Study: b, Number: 2, Modality: "SR", Description: "Report"}.Instance(basicTextSR, 1)))
	f.seg = keep(native(dicomtest.Series{Study: b, Number: 3, Modality: "SEG", Description: "Bits"}.Instance(segmentation, 1),
		pixels{rows: 5, columns: 5, bits: 1, frames: 3}))
	f.gsps = keep(state(dicomtest.Series{Study: a, Number: 3, Modality: "PR", Description: "State"}.Instance(grayscaleState, 1), f.ct[0]))
	f.pdf = keep(document(dicomtest.Series{Study: b, Number: 4, Modality: "DOC", Description: "Document"}.Instance(encapsulatedPDF, 1)))
	return err
}

// pixels is what an image of the fixture shows: a ramp that every frame, and every instance by its shift, begins elsewhere.
type pixels struct {
	rows, columns, bits, frames, samples, shift int
	signed                                      bool
}

func (p pixels) describe(ds *dicom.DataSet) {
	ds.SetStrings(dicom.BurnedInAnnotation, dicom.CS, "NO") // else a thumbnail of it may be no picture (PS3.18 10.4.3.3.4)
	photometric := "MONOCHROME2"
	if p.samples == 3 {
		photometric = "RGB"
		ds.SetInts(dicom.PlanarConfiguration, dicom.US, 0)
	}
	ds.SetInts(dicom.SamplesPerPixel, dicom.US, int64(max(1, p.samples)))
	ds.SetStrings(dicom.PhotometricInterpretation, dicom.CS, photometric)
	ds.SetInts(dicom.Rows, dicom.US, int64(p.rows))
	ds.SetInts(dicom.Columns, dicom.US, int64(p.columns))
	ds.SetInts(dicom.BitsAllocated, dicom.US, int64(p.bits))
	ds.SetInts(dicom.BitsStored, dicom.US, int64(p.bits))
	ds.SetInts(dicom.HighBit, dicom.US, int64(p.bits-1))
	representation := int64(0)
	if p.signed {
		representation = 1
	}
	ds.SetInts(dicom.PixelRepresentation, dicom.US, representation)
	if p.frames > 0 {
		ds.SetStrings(dicom.NumberOfFrames, dicom.IS, fmt.Sprint(p.frames))
	}
}

// frame returns the samples of a frame, native and little endian; of bits each in a byte of its own.
func (p pixels) frame(n int) []byte {
	count := p.rows * p.columns * max(1, p.samples)
	var out []byte
	for i := range count {
		v := i*3 + n*7 + p.shift*11
		switch p.bits {
		case 1:
			out = append(out, byte(v/2%2))
		case 8:
			out = append(out, byte(v))
		default:
			out = append(out, byte(v), byte(v>>8)&3)
		}
	}
	return out
}

func packBits(bits []byte) []byte {
	out := make([]byte, (len(bits)+7)/8)
	for i, b := range bits {
		out[i/8] |= b << (i % 8)
	}
	return out
}

func native(ds *dicom.DataSet, p pixels) (*instance, error) {
	return nativeAs(ds, p, dicom.ExplicitVRLittleEndian)
}

func nativeAs(ds *dicom.DataSet, p pixels, syntax dicom.UID) (*instance, error) {
	p.describe(ds)
	var frames [][]byte
	var whole []byte
	for n := range max(1, p.frames) {
		f := p.frame(n)
		whole = append(whole, f...)
		if p.bits == 1 {
			f = packBits(f)
		}
		frames = append(frames, f)
	}
	vr := dicom.OW
	switch p.bits {
	case 1:
		whole, vr = packBits(whole), dicom.OB
	case 8:
		vr = dicom.OB
	}
	if len(whole)%2 == 1 {
		whole = append(whole, 0)
	}
	ds.Set(dicom.Element{Tag: dicom.PixelData, VR: vr, Value: dicom.Bytes(whole)})
	in, err := finish(dicomtest.Instance{DataSet: ds, TransferSyntax: syntax})
	in.rows, in.columns, in.frames = p.rows, p.columns, frames
	return in, err
}

// runLength makes an instance in RLE Lossless (PS3.5 Annex G), of literal runs alone.
func runLength(ds *dicom.DataSet, p pixels) (*instance, error) {
	p.describe(ds)
	var frames, encoded [][]byte
	for n := range p.frames {
		f := p.frame(n)
		frames = append(frames, f)
		header := make([]byte, 64)
		header[0] = 2
		var segments []byte
		for plane := range 2 {
			offset := 64 + len(segments)
			header[4+4*plane], header[5+4*plane] = byte(offset), byte(offset>>8)
			var bytes []byte
			for i := range len(f) / 2 {
				bytes = append(bytes, f[2*i+1-plane]) // the high byte first
			}
			for run := range slices.Chunk(bytes, 128) {
				segments = append(append(segments, byte(len(run)-1)), run...)
			}
			if len(segments)%2 == 1 {
				segments = append(segments, 0x80)
			}
		}
		encoded = append(encoded, append(header, segments...))
	}
	in, err := finish(dicomtest.Instance{DataSet: ds, TransferSyntax: dicom.RLELossless, Frames: encoded})
	in.rows, in.columns, in.frames, in.encoded = p.rows, p.columns, frames, encoded
	return in, err
}

func report(ds *dicom.DataSet) (*instance, error) {
	code := func(value, scheme, meaning string) *dicom.DataSet {
		item := &dicom.DataSet{}
		item.SetStrings(dicom.CodeValue, dicom.SH, value)
		item.SetStrings(dicom.CodingSchemeDesignator, dicom.SH, scheme)
		item.SetStrings(dicom.CodeMeaning, dicom.LO, meaning)
		return item
	}
	finding := &dicom.DataSet{}
	finding.SetStrings(dicom.RelationshipType, dicom.CS, "CONTAINS")
	finding.SetStrings(dicom.ValueType, dicom.CS, "TEXT")
	finding.SetItems(dicom.ConceptNameCodeSequence, code("121071", "DCM", "Finding"))
	finding.SetStrings(dicom.TextValue, dicom.UT, "Conformance finding & <more>")
	ds.SetStrings(dicom.ValueType, dicom.CS, "CONTAINER")
	ds.SetStrings(dicom.ContinuityOfContent, dicom.CS, "SEPARATE")
	ds.SetStrings(dicom.CompletionFlag, dicom.CS, "COMPLETE")
	ds.SetStrings(dicom.VerificationFlag, dicom.CS, "UNVERIFIED")
	ds.SetItems(dicom.ConceptNameCodeSequence, code("18748-4", "LN", "Diagnostic Imaging Report"))
	ds.SetItems(dicom.ContentSequence, finding)
	return finish(dicomtest.Instance{DataSet: ds, TransferSyntax: dicom.ExplicitVRLittleEndian})
}

// state makes a grayscale softcopy presentation state of an image (PS3.3 A.33.1).
func state(ds *dicom.DataSet, image *instance) (*instance, error) {
	series := &dicom.DataSet{}
	series.SetItems(dicom.ReferencedImageSequence, reference(image.class, image.uid))
	series.SetStrings(dicom.SeriesInstanceUID, dicom.UI, image.series)
	ds.SetItems(dicom.ReferencedSeriesSequence, series)
	voi := &dicom.DataSet{}
	voi.SetStrings(dicom.WindowCenter, dicom.DS, "50")
	voi.SetStrings(dicom.WindowWidth, dicom.DS, "101")
	ds.SetItems(dicom.SoftcopyVOILUTSequence, voi)
	area := &dicom.DataSet{}
	area.SetInts(dicom.DisplayedAreaTopLeftHandCorner, dicom.SL, 1, 1)
	area.SetInts(dicom.DisplayedAreaBottomRightHandCorner, dicom.SL, int64(image.columns), int64(image.rows))
	area.SetStrings(dicom.PresentationSizeMode, dicom.CS, "SCALE TO FIT")
	area.SetStrings(dicom.PresentationPixelAspectRatio, dicom.IS, "1", "1")
	ds.SetItems(dicom.DisplayedAreaSelectionSequence, area)
	ds.SetInts(dicom.ImageRotation, dicom.US, 0)
	ds.SetStrings(dicom.ImageHorizontalFlip, dicom.CS, "Y")
	ds.SetStrings(dicom.PresentationLUTShape, dicom.CS, "IDENTITY")
	ds.SetStrings(dicom.PresentationCreationDate, dicom.DA, "20240415")
	ds.SetStrings(dicom.PresentationCreationTime, dicom.TM, "150000")
	ds.SetStrings(dicom.ContentLabel, dicom.CS, "CONFORMANCE")
	return finish(dicomtest.Instance{DataSet: ds, TransferSyntax: dicom.ExplicitVRLittleEndian})
}

// pdfBytes is a document that readers open, long enough that nobody sends it inline.
var pdfBytes = []byte("%PDF-1.4\n" + strings.Repeat("% "+strings.Repeat("conformance ", 6)+"\n", 256) + "1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n" +
	"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n ")

func document(ds *dicom.DataSet) (*instance, error) {
	ds.SetStrings(dicom.BurnedInAnnotation, dicom.CS, "NO")
	ds.SetStrings(dicom.DocumentTitle, dicom.ST, "Conformance document")
	ds.SetStrings(dicom.MIMETypeOfEncapsulatedDocument, dicom.LO, "application/pdf")
	ds.Set(dicom.Element{Tag: dicom.EncapsulatedDocument, VR: dicom.OB, Value: dicom.Bytes(pdfBytes[:len(pdfBytes)/2*2])})
	return finish(dicomtest.Instance{DataSet: ds, TransferSyntax: dicom.ExplicitVRLittleEndian})
}

func finish(in dicomtest.Instance) (*instance, error) {
	ref := in.DataSet.Ref()
	file, err := in.File()
	return &instance{
		study: string(ref.Study), series: string(ref.Series), uid: string(ref.Instance),
		class: string(in.DataSet.UID(dicom.SOPClassUID)), syntax: string(in.TransferSyntax), file: file,
	}, err
}

// spare makes one more instance, in a study of its own, for a case that stores: name tells apart those of one run.
func (t *T) spare(name string, change ...func(*dicom.DataSet)) *instance {
	ds := dicomtest.Series{Study: t.data.study("X" + name), Number: 1, Modality: "OT", Description: name}.Instance(secondaryCapture, 1)
	for _, c := range change {
		c(ds)
	}
	in, err := native(ds, pixels{rows: 4, columns: 4, bits: 8})
	if err != nil {
		t.skip("the suite cannot make the instance: %v", err)
	}
	t.server.created.add(in.study)
	return in
}
