package match

import (
	"cmp"
	"strconv"

	"github.com/noctis-dicom/noctis/dicom"
)

// Order is an attribute by which results are put in order. What has no value comes last, whichever the direction.
type Order struct {
	Tag        dicom.Tag
	Descending bool
}

// SortKey holds what decides the place of a data set among the results of a query, a value per element of Query.Order.
type SortKey []sortValue

type sortValue struct {
	known  bool
	number float64
	text   string
}

// SortKey returns the first value of each attribute of q.Order in the form in which values are compared: dates and times as
// moments, numbers by value, names folded, other text as it is.
func (q Query) SortKey(ds *dicom.DataSet) SortKey {
	key := make(SortKey, len(q.Order))
	for i, o := range q.Order {
		e, _ := ds.Get(o.Tag)
		for _, text := range texts(e) {
			if v, ok := sortable(e.VR, text, ds.String(dicom.TimezoneOffsetFromUTC)); ok {
				key[i] = v
				break
			}
		}
	}
	return key
}

func sortable(vr dicom.VR, text, zone string) (v sortValue, ok bool) {
	v.known = true
	switch vr {
	case dicom.DA:
		v.text, ok = NormalDate(text)
	case dicom.TM:
		v.text, ok = NormalTime(text)
	case dicom.DT:
		v.text, ok = NormalDateTime(text, zone)
	case dicom.PN:
		v.text = FoldName(text)
		ok = v.text != ""
	case dicom.IS, dicom.DS, dicom.SL, dicom.SS, dicom.SV, dicom.UL, dicom.US, dicom.UV, dicom.FL, dicom.FD:
		number, err := strconv.ParseFloat(Normal(vr, text), 64)
		v.number, ok = number, err == nil
	default:
		v.text = Normal(vr, text)
		ok = v.text != ""
	}
	return v, ok
}

// Compare orders two data sets of the query's results by their sort keys: negative if a comes first, 0 if q.Order does not
// tell them apart.
func (q Query) Compare(a, b SortKey) int {
	for i, o := range q.Order {
		x, y := a[i], b[i]
		if x.known != y.known {
			if x.known {
				return -1
			}
			return 1
		}
		c := cmp.Or(cmp.Compare(x.number, y.number), cmp.Compare(x.text, y.text))
		if c == 0 {
			continue
		}
		if o.Descending {
			return -c
		}
		return c
	}
	return 0
}
