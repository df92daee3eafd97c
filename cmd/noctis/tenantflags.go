package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"
)

// archiveFolder is where the archive of a tenant lies in a data folder, or its backups in those of that; of "" the folder itself.
func archiveFolder(data, tenant string) string {
	if tenant == "" {
		return data
	}
	return tenantFolder(data, tenant)
}

// ofTenant is the flag --tenant of a command that works on one archive: it leads --data to the tenant's.
type ofTenant string

// AfterApply changes --data.
func (n ofTenant) AfterApply(ctx *kong.Context) error {
	if n == "" {
		return nil
	}
	for _, flag := range ctx.Flags() {
		if flag.Name != "data" {
			continue
		}
		folder := archiveFolder(flag.Target.String(), string(n))
		if err := errors.Join(checkTenantName(string(n)), isFolder(folder)); err != nil {
			return fmt.Errorf("--tenant %s: %w", string(n), err)
		}
		flag.Target.SetString(folder)
	}
	return nil
}

func isFolder(path string) error {
	_, err := os.Stat(path)
	return err
}

// archives are the archives of a data folder that a command works on.
type archives struct {
	Tenant string `placeholder:"NAME" help:"Only the archive of this tenant; default: the server's own, and those of all tenants."`
}

// each runs a command on one after the other. One that has failed does not keep the others from their turn.
func (f archives) each(t terminal, names []string, run func(tenant string) error) error {
	if f.Tenant != "" {
		if err := checkTenantName(f.Tenant); err != nil {
			return err
		}
		return run(f.Tenant)
	}
	err := run("")
	for _, name := range names {
		fmt.Fprintf(t.err, "tenant %s:\n", name)
		if failed := run(name); failed != nil && !errors.Is(failed, errReported) {
			err = errors.Join(err, fmt.Errorf("tenant %s: %w", name, failed))
		} else if failed != nil && err == nil {
			err = failed
		}
	}
	return err
}

// backedUpTenants are the tenants of which a folder of backups has some.
func backedUpTenants(backups string) (names []string, err error) {
	entries, err := os.ReadDir(tenantsFolder(backups))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if isFolder(backupsFolder(filepath.Join(tenantsFolder(backups), e.Name()))) == nil {
			names = append(names, e.Name())
		}
	}
	return names, err
}
