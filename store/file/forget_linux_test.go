package file

import (
	"bytes"
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/noctis-dicom/noctis/store"
)

// A commit leaves nothing of its files in memory, whichever way they became durable: together, each, or with a rename.
func TestCommittedIsForgotten(t *testing.T) {
	const length = 1 << 20
	commit := func(t *testing.T, b *Blobs, n int) (resident uint64) {
		var writers []store.BlobWriter
		for i := range n {
			w, err := b.Create(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(bytes.Repeat([]byte{byte(i)}, length)); err != nil {
				t.Fatal(err)
			}
			writers = append(writers, w)
		}
		infos, err := b.Commit(t.Context(), writers...)
		if err != nil {
			t.Fatal(err)
		}
		for _, info := range infos {
			resident += residentOf(t, b.path(info.ID))
		}
		return resident
	}
	for name, n := range map[string]int{"each": 1, "together": many} {
		for _, renamed := range []bool{false, true} {
			b, err := Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { b.Close() })
			if b.all == nil {
				t.Skip("the file system of TMPDIR may be one that lies in memory")
			}
			if renamed {
				b.all = nil
			}
			if got := commit(t, b, n); got > uint64(n)*length/4 {
				t.Errorf("%s, renamed %v: %d bytes of %d are in memory", name, renamed, got, n*length)
			}
		}
	}
}

// residentOf is how many bytes of a file are in memory.
func residentOf(t *testing.T, path string) uint64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	mapped, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mapped)
	page := os.Getpagesize()
	there := make([]byte, (len(mapped)+page-1)/page)
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&mapped[0])), uintptr(len(mapped)), uintptr(unsafe.Pointer(&there[0]))); errno != 0 {
		t.Skip("mincore:", errno)
	}
	var resident uint64
	for _, b := range there {
		resident += uint64(b&1) * uint64(page)
	}
	return resident
}
