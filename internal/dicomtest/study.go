package dicomtest

import (
	"iter"
	"strconv"

	"github.com/noctis-dicom/noctis/dicom"
)

// SOP classes of the synthetic instances (PS3.4 B.5).
const (
	crImage          = "1.2.840.10008.5.1.4.1.1.1"
	ctImage          = "1.2.840.10008.5.1.4.1.1.2"
	mrImage          = "1.2.840.10008.5.1.4.1.1.4"
	usMultiFrame     = "1.2.840.10008.5.1.4.1.1.3.1"
	secondaryCapture = "1.2.840.10008.5.1.4.1.1.7"
	segmentation     = "1.2.840.10008.5.1.4.1.1.66.4"
	comprehensiveSR  = "1.2.840.10008.5.1.4.1.1.88.33"
)

// Demo yields the demonstration set: four studies of four invented patients, about 20 MB. A CT of the chest with a
// segmentation and a measurement report, an MR of the head, a radiograph of a hand, and an ultrasound cine in colour.
func Demo() iter.Seq[Instance] {
	return func(yield func(Instance) bool) {
		for _, study := range []func() []Instance{Chest, Head, Hand, Heart} {
			for _, in := range study() {
				if !yield(in) {
					return
				}
			}
		}
	}
}

// Patient and Study are the attributes that all instances of a study share.
type Patient struct {
	Name, ID, BirthDate, Sex string
}

// Study is one imaging study of an invented patient.
type Study struct {
	Patient
	Name               string // of which its UIDs are made
	Date, Time         string
	Description        string
	Accession          string
	ReferringPhysician string
}

// UID is the Study Instance UID.
func (s Study) UID() dicom.UID { return UID(s.Name) }

// Series is one series of a study.
type Series struct {
	Study
	Number      int
	Modality    string
	Description string
}

// UID is the Series Instance UID.
func (s Series) UID() dicom.UID { return UID(s.Study.Name, s.Modality, s.Description) }

// Instance returns a data set with everything but what the SOP class adds: number counts from 1.
func (s Series) Instance(sopClass dicom.UID, number int) *dicom.DataSet {
	ds := &dicom.DataSet{}
	set(ds,
		dicom.SpecificCharacterSet, "ISO_IR 192",
		dicom.SOPClassUID, sopClass,
		dicom.SOPInstanceUID, UID(s.Study.Name, s.Modality, s.Description, strconv.Itoa(number)),
		dicom.StudyDate, s.Date, dicom.SeriesDate, s.Date, dicom.ContentDate, s.Date,
		dicom.StudyTime, s.Time, dicom.SeriesTime, s.Time, dicom.ContentTime, s.Time,
		dicom.AccessionNumber, s.Accession,
		dicom.Modality, s.Modality,
		dicom.Manufacturer, "Noctis",
		dicom.InstitutionName, "Synthetic Hospital",
		dicom.ReferringPhysicianName, s.ReferringPhysician,
		dicom.StudyDescription, s.Study.Description,
		dicom.SeriesDescription, s.Description,
		dicom.ManufacturerModelName, "dicomtest",
		dicom.PatientName, s.Patient.Name,
		dicom.PatientID, s.ID,
		dicom.PatientBirthDate, s.BirthDate,
		dicom.PatientSex, s.Sex,
		dicom.StudyInstanceUID, s.Study.UID(),
		dicom.SeriesInstanceUID, s.UID(),
		dicom.StudyID, s.Accession,
		dicom.SeriesNumber, s.Number,
		dicom.InstanceNumber, number,
	)
	return ds
}

// monochrome adds the Image Pixel Module (PS3.3 C.7.6.3) of a 16-bit grayscale image and its native pixel data.
func monochrome(ds *dicom.DataSet, photometric string, rows, columns, bitsStored int, signed bool, pixels []byte) {
	representation := 0
	if signed {
		representation = 1
	}
	set(ds,
		dicom.SamplesPerPixel, 1,
		dicom.PhotometricInterpretation, photometric,
		dicom.Rows, rows, dicom.Columns, columns,
		dicom.BitsAllocated, 16, dicom.BitsStored, bitsStored, dicom.HighBit, bitsStored-1,
		dicom.PixelRepresentation, representation,
	)
	ds.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OW, Value: dicom.Bytes(pixels)})
}
