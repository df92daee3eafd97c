package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/noctis-dicom/noctis/store"
)

// target is where a command stores: the flags that the commands share which work on a server or in a data folder.
type target struct {
	Server string   `placeholder:"URL" help:"DICOMweb base URL of a server (http://127.0.0.1:8080/dicom-web); default: the data folder, without a server."`
	Data   string   `default:"./data" placeholder:"DIR" help:"Data folder (default ${default})."`
	Tenant ofTenant `placeholder:"NAME" help:"The archive of this tenant; default: the server's own."`
	credentials
}

// sender stores instances one by one and is safe for concurrent use. send opens the file, again for each time it has to try, and reports whether
// the very file was there already; its error says why the instance was refused, or is errUnreachable, wrapped, when going on makes no sense.
type sender interface {
	name() string
	send(ctx context.Context, open opener) (duplicate bool, err error)
	close() error
}

// opener opens a file from its beginning.
type opener func() (io.ReadCloser, error)

var errUnreachable = errors.New("cannot store any more")

func (t target) open(ctx context.Context) (sender, error) {
	if t.Server != "" {
		return newRemote(t.Server, t.credentials)
	}
	quota, err := quotaOf(t.Data)
	if err != nil {
		return nil, err
	}
	a, err := openArchive(ctx, t.Data, store.Options{Quota: quota})
	if err != nil {
		return nil, err
	}
	return local{a, t.Data}, nil
}

// local stores into a data folder.
type local struct {
	*archive
	data string
}

func (l local) name() string { return l.data }
func (l local) close() error { return l.archive.Close() }

func (l local) send(ctx context.Context, open opener) (bool, error) {
	r, err := open()
	if err != nil {
		return false, err
	}
	defer r.Close()
	receipt, err := l.Ingest(ctx, r, "")
	var failure *store.Failure
	if err != nil && !errors.As(err, &failure) {
		return false, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	return receipt.Duplicate, err
}
