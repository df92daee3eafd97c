package main

import (
	"fmt"
	"sync"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// TestKilledServerKeepsDeletions kills the server while clients upload, delete, restore and purge studies. What was acknowledged holds
// after each restart.
func TestKilledServerKeepsDeletions(t *testing.T) {
	const kills, clients = 20, 4
	var mu sync.Mutex
	known := map[dicom.Ref]int{} // what a retrieval has to answer
	set := func(refs []dicom.Ref, status int) {
		mu.Lock()
		defer mu.Unlock()
		for _, ref := range refs {
			if known[ref] = status; status == 0 {
				delete(known, ref) // asked for, and not acknowledged: both are right
			}
		}
	}
	deletions := 0
	crashing(t, kills, func(s *server, round int) (load []func()) {
		for client := range clients {
			load = append(load, func() {
				for n := 0; ; n++ {
					files, refs := study(fmt.Sprint("deleted ", round, client, n), 1+n%12)
					if status, _, err := s.stow(files...); err != nil || status != 200 {
						return
					}
					set(refs, 200)
					series := dicom.Ref{Study: refs[0].Study, Series: refs[0].Series}
					for _, step := range []struct {
						method, path string
						acknowledged int
						status       int
					}{
						{"DELETE", series.Path(), 204, 410},
						{"POST", "/recycle-bin" + series.Path() + "/restore", 200, 200},
						{"DELETE", series.Path(), 204, 410},
						{"DELETE", "/recycle-bin" + series.Path(), 200, 410},
					}[:n%5] {
						if step.acknowledged != 200 || step.method != "DELETE" { // a purge leaves what is deleted deleted
							set(refs, 0)
						}
						if status, err := s.send(step.method, step.path, ""); err != nil || status != step.acknowledged {
							return
						}
						set(refs, step.status)
						if step.status == 410 {
							mu.Lock()
							deletions++
							mu.Unlock()
						}
					}
				}
			})
		}
		return load
	}, func(s *server, round int) {
		for ref, want := range known {
			status, _, err := s.get(ref.Path()+"/metadata", "application/dicom+json")
			if err != nil {
				t.Fatal(err)
			}
			if status != want {
				t.Errorf("after kill %d: %s: status %d, want %d", round, ref.Path(), status, want)
			}
		}
	})
	t.Logf("%d kills, %d deletions and purges acknowledged", kills, deletions)
	if deletions < kills {
		t.Errorf("only %d deletions were acknowledged: the test tried nothing", deletions)
	}
}

// study makes the files of a series with a study of its own.
func study(name string, instances int) (files [][]byte, refs []dicom.Ref) {
	for i := range instances {
		in := dicomtest.Image{Study: name, Series: "1", Number: i + 1}.Instance()
		file, err := in.File()
		if err != nil {
			panic(err)
		}
		files, refs = append(files, file), append(refs, in.DataSet.Ref())
	}
	return files, refs
}
