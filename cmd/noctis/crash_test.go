package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
)

// crashing kills a server with SIGKILL, so many times, while clients are at work: functions that load makes for each round, which end when
// they get no answer any more. After each kill check looks at what a server over the same folder says. In the end an index that is made
// of the files and the journal alone has to equal the live one.
func crashing(t *testing.T, kills int, load func(s *server, round int) []func(), check func(s *server, round int)) (folder string) {
	t.Helper()
	if testing.Short() {
		t.Skip("many restarts")
	}
	folder = t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	for round := range kills {
		s := startIn(t, folder)
		var clients sync.WaitGroup
		for _, client := range load(s, round) {
			clients.Go(client)
		}
		time.Sleep(time.Duration(50+random.IntN(250)) * time.Millisecond)
		s.kill()
		clients.Wait()
		again := startIn(t, folder)
		check(again, round)
		again.stop()
		if t.Failed() {
			return folder
		}
	}
	compareRebuilt(t, filepath.Join(folder, "data"))
	return folder
}

// startIn starts a server over the data folder in a folder.
func startIn(t *testing.T, folder string) *server {
	t.Helper()
	s, err := start(folder, "--data", "data", "--log-level", "error")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// compareRebuilt holds the index of a data folder against one that is made anew.
func compareRebuilt(t *testing.T, data string) {
	t.Helper()
	archive, err := openArchive(t.Context(), data, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = archive.Recover(t.Context()) // the last server may have been stopped before it was through
	if err := errors.Join(err, archive.Close()); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"reindex", "--check", "--data", data}, &out, &out); code != 0 {
		t.Errorf("reindex --check: exit code %d\n%s", code, out.String())
	}
}

// TestKilledServerLosesNothing kills the server while four clients upload. After each restart every acknowledged instance is there, byte
// for byte.
func TestKilledServerLosesNothing(t *testing.T) {
	const kills, clients = 50, 4
	var mu sync.Mutex
	acknowledged := map[dicom.Ref][]byte{}
	crashing(t, kills, func(s *server, round int) (load []func()) {
		for client := range clients {
			load = append(load, func() {
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
		return load
	}, func(s *server, round int) {
		for ref, file := range acknowledged {
			status, body, err := s.get(ref.Path(), "application/dicom; transfer-syntax=*")
			if err != nil {
				t.Fatal(err)
			}
			if status != 200 || !bytes.Equal(body, file) {
				t.Errorf("after kill %d: %s: status %d, %d bytes; want the %d bytes that were acknowledged", round, ref.Path(), status, len(body), len(file))
				return
			}
		}
	})
	t.Logf("%d kills, %d acknowledged instances, none lost", kills, len(acknowledged))
	if len(acknowledged) < kills {
		t.Errorf("only %d instances were acknowledged: the test tried nothing", len(acknowledged))
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
