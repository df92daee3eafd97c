// Package worklist is the Unified Procedure Step of PS3.4 Annex CC: what a workitem must hold, which states it goes through, who may
// change it, and who is told. It knows neither HTTP nor SQL.
//
// state.go has the table of states, row by row, and requirements.go that of the attributes (PS3.4 Tables CC.1.1-2 and CC.2.5-3);
// workitem.go, update.go and final.go make and change workitems by them; reading.go makes the one that each stored study has;
// subscription.go and event.go say who is told what. List joins these to the operations of PS3.4 CC.2, on top of a Repository, which
// keeps workitems, subscriptions and events; memlist is the reference implementation, and worklisttest the suite that each passes.
package worklist

import "github.com/noctis-dicom/noctis/dicom"

// SOPClass is that of every workitem, whichever of the UPS classes it is spoken of by (PS3.4 CC.3.1).
const SOPClass dicom.UID = "1.2.840.10008.5.1.4.34.6.1"

// The worklist as a whole, and that part of it that a filter selects, as what one subscribes to (PS3.4 CC.3.1.2, CC.2.3.2).
const (
	Global   dicom.UID = "1.2.840.10008.5.1.4.34.5"
	Filtered dicom.UID = "1.2.840.10008.5.1.4.34.5.1"
)
