package memstore

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
)

// tree is the index at one moment: studies, their series, their instances, each in the order of store.Index.Search.
type tree []*study

type study struct {
	uid        dicom.UID
	merged     store.Merged
	holders    match.Holders
	series     []*series
	dataSet    *dicom.DataSet
	date, time string
}

type series struct {
	uid       dicom.UID
	merged    store.Merged
	instances []*instance
	dataSet   *dicom.DataSet
	virtual   []*dicom.DataSet // of the instances
	number    int64
}

// tree works out the studies and series of all instances.
func (x *Index) tree() tree {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.known == nil {
		x.known = x.build()
	}
	return x.known
}

func (x *Index) build() tree {
	type key struct{ study, series dicom.UID }
	studies, allSeries := map[dicom.UID]*study{}, map[key]*series{}
	for _, in := range x.instances {
		ref := in.entry.Ref
		if ref.Resource != "" {
			continue
		}
		st := studies[ref.Study]
		if st == nil {
			st = &study{uid: ref.Study}
			studies[ref.Study] = st
		}
		k := key{ref.Study, ref.Series}
		se := allSeries[k]
		if se == nil {
			se = &series{uid: ref.Series}
			allSeries[k] = se
			st.series = append(st.series, se)
		}
		st.merged.Add(ref.Instance, in.ofStudy)
		st.holders.Add(match.NamedBy(in.dataSet))
		se.merged.Add(ref.Instance, in.ofSeries)
		se.instances = append(se.instances, in)
	}
	t := tree(slices.Collect(maps.Values(studies)))
	for _, st := range t {
		st.finish()
	}
	slices.SortFunc(t, func(a, b *study) int {
		return cmp.Or(strings.Compare(b.date, a.date), strings.Compare(b.time, a.time), cmp.Compare(a.uid, b.uid))
	})
	return t
}

// finish computes what depends on all instances of the study, and puts them in order.
func (st *study) finish() {
	var c store.StudyCounts
	for _, se := range st.series {
		c.Series++
		c.Instances += len(se.instances)
		if m := store.SeriesModality(se.merged.DataSet); m != "" {
			c.Modalities = append(c.Modalities, m)
		}
		for _, in := range se.instances {
			c.SOPClasses = append(c.SOPClasses, string(in.entry.SOPClass))
		}
		se.number = store.SortNumber(se.merged.DataSet, dicom.SeriesNumber)
		slices.SortFunc(se.instances, func(a, b *instance) int {
			return cmp.Or(
				cmp.Compare(store.SortNumber(a.dataSet, dicom.InstanceNumber), store.SortNumber(b.dataSet, dicom.InstanceNumber)),
				cmp.Compare(a.entry.Ref.Instance, b.entry.Ref.Instance))
		})
	}
	slices.Sort(c.Modalities)
	slices.Sort(c.SOPClasses)
	c.Modalities, c.SOPClasses = slices.Compact(c.Modalities), slices.Compact(c.SOPClasses)
	st.dataSet = store.StudyDataSet(st.merged.DataSet, c)
	st.date, st.time = store.SortTime(st.merged.DataSet)
	for _, se := range st.series {
		se.dataSet = store.SeriesDataSet(st.dataSet, se.merged.DataSet, len(se.instances))
		for _, in := range se.instances {
			se.virtual = append(se.virtual, store.InstanceDataSet(se.dataSet, in.dataSet, in.entry.TransferSyntax))
		}
	}
	slices.SortFunc(st.series, func(a, b *series) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.uid, b.uid))
	})
}

// within is what of the tree lies within the limits.
func (t tree) within(l match.Limits) tree {
	if l.Everything() {
		return t
	}
	var seen tree
	for _, st := range t {
		if l.Allow(st.uid, st.holders) {
			seen = append(seen, st)
		}
	}
	return seen
}

// all yields the virtual data sets of a level.
func (t tree) all(level match.Level) iter.Seq[*dicom.DataSet] {
	return func(yield func(*dicom.DataSet) bool) {
		for _, st := range t {
			if level == match.Study {
				if !yield(st.dataSet) {
					return
				}
				continue
			}
			for _, se := range st.series {
				if level == match.Series {
					if !yield(se.dataSet) {
						return
					}
					continue
				}
				for _, ds := range se.virtual {
					if !yield(ds) {
						return
					}
				}
			}
		}
	}
}

// below yields the instances below r in order, within the limits.
func (x *Index) below(r dicom.Ref, l match.Limits) iter.Seq[*instance] {
	return func(yield func(*instance) bool) {
		if r.Instance != "" && l.Everything() {
			x.mu.RLock()
			in := x.instances[r.Instance]
			x.mu.RUnlock()
			if in != nil && r.Contains(in.entry.Ref) {
				yield(in)
			}
			return
		}
		for _, st := range x.tree().within(l) {
			for _, se := range st.series {
				for _, in := range se.instances {
					if r.Contains(in.entry.Ref) && !yield(in) {
						return
					}
				}
			}
		}
		for _, in := range x.nonPatient(r.Resource, l) {
			if r.Contains(in.entry.Ref) && !yield(in) {
				return
			}
		}
	}
}

// nonPatient returns the instances of a resource, or of all, in order. They are not within any limits.
func (x *Index) nonPatient(resource string, l match.Limits) []*instance {
	if !l.Everything() {
		return nil
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	var found []*instance
	for _, in := range x.instances {
		if of := in.entry.Ref.Resource; of != "" && (resource == "" || resource == of) {
			found = append(found, in)
		}
	}
	slices.SortFunc(found, func(a, b *instance) int {
		return cmp.Or(cmp.Compare(a.entry.Ref.Resource, b.entry.Ref.Resource), cmp.Compare(a.entry.Ref.Instance, b.entry.Ref.Instance))
	})
	return found
}

// virtual yields the virtual data sets that a query is for.
func (x *Index) virtual(q match.Query, l match.Limits) iter.Seq[*dicom.DataSet] {
	if q.Scope.Resource == "" {
		return x.tree().within(l).all(q.Searched())
	}
	return func(yield func(*dicom.DataSet) bool) {
		for _, in := range x.nonPatient(q.Scope.Resource, l) {
			if !yield(store.InstanceDataSet(&dicom.DataSet{}, in.dataSet, in.entry.TransferSyntax)) {
				return
			}
		}
	}
}
