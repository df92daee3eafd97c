// Package matchtest makes random instances and random queries, so that an index can be compared with the oracle
// match.Query.Match.
//
// Values come from small pools and collide often: names in several scripts and cases, empty and repeated values, numbers
// written in different ways, partial dates, texts with characters that mean something to SQL. There is at least one
// attribute for every VR and at every level, and the queries use every matching type. pools.go holds the pools, query.go
// makes the queries.
package matchtest

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// Generator makes the same instances and queries from the same seed. It is not safe for concurrent use.
type Generator struct {
	// Disagree makes instances contradict one another now and then in the attributes of their common study or series.
	Disagree bool

	rand    *rand.Rand
	studies []*study
	count   int
}

type study struct {
	attributes *dicom.DataSet
	series     []*dicom.DataSet
}

const (
	patients         = 4
	studiesInAll     = 8
	seriesPerStudy   = 3
	presentOneIn     = 4 // of this many attributes one is absent
	disagreementIn   = 5
	privateCreatorA  = "NOCTIS TEST"
	privateCreatorB  = "ACME 1.1"
	privateGroup     = 0x0023
	privateElementLO = 0x01
	privateElementUN = 0x02
	privateElementSQ = 0x03
	privateElements  = 0x04 // and those behind it, each of one of the VRs of the instance
)

// New returns a generator of 8 studies of up to 3 series, of 4 patients.
func New(seed uint64) *Generator {
	g := &Generator{rand: rand.New(rand.NewPCG(seed, 0x6e6f63746973))}
	var people []*dicom.DataSet
	for range patients {
		people = append(people, g.fill(&dicom.DataSet{}, patientPool))
	}
	for i := range studiesInAll {
		s := &study{attributes: g.fill(pick(g, people).Clone(), studyPool)}
		s.attributes.SetStrings(dicom.StudyInstanceUID, dicom.UI, fmt.Sprintf("1.2.826.%d", i+1))
		for j := range seriesPerStudy {
			series := g.fill(&dicom.DataSet{}, seriesPool)
			series.SetStrings(dicom.SeriesInstanceUID, dicom.UI, fmt.Sprintf("1.2.826.%d.%d", i+1, j+1))
			s.series = append(s.series, series)
		}
		g.studies = append(g.studies, s)
	}
	return g
}

// Instance returns the next instance, with a SOP Instance UID of its own.
func (g *Generator) Instance() *dicom.DataSet {
	s := pick(g, g.studies)
	ds := s.attributes.Clone()
	series := pick(g, s.series)
	for e := range series.All() {
		ds.Set(e)
	}
	g.fill(ds, instancePool)
	g.private(ds)
	if g.Disagree && g.rand.IntN(disagreementIn) == 0 {
		pool := slices.Concat(patientPool, studyPool, seriesPool)
		g.put(ds, pick(g, pool))
		g.put(ds, pick(g, pool))
	}
	g.count++
	ds.SetStrings(dicom.SOPClassUID, dicom.UI, pick(g, sopClasses))
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, fmt.Sprintf("%s.%d", ds.String(dicom.SeriesInstanceUID), g.count))
	return ds
}

// fill sets most attributes of a pool.
func (g *Generator) fill(ds *dicom.DataSet, pool []attribute) *dicom.DataSet {
	for _, a := range pool {
		if g.rand.IntN(presentOneIn) > 0 {
			g.put(ds, a)
		}
	}
	return ds
}

// put sets an attribute to values of its VR, or deletes it, or leaves it empty.
func (g *Generator) put(ds *dicom.DataSet, a attribute) {
	e := dicom.Element{Tag: a.tag, VR: a.vr}
	count := 1
	if a.multiple {
		count = g.rand.IntN(4)
	} else if g.rand.IntN(8) == 0 {
		count = 0
	}
	if count > 0 {
		e.Value = g.value(a, count)
	}
	ds.Set(e)
}

func (g *Generator) value(a attribute, count int) dicom.Value {
	switch a.vr {
	case dicom.SQ:
		items := times(1+g.rand.IntN(2), func() *dicom.DataSet { return g.fill(&dicom.DataSet{}, a.items) })
		return dicom.Items(items)
	case dicom.SL, dicom.SS, dicom.SV, dicom.UL, dicom.US:
		return dicom.Ints(times(count, func() int64 { return int64(g.rand.IntN(4)) }))
	case dicom.UV:
		return dicom.Uints(times(count, func() uint64 { return pick(g, []uint64{0, 1, 1 << 63}) }))
	case dicom.FL:
		return dicom.Floats(times(count, func() float64 { return float64(pick(g, []float32{0, 0.1, 1.5, -2})) }))
	case dicom.FD:
		return dicom.Floats(times(count, func() float64 { return pick(g, []float64{0, 0.1, 1.5, -2}) }))
	case dicom.AT:
		return dicom.Tags(times(count, func() dicom.Tag { return pick(g, []dicom.Tag{dicom.PatientName, dicom.PixelData}) }))
	case dicom.OB:
		return dicom.Bytes{byte(g.rand.IntN(2)), 0}
	}
	return dicom.Strings(times(count, func() string { return pick(g, stored(a)) }))
}

// private sets a block of private elements, which lies here or there.
func (g *Generator) private(ds *dicom.DataSet) {
	block := uint16(0x10 + g.rand.IntN(2))
	creator := pick(g, []string{privateCreatorA, privateCreatorB, ""})
	if creator == "" {
		return
	}
	ds.SetStrings(dicom.NewTag(privateGroup, block), dicom.LO, creator)
	ds.SetStrings(dicom.NewTag(privateGroup, block<<8|privateElementLO), dicom.LO, pick(g, values[dicom.LO]))
	ds.Set(dicom.Element{Tag: dicom.NewTag(privateGroup, block<<8|privateElementUN), VR: dicom.UN, Value: dicom.Bytes("CT ")})
	item := g.fill(&dicom.DataSet{}, codeItems)
	item.SetStrings(dicom.NewTag(privateGroup, 0x10), dicom.LO, creator)
	item.SetStrings(dicom.NewTag(privateGroup, 0x1000|privateElementLO), dicom.LO, pick(g, values[dicom.LO]))
	ds.SetItems(dicom.NewTag(privateGroup, block<<8|privateElementSQ), item)
	for i, a := range privatePool {
		if g.rand.IntN(presentOneIn) == 0 {
			g.put(ds, attribute{tag: dicom.NewTag(privateGroup, block<<8|uint16(privateElements+i%3)), vr: a.vr, multiple: a.multiple})
		}
	}
}

func pick[T any](g *Generator, of []T) T { return of[g.rand.IntN(len(of))] }

func times[T any](n int, make func() T) []T {
	var all []T
	for range n {
		all = append(all, make())
	}
	return all
}

// pools returns the attributes that a data set of the level has.
func pools(l match.Level) []attribute {
	all := slices.Concat(patientPool, studyPool)
	if l >= match.Series {
		all = slices.Concat(all, seriesPool)
	}
	if l == match.Instance {
		all = slices.Concat(all, instancePool)
	}
	return all
}
