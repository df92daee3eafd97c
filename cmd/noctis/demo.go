package main

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

type demoCommand struct {
	target
}

// Help is shown by --help.
func (demoCommand) Help() string {
	return `Four studies of invented patients, about 20 MB, the same bytes every time, so that it can be repeated.

Examples:
  noctis demo
  noctis demo --server http://127.0.0.1:8080/dicom-web`
}

// Run stores the demonstration set.
func (c demoCommand) Run(ctx context.Context, t terminal) error {
	to, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer to.close()
	n, err := storeDemo(ctx, to)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "stored %d synthetic instances in %s\n", n, to.name())
	return err
}

// storeDemo sends the demonstration set and returns the number of its instances.
func storeDemo(ctx context.Context, to sender) (int, error) {
	n := 0
	for in := range dicomtest.Demo() {
		file, err := in.File()
		if err != nil {
			return n, err
		}
		if _, err := to.send(ctx, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file)), nil }); err != nil {
			return n, fmt.Errorf("instance %s: %w", in.DataSet.UID(dicom.SOPInstanceUID), err)
		}
		n++
	}
	return n, nil
}
