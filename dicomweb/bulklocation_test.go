package dicomweb

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

func TestLocations(t *testing.T) {
	for _, test := range []struct {
		locations string // separated by blanks
		uri       string
		want      int // the number of the location, 0 if none
	}{
		{"a b", "b", 2},
		{"http://h/a%20b", "http://h/a b", 1},
		{"http://h/a%7Eb", "http://h/a~b", 1},
		{"http://h/x/../a", "http://h/a", 1},
		{"http://inside:8080/rs/a", "https://outside/rs/a", 1},
		{"/rs/bulk/a", "http://h/rs/bulk/a", 1},
		{"bulk/a", "http://h/rs/bulk/a", 1},
		{"http://h/rs/bulk/a", "bulk/a", 1},
		{"http://h/rs/bulk/a", "./bulk/a", 1},
		{"http://h/rs/bulk/a", "ulk/a", 0}, // a segment is not divided
		{"http://h/a?frame=1 http://h/a?frame=2", "http://h/a?frame=2", 2},
		{"urn:uuid:1 urn:uuid:2", "urn:uuid:2", 2},
		{"cid:a@h", "cid:a@h", 1},
		{"http://h/1/a http://h/2/a", "a", 0},      // it could be either
		{"http://h/a http://i/a", "http://k/a", 0}, // so could this
		{"http://h/a http://i/a", "http://i/a", 2}, // but not this
		{"x%2Fa", "http://h/x/a", 0},               // an escaped slash is none
		{"x%2Fa%7Eb", "http://h/x%2fa~b", 1},
		{"http://h/a", "", 0},
		{"http://h/%zz", "http://h/%zz", 1},
	} {
		l := newLocations()
		for i, location := range strings.Fields(test.locations) {
			l.add(location, &bulkPart{location: location, extent: extent{offset: int64(i + 1)}})
		}
		got := 0
		if parts := l.find(test.uri); len(parts) == 1 {
			got = int(parts[0].offset)
		}
		if got != test.want {
			t.Errorf("%s in %s: %d, want %d", test.uri, test.locations, got, test.want)
		}
	}
}

// A part without Content-Location is meant by no URI (PS3.18 8.6.1.2), neither as a value nor as a frame of any number.
func TestPartsWithoutLocation(t *testing.T) {
	l := newLocations()
	l.add("", &bulkPart{})
	for _, uri := range []string{"", "a", "/", "http://h/a", "urn:a", "../bulkdata"} {
		if parts := l.find(uri); parts != nil {
			t.Errorf("%q: a part that has no location", uri)
		}
		if parts, err := l.frames(uri, "1.2"); parts != nil || err != nil {
			t.Errorf("%q: %d frames, %v", uri, len(parts), err)
		}
	}
}

// Frames are in the order of their numbers, up to the one that is missing or there twice.
func TestFramesInOrder(t *testing.T) {
	for _, test := range []struct {
		locations, uri string
		want           []int64 // the numbers of the locations
		broken         bool
	}{
		{"b/2 b/1 b/3", "b", []int64{2, 1, 3}, false},
		{"http://h/x/b/frames/1 http://h/x/b/frames/2", "b", []int64{1, 2}, false},
		{"http://h/s/1/frames/10 http://h/s/1/frames/1", "http://k/s/1/bulkdata/7FE00010", []int64{2}, true},
		{"http://h/instances/1.2/frames/1", "urn:pixels", []int64{1}, false},
		{"b/1 b/2 b/2 b/3", "b", []int64{1}, true},
		{"b/1 b/1", "b", nil, true},
		{"b/2 b/3", "b", nil, false},
		{"b/0 b/1", "b", nil, true},
		{"a b#/1", "b#", []int64{2}, false}, // its fragment is none of its path
	} {
		l := newLocations()
		for i, location := range strings.Fields(test.locations) {
			l.add(location, &bulkPart{location: location, extent: extent{offset: int64(i + 1)}})
		}
		for range 2 { // the second time nothing is sorted
			parts, err := l.frames(test.uri, "1.2")
			var got []int64
			for _, p := range parts {
				got = append(got, p.offset)
			}
			if !slices.Equal(got, test.want) || (err != nil) != test.broken {
				t.Errorf("%s in %s: %v, %v", test.uri, test.locations, got, err)
			}
		}
	}
}

// What is found was added, and what was added under one location alone is found under it.
func FuzzLocations(f *testing.F) {
	f.Add("http://h/a/frames/1", "a/frames/2", "http://h/a")
	f.Add("urn:a", "%zz", "/?x=1&y")
	f.Add("", "a", "http://h/a")
	f.Add("b#/1", "b", "b#")
	f.Fuzz(func(t *testing.T, one, two, uri string) {
		l := newLocations()
		for _, location := range []string{one, two} {
			l.add(location, &bulkPart{location: location})
		}
		for _, p := range l.find(uri) {
			if p.location != one && p.location != two {
				t.Fatal("a part that was not added")
			}
		}
		if one != two && one != "" && len(l.find(one)) != 1 {
			t.Fatalf("%q is not found", one)
		}
		if parts, err := l.frames(uri, "1.2"); err == nil && len(parts) > 2 {
			t.Fatal("more parts than there are")
		}
	})
}

// Whatever the metadata is, the request is answered, in bounded time.
func FuzzStoreMetadata(f *testing.F) {
	f.Add("application/dicom+json", `[{"00080018":{"vr":"UI","Value":["1.2"]}},{}]`, "image/png")
	f.Add("application/dicom+json", `{"7FE00010":{"vr":"OB","BulkDataURI":"x"},"00420011":{"BulkDataURI":"x"}}`, "application/pdf")
	f.Add("application/dicom+json", `[[`, "")
	f.Add("application/dicom+xml", `<NativeDicomModel><DicomAttribute tag="7FE00010" vr="OB"><BulkData uri="x"/></DicomAttribute></NativeDicomModel>`, "image/gif")
	f.Fuzz(func(t *testing.T, mediaType, metadata, bulkType string) {
		if strings.ContainsAny(mediaType+bulkType, "\r\n") {
			return
		}
		s, err := New(memstore.New(store.Options{}), Options{Log: slog.New(slog.DiscardHandler), MaxBody: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		w := new(compositeBody).part(mediaType, "", []byte(metadata)).part(bulkType, "x", []byte("\xFF\xD8"+metadata)).post(s, "")
		switch w.Code {
		case 200, 202, 400, 409, 413:
		default:
			t.Fatal(fmt.Sprint(w.Code, w.Header(), w.Body))
		}
	})
}
