package dicom

import (
	"bytes"
	"math"
	"slices"
)

// Equal reports whether both data sets hold the same elements with the same values. A NaN equals a NaN, and an empty value is
// an empty value, be it nil or without elements.
func (ds *DataSet) Equal(o *DataSet) bool {
	if ds == nil || o == nil {
		return ds == o
	}
	return slices.EqualFunc(slices.Collect(ds.All()), slices.Collect(o.All()), Element.Equal)
}

// Equal reports whether both elements have the same tag, VR and value; see DataSet.Equal.
func (e Element) Equal(o Element) bool {
	if e.Tag != o.Tag || e.VR != o.VR {
		return false
	}
	if valueLen(e.Value) == 0 || valueLen(o.Value) == 0 {
		return valueLen(e.Value) == valueLen(o.Value)
	}
	switch v := e.Value.(type) {
	case Strings:
		w, ok := o.Value.(Strings)
		return ok && slices.Equal(v, w)
	case Ints:
		w, ok := o.Value.(Ints)
		return ok && slices.Equal(v, w)
	case Uints:
		w, ok := o.Value.(Uints)
		return ok && slices.Equal(v, w)
	case Floats:
		w, ok := o.Value.(Floats)
		return ok && slices.EqualFunc(v, w, func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })
	case Tags:
		w, ok := o.Value.(Tags)
		return ok && slices.Equal(v, w)
	case Items:
		w, ok := o.Value.(Items)
		return ok && slices.EqualFunc(v, w, (*DataSet).Equal)
	case Bytes:
		w, ok := o.Value.(Bytes)
		return ok && bytes.Equal(v, w)
	}
	return e.Value == o.Value // a Bulk
}

// valueLen returns the number of values, 0 for nil.
func valueLen(v Value) int {
	switch v := v.(type) {
	case nil:
		return 0
	case Strings:
		return len(v)
	case Ints:
		return len(v)
	case Uints:
		return len(v)
	case Floats:
		return len(v)
	case Tags:
		return len(v)
	case Items:
		return len(v)
	case Bytes:
		return len(v)
	}
	return 1
}
