// Package deidentify takes out of a data set what says who somebody is: the Basic Application Level Confidentiality Profile of PS3.15
// E.1, without options. table.go is PS3.15 Table E.1-1; deidentify.go applies it; dummy.go makes the values that say nothing.
//
// Pixel data is left as it is. Whether it shows text or a face has to be asked before; see BurnedIn.
package deidentify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// Profile is the Basic Profile with a secret. The same secret gives the same new UID for the same old one, so that instances that
// refer to each other go on doing so, whenever they are de-identified; without it nobody can tell which the old one was. It is safe
// for concurrent use.
type Profile struct{ secret []byte }

// New makes a profile. The secret is not changed and must not be short: 16 random bytes are enough.
func New(secret []byte) *Profile { return &Profile{secret} }

// ID names the secret without telling it: what was de-identified under another one has other UIDs.
func (p *Profile) ID() string { return hex.EncodeToString(p.sum("id", "")[:8]) }

// UID is what a UID is replaced by. UIDs that DICOM itself has registered, of classes, syntaxes or well-known frames of reference,
// identify nobody and stay.
func (p *Profile) UID(u dicom.UID) dicom.UID {
	if u == "" || strings.HasPrefix(string(u), registered) {
		return u
	}
	return dicom.UID("2.25." + new(big.Int).SetBytes(p.sum("uid", string(u))[:16]).String()) // PS3.5 B.2
}

// registered is the root of the UIDs of PS3.6.
const registered = "1.2.840.10008."

// sum is a keyed hash of a text, another one for each purpose.
func (p *Profile) sum(purpose, text string) []byte {
	h := hmac.New(sha256.New, p.secret)
	h.Write([]byte(purpose + "\x00" + text)) // a hash never fails
	return h.Sum(nil)
}

// Apply returns a de-identified copy, which says that it is one (PS3.15 E.1.1). ds is not changed; values that stay are shared with it.
func (p *Profile) Apply(ds *dicom.DataSet) *dicom.DataSet {
	out := p.apply(ds)
	if ds.Has(dicom.PatientID) {
		out.SetStrings(dicom.PatientID, dicom.LO, p.patient(ds))
	}
	if out.Has(dicom.EncapsulatedDocumentLength) {
		out.Set(dicom.Element{Tag: dicom.EncapsulatedDocumentLength, VR: dicom.UL, Value: dicom.Ints{int64(len(nothing))}})
	}
	out.SetStrings(dicom.PatientIdentityRemoved, dicom.CS, "YES")
	addMethod(out, no(ds, dicom.BurnedInAnnotation)) // where nothing is burned in, there is nothing to be cleaned
	out.SetStrings(dicom.LongitudinalTemporalInformationModified, dicom.CS, "REMOVED")
	return out
}

// patient is the dummy of a Patient ID: one for each patient, so that the instances of a patient stay together.
func (p *Profile) patient(ds *dicom.DataSet) string {
	return "ANON-" + strings.ToUpper(hex.EncodeToString(p.sum("patient", ds.String(dicom.IssuerOfPatientID)+"\x00"+ds.String(dicom.PatientID))[:8]))
}

// method is what De-identification Method (0012,0063) says.
const method = "PS3.15 2026d Basic Application Level Confidentiality Profile"

// addMethod says how an instance was de-identified, after what was done to it before (PS3.15 E.1.1).
func addMethod(ds *dicom.DataSet, pixelsClean bool) {
	texts := ds.Strings(dicom.DeidentificationMethod)
	if !slices.Contains(texts, method) {
		ds.SetStrings(dicom.DeidentificationMethod, dicom.LO, append(slices.Clone(texts), method)...)
	}
	codes := slices.Clone(ds.Items(dicom.DeidentificationMethodCodeSequence))
	add := func(value, meaning string) {
		said := func(item *dicom.DataSet) bool { return item.String(dicom.CodeValue) == value }
		if !slices.ContainsFunc(codes, said) {
			codes = append(codes, code(value, meaning))
		}
	}
	add("113100", "Basic Application Confidentiality Profile")
	if pixelsClean {
		add("113101", "Clean Pixel Data Option")
	}
	ds.SetItems(dicom.DeidentificationMethodCodeSequence, codes...)
}

// code is an item of a code of PS3.16.
func code(value, meaning string) *dicom.DataSet {
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.CodeValue, dicom.SH, value)
	ds.SetStrings(dicom.CodingSchemeDesignator, dicom.SH, "DCM")
	ds.SetStrings(dicom.CodeMeaning, dicom.LO, meaning)
	return ds
}

// apply de-identifies a data set or an item. The items of a long sequence are de-identified when they are read.
func (p *Profile) apply(ds *dicom.DataSet) *dicom.DataSet {
	ds = ds.Only(func(t dicom.Tag) bool { return actionOf(t) != remove })
	out := &dicom.DataSet{}
	out.Grow(ds.Len())
	for e, items := range ds.Pieces() {
		_, isSequence := e.Value.(dicom.Items)
		switch action := actionOf(e.Tag); {
		case action == zero:
			e.Value = nil
		case action == dummy:
			e.Value = p.dummyValue(e, items)
		case action == replace:
			e.Value = p.replaceUIDs(e.Value)
		case isSequence || items != nil:
			out.SetEach(e.Tag, ds, p.apply)
			continue
		case e.Value != nil && (e.VR == dicom.UN || e.Tag.VR() == dicom.SQ):
			continue // nobody could read it, and so nobody can say what it holds
		}
		out.Set(e)
	}
	return out
}

// replaceUIDs replaces each of the UIDs of a value. What is not text has no business there, and goes.
func (p *Profile) replaceUIDs(v dicom.Value) dicom.Value {
	old, ok := v.(dicom.Strings)
	if !ok {
		return nil
	}
	replaced := make(dicom.Strings, len(old))
	for i, u := range old {
		replaced[i] = string(p.UID(dicom.UID(u)))
	}
	return replaced
}

// BurnedIn is why the pixels of an instance may say who somebody is, "" if nothing speaks for it: the data set says so, or says
// nothing where text in the picture is usual. Such pixels would have to be cleaned (PS3.15 E.3.1) before anybody sees them.
func BurnedIn(ds *dicom.DataSet) string {
	switch {
	case yes(ds, dicom.BurnedInAnnotation):
		return "Burned In Annotation (0028,0301) is YES"
	case yes(ds, dicom.RecognizableVisualFeatures):
		return "Recognizable Visual Features (0028,0302) is YES"
	case no(ds, dicom.BurnedInAnnotation):
		return ""
	}
	if textInPictures[ds.UID(dicom.SOPClassUID)] || capturesScreen(ds) {
		return "it is of a kind that often has text in its pixels, and no Burned In Annotation (0028,0301) of NO"
	}
	return ""
}

// capturesScreen reports whether an image of any class is a picture of a screen, as CT, XA and RF devices store them beside the
// images of their kind: Image Type (0008,0008) has a value like SCREEN SAVE or SCREENSHOT then.
func capturesScreen(ds *dicom.DataSet) bool {
	for _, v := range ds.Strings(dicom.ImageType) {
		if strings.Contains(strings.ToUpper(v), "SCREEN") {
			return true
		}
	}
	return false
}

// textInPictures are the storage classes whose devices write into their pictures: captured screens and films, ultrasound, and
// what a camera sees.
var textInPictures = map[dicom.UID]bool{
	"1.2.840.10008.5.1.4.1.1.7":        true, // Secondary Capture, and its multi-frame classes
	"1.2.840.10008.5.1.4.1.1.7.1":      true,
	"1.2.840.10008.5.1.4.1.1.7.2":      true,
	"1.2.840.10008.5.1.4.1.1.7.3":      true,
	"1.2.840.10008.5.1.4.1.1.7.4":      true,
	"1.2.840.10008.5.1.1.29":           true, // Hardcopy, retired: films with their captions
	"1.2.840.10008.5.1.1.30":           true,
	"1.2.840.10008.5.1.4.1.1.3":        true, // Ultrasound, retired
	"1.2.840.10008.5.1.4.1.1.3.1":      true,
	"1.2.840.10008.5.1.4.1.1.6":        true,
	"1.2.840.10008.5.1.4.1.1.6.1":      true,
	"1.2.840.10008.5.1.4.1.1.77.1.1":   true, // Visible Light
	"1.2.840.10008.5.1.4.1.1.77.1.1.1": true,
	"1.2.840.10008.5.1.4.1.1.77.1.2":   true,
	"1.2.840.10008.5.1.4.1.1.77.1.2.1": true,
	"1.2.840.10008.5.1.4.1.1.77.1.4":   true,
	"1.2.840.10008.5.1.4.1.1.77.1.4.1": true,
}

func yes(ds *dicom.DataSet, t dicom.Tag) bool { return isValue(ds, t, "YES") }
func no(ds *dicom.DataSet, t dicom.Tag) bool  { return isValue(ds, t, "NO") }

func isValue(ds *dicom.DataSet, t dicom.Tag, value string) bool {
	return strings.EqualFold(strings.TrimSpace(ds.String(t)), value)
}
