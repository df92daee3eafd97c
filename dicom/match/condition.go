package match

import (
	"errors"

	"github.com/noctis-dicom/noctis/dicom"
)

// Condition is one of the matching types of PS3.4 C.2.2.2.
type Condition interface{ isCondition() }

func (k Key) match(ds *dicom.DataSet, fuzzy bool) bool { return false }

// ParseOptions are what the text of a key cannot say itself.
type ParseOptions struct {
	VR             dicom.VR // of a private attribute; empty: that of the dictionary
	EmptyValue     bool     // emptyvaluematching=true (PS3.4 C.2.2.2.7)
	MultipleValues bool     // multiplevaluematching=true (PS3.4 C.2.2.2.8)
}

// ParseKey reads the value of a key as PS3.18 8.3.4.1 writes it, percent-decoded. The error says what was wrong with it.
func ParseKey(path Path, value string, o ParseOptions) (Key, error) {
	return Key{}, errors.New("not built yet")
}
