package fileset

import "github.com/noctis-dicom/noctis/dicom"

// rootRecords are the records of files that belong to no patient: they lie at the root, and have these keys (PS3.3 Table F.4-1, F.5). There
// are none of procedure protocols and their approvals: such files lie in a file set without being told of.
var rootRecords = map[dicom.UID]struct {
	name string
	keys []dicom.Tag
}{
	"1.2.840.10008.5.1.4.38.1": {"HANGING PROTOCOL", []dicom.Tag{
		dicom.HangingProtocolName, dicom.HangingProtocolDescription, dicom.HangingProtocolLevel, dicom.HangingProtocolCreator,
		dicom.HangingProtocolCreationDateTime, dicom.HangingProtocolDefinitionSequence, dicom.NumberOfPriorsReferenced,
		dicom.HangingProtocolUserIdentificationCodeSequence,
	}},
	"1.2.840.10008.5.1.4.39.1": {"PALETTE", []dicom.Tag{dicom.ContentLabel, dicom.ContentDescription}},
	"1.2.840.10008.5.1.4.43.1": {"IMPLANT", []dicom.Tag{dicom.Manufacturer, dicom.ImplantName, dicom.ImplantSize, dicom.ImplantPartNumber}},
	"1.2.840.10008.5.1.4.44.1": {"IMPLANT ASSY", []dicom.Tag{dicom.ImplantAssemblyTemplateName, dicom.Manufacturer, dicom.ProcedureTypeCodeSequence}},
	"1.2.840.10008.5.1.4.45.1": {"IMPLANT GROUP", []dicom.Tag{
		dicom.ImplantTemplateGroupName, dicom.ImplantTemplateGroupDescription, dicom.ImplantTemplateGroupIssuer,
	}},
	"1.2.840.10008.5.1.4.1.1.201.1": {"INVENTORY", []dicom.Tag{dicom.ContentDate, dicom.ContentTime, dicom.InventoryPurpose}},
}

// addToRoot adds a file of no patient.
func (d *Directory) addToRoot(ds *dicom.DataSet, path []string, ts dicom.UID) error {
	of, known := rootRecords[ds.UID(dicom.SOPClassUID)]
	if !known {
		return nil
	}
	item := newRecord(ds, of.name)
	for _, t := range of.keys {
		if e, there := ds.Get(t); there {
			item.Set(e)
		}
	}
	refer(item, ds, path, ts)
	return d.append(&directoryRecord{item: item}, nil)
}
