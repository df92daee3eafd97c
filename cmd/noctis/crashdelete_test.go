package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// TestKilledServerKeepsDeletions kills the server with SIGKILL while clients upload, delete, restore and purge studies. What was
// acknowledged holds after each restart, and in the end an index that is made of the files and the journal alone equals the live one.
func TestKilledServerKeepsDeletions(t *testing.T) {
	if testing.Short() {
		t.Skip("many restarts")
	}
	const kills, clients = 20, 4
	folder := t.TempDir()
	random := rand.New(rand.NewPCG(3, 4))
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
	for round := range kills {
		s, err := start(folder, "--data", "data", "--log-level", "error")
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for client := range clients {
			group.Go(func() {
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
						if !answers(s.url+"/dicom-web"+step.path, step.method, step.acknowledged) {
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
		time.Sleep(time.Duration(50+random.IntN(250)) * time.Millisecond)
		s.kill()
		group.Wait()
		checkKnown(t, folder, round, known)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d kills, %d deletions and purges acknowledged", kills, deletions)
	if deletions < kills {
		t.Errorf("only %d deletions were acknowledged: the test tried nothing", deletions)
	}
	var out bytes.Buffer
	args := []string{"reindex", "--check", "--data", filepath.Join(folder, "data")}
	if code := run(context.Background(), args, &out, &out); code != 0 {
		t.Errorf("reindex --check: exit code %d\n%s", code, out.String())
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

// answers reports whether a request without a body is answered so.
func answers(address, method string, status int) bool {
	request, err := http.NewRequest(method, address, nil)
	if err != nil {
		panic(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false // the server was killed
	}
	defer response.Body.Close()
	return response.StatusCode == status
}

// checkKnown restarts the server and asks for every instance whose state was acknowledged.
func checkKnown(t *testing.T, folder string, round int, known map[dicom.Ref]int) {
	t.Helper()
	s, err := start(folder, "--data", "data", "--log-level", "error")
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	for ref, want := range known {
		status, _, err := s.get(ref.Path()+"/metadata", "application/dicom+json")
		if err != nil {
			t.Fatal(err)
		}
		if status != want {
			t.Errorf("after kill %d: %s: status %d, want %d", round, ref.Path(), status, want)
		}
	}
}
