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
	patients := valuesIn(all, match.Path{dicom.PatientID})
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
						if n, err := x.Count(t.Context(), q); err != nil || n != len(want) {
							t.Errorf("%v with %v=%q fuzzy %v: Count says %d, %v; %d match", q.Level, path, form, fuzzy, n, err, len(want))
						}
						l := match.Limits{Patients: patients[:1+asked%2]}
						ctx := match.Within(t.Context(), l)
						if want, got := uidsWithin(ctx, t, oracle, q), uidsWithin(ctx, t, x, q); !slices.Equal(got, want) {
							t.Errorf("%v with %v=%q fuzzy %v within %v:\n got %v\nwant %v", q.Level, path, form, fuzzy, l, got, want)
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

// testManyMatches asks for pages of keys that most studies match, which an index may look for in another way.
func testManyMatches(t *testing.T, o OpenIndex) {
	const studies = 1200
	x, oracle := open(t, o), memstore.NewIndex()
	var all []*store.Entry
	for i := range studies {
		ds := instance(fmt.Sprintf("1.2.%d", i), fmt.Sprintf("1.3.%d", i), fmt.Sprintf("1.4.%d", i), "")
		ds.SetStrings(dicom.PatientName, dicom.PN, fmt.Sprintf("%s^%d", []string{"DOE", "POE", "ROE", "MILLER"}[i%4], i))
		ds.SetStrings(dicom.StudyDate, dicom.DA, fmt.Sprintf("2024%02d%02d", i%12+1, i*7%28+1))
		ds.SetStrings(dicom.Modality, dicom.CS, []string{"CT", "MR", "CT"}[i%3])
		all = append(all, entryOf(t, ds, ""))
	}
	insert(t, x, all...)
	insert(t, oracle, all...)
	for _, asked := range [][]string{
		{"PatientName", "*oe*"}, {"PatientName", "*oe^*"}, {"PatientName", "*o?^*"}, {"PatientName", "doe*", "ModalitiesInStudy", "CT,MR"},
		{"ModalitiesInStudy", "CT"}, {"Modality", "CT", "PatientName", "*OE*"}, {"ModalitiesInStudy", "CT", "StudyDate", "20240301-20240930"},
		{"PatientName", "*oe*", "StudyInstanceUID", "1.2.5,1.2.6,1.2.7"}, {"PatientName", "p*"},
	} {
		var keys []match.Key
		for i := 0; i < len(asked); i += 2 {
			path, err := match.ParsePath(asked[i])
			if err != nil {
				t.Fatal(err)
			}
			key, err := match.ParseKey(path, asked[i+1], match.ParseOptions{})
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, key)
		}
		for level := match.Study; level <= match.Instance; level++ {
			if match.LevelOf(keys[0].Path[0]) > level {
				continue
			}
			for _, q := range []match.Query{{Limit: -1}, {Limit: 25}, {Offset: 190, Limit: 30}} {
				q.Level, q.Keys = level, keys
				if want, got := uids(t, oracle, q), uids(t, x, q); !slices.Equal(got, want) {
					t.Errorf("%v with %q from %d: got %d, want %d:\n%v\n%v", level, asked, q.Offset, len(got), len(want), got, want)
				}
				want, _ := oracle.Count(t.Context(), q)
				if n, err := x.Count(t.Context(), q); err != nil || n != want {
					t.Errorf("%v with %q: Count says %d, %v; want %d", level, asked, n, err, want)
				}
			}
		}
	}
}
