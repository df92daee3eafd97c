package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/store"
)

// OpenBlobs opens blobs, the same each time it is called; what the test opened before it has closed by then, if it can be closed.
type OpenBlobs func() (store.Blobs, error)

// Blobs tests an implementation of store.Blobs. fresh returns a way to open new, empty ones.
func Blobs(t *testing.T, fresh func(t *testing.T) OpenBlobs) {
	for name, test := range map[string]func(*testing.T, OpenBlobs){
		"Commit":     testCommit,
		"CommitMany": testCommitMany,
		"CommitRace": testCommitRace,
		"Cancel":     testCancel,
		"Remove":     testRemove,
		"Sweep":      testSweepBlobs,
		"Context":    testBlobsContext,
		"Reopen":     testReopenBlobs,
		"Journal":    testJournal,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

func openBlobs(t *testing.T, o OpenBlobs) store.Blobs {
	t.Helper()
	b, err := o()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeBlobs(t, b) })
	return b
}

func closeBlobs(t *testing.T, b store.Blobs) {
	t.Helper()
	if c, ok := b.(io.Closer); ok {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// write writes data in pieces of uneven sizes.
func write(t testing.TB, b store.Blobs, data []byte) store.BlobWriter {
	t.Helper()
	w, err := b.Create(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for i, n := 0, 1; i < len(data); n *= 3 {
		end := min(i+n, len(data))
		if n, err := w.Write(data[i:end]); err != nil || n != end-i {
			t.Fatalf("wrote %d of %d bytes: %v", n, end-i, err)
		}
		i = end
	}
	return w
}

func commit(t testing.TB, b store.Blobs, data []byte) store.BlobInfo {
	t.Helper()
	infos, err := b.Commit(context.Background(), write(t, b, data))
	if err != nil {
		t.Fatal(err)
	}
	return infos[0]
}

func read(t testing.TB, b store.Blobs, id store.BlobID) []byte {
	t.Helper()
	blob, err := b.Open(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	data, err := io.ReadAll(io.NewSectionReader(blob, 0, blob.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func exists(t testing.TB, b store.Blobs, id store.BlobID) bool {
	t.Helper()
	blob, err := b.Open(context.Background(), id)
	if err == nil {
		blob.Close()
	} else if !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

func random(n int, seed uint64) []byte {
	data := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	r.Read(data)
	return data
}

func testCommit(t *testing.T, o OpenBlobs) {
	b := openBlobs(t, o)
	for i, size := range []int{0, 1, 4095, 1 << 20} {
		data := random(size, uint64(i))
		w := write(t, b, data)
		id := store.BlobID(sha256.Sum256(data))
		if w.ID() != id {
			t.Errorf("the id of %d bytes is not their SHA-256", size)
		}
		if exists(t, b, id) || len(collect(t, b.List(t.Context()))) != i {
			t.Error("a blob is there before Commit")
		}
		before := time.Now().Truncate(time.Second)
		infos, err := b.Commit(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		info := infos[0]
		if len(infos) != 1 || info.ID != id || info.Size != int64(size) {
			t.Errorf("committed %+v", infos)
		}
		if s := info.Stored; s.Location() != time.UTC || s.Nanosecond() != 0 || s.Before(before.Add(-time.Minute)) || s.After(time.Now()) {
			t.Errorf("stored at %v", s)
		}
		if !bytes.Equal(read(t, b, id), data) {
			t.Errorf("%d bytes come back as others", size)
		}
		if listed := collect(t, b.List(t.Context())); !slices.Contains(listed, info) {
			t.Errorf("%+v is not listed: %+v", info, listed)
		}
	}
	blob, err := b.Open(t.Context(), sha256.Sum256(random(4095, 2)))
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	p := make([]byte, 100)
	if n, err := blob.ReadAt(p, 4000); n != 95 || err != io.EOF || !bytes.Equal(p[:n], random(4095, 2)[4000:]) {
		t.Errorf("reading beyond the end: %d %v", n, err)
	}
}

func testCommitMany(t *testing.T, o OpenBlobs) {
	b := openBlobs(t, o)
	if infos, err := b.Commit(t.Context()); err != nil || len(infos) != 0 {
		t.Errorf("committing nothing: %v %v", infos, err)
	}
	var writers []store.BlobWriter
	for i := range 100 {
		writers = append(writers, write(t, b, random(1000+i, uint64(i%90)))) // and one content more than once
	}
	writers = append(writers, write(t, b, random(1000, 0)))
	infos, err := b.Commit(t.Context(), writers...)
	if err != nil {
		t.Fatal(err)
	}
	for i, info := range infos {
		want := random(1000+i, uint64(i%90))
		if i == 100 {
			want = random(1000, 0)
		}
		if info.ID != sha256.Sum256(want) || !bytes.Equal(read(t, b, info.ID), want) {
			t.Fatalf("blob %d", i)
		}
	}
	listed := collect(t, b.List(t.Context()))
	if len(listed) != 100 || !slices.IsSortedFunc(listed, func(a, b store.BlobInfo) int { return bytes.Compare(a.ID[:], b.ID[:]) }) {
		t.Errorf("%d blobs listed, want 100 in ascending order", len(listed))
	}
}

// testCommitRace checks that the same content may be committed by many at once, and over one that is there.
func testCommitRace(t *testing.T, o OpenBlobs) {
	b := openBlobs(t, o)
	data := random(100_000, 1)
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			if info := commit(t, b, data); !bytes.Equal(read(t, b, info.ID), data) {
				t.Error("other bytes")
			}
		})
	}
	group.Wait()
	if n := len(collect(t, b.List(t.Context()))); n != 1 {
		t.Errorf("%d blobs", n)
	}
}

func testCancel(t *testing.T, o OpenBlobs) {
	b := openBlobs(t, o)
	data := random(1000, 1)
	w := write(t, b, data)
	w.Cancel()
	w.Cancel()
	if n := len(collect(t, b.List(t.Context()))); n != 0 {
		t.Errorf("%d blobs after Cancel", n)
	}
	w = write(t, b, data)
	infos, err := b.Commit(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	w.Cancel()
	if !exists(t, b, infos[0].ID) {
		t.Error("Cancel after Commit removes the blob")
	}
}

func testRemove(t *testing.T, o OpenBlobs) {
	b := openBlobs(t, o)
	data := random(100_000, 1)
	id := commit(t, b, data).ID
	blob, err := b.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	for range 2 {
		if err := b.Remove(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if exists(t, b, id) || len(collect(t, b.List(t.Context()))) != 0 {
		t.Error("the blob is still there")
	}
	if got, err := io.ReadAll(io.NewSectionReader(blob, 0, blob.Size())); err != nil || !bytes.Equal(got, data) {
		t.Errorf("who has it open cannot go on reading: %v", err)
	}
	if commit(t, b, data); !exists(t, b, id) {
		t.Error("it cannot be stored again")
	}
}

// testSweepBlobs checks that a sweep leaves writers of this process and committed blobs alone.
func testSweepBlobs(t *testing.T, o OpenBlobs) {
	b := openBlobs(t, o)
	committed := commit(t, b, random(1000, 1))
	w := write(t, b, random(1000, 2))
	if n, err := b.Sweep(t.Context(), time.Now().Add(time.Hour)); n != 0 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	infos, err := b.Commit(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	if !exists(t, b, committed.ID) || !exists(t, b, infos[0].ID) {
		t.Error("a blob was swept away")
	}
}

func testBlobsContext(t *testing.T, o OpenBlobs) {
	b := openBlobs(t, o)
	id := commit(t, b, random(1000, 1)).ID
	w := write(t, b, random(1000, 2))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, create := b.Create(ctx)
	_, openErr := b.Open(ctx, id)
	_, commitErr := b.Commit(ctx, w)
	var list error
	for _, err := range b.List(ctx) {
		list = err
	}
	for name, err := range map[string]error{
		"Create": create, "Open": openErr, "Commit": commitErr, "Remove": b.Remove(ctx, id), "List": list,
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(collect(t, b.List(t.Context()))); n != 1 {
		t.Errorf("%d blobs, want 1", n)
	}
}

func testReopenBlobs(t *testing.T, o OpenBlobs) {
	b, err := o()
	if err != nil {
		t.Fatal(err)
	}
	data := random(100_000, 1)
	info := commit(t, b, data)
	closeBlobs(t, b)
	b = openBlobs(t, o)
	if listed := collect(t, b.List(t.Context())); !slices.Equal(listed, []store.BlobInfo{info}) {
		t.Errorf("listed %+v, want %+v", listed, info)
	}
	if !bytes.Equal(read(t, b, info.ID), data) {
		t.Error("other bytes")
	}
}

// testJournal writes lines from many goroutines and reads them again, also after a restart.
func testJournal(t *testing.T, o OpenBlobs) {
	b, err := o()
	if err != nil {
		t.Fatal(err)
	}
	if lines := collect(t, b.Records(t.Context())); len(lines) != 0 {
		t.Errorf("an empty journal: %q", lines)
	}
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if err := b.Record(t.Context(), "one", "two"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	closeBlobs(t, b)
	b = openBlobs(t, o)
	if err := b.Record(t.Context(), "three"); err != nil {
		t.Fatal(err)
	}
	lines := collect(t, b.Records(t.Context()))
	if len(lines) != 41 || lines[40] != "three" {
		t.Fatalf("%d lines: %q", len(lines), lines)
	}
	for i := 0; i < 40; i += 2 {
		if lines[i] != "one" || lines[i+1] != "two" {
			t.Errorf("lines %d and %d are %q", i, i+1, lines[i:i+2])
		}
	}
	if blobs := collect(t, b.List(t.Context())); len(blobs) != 0 {
		t.Errorf("the journal is taken for %d blobs", len(blobs))
	}
}
