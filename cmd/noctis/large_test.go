package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// TestLargeInstanceInLittleMemory stores an instance of 2 GB and reads it back, and the server's memory grows by less than
// 64 MiB. It needs twice that room on the disk, so `make check` asks for it.
func TestLargeInstanceInLittleMemory(t *testing.T) {
	if os.Getenv("NOCTIS_LARGE") == "" {
		t.Skip("set NOCTIS_LARGE=1 (make check does): it writes 2 GB")
	}
	const rows, columns, frames = 4096, 4096, 62
	const pixels = int64(rows * columns * 2 * frames)
	s, err := start(t.TempDir(), "--data", "data", "--log-level", "error")
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	if _, _, err := s.stow(dicomtest.Image{Study: "warm"}.File()); err != nil {
		t.Fatal(err)
	}
	idle := memory(t, s, "VmRSS")

	image := dicomtest.Image{Study: "large", Frames: frames}.Instance()
	image.DataSet.SetInts(0x00280010, "US", rows)
	image.DataSet.SetInts(0x00280011, "US", columns)
	image.DataSet.Delete(0x7FE00010)
	header, err := image.File()
	if err != nil {
		t.Fatal(err)
	}
	header = append(header, 0xE0, 0x7F, 0x10, 0x00, 'O', 'W', 0, 0)
	header = binary.LittleEndian.AppendUint32(header, uint32(pixels))

	sent := sha256.New()
	file := io.TeeReader(io.MultiReader(bytes.NewReader(header), &pattern{left: pixels}), sent)
	response, err := http.Post(s.url+"/dicom-web/studies", "application/dicom", file)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("STOW: %s", response.Status)
	}
	stored := memory(t, s, "VmHWM")

	request, _ := http.NewRequest(http.MethodGet, s.url+"/dicom-web"+image.DataSet.Ref().Path(), nil)
	request.Header.Set("Accept", "application/dicom; transfer-syntax=*")
	compareDownload(t, request, sent)
	request.Header.Set("Accept", `multipart/related; type="application/dicom"; transfer-syntax=*`)
	if response, err := http.DefaultClient.Do(request); err != nil {
		t.Fatal(err)
	} else if n, err := io.Copy(io.Discard, response.Body); err != nil || n < pixels {
		t.Fatalf("multipart: %d bytes, %v", n, err)
	}
	retrieved := memory(t, s, "VmHWM")
	t.Logf("idle %d MiB, peak after store %d MiB, after retrieve %d MiB", idle>>20, stored>>20, retrieved>>20)
	if retrieved-idle >= 64<<20 {
		t.Errorf("memory grew by %d MiB; want less than 64", (retrieved-idle)>>20)
	}
}

// TestEightClientsInLittleMemory has eight clients fetch a study of 1 GB at the same time, and the server's memory grows by less than
// 128 MiB.
func TestEightClientsInLittleMemory(t *testing.T) {
	if os.Getenv("NOCTIS_LARGE") == "" {
		t.Skip("set NOCTIS_LARGE=1 (make check does): it writes 1 GB")
	}
	const rows, columns, instances, clients = 4096, 4096, 32, 8
	const pixels = int64(rows * columns * 2)
	s, err := start(t.TempDir(), "--data", "data", "--log-level", "error")
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	if _, _, err := s.stow(dicomtest.Image{Study: "warm"}.File()); err != nil {
		t.Fatal(err)
	}
	idle := memory(t, s, "VmRSS")
	var study string
	for n := range instances {
		image := dicomtest.Image{Study: "large", Number: n + 1}.Instance()
		image.DataSet.SetInts(0x00280010, "US", rows)
		image.DataSet.SetInts(0x00280011, "US", columns)
		image.DataSet.Delete(0x7FE00010)
		header, err := image.File()
		if err != nil {
			t.Fatal(err)
		}
		header = append(header, 0xE0, 0x7F, 0x10, 0x00, 'O', 'W', 0, 0)
		header = binary.LittleEndian.AppendUint32(header, uint32(pixels))
		response, err := http.Post(s.url+"/dicom-web/studies", "application/dicom",
			io.MultiReader(bytes.NewReader(header), &pattern{left: pixels}))
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatal(response, err)
		}
		response.Body.Close()
		study = "/dicom-web/studies/" + string(image.DataSet.Ref().Study)
	}
	stored := memory(t, s, "VmHWM")
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			request, _ := http.NewRequest(http.MethodGet, s.url+study, nil)
			request.Header.Set("Accept", `multipart/related; type="application/dicom"; transfer-syntax=*`)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Error(err)
				return
			}
			defer response.Body.Close()
			if n, err := io.Copy(io.Discard, response.Body); err != nil || n < pixels*instances {
				t.Errorf("%d bytes, %v", n, err)
			}
		})
	}
	all.Wait()
	retrieved := memory(t, s, "VmHWM")
	t.Logf("idle %d MiB, peak after store %d MiB, after eight retrieved %d MiB", idle>>20, stored>>20, retrieved>>20)
	if retrieved-idle >= 128<<20 {
		t.Errorf("memory grew by %d MiB; want less than 128", (retrieved-idle)>>20)
	}
}

func compareDownload(t *testing.T, request *http.Request, want hash.Hash) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got := sha256.New()
	if _, err := io.Copy(got, response.Body); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
		t.Fatal("other bytes came back")
	}
}

// memory reads a value in bytes from the status of the server's process.
func memory(t *testing.T, s *server, name string) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		t.Skip("the memory of a process is read from /proc")
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Fatalf("no %s", name)
	return 0
}

// pattern reads as left bytes that differ from block to block.
type pattern struct{ left, n int64 }

func (p *pattern) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), p.left)]
	for i := range b {
		b[i] = byte(p.n >> 12)
		p.n++
	}
	p.left -= int64(len(b))
	return len(b), nil
}
