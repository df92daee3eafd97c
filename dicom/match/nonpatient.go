package match

import (
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
)

// nonPatient are the attributes by which an instance of no patient is searched, and which a result has (PS3.18 Table 12.6.1-2).
type nonPatient struct {
	keys     []dicom.Tag // matched by every origin server; a result has them, empty if need be
	returned []dicom.Tag // a result has them, empty if need be
	optional []dicom.Tag // a result has them where the instance has
}

// nonPatients are the tables of PS3.4 by SOP Class. Those of sequences stand for all of their items. PS3.4 names only single attributes of
// the Inventory Information Entity as keys of an inventory; here those are all that PS3.3 C.38.1 has outside of the inventoried studies.
var nonPatients = map[dicom.UID]nonPatient{
	"1.2.840.10008.5.1.4.39.1": { // Color Palette, PS3.4 X.6.1.2
		keys:     []dicom.Tag{dicom.ContentLabel},
		returned: []dicom.Tag{dicom.ContentDescription, dicom.ContentCreatorName},
		optional: []dicom.Tag{dicom.AlternateContentDescriptionSequence},
	},
	"1.2.840.10008.5.1.4.38.1": { // Hanging Protocol, PS3.4 U.6.1.2
		keys: []dicom.Tag{
			dicom.HangingProtocolName, dicom.HangingProtocolLevel, dicom.HangingProtocolDefinitionSequence, dicom.NumberOfPriorsReferenced,
			dicom.HangingProtocolUserIdentificationCodeSequence, dicom.NumberOfScreens,
		},
		returned: []dicom.Tag{
			dicom.HangingProtocolDescription, dicom.HangingProtocolCreator, dicom.HangingProtocolCreationDateTime,
			dicom.NominalScreenDefinitionSequence,
		},
		optional: []dicom.Tag{dicom.HangingProtocolUserGroupName},
	},
	"1.2.840.10008.5.1.4.1.1.200.1": definedProtocol, // of CT
	"1.2.840.10008.5.1.4.1.1.200.7": definedProtocol, // of XA
	"1.2.840.10008.5.1.4.1.1.200.3": { // Protocol Approval, PS3.4 II.6.1.2
		keys: []dicom.Tag{dicom.InstanceCreationDate, dicom.InstanceCreationTime, dicom.ApprovalSubjectSequence, dicom.ApprovalSequence},
	},
	"1.2.840.10008.5.1.4.43.1": { // Generic Implant Template, PS3.4 BB.6.1.2.1
		keys: []dicom.Tag{
			dicom.Manufacturer, dicom.ImplantName, dicom.ImplantSize, dicom.ImplantPartNumber, dicom.ReplacedImplantTemplateSequence,
			dicom.DerivationImplantTemplateSequence, dicom.OriginalImplantTemplateSequence, dicom.EffectiveDateTime,
			dicom.ImplantTargetAnatomySequence, dicom.ImplantRegulatoryDisapprovalCodeSequence, dicom.MaterialsCodeSequence,
			dicom.CoatingMaterialsCodeSequence,
		},
	},
	"1.2.840.10008.5.1.4.44.1": { // Implant Assembly Template, PS3.4 BB.6.1.2.2
		keys: []dicom.Tag{
			dicom.ImplantAssemblyTemplateName, dicom.Manufacturer, dicom.ProcedureTypeCodeSequence,
			dicom.ReplacedImplantAssemblyTemplateSequence, dicom.OriginalImplantAssemblyTemplateSequence,
			dicom.DerivationImplantAssemblyTemplateSequence, dicom.SurgicalTechnique,
		},
	},
	"1.2.840.10008.5.1.4.45.1": { // Implant Template Group, PS3.4 BB.6.1.2.3
		keys: []dicom.Tag{
			dicom.ImplantTemplateGroupName, dicom.ImplantTemplateGroupIssuer, dicom.EffectiveDateTime,
			dicom.ReplacedImplantTemplateGroupSequence,
		},
		returned: []dicom.Tag{dicom.ImplantTemplateGroupDescription},
	},
	"1.2.840.10008.5.1.4.1.1.201.1": { // Inventory, PS3.4 JJ.2.2
		keys: []dicom.Tag{
			dicom.ContentDate, dicom.ContentTime, dicom.ScopeOfInventorySequence, dicom.InventoryPurpose, dicom.InventoryLevel,
			dicom.InventoryCompletionStatus, dicom.TotalNumberOfStudyRecords,
		},
		returned: []dicom.Tag{dicom.NumberOfStudyRecordsInInstance},
		optional: []dicom.Tag{
			dicom.TransactionUID, dicom.InventoryInstanceDescription, dicom.ExpirationDateTime, dicom.IncorporatedInventoryInstanceSequence,
		},
	},
}

// definedProtocol are the attributes of Defined Procedure Protocols (PS3.4 HH.6.1.2).
var definedProtocol = nonPatient{
	keys: []dicom.Tag{
		dicom.CustodialOrganizationSequence, dicom.ResponsibleGroupCodeSequence, dicom.ProtocolName,
		dicom.PotentialScheduledProtocolCodeSequence, dicom.PotentialRequestedProcedureCodeSequence,
		dicom.PotentialReasonsForProcedureCodeSequence, dicom.PredecessorProtocolSequence, dicom.ContentCreatorName,
		dicom.InstanceCreationDate, dicom.InstanceCreationTime, dicom.ClinicalTrialSponsorName, dicom.ClinicalTrialProtocolID,
		dicom.EquipmentModality, dicom.ModelSpecificationSequence, dicom.AnatomicRegionSequence, dicom.PrimaryAnatomicStructureSequence,
	},
	returned: []dicom.Tag{dicom.PotentialReasonsForProcedure, dicom.PotentialDiagnosticTasks},
}

// NonPatientKeys returns the attributes by which every origin server matches the instances of a resource (PS3.18 12.6.1.2).
func NonPatientKeys(resource string) []dicom.Tag {
	keys := []dicom.Tag{dicom.SOPClassUID, dicom.SOPInstanceUID}
	for _, class := range dicom.ClassesIn(resource) {
		keys = append(keys, nonPatients[class].keys...)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// NonPatientReturns returns the attributes that a result of the SOP Class has without being asked for.
func NonPatientReturns(class dicom.UID) []Return {
	rows := []Return{
		{Path{dicom.SpecificCharacterSet}, Conditional, false}, {Path{dicom.TimezoneOffsetFromUTC}, Conditional, false},
		{Path{dicom.SOPClassUID}, RequiredKey, false}, {Path{dicom.SOPInstanceUID}, Unique, false},
	}
	n := nonPatients[class]
	for _, t := range slices.Concat(n.keys, n.returned) {
		rows = append(rows, Return{Path{t}, RequiredKey, false})
	}
	for _, t := range n.optional {
		rows = append(rows, Return{Path{t}, Optional, false})
	}
	return rows
}

// NonPatientReturned returns the attributes that results of a resource have without being asked for, of one SOP Class or another.
func NonPatientReturned(resource string) []dicom.Tag {
	var tags []dicom.Tag
	for _, class := range dicom.ClassesIn(resource) {
		for _, r := range NonPatientReturns(class) {
			tags = append(tags, r.Path[0])
		}
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}
