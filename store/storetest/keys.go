package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// testKeys asks for every value that the data has of the attributes by which all servers match (PS3.18 Table 10.6.1-5), in every
// form that a key may take, and compares the results with those of the oracle. What random queries seldom meet is here: the ends
// of ranges, patterns cut out of a value, lists, names of several component groups, fuzzy matching.
func testKeys(t *testing.T, o OpenIndex) {
	x, oracle := open(t, o), memstore.NewIndex()
	all := entries(t, 15, 120)
	for i, text := range []string{`a_b%c!d'e"`, `axbycdd;--`, "first"} { // what means something to SQL, and what is to be forgotten
		ds := instance("1.2.826.77", "1.2.826.77.1", fmt.Sprintf("1.2.826.77.1.%d", i), "")
		for _, tag := range []dicom.Tag{dicom.PatientID, dicom.AccessionNumber, dicom.StudyID, dicom.PatientName, dicom.Modality} {
			ds.SetStrings(tag, tag.VR(), text)
		}
		all = append([]*store.Entry{entryOf(t, ds, "")}, all...)
	}
	insert(t, oracle, all...)
	// The last to come decides what study and series say, so that an index has to forget what it knew before.
	slices.SortFunc(all, func(a, b *store.Entry) int { return cmp.Compare(b.Ref.Instance, a.Ref.Instance) })
	for _, e := range all {
		insert(t, x, e)
	}
	asked, hits := 0, 0
	for of := match.Study; of <= match.Instance; of++ {
		for _, path := range match.Required(of) {
			values := valuesIn(all, path)
			for i, v := range values {
				for _, form := range forms(path[len(path)-1].VR(), v, values[(i+1)%len(values)]) {
					key, err := match.ParseKey(path, form, match.ParseOptions{MultipleValues: asked%4 == 0})
					if err != nil {
						continue
					}
					for _, fuzzy := range []bool{false, true} {
						q := match.Query{Level: max(of, match.Level(asked/2%3)), Keys: []match.Key{key}, Fuzzy: fuzzy, Limit: -1}
						want, got := uids(t, oracle, q), uids(t, x, q)
						if !slices.Equal(got, want) {
							t.Errorf("%v with %v=%q fuzzy %v (%#v):\n got %v\nwant %v", q.Level, path, form, fuzzy, key.Condition, got, want)
						}
						asked++
						hits += len(want)
					}
				}
			}
		}
	}
	if asked < 1000 || hits < asked {
		t.Errorf("%d queries, %d results: they prove little", asked, hits)
	}
}

// valuesIn returns the values, as text, that the instances have of the attribute.
func valuesIn(all []*store.Entry, path match.Path) []string {
	var values []string
	for _, e := range all {
		items := []*dicom.DataSet{e.DataSet}
		for _, tag := range path[:len(path)-1] {
			items = items[0].Items(tag)
			if len(items) == 0 {
				break
			}
		}
		if len(items) == 0 {
			continue
		}
		tag := path[len(path)-1]
		if tag == dicom.ModalitiesInStudy {
			tag = dicom.Modality
		}
		for _, v := range items[0].Strings(tag) {
			if v != "" && !slices.Contains(values, v) && len(values) < 6 {
				values = append(values, v)
			}
		}
	}
	return values
}

// forms are the texts of a key that are made of a value, and of another one.
func forms(vr dicom.VR, v, other string) []string {
	runes := []rune(v)
	half := len(runes) / 2
	first, last := string(runes[:half]), string(runes[half:])
	forms := []string{
		v, v + "," + other, v + ",?" + last, v + `\` + other, "", `""`, strings.ToUpper(v), strings.ToLower(v),
		first + "*", "*" + last, first + "*" + last, "*" + string(runes[half/2:half]) + "*", "*", "***", "?*",
		first + "?" + string(runes[min(half+1, len(runes)):]), strings.Repeat("?", len(runes)), v + "*", "*" + v + "*", v + "?", v + "x",
	}
	switch vr {
	case dicom.DA, dicom.TM:
		forms = append(forms, v+"-", "-"+v, v+"-"+v, v+"-"+other, other+"-"+v, v[:min(4, len(v))], v[:min(4, len(v))]+"-")
	case dicom.PN:
		for _, group := range strings.Split(v, "=") {
			forms = append(forms, group, group+"*", group+"^*", "="+group, "=="+group, group+"=*", "*="+group, group+"="+group)
			family, _, _ := strings.Cut(group, "^")
			forms = append(forms, family, family+"*", family+"^*", family+"^^*")
		}
	}
	return forms
}
