package dicom

import "testing"

func TestEqual(t *testing.T) {
	set := func(v Value) *DataSet { return &DataSet{elements: []Element{{PatientID, LO, v}}} }
	values := []Value{Strings{"a"}, Strings{"b"}, Ints{1}, Uints{1}, Floats{1}, Tags{1}, Items{set(Ints{1})}, Items{set(Ints{2})},
		Items{nil}, Bytes{1}, Bytes{2}, Bulk{"x"}, Bulk{"y"}, nil}
	for i, a := range values {
		for j, b := range values {
			if got := set(a).Equal(set(b)); got != (i == j) {
				t.Errorf("%T%v, %T%v: %v", a, a, b, b, got)
			}
		}
	}
	if !set(Bytes{}).Equal(set(Strings(nil))) || (&DataSet{}).Equal(set(nil)) || (*DataSet)(nil).Equal(&DataSet{}) {
		t.Error("empty values")
	}
}
