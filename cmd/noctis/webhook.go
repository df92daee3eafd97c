package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
)

// webhookCommand looks after the webhooks of a server.
type webhookCommand struct {
	List    webhookListCommand    `cmd:"" help:"List the webhooks, and how they do."`
	Dead    webhookDeadCommand    `cmd:"" help:"List the dead letters of a webhook: what its receiver has not taken."`
	Resend  webhookResendCommand  `cmd:"" help:"Send dead letters again."`
	Discard webhookDiscardCommand `cmd:"" help:"Drop dead letters."`
	Test    webhookTestCommand    `cmd:"" help:"Send a test."`
}

// Help is shown by --help.
func (webhookCommand) Help() string {
	return `Webhooks are in the settings of the server (--webhooks of noctis serve).

Examples:
  noctis webhook list --server http://127.0.0.1:8080/dicom-web
  noctis webhook test ai
  noctis webhook dead ai
  noctis webhook resend ai 17 18
  noctis webhook discard ai --all`
}

// webhookServer is the server whose webhooks they are.
type webhookServer struct {
	Server string `default:"http://127.0.0.1:8080/dicom-web" placeholder:"URL" help:"DICOMweb base URL of the server (default ${default})."`
	credentials
}

// ask makes a request and reads the answer into answer, if that is not nil.
func (s webhookServer) ask(ctx context.Context, method, path string, answer any) error {
	client, err := s.client(s.Server)
	if err != nil {
		return err
	}
	return askJSON(ctx, client, method, strings.TrimRight(s.Server, "/")+"/webhooks"+path, answer)
}

type webhookListCommand struct {
	webhookServer `embed:""`
}

// Run prints a table.
func (c webhookListCommand) Run(ctx context.Context, t terminal) error {
	var hooks []struct {
		Name, URL, LastSuccess, LastFailure, Reason string
		Events                                      []string
		Behind, Delivered                           int64
		Failing, DeadLetters                        int
	}
	if err := c.ask(ctx, http.MethodGet, "", &hooks); err != nil {
		return err
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tBEHIND\tDELIVERED\tDEAD\tFAILING\tLAST SUCCESS\tURL\tEVENTS\tWHY")
	for _, h := range hooks {
		why := ""
		if h.Failing > 0 {
			why = h.Reason
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\n", h.Name, h.Behind, h.Delivered, h.DeadLetters, h.Failing, orDash(h.LastSuccess),
			orDash(h.URL), orDash(strings.Join(h.Events, ",")), why)
	}
	return w.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// deadLetter is one as the server lists it.
type deadLetter struct {
	ID       int64
	At       string
	Attempts int
	Reason   string
	Body     json.RawMessage
}

// webhookName is the webhook that a command is about.
type webhookName struct {
	Webhook       string `arg:"" placeholder:"WEBHOOK" help:"Name of the webhook."`
	webhookServer `embed:""`
}

func (n webhookName) path(parts ...string) string {
	path := "/" + url.PathEscape(n.Webhook)
	for _, p := range parts {
		path += "/" + url.PathEscape(p)
	}
	return path
}

// letters calls f with each dead letter, the oldest first, until it fails.
func (n webhookName) letters(ctx context.Context, f func(deadLetter) error) error {
	for after := int64(0); ; {
		var page []deadLetter
		if err := n.ask(ctx, http.MethodGet, fmt.Sprintf("%s?after=%d", n.path("dead-letters"), after), &page); err != nil || len(page) == 0 {
			return err
		}
		for _, l := range page {
			if err := f(l); err != nil {
				return err
			}
			after = l.ID
		}
	}
}

type webhookDeadCommand struct {
	webhookName `embed:""`
}

// Run prints a line for each.
func (c webhookDeadCommand) Run(ctx context.Context, t terminal) error {
	return c.letters(ctx, func(l deadLetter) error {
		var body bytes.Buffer
		if err := json.Compact(&body, l.Body); err != nil {
			return err
		}
		_, err := fmt.Fprintf(t.out, "%d  %s  %d attempts  %s\n  %s\n", l.ID, l.At, l.Attempts, l.Reason, body.String())
		return err
	})
}

// webhookLetters are the dead letters that a command is about.
type webhookLetters struct {
	webhookName `embed:""`
	IDs         []int64 `arg:"" optional:"" placeholder:"ID" help:"Ids of dead letters."`
	All         bool    `help:"All of the webhook."`
}

// Validate wants one or the other.
func (l webhookLetters) Validate() error {
	if l.All == (len(l.IDs) > 0) {
		return fmt.Errorf("name the ids of dead letters, or --all")
	}
	return nil
}

type webhookResendCommand struct {
	webhookLetters `embed:""`
}

// Run sends them in their order, and stops at the first that is not taken.
func (c webhookResendCommand) Run(ctx context.Context, t terminal) error {
	n := 0
	send := func(l deadLetter) error {
		if err := c.ask(ctx, http.MethodPost, c.path("dead-letters", fmt.Sprint(l.ID), "resend"), nil); err != nil {
			return fmt.Errorf("%d sent; dead letter %d: %w", n, l.ID, err)
		}
		n++
		return nil
	}
	if c.All {
		if err := c.letters(ctx, send); err != nil {
			return err
		}
	}
	for _, id := range c.IDs {
		if err := send(deadLetter{ID: id}); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(t.out, "%d sent\n", n)
	return err
}

type webhookDiscardCommand struct {
	webhookLetters `embed:""`
}

// Run drops them.
func (c webhookDiscardCommand) Run(ctx context.Context, t terminal) error {
	paths := []string{c.path("dead-letters")}
	if !c.All {
		paths = nil
		for _, id := range c.IDs {
			paths = append(paths, c.path("dead-letters", fmt.Sprint(id)))
		}
	}
	total := 0
	for _, path := range paths {
		var answer struct{ Discarded int }
		if err := c.ask(ctx, http.MethodDelete, path, &answer); err != nil {
			return err
		}
		total += answer.Discarded
	}
	_, err := fmt.Fprintf(t.out, "%d discarded\n", total)
	return err
}

type webhookTestCommand struct {
	webhookName `embed:""`
}

// Run sends a test and says whether it was taken.
func (c webhookTestCommand) Run(ctx context.Context, t terminal) error {
	if err := c.ask(ctx, http.MethodPost, c.path("test"), nil); err != nil {
		return err
	}
	_, err := fmt.Fprintln(t.out, "taken")
	return err
}
