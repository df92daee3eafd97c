//go:build linux

package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// blockDisk is a disk in memory below a loop-mounted ext4: a file of a file system in user space, whose every write and flush comes by
// here. It writes them down, so that the disk can be had as it was after any of them, and it fails where it is told to. It does what
// dm-log-writes, dm-flakey and dm-error do, which few kernels have.
type blockDisk struct {
	fs.Inode
	size int64

	mu     sync.Mutex
	pages  map[int64]*page // those that are not zeros
	log    []event         // since record
	record bool

	failWrites, failFlushes, failReads atomic.Bool // EIO
	failed                             atomic.Int64
	hung                               sync.RWMutex // who holds it lets everybody wait

	folder string // where the file system in user space is mounted
	server *fuse.Server
	loop   string
}

const pageSize = 4096

type page [pageSize]byte

// event is a write, a flush (data is nil), or a mark of the harness.
type event struct {
	offset int64
	data   []byte
	mark   int // > 0: so many instances were acknowledged by now
	flush  bool
}

// newBlockDisk makes a disk of zeros and the device that stands for it.
func (l *lab) newBlockDisk(name string, size int64) (*blockDisk, error) {
	d := &blockDisk{size: size, pages: map[int64]*page{}, folder: filepath.Join(l.folder, name+".fuse")}
	return d, l.attach(d)
}

// attach makes the device of a disk.
func (l *lab) attach(d *blockDisk) error {
	if err := os.MkdirAll(d.folder, 0o700); err != nil {
		return err
	}
	second := time.Second
	var err error
	d.server, err = fs.Mount(d.folder, &root{disk: d}, &fs.Options{
		EntryTimeout: &second, AttrTimeout: &second,
		MountOptions: fuse.MountOptions{DirectMountStrict: true, MaxWrite: 1 << 20, FsName: "noctis-faults", Name: "noctisfaults"},
	})
	if err != nil {
		return fmt.Errorf("a file system in user space: %w", err)
	}
	out, err := exec.Command("losetup", "--find", "--show", filepath.Join(d.folder, "disk")).CombinedOutput()
	if err != nil {
		return fmt.Errorf("losetup: %w: %s", err, out)
	}
	d.loop = strings.TrimSpace(string(out))
	l.later(func() { d.detach() }) //nolint:errcheck // it may have gone
	return nil
}

// detach takes the device away; the disk stays in memory.
func (d *blockDisk) detach() error {
	if d.loop == "" {
		return nil
	}
	d.failWrites.Store(false)
	d.failFlushes.Store(false)
	d.failReads.Store(false)
	err := system("losetup", "-d", d.loop)
	d.loop = ""
	for range 100 {
		if err = d.server.Unmount(); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond) // the loop device is let go a moment later
	}
	return err
}

// format makes an ext4 that writes nothing by itself later.
func (d *blockDisk) format() error {
	return system("mkfs.ext4", "-qF", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", "-J", "size=4", d.loop)
}

// mount mounts it, with options like "errors=remount-ro".
func (d *blockDisk) mount(at, options string) error {
	if err := os.MkdirAll(at, 0o700); err != nil {
		return err
	}
	return system("mount", "-t", "ext4", "-o", "nodiscard,"+options, d.loop, at)
}

// begin forgets what was written down and writes down what comes; it returns the disk as it is now.
func (d *blockDisk) begin() map[int64]*page {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log, d.record = nil, true
	base := make(map[int64]*page, len(d.pages))
	for n, p := range d.pages {
		c := *p
		base[n] = &c
	}
	return base
}

// end stops writing down, and returns what was.
func (d *blockDisk) end() []event {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.record = false
	return d.log
}

// mark notes that so many instances were acknowledged by now.
func (d *blockDisk) mark(acknowledged int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, event{mark: acknowledged})
}

// store writes to pages. Those of a copy (see withPages) are shared with others and replaced, not changed.
func store(pages map[int64]*page, data []byte, offset int64) {
	for len(data) > 0 {
		n := offset / pageSize
		fresh := &page{}
		if old := pages[n]; old != nil {
			*fresh = *old
		}
		k := copy(fresh[offset%pageSize:], data)
		pages[n] = fresh
		data, offset = data[k:], offset+int64(k)
	}
}

// withPages is another disk that begins with the pages of a state.
func withPages(folder string, size int64, pages map[int64]*page) *blockDisk {
	return &blockDisk{folder: folder, size: size, pages: maps.Clone(pages)}
}

// root is the file system's one folder.
type root struct {
	fs.Inode
	disk *blockDisk
}

var _ = fs.NodeOnAdder(&root{})

// OnAdd puts the file into it.
func (r *root) OnAdd(ctx context.Context) {
	r.AddChild("disk", r.NewPersistentInode(ctx, r.disk, fs.StableAttr{Mode: syscall.S_IFREG}), true)
}

var (
	_ = fs.NodeGetattrer(&blockDisk{})
	_ = fs.NodeSetattrer(&blockDisk{})
	_ = fs.NodeOpener(&blockDisk{})
	_ = fs.NodeReader(&blockDisk{})
	_ = fs.NodeWriter(&blockDisk{})
	_ = fs.NodeFsyncer(&blockDisk{})
)

// Getattr implements fs.NodeGetattrer.
func (d *blockDisk) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Size, out.Blksize = syscall.S_IFREG|0o600, uint64(d.size), pageSize
	return 0
}

// Setattr implements fs.NodeSetattrer.
func (d *blockDisk) Setattr(ctx context.Context, f fs.FileHandle, _ *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	return d.Getattr(ctx, f, out)
}

// Open implements fs.NodeOpener. Nothing is cached above the disk.
func (d *blockDisk) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_DIRECT_IO, 0
}

// Read implements fs.NodeReader.
func (d *blockDisk) Read(_ context.Context, _ fs.FileHandle, dest []byte, offset int64) (fuse.ReadResult, syscall.Errno) {
	d.hung.RLock()
	defer d.hung.RUnlock()
	if d.failReads.Load() {
		d.failed.Add(1)
		return nil, syscall.EIO
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	dest = dest[:max(0, min(int64(len(dest)), d.size-offset))]
	for b := dest; len(b) > 0; {
		k := min(len(b), int(pageSize-offset%pageSize))
		if p := d.pages[offset/pageSize]; p != nil {
			copy(b[:k], p[offset%pageSize:])
		} else {
			clear(b[:k])
		}
		b, offset = b[k:], offset+int64(k)
	}
	return fuse.ReadResultData(dest), 0
}

// Write implements fs.NodeWriter.
func (d *blockDisk) Write(_ context.Context, _ fs.FileHandle, data []byte, offset int64) (uint32, syscall.Errno) {
	d.hung.RLock()
	defer d.hung.RUnlock()
	if d.failWrites.Load() {
		d.failed.Add(1)
		return 0, syscall.EIO
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	store(d.pages, data, offset)
	if d.record {
		d.log = append(d.log, event{offset: offset, data: append([]byte(nil), data...)})
	}
	return uint32(len(data)), 0
}

// Fsync implements fs.NodeFsyncer: the loop device's flush.
func (d *blockDisk) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	d.hung.RLock()
	defer d.hung.RUnlock()
	if d.failFlushes.Load() {
		d.failed.Add(1)
		return syscall.EIO
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.record {
		d.log = append(d.log, event{flush: true})
	}
	return 0
}
