package dicomweb

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// payloads are texts that become long data sets.
var payloads = map[string]string{
	"empty items": `{"00081140":{"vr":"SQ","Value":[` + strings.Repeat(`{},`, 100_000) + `{}]}}`,
	"items":       `{"00081140":{"vr":"SQ","Value":[` + strings.Repeat(`{"00081155":{"vr":"UI","Value":["1.2"]}},`, 30_000) + `{}]}}`,
	"values":      `{"00080008":{"vr":"CS","Value":[` + strings.Repeat(`"A",`, 100_000) + `"B"]}}`,
	"numbers":     `{"00280010":{"vr":"US","Value":[` + strings.Repeat(`1,`, 100_000) + `1]}}`,
	"empty items in XML": `<NativeDicomModel><DicomAttribute tag="00081140" vr="SQ">` + strings.Repeat(`<Item number="1"/>`, 50_000) +
		`</DicomAttribute></NativeDicomModel>`,
}

// TestPayloadCost holds what is taken for a payload against the heap.
func TestPayloadCost(t *testing.T) {
	for name, text := range payloads {
		s := &Server{store: store.New(memstore.NewIndex(), memstore.NewBlobs(), store.Options{})}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		ds, err := s.readDataSet(httptest.NewRequest("POST", "/", strings.NewReader(text)))
		runtime.GC()
		runtime.ReadMemStats(&after)
		if err != nil && !strings.HasSuffix(name, "XML") {
			t.Fatal(name, err)
		}
		if used, asked := int(after.HeapAlloc)-int(before.HeapAlloc), payloadCost([]byte(text)); used > asked {
			t.Errorf("%s: %d bytes are in use, %d are asked for", name, used, asked)
		}
		runtime.KeepAlive(ds)
	}
}

// TestPayloadKeepsToMemory: a payload waits for memory that others have, is refused if it wants more than one may, and gives it back.
func TestPayloadKeepsToMemory(t *testing.T) { synctest.Test(t, testPayloadKeepsToMemory) }

func testPayloadKeepsToMemory(t *testing.T) {
	s := &Server{store: store.New(memstore.NewIndex(), memstore.NewBlobs(), store.Options{Memory: 1, Limits: part10.Limits{Header: 8 << 20}})}
	read := func(text string) error {
		x := &exchange{}
		defer x.held.Release()
		_, err := s.readDataSet(httptest.NewRequest("POST", "/", strings.NewReader(text)).WithContext(context.WithValue(t.Context(), exchangeKey{}, x)))
		return err
	}
	ordinary, long := `{}`, `{"00081030":{"vr":"LO","Value":["`+strings.Repeat("x", 300_000)+`"]}}`
	var held store.Holding
	if err := s.store.Hold(t.Context(), &held, 4<<20); err != nil {
		t.Fatal(err)
	}
	if err := read(ordinary); err != nil {
		t.Error(err)
	}
	if err := read(long); !errors.Is(err, store.ErrBusy) {
		t.Errorf("while others have the memory: %v", err)
	}
	held.Release()
	for range 3 {
		if err := read(long); err != nil {
			t.Error(err)
		}
		if p := (*problem)(nil); !errors.As(read(payloads["empty items"]), &p) || p.status != http.StatusRequestEntityTooLarge {
			t.Errorf("more than one may take: %+v", p)
		}
	}
}
