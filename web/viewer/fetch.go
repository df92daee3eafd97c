package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// installed is where npm puts the package, and its key in the lock files.
const installed = "node_modules/@ohif/app"

// ohif is the package as npm installed it.
type ohif struct {
	dir     string // holds dist and LICENSE
	version string
}

// locked is the entry of a package in a lock file of npm.
type locked struct {
	Version   string `json:"version"`
	Integrity string `json:"integrity"`
}

// fetch installs the package that the lock file in folder from names, unless it is installed already. npm checks the
// integrity.
func fetch(ctx context.Context, from string) (ohif, error) {
	want, err := readLock(filepath.Join(from, "package-lock.json"))
	if err != nil {
		return ohif{}, err
	}
	app := ohif{dir: filepath.Join(from, installed), version: want.Version}
	// npm writes this one last: it says what is installed completely.
	if have, err := readLock(filepath.Join(from, "node_modules", ".package-lock.json")); err == nil && have == want {
		return app, nil
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return ohif{}, errors.New("npm is needed to fetch the OHIF viewer, and is not in PATH (Debian: apt-get install npm)")
	}
	npm := exec.CommandContext(ctx, "npm", "ci")
	npm.Dir = from
	npm.Stdout, npm.Stderr = os.Stderr, os.Stderr
	if err := npm.Run(); err != nil {
		return ohif{}, fmt.Errorf("npm ci in %s: %w", from, err)
	}
	return app, nil
}

// readLock reads the entry of OHIF from a lock file.
func readLock(name string) (locked, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return locked{}, err
	}
	var lock struct {
		Packages map[string]locked `json:"packages"`
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		return locked{}, fmt.Errorf("%s: %w", name, err)
	}
	entry := lock.Packages[installed]
	if entry.Version == "" || entry.Integrity == "" {
		return locked{}, fmt.Errorf("%s: no version and integrity of %s", name, installed)
	}
	return entry, nil
}
