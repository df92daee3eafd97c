package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// TestKilledServerLosesNothing kills the server with SIGKILL while four clients upload, 50 times. After each restart every
// acknowledged instance is there byte for byte, and in the end a rebuilt index equals the live one.
func TestKilledServerLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("50 restarts")
	}
	const kills, clients = 50, 4
	folder := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	acknowledged := map[dicom.Ref][]byte{}
	for round := range kills {
		s, err := start(folder, "--data", "data", "--log-level", "error")
		if err != nil {
			t.Fatal(err)
		}
		var uploads sync.WaitGroup
		var mu sync.Mutex
		for client := range clients {
			uploads.Go(func() {
				for n := 0; ; n++ {
					files, refs := upload(round, client, n)
					status, _, err := s.stow(files...)
					if err != nil {
						return // the server was killed
					}
					if status != 200 {
						t.Errorf("round %d: STOW answered %d", round, status)
						return
					}
					mu.Lock()
					for i, ref := range refs {
						acknowledged[ref] = files[i]
					}
					mu.Unlock()
				}
			})
		}
		time.Sleep(time.Duration(20+random.IntN(180)) * time.Millisecond)
		s.kill()
		uploads.Wait()
		verify(t, folder, round, acknowledged)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d kills, %d acknowledged instances, none lost", kills, len(acknowledged))
	if len(acknowledged) < kills {
		t.Errorf("only %d instances were acknowledged: the test tried nothing", len(acknowledged))
	}
	var out bytes.Buffer
	args := []string{"reindex", "--check", "--data", filepath.Join(folder, "data")}
	if code := run(context.Background(), args, &out, &out); code != 0 {
		t.Errorf("reindex --check: exit code %d\n%s", code, out.String())
	}
}

// upload makes the files of one request: one to three instances, of which every third is 128 KiB, or as many as become durable
// together.
func upload(round, client, n int) (files [][]byte, refs []dicom.Ref) {
	instances := 1 + n%4
	if instances == 4 {
		instances = 10
	}
	for i := range instances {
		image := dicomtest.Image{Study: fmt.Sprint("crash", round%5), Series: fmt.Sprint(client), Name: fmt.Sprint(round, n), Number: i + 1}
		if i == 2 {
			image.Rows, image.Columns = 256, 256
		}
		in := image.Instance()
		file, err := in.File()
		if err != nil {
			panic(err)
		}
		files, refs = append(files, file), append(refs, in.DataSet.Ref())
	}
	return files, refs
}

// verify restarts the server and compares every instance that was ever acknowledged.
func verify(t *testing.T, folder string, round int, acknowledged map[dicom.Ref][]byte) {
	t.Helper()
	s, err := start(folder, "--data", "data", "--log-level", "error")
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	for ref, file := range acknowledged {
		status, body, err := s.get(ref.Path(), "application/dicom; transfer-syntax=*")
		if err != nil {
			t.Fatal(err)
		}
		if status != 200 || !bytes.Equal(body, file) {
			t.Errorf("after kill %d: %s: status %d, %d bytes; want the %d bytes that were acknowledged",
				round, ref.Path(), status, len(body), len(file))
			return
		}
	}
}
