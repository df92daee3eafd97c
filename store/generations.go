package store

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/noctis-dicom/noctis/dicom"
)

// generations count what changes: all of it, and each study for itself, so that what is known of one stays known while others arrive.
type generations struct {
	all  atomic.Uint64
	seed maphash.Seed

	mu      sync.Mutex
	studies [256]atomic.Uint64 // some studies share one
	watches []func(context.Context, Growth)
}

// Growth is what a commit has added to a study.
type Growth struct {
	Study         dicom.UID
	Before, After uint64   // generations of the study: when the commit began, and with it. Only if they follow each other was nothing else changed
	Added         []*Entry // as they were given to Index.Insert
}

// Generation changes whenever what is stored has changed, before whoever changed it is told so. What was read from the store after a
// generation was is current as long as that generation is.
func (s *Store) Generation() uint64 { return s.generations.all.Load() }

// StudyGeneration is the Generation of what belongs to a study.
func (s *Store) StudyGeneration(study dicom.UID) uint64 { return s.generations.of(study).Load() }

// Watch has watch told of each commit that only adds instances to a study, with the context of the commit, before that is acknowledged
// and one after the other.
func (s *Store) Watch(watch func(context.Context, Growth)) {
	s.generations.mu.Lock()
	defer s.generations.mu.Unlock()
	s.generations.watches = append(s.generations.watches, watch)
}

func (g *generations) of(study dicom.UID) *atomic.Uint64 {
	return &g.studies[maphash.String(g.seed, string(study))%uint64(len(g.studies))]
}

// touched is called after every commit of the index of which is not known what it changes, before whoever asked for it is told.
func (s *Store) touched() {
	g := &s.generations
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.studies {
		g.studies[i].Add(1)
	}
	g.all.Add(1)
}

// growing returns the generations of the studies of entries that are about to be inserted.
func (g *generations) growing(entries []*Entry) map[dicom.UID]uint64 {
	before := map[dicom.UID]uint64{}
	for _, e := range entries {
		if _, there := before[e.Ref.Study]; !there {
			before[e.Ref.Study] = g.of(e.Ref.Study).Load()
		}
	}
	return before
}

// grown is touched where entries have been inserted.
func (s *Store) grown(ctx context.Context, before map[dicom.UID]uint64, entries []*Entry, inserted []Inserted) {
	g := &s.generations
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all.Add(1)
	for study, began := range before {
		growth := Growth{Study: study, Before: began, After: g.of(study).Add(1)}
		only := true
		for i, e := range entries {
			if e.Ref.Study != study {
				continue
			}
			switch inserted[i] {
			case InsertedNew:
				growth.Added = append(growth.Added, e)
			case InsertedReplacing:
				only = false
			}
		}
		if !only || len(growth.Added) == 0 {
			continue
		}
		for _, watch := range g.watches {
			watch(ctx, growth)
		}
	}
}
