package file

import (
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// syncFS returns a function that makes everything durable that was written before to the file system of dir: data and names.
// It is nil where that cannot be relied on: before Linux 5.8 syncfs(2) does not tell that a write-back failed, and a file
// system in user space need not be told at all. An error is that of any file of the file system, and is told once.
func syncFS(dir *os.File) func() error {
	fd := int(dir.Fd())
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil || !reportsErrors() {
		return nil
	}
	switch int64(fs.Type) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC:
		return func() error { return os.NewSyscallError("syncfs", unix.Syncfs(fd)) }
	}
	return nil
}

// reportsErrors reports whether this is Linux 5.8 or later.
func reportsErrors() bool {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return false
	}
	release := strings.SplitN(unix.ByteSliceToString(name.Release[:]), ".", 3)
	if len(release) < 2 {
		return false
	}
	major, _ := strconv.Atoi(release[0])
	minor, _ := strconv.Atoi(release[1])
	return major > 5 || major == 5 && minor >= 8
}

// writeBack begins to write a range of the file to the disk, and does not wait for it. That it fails is told by the sync.
func writeBack(f *os.File, offset, length int64) {
	_ = unix.SyncFileRange(int(f.Fd()), offset, length, unix.SYNC_FILE_RANGE_WRITE)
}

// links is how many names a file has.
func links(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Nlink)
	}
	return 1
}

// forget lets the system forget what it holds of the file in memory, as far as that is on the disk.
func forget(f *os.File) { _ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) }
