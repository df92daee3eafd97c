package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/noctis-dicom/noctis/internal/durable"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/file"
)

// tenantCommand keeps the tenants of a data folder.
type tenantCommand struct {
	Add    tenantAddCommand    `cmd:"" help:"Make an archive for a tenant."`
	List   tenantListCommand   `cmd:"" help:"List the tenants: what they hold, and may."`
	Quota  tenantQuotaCommand  `cmd:"" help:"Change how much a tenant's archive may hold."`
	Remove tenantRemoveCommand `cmd:"" help:"Take a tenant's archive out of the server, and put it aside."`
}

// Help is shown by --help.
func (tenantCommand) Help() string {
	return `A tenant's archive lies in DATA/tenants/NAME and is served at /t/NAME/: page, viewer, and /t/NAME/dicom-web. Keys, users and tokens that name the tenant
(noctis key add --tenant NAME) may enter it and no other. The server may be running, and notices within a second.

Examples:
  noctis tenant add north --max-bytes 2TB --data /var/lib/noctis
  noctis key add --name CT7 --role store --tenant north --data /var/lib/noctis
  noctis tenant list --data /var/lib/noctis
  noctis tenant quota north --max-bytes 4TB --max-instances 10000000 --data /var/lib/noctis
  noctis doctor --tenant north --data /var/lib/noctis`
}

// quotaFlags are a quota on the command line.
type quotaFlags struct {
	MaxBytes     size  `placeholder:"SIZE" help:"Most bytes that the archive may hold, recycle bin included; default: no limit."`
	MaxInstances int64 `placeholder:"N" help:"Most instances that the archive may hold, recycle bin included; default: no limit."`
}

func (f quotaFlags) quota() store.Quota {
	return store.Quota{Bytes: int64(f.MaxBytes), Instances: f.MaxInstances}
}

type tenantAddCommand struct {
	Name string `arg:"" placeholder:"NAME" help:"Lower case letters, digits and hyphens; the archive is served at /t/NAME/."`
	quotaFlags
	accessData
}

// Run makes the folder. What says that it is there comes last.
func (c tenantAddCommand) Run(ctx context.Context, t terminal) error {
	if err := checkTenantName(c.Name); err != nil {
		return err
	}
	if _, err := c.folder(); err != nil {
		return err
	}
	folder := tenantFolder(c.Data, c.Name)
	if _, err := os.Stat(filepath.Join(folder, tenantFile)); err == nil {
		return fmt.Errorf("there is a tenant %s already", c.Name)
	}
	a, err := openArchive(ctx, folder, store.Options{})
	if err != nil {
		return err
	}
	if err := a.Close(); err != nil {
		return err
	}
	if err := writeTenant(c.Data, c.Name, tenantSettings{Created: time.Now().UTC().Truncate(time.Second), Quota: c.quota()}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "tenant %s: /t/%s/ (%s)\n", c.Name, c.Name, quotaText(c.quota()))
	return err
}

func quotaText(q store.Quota) string {
	if q == (store.Quota{}) {
		return "no quota"
	}
	return q.String()
}

type tenantListCommand struct {
	JSON bool `name:"json" help:"As JSON."`
	accessData
}

// Run lists them.
func (c tenantListCommand) Run(ctx context.Context, t terminal) error {
	names, err := tenantsOf(c.Data)
	if err != nil {
		return err
	}
	type row struct {
		Name string `json:"name"`
		tenantSettings
		Usage store.Usage `json:"held"`
	}
	rows := []row{}
	for _, name := range names {
		r := row{Name: name}
		if r.tenantSettings, err = readTenant(c.Data, name); err != nil {
			return err
		}
		reading, err := openReading(ctx, tenantFolder(c.Data, name))
		if err != nil {
			return err
		}
		r.Usage, err = reading.Usage(ctx)
		if err = errors.Join(err, reading.close()); err != nil {
			return fmt.Errorf("tenant %s: %w", name, err)
		}
		rows = append(rows, r)
	}
	if c.JSON {
		e := json.NewEncoder(t.out)
		e.SetIndent("", "  ")
		return e.Encode(rows)
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tCREATED\tINSTANCES\tBYTES\tQUOTA")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\n", r.Name, day(&r.Created), r.Usage.Instances, r.Usage.Bytes, quotaText(r.Quota))
	}
	return w.Flush()
}

type tenantQuotaCommand struct {
	Name string `arg:"" placeholder:"NAME" help:"Name of the tenant."`
	quotaFlags
	accessData
}

// Run replaces the quota. What is held already stays, even if it is more.
func (c tenantQuotaCommand) Run(t terminal) error {
	settings, err := readTenant(c.Data, c.Name)
	if err != nil {
		return err
	}
	settings.Quota = c.quota()
	if err := writeTenant(c.Data, c.Name, settings); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "tenant %s: %s\n", c.Name, quotaText(settings.Quota))
	return err
}

type tenantRemoveCommand struct {
	Name string        `arg:"" placeholder:"NAME" help:"Name of the tenant."`
	Wait time.Duration `default:"1m" help:"Time for the server to finish its requests (default ${default})."`
	accessData
}

// Run takes the archive out of the server, waits until that has let go of it, and puts it aside: nothing is deleted.
func (c tenantRemoveCommand) Run(ctx context.Context, t terminal) error {
	if err := checkTenantName(c.Name); err != nil {
		return err
	}
	folder := tenantFolder(c.Data, c.Name)
	if err := os.Remove(filepath.Join(folder, tenantFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(folder); err != nil {
		return fmt.Errorf("there is no tenant %s", c.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, c.Wait)
	defer cancel()
	blobs, err := file.Open(blobFolder(folder))
	for err != nil && wait(ctx, lookEvery/4) == nil {
		blobs, err = file.Open(blobFolder(folder))
	}
	if err != nil {
		return fmt.Errorf("tenant %s is not served any more, but the server has not let go of the archive; give the command again later: %w", c.Name, err)
	}
	defer blobs.Close()
	aside := filepath.Join(c.Data, "set-aside", "tenant-"+c.Name+"-"+time.Now().UTC().Format(backupTime))
	if err := errors.Join(durable.MkdirAll(filepath.Dir(aside)), os.Rename(folder, aside), syncFolder(filepath.Dir(aside))); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "tenant %s is removed; its archive lies in %s, and can be deleted\n", c.Name, aside)
	return err
}
