package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/noctis-dicom/noctis/conformance"
)

type conformanceCommand struct {
	URL      string   `arg:"" name:"url" optional:"" help:"DICOMweb base URL of the server to try (http://127.0.0.1:8080/dicom-web)."`
	WADO     string   `name:"wado" placeholder:"URL" help:"Address of its WADO-URI service; default: looked for beside the base."`
	ReadOnly bool     `help:"Store and change nothing: tries what reads, on a study that is there (--study), or the first that is found."`
	Study    []string `placeholder:"UID" help:"Study Instance UID to retrieve in a read-only run."`
	Only     []string `placeholder:"ID" help:"Only the cases whose ID is this or begins so (\"search.\"); may be repeated."`
	List     bool     `help:"List the cases with their clauses, and try nothing."`
	Verbose  bool     `short:"v" help:"Lists the cases that passed, too."`
	credentials
	Timeout time.Duration `default:"30s" help:"Time for one answer (default ${default})."`

	JSON  string `name:"json" placeholder:"FILE" help:"Write the report as JSON; - for standard output."`
	JUnit string `name:"junit" placeholder:"FILE" help:"Write it as JUnit XML, for CI servers."`
	HTML  string `name:"html" placeholder:"FILE" help:"Write it as one HTML page."`
}

// Help is shown by --help.
func (conformanceCommand) Help() string {
	return `Tries any DICOMweb server from outside: each case names its clause of PS3.18, what was sent, what came and what was expected.
The suite stores two small studies and some instances of its own (patients CF-…), and deletes them where the server can.
The exit code is 1 when a case fails that the standard makes binding ("shall"). docs/CONFORMANCE-SUITE.md is the manual.

Examples:
  noctis conformance http://127.0.0.1:8080/dicom-web
  noctis conformance https://pacs.example.org/dicom-web --token "$TOKEN" --html report.html --json report.json
  noctis conformance http://127.0.0.1:8042/dicom-web --read-only --study 1.2.840.113619.2.1 --only retrieve. --only rendered.`
}

// Run runs the suite.
func (c conformanceCommand) Run(ctx context.Context, t terminal) error {
	if c.List {
		for _, k := range conformance.Cases() {
			fmt.Fprintf(t.out, "%s\t%s\t%s\t%s\n", k.ID, k.Clause, k.Level, k.Gist)
		}
		return nil
	}
	if c.URL == "" {
		return errors.New("which server? Give its DICOMweb base URL, like http://127.0.0.1:8080/dicom-web")
	}
	header, err := c.header()
	if err != nil {
		return err
	}
	bar := newProgress(t.err, "conformance")
	report, err := conformance.Run(ctx, conformance.Options{
		BaseURL: c.URL, URIService: c.WADO, Header: header, ReadOnly: c.ReadOnly, Studies: c.Study, Only: c.Only, Timeout: c.Timeout,
		Progress: func(done, total int, _ conformance.Result) { bar.set(done, total) },
	})
	bar.finish()
	if report == nil {
		return err
	}
	text := t.out
	if c.JSON == "-" {
		text = t.err
	}
	err = errors.Join(err, report.WriteText(text, c.Verbose))
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{{c.JSON, report.WriteJSON}, {c.JUnit, report.WriteJUnit}, {c.HTML, report.WriteHTML}} {
		err = errors.Join(err, writeReport(f.name, t.out, f.write))
	}
	if err == nil && report.Failed() {
		return errReported
	}
	return err
}

func writeReport(name string, stdout io.Writer, write func(io.Writer) error) error {
	switch name {
	case "":
		return nil
	case "-":
		return write(stdout)
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
