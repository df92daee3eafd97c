package durable

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

const nobody = 65534

// folderOf makes a folder of somebody else.
func folderOf(t *testing.T, user int) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can write in folders of others")
	}
	folder := t.TempDir()
	if err := os.Chown(folder, user, user); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestWhatRootMakesBelongsToTheFoldersOwner(t *testing.T) {
	folder := folderOf(t, nobody)
	deep := filepath.Join(folder, "a", "b")
	if err := MkdirAll(deep); err != nil {
		t.Fatal(err)
	}
	f, err := OpenFile(filepath.Join(deep, "lock"), os.O_CREATE|os.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := WriteFile(filepath.Join(deep, "keys.json"), []byte("[]")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Dir(deep), deep, filepath.Join(deep, "lock"), filepath.Join(deep, "keys.json")} {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if s := info.Sys().(*syscall.Stat_t); s.Uid != nobody || s.Gid != nobody || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is of %d:%d, %v", path, s.Uid, s.Gid, info.Mode())
		}
	}
}

func TestLinksOfOthersLeadRootNowhere(t *testing.T) {
	folder, ours := folderOf(t, nobody), filepath.Join(t.TempDir(), "ours")
	if err := os.WriteFile(ours, []byte("ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	soft, hard := filepath.Join(folder, "soft"), filepath.Join(folder, "hard")
	if err := os.Symlink(ours, soft); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFile(soft, os.O_CREATE|os.O_RDWR|os.O_TRUNC); err == nil {
		t.Error("a symbolic link is followed")
	}
	if err := os.Link(ours, hard); err != nil {
		t.Fatal(err)
	}
	if f, err := OpenFile(hard, os.O_CREATE|os.O_RDWR); err == nil {
		f.Close()
	}
	info, err := os.Stat(ours)
	if err != nil || info.Sys().(*syscall.Stat_t).Uid != 0 || info.Size() != 4 {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestMkdirAllIsThatOfOs(t *testing.T) {
	folder := t.TempDir()
	for _, path := range []string{folder, filepath.Join(folder, "a", "b"), filepath.Join(folder, "a", "b")} {
		if err := MkdirAll(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "below")} {
		if err := MkdirAll(path); err == nil {
			t.Errorf("%s is a folder", path)
		}
	}
}
