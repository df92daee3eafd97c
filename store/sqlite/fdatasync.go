//go:build linux

package sqlite

// SQLite is compiled here without HAVE_FDATASYNC (mattn/go-sqlite3 has no setting for it), so that it calls fsync where it wants
// fdatasync. The difference is the time of the last change, for which the file system writes its journal with every commit. The
// linker takes this definition for that of the C library; what Go syncs does not go through it. A folder is synced whole: only
// in regular files is all that fdatasync leaves out without meaning (fdatasync(2)).

/*
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int fsync(int fd) {
	struct stat st;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) return fdatasync(fd);
	return (int)syscall(SYS_fsync, fd);
}
*/
import "C"
