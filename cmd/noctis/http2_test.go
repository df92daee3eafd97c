package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// HTTP/2 without TLS: many requests on one connection, ranges among them, and an error that breaks one off and not the others.
func TestHTTP2(t *testing.T) {
	s, err := start(t.TempDir(), "--data", "data", "--log-level", "error")
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	image := dicomtest.Image{Rows: 512, Columns: 512}
	if _, _, err := s.stow(image.File()); err != nil {
		t.Fatal(err)
	}
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: &p}}
	defer client.CloseIdleConnections()
	get := func(path, accept, ranges string) (*http.Response, []byte) {
		r, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, s.url+"/dicom-web"+path, nil)
		r.Header.Set("Accept", accept)
		if ranges != "" {
			r.Header.Set("Range", ranges)
		}
		response, err := client.Do(r)
		if err != nil {
			t.Error(err)
			return nil, nil
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.ProtoMajor != 2 {
			t.Errorf("%s: %s, %v", path, response.Proto, err)
		}
		return response, body
	}
	path := image.Instance().DataSet.Ref().Path()
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			if _, body := get(path, "application/dicom", ""); !bytes.Equal(body, image.File()) {
				t.Error("another file")
			}
			if response, body := get(path, "application/dicom", "bytes=100-299999"); response.StatusCode != 206 || !bytes.Equal(body, image.File()[100:300000]) {
				t.Error("another range")
			}
			if response, _ := get(path+"/frames/2", "*/*", ""); response.StatusCode != 404 {
				t.Error(response.Status)
			}
		})
	}
	all.Wait()
}
