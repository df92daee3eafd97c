// Package fileset makes file sets (PS3.10 8): the names of their files, and the DICOMDIR that tells what is in them (PS3.3 F).
package fileset

import (
	"crypto/sha256"
	"io"
	"math/big"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
)

// MediaStorageDirectory is the SOP class of a DICOMDIR (PS3.4 I.4).
const MediaStorageDirectory dicom.UID = "1.2.840.10008.1.3.10"

// Directory is a DICOMDIR in the making (PS3.3 F.3): of each patient its studies, of each study its series, of each series its files,
// and what belongs to no patient, in the order in which they are added. Its memory is that of its records.
type Directory struct {
	uid     dicom.UID // its SOP Instance UID
	records []*directoryRecord
	open    [3]*directoryRecord // the patient, the study and the series that were added last
	last    *directoryRecord    // at the root
	size    int64               // of the file up to the end of the records
}

// NewDirectory begins the DICOMDIR of a file set. Its UID is made of the text: the same one every time.
func NewDirectory(text string) *Directory { return &Directory{uid: uidOf(text)} }

// uidOf makes a UID of a text (PS3.5 B.2).
func uidOf(text string) dicom.UID {
	sum := sha256.Sum256([]byte(text))
	return dicom.UID("2.25." + new(big.Int).SetBytes(sum[:16]).String())
}

// directoryRecord is an item of the Directory Record Sequence (PS3.3 F.3.2.2), at its offset in the file.
type directoryRecord struct {
	item      *dicom.DataSet
	key       string
	offset    int64
	lastBelow *directoryRecord
}

// directoryLevels are the records above a file: the type, what tells one from the next, and the keys (PS3.3 F.5.1 to F.5.3).
var directoryLevels = [...]struct {
	name string
	key  dicom.Tag
	keys []dicom.Element // with the value that a Type 1 key gets where there is none
}{
	{"PATIENT", dicom.PatientID, []dicom.Element{
		{Tag: dicom.PatientName, VR: dicom.PN}, {Tag: dicom.PatientID, VR: dicom.LO, Value: dicom.Strings{"UNKNOWN"}}}},
	{"STUDY", dicom.StudyInstanceUID, []dicom.Element{
		{Tag: dicom.StudyDate, VR: dicom.DA, Value: dicom.Strings{"19000101"}}, {Tag: dicom.StudyTime, VR: dicom.TM, Value: dicom.Strings{"000000"}},
		{Tag: dicom.AccessionNumber, VR: dicom.SH}, {Tag: dicom.StudyDescription, VR: dicom.LO},
		{Tag: dicom.StudyInstanceUID, VR: dicom.UI}, {Tag: dicom.StudyID, VR: dicom.SH, Value: dicom.Strings{"1"}}}},
	{"SERIES", dicom.SeriesInstanceUID, []dicom.Element{
		{Tag: dicom.Modality, VR: dicom.CS, Value: dicom.Strings{"OT"}}, {Tag: dicom.SeriesInstanceUID, VR: dicom.UI},
		{Tag: dicom.SeriesNumber, VR: dicom.IS, Value: dicom.Strings{"0"}}}},
}

// recordTypes are the types of records of files by SOP class, or by what the UIDs of a family of classes begin with (PS3.3 Table
// F.4-1). What is not among them is an image, as most are.
var recordTypes = [...]struct{ class, name string }{
	{"1.2.840.10008.5.1.4.1.1.481.2", "RT DOSE"},
	{"1.2.840.10008.5.1.4.1.1.481.3", "RT STRUCTURE SET"},
	{"1.2.840.10008.5.1.4.1.1.481.5", "RT PLAN"},
	{"1.2.840.10008.5.1.4.1.1.481.8", "RT PLAN"},
	{"1.2.840.10008.5.1.4.1.1.481.4", "RT TREAT RECORD"},
	{"1.2.840.10008.5.1.4.1.1.481.6", "RT TREAT RECORD"},
	{"1.2.840.10008.5.1.4.1.1.481.7", "RT TREAT RECORD"},
	{"1.2.840.10008.5.1.4.1.1.481.9", "RT TREAT RECORD"},
	{"1.2.840.10008.5.1.4.1.1.88.59", "KEY OBJECT DOC"},
	{"1.2.840.10008.5.1.4.1.1.88.", "SR DOCUMENT"},
	{"1.2.840.10008.5.1.4.1.1.104.", "ENCAP DOC"},
	{"1.2.840.10008.5.1.4.1.1.11.", "PRESENTATION"},
	{"1.2.840.10008.5.1.4.1.1.9.", "WAVEFORM"},
	{"1.2.840.10008.5.1.4.1.1.4.2", "SPECTROSCOPY"},
	{"1.2.840.10008.5.1.4.1.1.66.1", "REGISTRATION"},
	{"1.2.840.10008.5.1.4.1.1.66.3", "REGISTRATION"},
	{"1.2.840.10008.5.1.4.1.1.66.2", "FIDUCIAL"},
	{"1.2.840.10008.5.1.4.1.1.66.5", "SURFACE"},
	{"1.2.840.10008.5.1.4.1.1.66.6", "TRACT"},
	{"1.2.840.10008.5.1.4.1.1.66", "RAW DATA"},
	{"1.2.840.10008.5.1.4.1.1.67", "VALUE MAP"},
	{"1.2.840.10008.5.1.4.1.1.68.", "SURFACE SCAN"},
	{"1.2.840.10008.5.1.4.1.1.131", "PLAN"},
	{"1.2.840.10008.5.1.4.1.1.77.1.5.3", "STEREOMETRIC"},
}

// recordType is the type of the record of a file.
func recordType(class dicom.UID) string {
	for _, t := range recordTypes {
		if string(class) == t.class || strings.HasSuffix(t.class, ".") && strings.HasPrefix(string(class), t.class) {
			return t.name
		}
	}
	return "IMAGE"
}

// fileKeys are the keys of the records of files (PS3.3 F.5.4 and following); what a data set does not have is left out.
var fileKeys = []dicom.Tag{
	dicom.InstanceNumber, dicom.ContentDate, dicom.ContentTime, dicom.ContentLabel, dicom.ContentDescription, dicom.PresentationCreationDate,
	dicom.PresentationCreationTime, dicom.ContentCreatorName, dicom.CompletionFlag, dicom.VerificationFlag, dicom.ConceptNameCodeSequence,
	dicom.StructureSetLabel, dicom.StructureSetDate, dicom.StructureSetTime, dicom.RTPlanLabel, dicom.RTPlanDate, dicom.RTPlanTime,
	dicom.DoseSummationType, dicom.DocumentTitle, dicom.MIMETypeOfEncapsulatedDocument,
}

// Empty reports whether it tells of no file: then there is nothing to be written.
func (d *Directory) Empty() bool { return len(d.records) == 0 }

// Add adds a file: its data set, its path in the file set, and the transfer syntax in which it lies there.
func (d *Directory) Add(ds *dicom.DataSet, path []string, ts dicom.UID) error {
	if d.size == 0 {
		var err error
		if d.size, err = d.measure(); err != nil {
			return err
		}
	}
	if dicom.ResourceOf(ds.UID(dicom.SOPClassUID)) != "" {
		return d.addToRoot(ds, path, ts)
	}
	above := (*directoryRecord)(nil)
	for i, level := range directoryLevels {
		key := ds.String(level.key)
		if key == "" { // whoever has no ID is told apart by name and study
			key = ds.String(dicom.PatientName) + ds.String(dicom.StudyInstanceUID)
		}
		if d.open[i] == nil || d.open[i].key != key {
			record := &directoryRecord{item: newRecord(ds, level.name), key: key}
			for _, k := range level.keys {
				if e, there := ds.Get(k.Tag); there && e.Value != nil {
					k = e
				}
				record.item.Set(k)
			}
			record.key = strings.Clone(key)
			if err := d.append(record, above); err != nil {
				return err
			}
			clear(d.open[i:])
			d.open[i] = record
		}
		above = d.open[i]
	}
	item := newRecord(ds, recordType(ds.UID(dicom.SOPClassUID)))
	for _, t := range fileKeys {
		if e, there := ds.Get(t); there {
			item.Set(e)
		}
	}
	refer(item, ds, path, ts)
	return d.append(&directoryRecord{item: item}, above)
}

// refer says in a record which file it is of.
func refer(item, ds *dicom.DataSet, path []string, ts dicom.UID) {
	item.SetStrings(dicom.ReferencedFileID, dicom.CS, path...)
	item.SetStrings(dicom.ReferencedSOPClassUIDInFile, dicom.UI, ds.String(dicom.SOPClassUID))
	item.SetStrings(dicom.ReferencedSOPInstanceUIDInFile, dicom.UI, ds.String(dicom.SOPInstanceUID))
	item.SetStrings(dicom.ReferencedTransferSyntaxUIDInFile, dicom.UI, string(ts))
}

// newRecord begins a record with what all of them have. Text in a stored data set is UTF-8 or ASCII.
func newRecord(ds *dicom.DataSet, name string) *dicom.DataSet {
	item := &dicom.DataSet{}
	item.SetInts(dicom.OffsetOfTheNextDirectoryRecord, dicom.UL, 0)
	item.SetInts(dicom.RecordInUseFlag, dicom.US, 0xFFFF)
	item.SetInts(dicom.OffsetOfReferencedLowerLevelDirectoryEntity, dicom.UL, 0)
	item.SetStrings(dicom.DirectoryRecordType, dicom.CS, name)
	if charset := ds.String(dicom.SpecificCharacterSet); charset != "" {
		item.SetStrings(dicom.SpecificCharacterSet, dicom.CS, charset)
	}
	return item
}

// append puts a record behind the others, and into the chain of those below the same record.
func (d *Directory) append(r, above *directoryRecord) error {
	last := &d.last
	if above != nil {
		last = &above.lastBelow
	}
	var err error
	if r.item, err = apart(r.item); err != nil {
		return err
	}
	r.offset = d.size
	switch {
	case *last != nil:
		(*last).item.SetInts(dicom.OffsetOfTheNextDirectoryRecord, dicom.UL, r.offset)
	case above != nil:
		above.item.SetInts(dicom.OffsetOfReferencedLowerLevelDirectoryEntity, dicom.UL, r.offset)
	}
	*last = r
	empty, err := d.measure()
	if err != nil {
		return err
	}
	with, err := d.measure(r.item)
	if err != nil {
		return err
	}
	d.size += with - empty
	d.records = append(d.records, r)
	return nil
}

// apart is a copy that keeps nothing of what its values are parts of: records outlive the data sets, which keep a text of any length alive
// (dicom.ReadJSON).
func apart(item *dicom.DataSet) (*dicom.DataSet, error) {
	text, err := item.MarshalJSON()
	if err != nil {
		return nil, err
	}
	copied := &dicom.DataSet{}
	return copied, copied.UnmarshalJSON(text)
}

// measure is the length of a DICOMDIR with these records. Offsets have a fixed length, so that it does not matter which they are.
func (d *Directory) measure(items ...*dicom.DataSet) (int64, error) {
	var n counter
	err := writeDirectory(&n, d.uid, 0, 0, items)
	return int64(n), err
}

// Write writes the DICOMDIR of at least one file.
func (d *Directory) Write(w io.Writer) error {
	items := make([]*dicom.DataSet, len(d.records))
	for i, r := range d.records {
		items[i] = r.item
	}
	return writeDirectory(w, d.uid, d.records[0].offset, d.last.offset, items)
}

func writeDirectory(w io.Writer, uid dicom.UID, first, last int64, items []*dicom.DataSet) error {
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.FileSetID, dicom.CS, "NOCTIS")
	ds.SetInts(dicom.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity, dicom.UL, first)
	ds.SetInts(dicom.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity, dicom.UL, last)
	ds.SetInts(dicom.FileSetConsistencyFlag, dicom.US, 0)
	ds.SetItems(dicom.DirectoryRecordSequence, items...)
	return part10.Write(w, ds, part10.WriteOptions{SOPClass: MediaStorageDirectory, SOPInstance: uid, RawText: true})
}

// counter counts what is written.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
