package main

import (
	"context"
	_ "embed" // the forms
	"encoding/json"
	htmltemplate "html/template"
	"io"
	"log/slog"
	"strings"
	texttemplate "text/template"

	"github.com/noctis-dicom/noctis/commitment"
	"github.com/noctis-dicom/noctis/dicomweb"
	"github.com/noctis-dicom/noctis/internal/audit"
	"github.com/noctis-dicom/noctis/internal/authn"
	"github.com/noctis-dicom/noctis/procedure/memsteps"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
	"github.com/noctis-dicom/noctis/webhook"
	"github.com/noctis-dicom/noctis/worklist/memlist"
)

//go:embed statement.md.tmpl
var statementMarkdown string

//go:embed statement.html.tmpl
var statementHTML string

type statementCommand struct {
	Format string `default:"markdown" enum:"markdown,html,json" help:"markdown, html or json (default ${default})."`
}

// Help is shown by --help.
func (statementCommand) Help() string {
	return `The statement is made of the tables by which this build works: resources, media types, transfer syntaxes, SOP classes, character
sets, matching, limits, status codes. docs/CONFORMANCE.md is this command's output.

Examples:
  noctis statement > docs/CONFORMANCE.md
  noctis statement --format html > conformance.html`
}

// Run writes the statement.
func (c statementCommand) Run(_ context.Context, t terminal) error {
	return writeStatement(t.out, c.Format)
}

func writeStatement(w io.Writer, format string) error {
	server, err := dicomweb.New(memstore.New(store.Options{}), dicomweb.Options{
		Worklist: memlist.New(), Commitment: &commitment.Service{}, Procedures: memsteps.New(), Webhooks: &webhook.Sender{}, Links: authn.OpenLinks("", nil),
		Audit: &audit.Trail{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	statement := server.Statement()
	yes := func(b bool) string {
		if b {
			return "yes"
		}
		return ""
	}
	switch format {
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(statement)
	case "html":
		list := func(s []string) string { return strings.Join(s, ", ") }
		t, err := htmltemplate.New("statement").Funcs(htmltemplate.FuncMap{"yes": yes, "list": list}).Parse(statementHTML)
		if err != nil {
			return err
		}
		return t.Execute(w, statement)
	}
	cell := func(s []string) string {
		if len(s) == 0 {
			return ""
		}
		return "`" + strings.Join(s, "`<br>`") + "`"
	}
	t, err := texttemplate.New("statement").Funcs(texttemplate.FuncMap{"yes": yes, "cell": cell}).Parse(statementMarkdown)
	if err != nil {
		return err
	}
	return t.Execute(w, statement)
}
