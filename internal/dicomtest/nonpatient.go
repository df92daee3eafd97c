package dicomtest

import (
	"encoding/binary"

	"github.com/noctis-dicom/noctis/dicom"
)

// NonPatient are instances of no patient, one of each SOP Class that PS3.18 chapter 12 knows. name tells those of several calls apart: it
// is part of their UIDs and of what they are called.
func NonPatient(name string) []Instance {
	instances := []Instance{
		Palette(name), HangingProtocol(name, "CT"),
		of(name, "1.2.840.10008.5.1.4.1.1.200.1", procedureProtocol(name, "CT")...),
		of(name, "1.2.840.10008.5.1.4.1.1.200.7", procedureProtocol(name, "XA")...),
		of(name, "1.2.840.10008.5.1.4.1.1.200.3",
			dicom.ApprovalSubjectSequence, referenced("1.2.840.10008.5.1.4.1.1.200.1", UID(name, "1.2.840.10008.5.1.4.1.1.200.1")),
			dicom.ApprovalSequence, item(dicom.AssertionCodeSequence, code("128603", "DCM", "Approved for use at the institution"))),
		ImplantTemplate(name),
		of(name, "1.2.840.10008.5.1.4.44.1",
			dicom.EffectiveDateTime, "20260101000000", dicom.ImplantAssemblyTemplateName, name+" assembly",
			dicom.ImplantAssemblyTemplateIssuer, "NOCTIS", dicom.ImplantAssemblyTemplateVersion, "1", dicom.ImplantAssemblyTemplateType, "ORIGINAL",
			dicom.Manufacturer, "Noctis Implants", dicom.ProcedureTypeCodeSequence, code("76915002", "SCT", "Total replacement of hip"),
			dicom.SurgicalTechnique, "anterior"),
		of(name, "1.2.840.10008.5.1.4.45.1",
			dicom.EffectiveDateTime, "20260101000000", dicom.ImplantTemplateGroupName, name+" group", dicom.ImplantTemplateGroupIssuer, "NOCTIS",
			dicom.ImplantTemplateGroupVersion, "1", dicom.ImplantTemplateGroupMembersSequence, referenced("1.2.840.10008.5.1.4.43.1", UID(name, "1.2.840.10008.5.1.4.43.1"))),
		Inventory(name, 2),
	}
	return instances
}

// of makes an instance of no patient, in Explicit VR Little Endian.
func of(name string, class dicom.UID, pairs ...any) Instance {
	ds := &dicom.DataSet{}
	set(ds, dicom.SpecificCharacterSet, "ISO_IR 192", dicom.SOPClassUID, class, dicom.SOPInstanceUID, UID(name, string(class)),
		dicom.InstanceCreationDate, "20260312", dicom.InstanceCreationTime, "101500")
	set(ds, pairs...)
	return Instance{DataSet: ds, TransferSyntax: dicom.ExplicitVRLittleEndian}
}

func referenced(class, uid dicom.UID) *dicom.DataSet {
	return item(dicom.ReferencedSOPClassUID, class, dicom.ReferencedSOPInstanceUID, uid)
}

// Palette is a colour palette (PS3.3 A.58) from black to red of 256 entries, 16 bits each: so long that its tables are bulk data.
func Palette(name string) Instance {
	red, none := make([]byte, 512), make([]byte, 512)
	for i := range 256 {
		binary.LittleEndian.PutUint16(red[2*i:], uint16(i)<<8)
	}
	descriptor := []int64{256, 0, 16}
	return of(name, "1.2.840.10008.5.1.4.39.1",
		dicom.ContentLabel, "NOCTIS_RED", dicom.ContentDescription, name+" palette", dicom.ContentCreatorName, "DEMO^MAKER",
		dicom.RedPaletteColorLookupTableDescriptor, descriptor, dicom.GreenPaletteColorLookupTableDescriptor, descriptor,
		dicom.BluePaletteColorLookupTableDescriptor, descriptor, dicom.RedPaletteColorLookupTableData, red,
		dicom.GreenPaletteColorLookupTableData, none, dicom.BluePaletteColorLookupTableData, none, dicom.PaletteColorLookupTableUID, UID(name, "palette"))
}

// HangingProtocol is a hanging protocol (PS3.3 A.44) for chest images of a modality.
func HangingProtocol(name, modality string) Instance {
	in := of(name, "1.2.840.10008.5.1.4.38.1",
		dicom.HangingProtocolName, name, dicom.HangingProtocolDescription, "Chest, with a prior: größe", dicom.HangingProtocolLevel, "SITE",
		dicom.HangingProtocolCreator, "DEMO", dicom.HangingProtocolCreationDateTime, "20260312101500",
		dicom.HangingProtocolDefinitionSequence, item(dicom.Modality, modality,
			dicom.AnatomicRegionSequence, code("51185008", "SCT", "Chest"), dicom.Laterality, "", dicom.ProcedureCodeSequence, []*dicom.DataSet{},
			dicom.ReasonForRequestedProcedureCodeSequence, []*dicom.DataSet{}),
		dicom.NumberOfPriorsReferenced, 1, dicom.HangingProtocolUserIdentificationCodeSequence, []*dicom.DataSet{}, dicom.NumberOfScreens, 2,
		dicom.NominalScreenDefinitionSequence, item(dicom.NumberOfVerticalPixels, 2048, dicom.NumberOfHorizontalPixels, 1536,
			dicom.DisplayEnvironmentSpatialPosition, []float64{0, 1, 1, 0}, dicom.ScreenMinimumGrayscaleBitDepth, 8),
		dicom.ImageSetsSequence, item(dicom.ImageSetSelectorSequence, item(dicom.ImageSetSelectorUsageFlag, "MATCH", dicom.SelectorAttribute, dicom.Modality,
			dicom.SelectorAttributeVR, "CS", dicom.SelectorCSValue, modality, dicom.SelectorValueNumber, 1)),
		dicom.PartialDataDisplayHandling, "MAINTAIN_LAYOUT")
	in.DataSet.SetStrings(dicom.SOPInstanceUID, dicom.UI, string(UID(name, modality, "hanging protocol")))
	return in
}

// procedureProtocol is what the Defined Procedure Protocols of all modalities have (PS3.3 C.34.2).
func procedureProtocol(name, modality string) []any {
	return []any{
		dicom.CustodialOrganizationSequence, item(dicom.InstitutionName, "North", dicom.InstitutionCodeSequence, code("N", "99NOCTIS", "North")),
		dicom.ResponsibleGroupCodeSequence, code("R-4215F", "SRT", "Radiology"), dicom.ProtocolName, name + " " + modality,
		dicom.PotentialScheduledProtocolCodeSequence, code("P1", "99NOCTIS", "Chest routine"),
		dicom.PotentialRequestedProcedureCodeSequence, code("P2", "99NOCTIS", "Chest"), dicom.ContentCreatorName, "DEMO^MAKER",
		dicom.EquipmentModality, modality,
		dicom.ModelSpecificationSequence, item(dicom.Manufacturer, "NOCTIS", dicom.ManufacturerModelName, "Model "+modality, dicom.SoftwareVersions, "1.0"),
	}
}

// ImplantTemplate is a Generic Implant Template (PS3.3 A.61) with a drawing as bulk data.
func ImplantTemplate(name string) Instance {
	drawing := make([]byte, 4096)
	for i := range drawing {
		drawing[i] = "IN;SP1;PU0,0;PD100,100;"[i%23]
	}
	return of(name, "1.2.840.10008.5.1.4.43.1",
		dicom.Manufacturer, "Noctis Implants", dicom.FrameOfReferenceUID, UID(name, "implant"), dicom.ImplantName, name+" stem", dicom.ImplantSize, "M",
		dicom.ImplantPartNumber, "NI-"+name, dicom.ImplantTemplateVersion, "1", dicom.ImplantType, "ORIGINAL", dicom.EffectiveDateTime, "20260101000000",
		dicom.ImplantTargetAnatomySequence, item(dicom.AnatomicRegionSequence, code("29836001", "SCT", "Hip")),
		dicom.MaterialsCodeSequence, code("M1", "99NOCTIS", "Titanium"), dicom.CoatingMaterialsCodeSequence, []*dicom.DataSet{},
		dicom.HPGLDocumentSequence, item(dicom.HPGLDocumentID, 1, dicom.HPGLDocument, drawing))
}

// Inventory is an inventory (PS3.3 A.88) of some studies.
func Inventory(name string, studies int) Instance {
	var records []*dicom.DataSet
	for i := range studies {
		s := UID(name, "inventoried", string(rune('a'+i%26)), decimal(float64(i)))
		records = append(records, item(dicom.ItemInventoryDateTime, "20260312101500", dicom.StudyInstanceUID, s, dicom.PatientName, "DEMO^INVENTORIED",
			dicom.PatientID, "NOCTIS-INV", dicom.StudyDate, "20260301"))
	}
	return of(name, "1.2.840.10008.5.1.4.1.1.201.1",
		dicom.ContentDate, "20260312", dicom.ContentTime, "101500", dicom.ScopeOfInventorySequence, item(dicom.GeneralMatchingSequence, item(dicom.PatientID, "NOCTIS-*")),
		dicom.InventoryPurpose, name+" migration", dicom.InventoryInstanceDescription, "all of it", dicom.InventoryLevel, "STUDY",
		dicom.InventoryCompletionStatus, "COMPLETE", dicom.NumberOfStudyRecordsInInstance, studies, dicom.TotalNumberOfStudyRecords, studies,
		dicom.InventoriedStudiesSequence, records, dicom.Manufacturer, "NOCTIS", dicom.ManufacturerModelName, "Noctis")
}
