//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// readers are what is asked of long instances, eight at once of each; %s is the path of an instance. Those that hold the most at once, as
// searches for whole sequences do, are not among them: docs/BENCHMARKS.md has what they take.
var readers = []struct{ path, accept string }{
	{"%s/metadata", "application/dicom+json"},
	{"%s/metadata?includefield=PatientID", "application/dicom+json"},
	{"%s/metadata", `multipart/related; type="application/dicom+xml"`},
	{"%s/rendered", "image/jpeg"},
	{"%s/thumbnail", "image/jpeg"},
	{"%s/frames/1", `multipart/related; type="image/jls"`},
}

// readersBound is memoryBound and a tenth, for pages that the system counts late.
const readersBound = memoryBound + memoryBound/10

// longReaders reads instances of 600,000 elements, eight readers at once, within 256 MiB.
func longReaders(l *lab) error {
	data, err := l.fresh("data")
	if err != nil {
		return err
	}
	s, err := l.start(launch{data: data, args: []string{"--memory", "256MiB"}})
	if err != nil {
		return err
	}
	defer s.kill()
	var paths []string
	for i := range 8 {
		ref, file := longInstance(i)
		a, err := s.post("application/dicom", bytes.NewReader(file))
		if err != nil || a.status != http.StatusOK {
			return fmt.Errorf("an instance of 600,000 elements: %d, %w", a.status, err)
		}
		paths = append(paths, "/dicom-web"+ref.Path())
		l.res.Acknowledged++
	}
	for _, r := range readers {
		if l.done() || s.gone() {
			break
		}
		var group sync.WaitGroup
		for _, path := range paths {
			l.res.Tried++
			group.Go(func() {
				if status, err := s.readAll(fmt.Sprintf(r.path, path), r.accept); err != nil || status != http.StatusOK && status != http.StatusServiceUnavailable {
					l.res.problem("%s: %d, %v", r.path, status, err)
				}
			})
		}
		group.Wait()
		peak := int64(s.status("VmHWM")) << 10
		l.note("%s as %s: %d MiB", strings.TrimPrefix(r.path, "%s/"), r.accept, peak>>20)
		if peak > readersBound {
			l.res.problem("%s as %s: resident memory came to %d MiB", r.path, r.accept, peak>>20)
		}
	}
	return s.stop()
}

// longInstance is an image with 600,000 private elements.
func longInstance(n int) (dicom.Ref, []byte) {
	in := dicomtest.Image{Study: "long", Name: fmt.Sprint(n)}.Instance()
	pixels, _ := in.DataSet.Get(dicom.PixelData)
	in.DataSet.Delete(dicom.PixelData)
	for i := range 600_000 {
		in.DataSet.SetStrings(dicom.NewTag(uint16(0x6001+2*(i/60_000)), uint16(0x1000+i%60_000)), dicom.SH, "ab")
	}
	in.DataSet.Set(pixels)
	file, err := in.File()
	if err != nil {
		panic(err) // a mistake in the harness
	}
	return in.DataSet.Ref(), file
}

// readAll reads an answer and throws it away.
func (s *server) readAll(path, accept string) (int, error) {
	request, err := http.NewRequest(http.MethodGet, s.url+path, nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Accept", accept)
	client := &http.Client{Timeout: 5 * time.Minute}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}
