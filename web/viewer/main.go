// Command viewer packages the OHIF viewer for Noctis: it fetches @ohif/app from npm at the version and with the integrity of
// package-lock.json, leaves out what a DICOMweb viewer has no use for, makes the rest relocatable, and compresses it. The
// result is a folder for web.Viewer, 13 MB in place of 204.
//
//	go run ./web/viewer -out bin/viewer
//
// The lock file names that one package and none of its dependencies on purpose: the package holds the built application,
// whole, in its folder dist. The dependencies are those of building it, and some of them were never published.
//
// fetch.go runs npm, dist.go says what is left out, edits.go what is changed, pack.go writes the folder.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	from := flag.String("from", filepath.Join("web", "viewer"), "folder of package.json and package-lock.json")
	out := flag.String("out", filepath.Join("bin", "viewer"), "folder to write; what was there is replaced")
	flag.Parse()
	if err := run(ctx, *from, *out); err != nil {
		fmt.Fprintln(os.Stderr, "viewer:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, from, out string) error {
	app, err := fetch(ctx, from)
	if err != nil {
		return err
	}
	size, err := pack(app, out)
	if err != nil {
		return err
	}
	fmt.Printf("viewer: OHIF %s is in %s (%.1f MB)\n", app.version, out, float64(size)/1e6)
	return nil
}
