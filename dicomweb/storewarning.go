package dicomweb

import (
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/valid"
	"github.com/noctis-dicom/noctis/store"
)

// Warning Reasons (PS3.18 Table I.2-1).
const (
	warningCoerced           uint16 = 0xB000
	warningElementsDiscarded uint16 = 0xB006
	warningDataSetMismatch   uint16 = 0xB007
)

// warningReasons are the leniencies in reading that a user must know of, by what part10 says of them: the file is kept as it came,
// but what is made of it lacks something. Others, like a missing preamble, change nothing in any answer, and are no Warning
// Reason: they are told in the Warning header alone, and the status stays 200, since viewers show 202 as a fault.
var warningReasons = []struct {
	text   string
	reason uint16
}{
	{"elements that occur twice; the first one counts", warningElementsDiscarded},
	{"a second element of pixel data is left out", warningElementsDiscarded},
	{"Pixel Data is shorter than its description", warningDataSetMismatch},
	{"Number of Frames is not what is there", warningDataSetMismatch},
	{"fragments that cannot be told to frames", warningDataSetMismatch},
}

// warningReason is Warning Reason (0008,1196) of a stored instance, 0 if there is none: the most appropriate where there are several.
func warningReason(r store.Receipt) (reason uint16) {
	if r.Originals != nil {
		reason = warningCoerced
	}
	if len(r.Findings) > 0 {
		reason = warningDataSetMismatch
	}
	for _, said := range r.Warnings {
		for _, w := range warningReasons {
			if strings.HasSuffix(said, w.text) {
				reason = max(reason, w.reason)
			}
		}
	}
	return reason
}

// Attributes of a Status Report that say of one attribute what is wrong with it (PS3.7 C.4), in the items of Failed Attributes
// Sequence (0074,1048): no module has a place for that, but other servers send it so.
const (
	offendingElement dicom.Tag = 0x00000901
	errorComment     dicom.Tag = 0x00000902
)

// warnings are what the Warning header tells of a stored instance.
func warnings(r store.Receipt) []string {
	texts := r.Warnings
	if len(r.Findings) > 0 {
		texts = append(texts[:len(texts):len(texts)], valid.Summary(r.Findings))
	}
	if r.Originals != nil {
		texts = append(texts[:len(texts):len(texts)], "attributes were coerced")
	}
	return texts
}

// setFindings puts findings into an item of the response module.
func setFindings(item *dicom.DataSet, findings []valid.Finding) {
	var items []*dicom.DataSet
	for _, f := range findings {
		one := &dicom.DataSet{}
		if t, err := dicom.ParseTag(f.Path[max(0, len(f.Path)-8):]); err == nil {
			one.Set(dicom.Element{Tag: offendingElement, VR: dicom.AT, Value: dicom.Tags{t}})
		}
		comment := f.String()
		one.SetStrings(errorComment, dicom.LO, comment[max(0, len(comment)-64):]) // the end of a long path names the attribute
		items = append(items, one)
	}
	if len(items) > 0 {
		item.SetItems(dicom.FailedAttributesSequence, items...)
	}
}

// setOriginals puts what an attribute was before it was coerced into an item of the response module (PS3.18 Table I.1-1), as it is
// stored too.
func setOriginals(item *dicom.DataSet, originals *dicom.DataSet) {
	if originals != nil {
		item.SetItems(dicom.OriginalAttributesSequence, originals)
	}
}
