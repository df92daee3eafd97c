package file

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

// journaled reports whether the file system of dir, which syncFS knows, writes the names of a file into one transaction of its journal with
// the file, so that a sync of the file makes them durable. ext4 can be made without a journal, as disks of virtual machines often are:
// there fsync looks for the names of new files itself, and takes the first of two that the kernel happens to remember. Where ext4 does not
// say that it has a journal it is taken to have none.
func journaled(dir *os.File) bool {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(dir.Fd()), &fs); err != nil {
		return false
	}
	if int64(fs.Type) != unix.EXT4_SUPER_MAGIC {
		return true
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(dir.Fd()), &st); err != nil {
		return false
	}
	device, err := os.Readlink(fmt.Sprintf("/sys/dev/block/%d:%d", unix.Major(st.Dev), unix.Minor(st.Dev)))
	if err != nil {
		return false
	}
	task, err := os.ReadFile(filepath.Join("/sys/fs/ext4", filepath.Base(device), "journal_task"))
	if err != nil {
		return false
	}
	_, none := strconv.Atoi(strings.TrimSpace(string(task))) // a process, 0 in a container that does not see it, or "<none>"
	return none == nil
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
