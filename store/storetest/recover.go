package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// testRecover leaves behind what a crash does: blobs that were durable before the index knew them. They are taken in, so that a
// rebuilt index equals the live one; what cannot be an instance is set aside, and nothing is removed.
func testRecover(t *testing.T, p *parts) {
	for i := range 20 {
		p.ingest(t, fileOf(t, instance("1.2.1", "1.2.1.1", fmt.Sprintf("1.2.1.1.%d", i), "")))
	}
	var orphans [][]byte
	for i := range 10 {
		file := fileOf(t, instance("1.2.1", "1.2.1.1", fmt.Sprintf("1.2.1.2.%d", i), ""))
		commit(t, p.blobs, file)
		orphans = append(orphans, file)
	}
	other := instance("1.2.1", "1.2.1.1", "1.2.1.1.7", "Other^Name")
	conflict := commit(t, p.blobs, fileOf(t, other)).ID
	rubbish := commit(t, p.blobs, []byte("no DICOM")).ID
	found, err := p.Recover(t.Context())
	if err != nil || found.Adopted != 10 || len(found.SetAside) != 2 {
		t.Fatalf("recovered %+v %v; want 10 adopted and 2 set aside", found, err)
	}
	for _, bad := range found.SetAside {
		if bad.Err == nil || bad.Blob != conflict && bad.Blob != rubbish {
			t.Errorf("set aside %v: %v", bad.Blob, bad.Err)
		}
	}
	for i, file := range orphans {
		p.wantFile(t, dicom.Ref{Instance: dicom.UID(fmt.Sprintf("1.2.1.2.%d", i))}, file)
	}
	if entries, blobs := collect(t, p.Entries(t.Context(), dicom.Ref{})), collect(t, p.blobs.List(t.Context())); len(entries) != 30 || len(blobs) != 32 {
		t.Errorf("%d instances and %d blobs are kept, want 30 and 32", len(entries), len(blobs))
	}
	if again, err := p.Recover(t.Context()); err != nil || again.Adopted != 0 || len(again.SetAside) != 2 {
		t.Errorf("the second time: %+v %v", again, err)
	}
}

// testRecoverRace recovers everything that is an orphan at any moment, while the same few files are stored again and again.
func testRecoverRace(t *testing.T, p *parts) {
	files := make([][]byte, 40)
	for i := range files {
		files[i] = fileOf(t, instance("1.2.1", "1.2.1.1", fmt.Sprintf("1.2.1.1.%d", i), ""))
		commit(t, p.blobs, files[i]) // an orphan until it is stored
	}
	done := make(chan struct{})
	var recoverer, writers sync.WaitGroup
	recoverer.Go(func() {
		for {
			if _, err := p.Recover(t.Context()); err != nil {
				t.Error(err)
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for range 4 {
		writers.Go(func() {
			for _, file := range files {
				p.ingest(t, file)
			}
		})
	}
	writers.Wait()
	close(done)
	recoverer.Wait()
	for i, file := range files {
		p.wantFile(t, dicom.Ref{Instance: dicom.UID(fmt.Sprintf("1.2.1.1.%d", i))}, file)
	}
	p.wantKept(t, len(files))
}

func testReindex(t *testing.T, p *parts) {
	for i := range 30 {
		ds := instance(fmt.Sprintf("1.2.%d", i%3), fmt.Sprintf("1.2.%d.%d", i%3, i%5), fmt.Sprintf("1.3.%d", 100-i), "")
		if i%4 == 0 {
			ds.SetStrings(dicom.PatientName, dicom.PN, fmt.Sprintf("Other^%d", i)) // instances that disagree
		}
		p.ingest(t, fileOf(t, ds))
	}
	bad := commit(t, p.blobs, []byte("no DICOM")).ID
	fresh := memstore.NewIndex()
	calls := 0
	report, err := p.Reindex(t.Context(), fresh, func(done, total int) {
		if calls++; done != calls || total != 31 {
			t.Errorf("progress %d of %d in call %d", done, total, calls)
		}
	})
	if err != nil || report.Indexed != 30 || len(report.Failed) != 1 || report.Failed[0].Blob != bad || calls != 31 {
		t.Errorf("report %+v, %v", report, err)
	}
	if difference, err := store.Compare(t.Context(), p.index, fresh); difference != "" || err != nil {
		t.Errorf("the indices differ: %s %v", difference, err)
	}
	p.ingest(t, fileOf(t, instance("1.2.9", "1.2.9.1", "1.2.9.1.1", "")))
	if difference, err := store.Compare(t.Context(), p.index, fresh); difference == "" || err != nil {
		t.Errorf("the indices do not differ: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Reindex(ctx, memstore.NewIndex(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
