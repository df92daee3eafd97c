package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// testDryRun stores random requests, some of which are committed in several batches and have the same UID with other bytes more than once,
// under each policy and with quotas: a dry run says what storing then does, and that is what storing them one by one does.
func testDryRun(t *testing.T, p *parts) {
	for i, policy := range []store.Conflict{store.Reject, store.Keep, store.Replace} {
		options := store.Options{Conflict: policy}
		p := p.with(t, options)
		rehearseAtRandom(t, p, policy, rand.New(rand.NewPCG(31, uint64(i))))
		if _, err := p.Delete(t.Context(), dicom.Ref{Study: "1.2.1"}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := p.Purge(t.Context(), store.RemovedQuery{}, -1); err != nil {
			t.Fatal(err)
		}
	}
}

func rehearseAtRandom(t *testing.T, p *parts, policy store.Conflict, random *rand.Rand) {
	singly := store.New(memstore.NewIndex(), memstore.NewBlobs(), store.Options{Conflict: policy})
	var next, refused, repeated int
	for range 6 {
		quota := store.Quota{Instances: int64(random.IntN(2) * (next/2 + 30)), Bytes: int64(random.IntN(2) * (next*300 + 20000))}
		p.SetQuota(quota)
		singly.SetQuota(quota)
		var files [][]byte
		for range 1 + random.IntN(140) {
			uid, comment := fmt.Sprintf("1.4.%d", random.IntN(8)), strings.Repeat("long ", random.IntN(3)*50)
			if next++; random.IntN(3) > 0 {
				uid = fmt.Sprintf("1.5.%d", next)
			}
			files = append(files, fileOf(t, instance("1.2.1", fmt.Sprintf("1.3.%d", random.IntN(2)), uid, comment)))
		}
		dry, stored := told(t, p.DryRun(""), files), told(t, p.Batch(""), files)
		for i, want := range stored {
			if dry[i] != want {
				t.Fatalf("instance %d of %d: the dry run says %q, storing %q", i, len(files), dry[i], want)
			}
			if alone := told(t, singly.Batch(""), files[i:i+1])[0]; alone != want {
				t.Fatalf("instance %d of %d: %q, when it is stored by itself %q", i, len(files), want, alone)
			}
			if strings.Contains(want, "quota") {
				refused++
			}
			if strings.Contains(want, "other bytes") || strings.Contains(want, "true") {
				repeated++
			}
		}
	}
	if refused < 20 || repeated < 20 {
		t.Errorf("%d refused and %d repeated: the test proves little", refused, repeated)
	}
}

// told is what a batch says of each file.
func told(t *testing.T, b *store.Batch, files [][]byte) (outcomes []string) {
	t.Helper()
	defer b.Cancel()
	for _, file := range files {
		if err := b.Add(t.Context(), bytes.NewReader(file)); err != nil {
			t.Fatal(err)
		}
	}
	all, err := b.Commit(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		said := fmt.Sprint(o.Duplicate, o.Kept, o.Elsewhere, o.Replaced)
		if o.Failure != nil {
			said = fmt.Sprintf("%04X %v %v", o.Failure.Reason, errors.Is(o.Failure, store.ErrQuota), o.Failure)
		}
		outcomes = append(outcomes, said)
	}
	return outcomes
}
