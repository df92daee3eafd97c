package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// examineFolder looks at what is no database and no blob.
func (p *patient) examineFolder() error {
	strays, err := p.files.Strays()
	if err != nil {
		return err
	}
	for _, path := range strays {
		p.d.find(stray, "%s", path)
	}
	p.examineJournal()
	if n, err := p.files.Unfinished(); err != nil {
		return err
	} else if n > 0 && !p.d.Live {
		p.d.find(unfinished, "%d files below tmp", n)
	}
	for _, path := range p.leftovers() {
		p.d.find(leftover, "%s", filepath.Base(path)).path = filepath.Base(path)
	}
	if err := p.examineModes(); err != nil {
		return err
	}
	return p.examineSpace()
}

// leftovers are the folders in which commands make indices, when none is running that has the store for itself.
func (p *patient) leftovers() (paths []string) {
	if p.d.Live {
		return nil
	}
	for _, pattern := range []string{"reindex-*", "doctor-*"} {
		found, _ := filepath.Glob(filepath.Join(p.Data, pattern))
		paths = append(paths, found...)
	}
	return paths
}

// examineModes looks at who may read the files, and when they were written. While the server runs they come and go.
func (p *patient) examineModes() error {
	newest := time.Time{}
	folder, err := os.Stat(p.Data)
	if err != nil {
		return err
	}
	err = filepath.WalkDir(p.Data, func(path string, entry fs.DirEntry, err error) error {
		if p.d.Live && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if p.d.Live && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if entry.Type()&fs.ModeSymlink != 0 { // whose mode says nothing
			return nil
		}
		if info.Mode().Perm()&0o077 != 0 && path != p.Data {
			relative, err := filepath.Rel(p.Data, path)
			if err != nil {
				return err
			}
			p.d.find(permissions, "%s has mode %v", relative, info.Mode().Perm()).path = relative
		}
		if owner, theirs := ownerOf(folder), ownerOf(info); owner != theirs {
			relative, err := filepath.Rel(p.Data, path)
			if err != nil {
				return err
			}
			p.d.find(foreign, "%s belongs to user %d, and the data folder to user %d", relative, theirs, owner).path = relative
		}
		if info.ModTime().After(newest) && !entry.IsDir() {
			newest = info.ModTime()
		}
		return nil
	})
	if err != nil {
		return err
	}
	if ahead := newest.Sub(p.d.Began); ahead > 24*time.Hour {
		p.d.find(clock, "a file was written %v in the future: the clock is behind, or was ahead", ahead.Round(time.Hour))
	}
	return nil
}

// leastSpace is how much of the disk should be free: a study must fit.
const leastSpace = 1 << 30

func (p *patient) examineSpace() error {
	var disk unix.Statfs_t
	if err := unix.Statfs(p.Data, &disk); err != nil {
		return err
	}
	if free := disk.Bavail * uint64(disk.Bsize); free < leastSpace {
		p.d.find(space, "%d MiB", free>>20)
	}
	if disk.Files > 0 && disk.Ffree*100 < disk.Files {
		p.d.find(space, "%d files can still be made", disk.Ffree)
	}
	return nil
}

// ownerOf is whose a file is.
func ownerOf(info fs.FileInfo) uint32 {
	if of, ok := info.Sys().(*syscall.Stat_t); ok {
		return of.Uid
	}
	return 0
}

// ownedLike gives a file to the owner of the data folder, for whom the server runs, where the administrator of the machine has made it.
func ownedLike(data, path string) error {
	info, err := os.Stat(data)
	if err != nil {
		return err
	}
	of, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(of.Uid) == os.Geteuid() && os.Geteuid() != 0 {
		return nil
	}
	if there, err := os.Lstat(path); err != nil || ownerOf(there) == of.Uid {
		return err
	}
	return os.Lchown(path, int(of.Uid), int(of.Gid))
}
