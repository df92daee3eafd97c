// Package dicomtest makes synthetic instances: what tests, benchmarks and `noctis demo` store instead of patients. Everything
// is computed from names and seeds, so that the same call makes the same bytes on every machine.
//
// phantom.go draws the pictures; study.go makes the demonstration studies, one modality a function in ct.go, mr.go, …;
// image.go makes small images of any pixel type for tests.
package dicomtest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/big"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
)

// Instance is a synthetic instance before it is written.
type Instance struct {
	DataSet        *dicom.DataSet
	TransferSyntax dicom.UID
	Frames         [][]byte // encapsulated syntaxes: one fragment a frame
}

// File returns the instance as a Part 10 file.
func (in Instance) File() ([]byte, error) {
	var b bytes.Buffer
	err := part10.Write(&b, in.DataSet, part10.WriteOptions{TransferSyntax: in.TransferSyntax, Frames: in.Frames})
	return b.Bytes(), err
}

// UID derives a UID from names: the root 2.25 and 127 bits of their hash (PS3.5 B.2 gives that root to UUIDs).
func UID(names ...string) dicom.UID {
	sum := sha256.Sum256([]byte("noctis " + strings.Join(names, "\x00")))
	sum[0] &= 0x7F
	return dicom.UID("2.25." + new(big.Int).SetBytes(sum[:16]).String())
}

// set fills elements in pairs of tag and value; the VR is the dictionary's. A value is a string (split at backslashes), an int,
// a []int64, a float64, a []float64, a []byte, a data set or a slice of them.
func set(ds *dicom.DataSet, pairs ...any) {
	for i := 0; i < len(pairs); i += 2 {
		t := pairs[i].(dicom.Tag)
		ds.Set(dicom.Element{Tag: t, VR: t.VR(), Value: value(t.VR(), pairs[i+1])})
	}
}

func value(vr dicom.VR, v any) dicom.Value {
	switch v := v.(type) {
	case string:
		switch {
		case v == "":
			return nil
		case vr.IsSingleText():
			return dicom.Strings{v}
		}
		return dicom.Strings(strings.Split(v, `\`))
	case dicom.UID:
		return dicom.Strings{string(v)}
	case int:
		if vr.IsText() {
			return dicom.Strings{fmt.Sprint(v)}
		}
		if vr == dicom.UV {
			return dicom.Uints{uint64(v)}
		}
		return dicom.Ints{int64(v)}
	case []int64:
		return dicom.Ints(v)
	case float64:
		if vr.IsText() {
			return dicom.Strings{decimal(v)}
		}
		return dicom.Floats{v}
	case []float64:
		if !vr.IsText() {
			return dicom.Floats(v)
		}
		s := make(dicom.Strings, len(v))
		for i, f := range v {
			s[i] = decimal(f)
		}
		return s
	case []byte:
		return dicom.Bytes(v)
	case *dicom.DataSet:
		return dicom.Items{v}
	case []*dicom.DataSet:
		return dicom.Items(v)
	case dicom.Tag:
		return dicom.Tags{v}
	}
	panic(fmt.Sprintf("dicomtest: value of type %T", v))
}

// decimal writes a DS value: at most 16 characters (PS3.5 6.2).
func decimal(f float64) string {
	s := strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.6f", f), "0"), ".")
	if s == "-0" || s == "" {
		return "0"
	}
	return s
}

// item makes a sequence item.
func item(pairs ...any) *dicom.DataSet {
	ds := &dicom.DataSet{}
	set(ds, pairs...)
	return ds
}

// code makes the item of a code sequence (PS3.3 8.8).
func code(value, scheme, meaning string) *dicom.DataSet {
	return item(dicom.CodeValue, value, dicom.CodingSchemeDesignator, scheme, dicom.CodeMeaning, meaning)
}
