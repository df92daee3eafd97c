package dicom

import (
	"bytes"
	"testing"
)

// A private element whose number ends in 00 has the tag of a group length where its creator stands beside it.
func TestXMLKeepsFirstPrivateElement(t *testing.T) {
	ds := &DataSet{}
	ds.SetStrings(NewTag(9, 0x10), LO, "ACME")
	ds.SetInts(NewTag(9, 0x1000), US, 7)
	document, err := ds.AppendXML(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseXML(bytes.NewReader(document)); err != nil || !got.Equal(ds) {
		t.Errorf("%v, %v", got, err)
	}
}
