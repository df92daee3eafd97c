package storetest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// testAdmission: an index asks before it takes the memory of metadata, be it short, long, or so long that it is long when it is packed as
// well; what is not admitted does not come, and nothing behind it.
func testAdmission(t *testing.T, o OpenIndex) {
	x := open(t, o)
	all := entries(t, 7, 3)
	random := rand.New(rand.NewPCG(7, 7))
	for i, n := range []int{0, 300_000, 200_000} {
		text := bytes.Repeat([]byte("x"), n)
		if i == 2 {
			for j := range text {
				text[j] = byte('a' + random.IntN(26))
			}
		}
		all[i].DataSet.SetStrings(dicom.TextValue, dicom.UT, string(text))
		all[i] = entryOf(t, all[i].DataSet, "")
	}
	insert(t, x, all...)
	for _, e := range all {
		var asked int64
		admit := func(n int64) error {
			asked += n
			return nil
		}
		got := collect(t, x.Metadata(store.WithAdmission(t.Context(), admit), e.Ref))
		if len(got) != 1 || got[0].Ref != e.Ref || !bytes.Equal(got[0].JSON, e.Metadata) {
			t.Fatalf("metadata of %d bytes is not what was inserted", len(e.Metadata))
		}
		if n := int64(len(e.Metadata)); asked < n || asked > 2*n+1000 {
			t.Errorf("%d bytes are asked for, for metadata of %d", asked, n)
		}
	}
	refusal := errors.New("no")
	asked, came := 0, 0
	admit := func(int64) error {
		if asked++; asked == 2 {
			return refusal
		}
		return nil
	}
	var last error
	for _, err := range x.Metadata(store.WithAdmission(t.Context(), admit), dicom.Ref{}) {
		if last = err; err == nil {
			came++
		}
	}
	if asked != 2 || came != 1 || !errors.Is(last, refusal) {
		t.Errorf("the second is refused: %d asked for, %d came, %v", asked, came, last)
	}
	remove(t, x, time.Now(), all[2])
	for whole, want := range map[bool]int64{false: 0, true: int64(len(all[2].Metadata))} {
		var taken int64
		admitted := store.WithAdmission(t.Context(), func(n int64) error {
			taken += n
			return nil
		})
		if got := collect(t, x.Removed(admitted, store.RemovedQuery{Whole: whole})); len(got) != 1 || taken != want {
			t.Errorf("of the recycle bin, whole %t: %d, %d bytes are asked for, want %d", whole, len(got), taken, want)
		}
	}
	for _, err := range x.Removed(store.WithAdmission(t.Context(), func(int64) error { return refusal }), store.RemovedQuery{Whole: true}) {
		if !errors.Is(err, refusal) {
			t.Errorf("what is not admitted comes from the recycle bin: %v", err)
		}
	}
}
