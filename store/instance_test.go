package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)})
	r.Read(b)
	return b
}

// image is a native image; value is its pixel data, little endian.
func image(rows, columns, bits, frames int, vr dicom.VR) (ds *dicom.DataSet, value []byte) {
	value = random((rows*columns*bits*frames + 7) / 8)
	if len(value)%2 == 1 {
		value = append(value, 0)
	}
	ds = &dicom.DataSet{}
	for _, e := range []dicom.Element{
		{Tag: dicom.SOPClassUID, VR: dicom.UI, Value: dicom.Strings{"1.2.840.10008.5.1.4.1.1.7"}},
		{Tag: dicom.SOPInstanceUID, VR: dicom.UI, Value: dicom.Strings{"1.2.3.4"}},
		{Tag: dicom.StudyInstanceUID, VR: dicom.UI, Value: dicom.Strings{"1.2.3"}},
		{Tag: dicom.SeriesInstanceUID, VR: dicom.UI, Value: dicom.Strings{"1.2.3.1"}},
		{Tag: dicom.SamplesPerPixel, VR: dicom.US, Value: dicom.Ints{1}},
		{Tag: dicom.PhotometricInterpretation, VR: dicom.CS, Value: dicom.Strings{"MONOCHROME2"}},
		{Tag: dicom.NumberOfFrames, VR: dicom.IS, Value: dicom.Strings{fmt.Sprint(frames)}},
		{Tag: dicom.Rows, VR: dicom.US, Value: dicom.Ints{int64(rows)}},
		{Tag: dicom.Columns, VR: dicom.US, Value: dicom.Ints{int64(columns)}},
		{Tag: dicom.BitsAllocated, VR: dicom.US, Value: dicom.Ints{int64(bits)}},
		{Tag: dicom.BitsStored, VR: dicom.US, Value: dicom.Ints{int64(bits)}},
		{Tag: dicom.HighBit, VR: dicom.US, Value: dicom.Ints{int64(bits - 1)}},
		{Tag: dicom.PixelRepresentation, VR: dicom.US, Value: dicom.Ints{0}},
		{Tag: dicom.RedPaletteColorLookupTableData, VR: dicom.OW, Value: dicom.Bytes(random(3000))},
		{Tag: dicom.PixelData, VR: vr, Value: dicom.Bytes(value)},
	} {
		ds.Set(e)
	}
	return ds, value
}

// frameOf cuts a frame out of a value bit by bit (PS3.5 8.1.1).
func frameOf(value []byte, n, bits int) []byte {
	frame := make([]byte, (bits+7)/8)
	for i := range bits {
		at := (n-1)*bits + i
		frame[i/8] |= value[at/8] >> (at % 8) & 1 << (i % 8)
	}
	return frame
}

func ingestAndOpen(t *testing.T, file []byte) *store.Instance {
	t.Helper()
	s := memstore.New(store.Options{})
	r, err := s.Ingest(t.Context(), bytes.NewReader(file), "")
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range s.Entries(t.Context(), r.Ref) {
		if err != nil {
			t.Fatal(err)
		}
		in, err := s.Open(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { in.Close() })
		return in
	}
	t.Fatal("no entry")
	return nil
}

// TestNativeFrames reads frames of every width that begin anywhere in a byte or word, in every native encoding.
func TestNativeFrames(t *testing.T) {
	for _, c := range []struct {
		rows, columns, bits, frames int
		vr                          dicom.VR
	}{
		{1, 1, 1, 20, dicom.OW}, {3, 3, 1, 9, dicom.OW}, {3, 5, 1, 9, dicom.OB}, {8, 8, 1, 3, dicom.OB}, {4, 3, 1, 5, dicom.OW},
		{3, 3, 8, 5, dicom.OB}, {3, 3, 8, 5, dicom.OW}, {2, 2, 8, 2, dicom.OW}, {1, 1, 8, 1, dicom.OW},
		{3, 3, 16, 4, dicom.OW}, {200, 300, 16, 3, dicom.OW}, {400, 400, 16, 60, dicom.OW},
	} {
		ds, value := image(c.rows, c.columns, c.bits, c.frames, c.vr)
		for _, ts := range []dicom.UID{
			dicom.ImplicitVRLittleEndian, dicom.ExplicitVRLittleEndian, dicom.ExplicitVRBigEndian, dicom.DeflatedExplicitVRLittleEndian,
		} {
			var file bytes.Buffer
			if err := part10.Write(&file, ds, part10.WriteOptions{TransferSyntax: ts}); err != nil {
				t.Fatal(err)
			}
			in := ingestAndOpen(t, file.Bytes())
			for n := c.frames; n > 0; n -= max(1, c.frames/4) { // backwards, which is the hard way through a deflated file
				r, err := in.Frame(n)
				if err != nil {
					t.Fatalf("%+v in %s: %v", c, ts, err)
				}
				want := frameOf(value, n, c.rows*c.columns*c.bits)
				if err := iotest.TestReader(r, want); err != nil && len(want) < 1000 {
					t.Errorf("%+v in %s: frame %d: %v", c, ts, n, err)
				}
				got := make([]byte, len(want))
				if _, err := r.ReadAt(got, 0); err != nil && err != io.EOF || !bytes.Equal(got, want) {
					t.Errorf("%+v in %s: frame %d differs (%v)", c, ts, n, err)
				}
			}
			for _, n := range []int{-1, 0, c.frames + 1} {
				if _, err := in.Frame(n); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("frame %d of %d: %v", n, c.frames, err)
				}
			}
			wantBulk(t, in, "00281201", dicom.OW, random(3000))
			wantBulk(t, in, "7FE00010", c.vr, value)
			if _, _, err := in.Bulk("00281202"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("no such value: %v", err)
			}
		}
	}
}

func wantBulk(t *testing.T, in *store.Instance, path string, vr dicom.VR, want []byte) {
	t.Helper()
	r, v, err := in.Bulk(path)
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	got, err := io.ReadAll(r)
	// In Implicit VR the dictionary decides between OB and OW.
	if err != nil || !bytes.Equal(got, want) || v.VR != vr && in.Entry.TransferSyntax != dicom.ImplicitVRLittleEndian {
		t.Errorf("%s: %d bytes of VR %s (%v), want %d of %s", path, len(got), v.VR, err, len(want), vr)
	}
}

func TestEncapsulatedFrames(t *testing.T) {
	ds, _ := image(8, 8, 8, 3, dicom.OB)
	frames := [][]byte{random(100), random(5000), random(2)}
	for _, table := range []part10.OffsetTable{part10.BasicOffsetTable, part10.NoOffsetTable, part10.ExtendedOffsetTable} {
		var file bytes.Buffer
		o := part10.WriteOptions{TransferSyntax: "1.2.840.10008.1.2.4.80", Frames: frames, OffsetTable: table}
		if err := part10.Write(&file, ds, o); err != nil {
			t.Fatal(err)
		}
		in := ingestAndOpen(t, file.Bytes())
		for i, want := range frames {
			r, err := in.Frame(i + 1)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
				t.Errorf("table %v, frame %d: %d bytes, %v", table, i+1, len(got), err)
			}
		}
		if _, _, err := in.Bulk("7FE00010"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("encapsulated pixel data as a bulk value: %v", err)
		}
	}
}

// TestConcurrentReads reads all frames of a deflated file that is too large to be kept inflated, from many goroutines.
func TestConcurrentReads(t *testing.T) {
	ds, value := image(1000, 1000, 16, 10, dicom.OW)
	var file bytes.Buffer
	if err := part10.Write(&file, ds, part10.WriteOptions{TransferSyntax: dicom.DeflatedExplicitVRLittleEndian}); err != nil {
		t.Fatal(err)
	}
	in := ingestAndOpen(t, file.Bytes())
	var group sync.WaitGroup
	for n := range 10 {
		group.Go(func() {
			r, err := in.Frame(n + 1)
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := io.ReadAll(io.LimitReader(r, 1_000_000)); err != nil || !bytes.Equal(got, value[n*2_000_000:][:1_000_000]) {
				t.Errorf("frame %d: %v", n+1, err)
			}
		})
	}
	group.Wait()
}
