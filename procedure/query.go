package procedure

import (
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// unmatched are the sequences of PS3.4 Table K.6-1 that are returned, and never matched.
var unmatched = []dicom.Tag{dicom.PertinentDocumentsSequence, dicom.ProtocolContextSequence, dicom.ContainerTypeCodeSequence}

// CheckKeys looks whether the worklist may be searched by the keys: all attributes are matched as their VR allows, except where PS3.4 Table
// K.6-1 says "only". The error is ErrInvalid.
func CheckKeys(keys []match.Key) error {
	for _, k := range keys {
		if c, ok := k.Condition.(match.Sequence); ok {
			inner := slices.Clone(c.Keys)
			for i := range inner {
				inner[i].Path = slices.Concat(k.Path, inner[i].Path)
			}
			if err := CheckKeys(inner); err != nil {
				return err
			}
			continue
		}
		if _, all := k.Condition.(match.Universal); all {
			continue
		}
		for _, t := range unmatched {
			if slices.Contains(k.Path, t) {
				return invalid("%s is returned, and cannot be matched (PS3.4 Table K.6-1)", t.Keyword())
			}
		}
		if _, wild := k.Condition.(match.Wildcard); wild && k.Path[len(k.Path)-1] == dicom.ScheduledStationAETitle {
			return invalid("%s is matched by its whole value, without wildcards (PS3.4 Table K.6-1)", dicom.ScheduledStationAETitle.Keyword())
		}
	}
	return nil
}

// AsksForStatus reports whether Scheduled Procedure Step Status is a key.
func AsksForStatus(q match.Query) bool {
	for _, k := range q.Keys {
		if k.Path[0] != dicom.ScheduledProcedureStepSequence {
			continue
		}
		if len(k.Path) > 1 && k.Path[1] == dicom.ScheduledProcedureStepStatus {
			return true
		}
		if c, ok := k.Condition.(match.Sequence); ok {
			for _, inner := range c.Keys {
				if inner.Path[0] == dicom.ScheduledProcedureStepStatus {
					return true
				}
			}
		}
	}
	return false
}
