package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// orderFile is a file of orders, as it was when it was seen.
type orderFile struct {
	path     string
	size     int64
	modified time.Time
}

// filesIn are the files of a folder that are to be taken over, the oldest first; or the file itself.
func filesIn(path string) (files []orderFile, folder bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, false, err
	}
	if !info.IsDir() {
		return []orderFile{{path, info.Size(), info.ModTime()}}, false, nil
	}
	entries, err := os.ReadDir(path)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || strings.HasPrefix(e.Name(), ".") || strings.HasSuffix(e.Name(), ".tmp") {
			continue // gone meanwhile, or not for us
		}
		files = append(files, orderFile{filepath.Join(path, e.Name()), info.Size(), info.ModTime()})
	}
	slices.SortFunc(files, func(a, b orderFile) int {
		return cmp.Or(a.modified.Compare(b.modified), strings.Compare(a.path, b.path))
	})
	return files, true, err
}

// watch takes over what comes into the folders until the command is ended. A file is whole once it looks the same twice. What the server is to
// blame for is told, and tried again.
func (c scheduleImportCommand) watch(ctx context.Context, in *orderImport) error {
	var folders []string
	for _, path := range c.Paths {
		_, folder, err := filesIn(path)
		if err == nil && !folder {
			err = fmt.Errorf("%s: only folders can be watched", path)
		}
		if err != nil {
			return err
		}
		folders = append(folders, path)
	}
	look := time.NewTicker(c.Watch)
	defer look.Stop()
	seen := map[orderFile]bool{}
	for {
		seen = in.look(ctx, folders, seen)
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
}

// look takes over the files that were seen before, and returns those that are to be seen again.
func (in *orderImport) look(ctx context.Context, folders []string, before map[orderFile]bool) map[orderFile]bool {
	seen := map[orderFile]bool{}
	for _, folder := range folders {
		files, _, err := filesIn(folder)
		for _, f := range files {
			if seen[f] = true; !before[f] || err != nil {
				continue
			}
			err = in.file(ctx, f.path, true)
		}
		if err != nil && ctx.Err() == nil {
			fmt.Fprintln(in.err, err)
		}
	}
	return seen
}

// moveOrders puts a file into done, or with what was wrong beside it into failed. Names that are taken there get a number.
func moveOrders(path string, faults []string) error {
	folder := filepath.Join(filepath.Dir(path), "done")
	if len(faults) > 0 {
		folder = filepath.Join(filepath.Dir(path), "failed")
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	to := filepath.Join(folder, filepath.Base(path))
	for i := 1; ; i++ {
		if _, err := os.Lstat(to); errors.Is(err, os.ErrNotExist) {
			break
		}
		to = filepath.Join(folder, fmt.Sprintf("%s.%d", filepath.Base(path), i))
	}
	if len(faults) > 0 {
		if err := os.WriteFile(to+".error", []byte(strings.Join(faults, "\n")+"\n"), 0o600); err != nil {
			return err
		}
	}
	return os.Rename(path, to)
}
