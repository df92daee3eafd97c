package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"

	"github.com/noctis-dicom/noctis/internal/durable"
)

// settingsCopy is the configuration file of the last start, in the data folder: so each backup has it.
const settingsCopy = "settings-of-last-start.yaml"

// AfterApply notes which configuration file was given.
func (c *serveCommand) AfterApply(ctx *kong.Context) error {
	for _, flag := range ctx.Flags() {
		if flag.Name == "config" {
			c.settings = flag.Target.String()
		}
	}
	return nil
}

// keepSettings copies the configuration file into the data folder. Started without one, the server has none there either.
func (c serveCommand) keepSettings() error {
	path := filepath.Join(c.Data, settingsCopy)
	if c.settings == "" {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	text, err := os.ReadFile(c.settings)
	if err != nil {
		return err
	}
	if kept, err := os.ReadFile(path); err == nil && bytes.Equal(kept, text) {
		return nil
	}
	return durable.WriteFile(path, text)
}
