package dicomweb

import (
	"strings"

	"github.com/noctis-dicom/noctis/store"
)

// Warning Reasons (PS3.18 Table I.2-1).
const (
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
	for _, said := range r.Warnings {
		for _, w := range warningReasons {
			if strings.HasSuffix(said, w.text) {
				reason = max(reason, w.reason)
			}
		}
	}
	return reason
}
