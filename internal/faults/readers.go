//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// readers are what is asked of long instances, eight at once of each.
var readers = []struct {
	name   string
	path   func(dicom.Ref) string
	accept string
}{
	{"metadata", below("/metadata"), "application/dicom+json"},
	{"metadata, filtered", below("/metadata?includefield=PatientID"), "application/dicom+json"},
	{"metadata", below("/metadata"), `multipart/related; type="application/dicom+xml"`},
	{"rendered", below("/rendered"), "image/jpeg"},
	{"thumbnail", below("/thumbnail"), "image/jpeg"},
	{"frames", below("/frames/1"), `multipart/related; type="image/jls"`},
	{"de-identified", func(r dicom.Ref) string {
		return fmt.Sprintf("/wado?requestType=WADO&studyUID=%s&seriesUID=%s&objectUID=%s&contentType=application/dicom&anonymize=yes", r.Study, r.Series, r.Instance)
	}, "application/dicom"},
	{"in another transfer syntax", below(""), `multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.80`},
	{"zip", below(""), "application/zip"},
	{"readiness", func(r dicom.Ref) string { return "/dicom-web/studies/" + string(r.Study) + "/readiness" }, "application/json"},
	{"search by a nested key", func(dicom.Ref) string {
		return "/dicom-web/instances?ReferencedImageSequence.ReferencedSOPInstanceUID=1.2.7"
	}, "application/dicom+json"},
	{"search for all", func(r dicom.Ref) string {
		return "/dicom-web/instances?includefield=all&SOPInstanceUID=" + string(r.Instance)
	}, "application/dicom+json"},
	{"search for all", func(r dicom.Ref) string {
		return "/dicom-web/instances?includefield=all&SOPInstanceUID=" + string(r.Instance)
	}, `multipart/related; type="application/dicom+xml"`},
}

func below(suffix string) func(dicom.Ref) string {
	return func(r dicom.Ref) string { return "/dicom-web" + r.Path() + suffix }
}

// readersBound is memoryBound and a tenth, for pages that the system counts late.
const readersBound = memoryBound + memoryBound/10

// longReaders reads instances of 600,000 elements, eight readers at once, within 256 MiB; and so do the commands that read everything.
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
	var refs []dicom.Ref
	for i := range 8 {
		ref, file := longInstance(i)
		a, err := s.post("application/dicom", bytes.NewReader(file))
		if err != nil || a.status != http.StatusOK {
			return fmt.Errorf("an instance of 600,000 elements: %d, %w", a.status, err)
		}
		refs = append(refs, ref)
		l.res.Acknowledged++
	}
	for _, r := range readers {
		if l.done() || s.gone() {
			break
		}
		var group sync.WaitGroup
		for _, ref := range refs {
			l.res.Tried++
			group.Go(func() {
				if status, err := s.readAll(r.path(ref), r.accept); err != nil || status != http.StatusOK && status != http.StatusServiceUnavailable {
					l.res.problem("%s: %d, %v", r.name, status, err)
				}
			})
		}
		group.Wait()
		peak := int64(s.status("VmHWM")) << 10
		l.note("%s as %s: %d MiB", r.name, r.accept, peak>>20)
		if peak > readersBound {
			l.res.problem("%s as %s: resident memory came to %d MiB", r.name, r.accept, peak>>20)
		}
	}
	if err := s.stop(); err != nil {
		return err
	}
	for _, c := range [][]string{{"doctor", "--deep"}, {"reindex"}} {
		peak, err := l.peak(append(c, "--data", data, "--memory", "256MiB")...)
		if err != nil {
			return err
		}
		l.res.Tried++
		l.note("%s: %d MiB", c[0], peak>>20)
		if peak > readersBound {
			l.res.problem("%s: resident memory came to %d MiB", c[0], peak>>20)
		}
	}
	return nil
}

// longInstance is an image with 600,000 private elements, or with 200,000 items of two.
func longInstance(n int) (dicom.Ref, []byte) {
	in := dicomtest.Image{Study: "long", Name: fmt.Sprint(n)}.Instance()
	pixels, _ := in.DataSet.Get(dicom.PixelData)
	in.DataSet.Delete(dicom.PixelData)
	if n%2 == 1 {
		items := make([]*dicom.DataSet, 200_000)
		for i := range items {
			items[i] = &dicom.DataSet{}
			items[i].SetStrings(dicom.ReferencedSOPClassUID, dicom.UI, "1.2")
			items[i].SetStrings(dicom.ReferencedSOPInstanceUID, dicom.UI, fmt.Sprint("1.2.", i))
		}
		in.DataSet.SetItems(dicom.ReferencedImageSequence, items...)
	} else {
		for i := range 600_000 {
			in.DataSet.SetStrings(dicom.NewTag(uint16(0x6001+2*(i/60_000)), uint16(0x1000+i%60_000)), dicom.SH, "ab")
		}
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
