package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestRootLeavesTheFolderToItsServer runs commands as root in the data folder of a server with an account of its own, which has to be able to read and change what
// they make.
func TestRootLeavesTheFolderToItsServer(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("root is needed")
	}
	const account = 65534
	data := t.TempDir()
	if err := os.Chown(data, account, account); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"demo"}, {"tenant", "add", "north"}, {"key", "add", "--name", "CT1", "--role", "read"}, {"key", "revoke", "CT1"},
		{"user", "add", "doe", "--role", "read", "--generate"}, {"certificate", "add", "--name", "MR1", "--match", "dns:mr1", "--role", "read"},
		{"link", "add", "--study", "1.2.3", "--expires", "1d"}, {"index", "add", "OperatorsName"}, {"audit", "search"}, {"audit", "verify"}, {"doctor"},
		{"doctor", "--fix"}, {"tenant", "remove", "north"},
	} {
		if code := run(t.Context(), append(args, "--data", data), t.Output(), t.Output()); code != 0 {
			t.Fatalf("%v: exit code %d", args, code)
		}
	}
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Sys().(*syscall.Stat_t).Uid != account {
			t.Errorf("%s belongs to root", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
