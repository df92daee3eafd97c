package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/authn"
)

// accessFlags say who may come in.
type accessFlags struct {
	RequireAuthentication bool     `help:"Let nobody do anything who has not proved who he is, even while there is neither a key nor a user yet."`
	AllowUnauthenticated  bool     `help:"Listen on an address that others can reach although there is no authentication: whoever reaches it may read and store everything."`
	AllowPlaintext        bool     `help:"Take keys, passwords and tokens over connections without TLS from other machines: whoever is on the way can read them."`
	MetricsRole           roleFlag `default:"admin" placeholder:"ROLE" help:"Who may read /metrics: a role, or anyone (default ${default})."`

	SessionIdle time.Duration `default:"30m" help:"Time after which who has logged in at the page and does nothing has to log in again (default ${default})."`
	MaxLink     time.Duration `default:"720h" help:"Time after which every signed link ends that a client asks for (default ${default})."`
	SessionMost time.Duration `default:"12h" help:"Time after which everybody has to (default ${default})."`
}

// roleFlag is a role on the command line.
type roleFlag struct{ access.Role }

// UnmarshalText reads the name of a role, or "anyone".
func (f *roleFlag) UnmarshalText(text []byte) error {
	if strings.EqualFold(string(text), access.Anyone.String()) {
		f.Role = access.Anyone
		return nil
	}
	roles, err := access.ParseRoles([]string{string(text)})
	f.Role = access.Role(roles) // of one name it is a set of one
	return err
}

// entrance is where everybody comes in: what a server knows of those who may.
type entrance struct {
	*authn.Methods
	sessions *authn.Sessions
	provider *authn.Provider // nil: there is none
	links    *authn.Links
	uses     *authn.Uses
	folder   string // of what is known of them
}

// open puts together the ways in which somebody can come in: those of the data folder, and a provider if there is one.
func (f accessFlags) open(data string, providers ...*authn.Provider) *entrance {
	folder := accessFolder(data)
	uses := authn.OpenUses(folder)
	e := &entrance{sessions: authn.NewSessions(authn.OpenUsers(folder, uses)), uses: uses, folder: folder}
	if f.SessionIdle > 0 {
		e.sessions.Idle = f.SessionIdle
	}
	if f.SessionMost > 0 {
		e.sessions.Most = f.SessionMost
	}
	e.links = authn.OpenLinks(folder, uses)
	e.links.InSession = func(r *http.Request) bool {
		_, found, err := e.sessions.Authenticate(r)
		return found && err == nil
	}
	methods := []authn.Method{authn.CarriedLinks{Links: e.links}, authn.OpenKeys(folder, uses)}
	for _, provider := range providers {
		e.provider = provider
		methods = append(methods, provider)
	}
	e.Methods = authn.New(f.RequireAuthentication, append(methods, authn.OpenCertificates(folder, uses), e.sessions, authn.OpenedLinks{Links: e.links})...)
	return e
}

// entrance is that of the server.
func (c serveCommand) entrance() (*entrance, error) {
	provider, err := c.OIDC.open(c.Access.AllowPlaintext)
	if err != nil || provider == nil {
		return c.Access.open(c.Data), err
	}
	return c.Access.open(c.Data, provider), nil
}

// runBeside does what has to be done while the server serves. stop ends it and returns when it has ended.
func (e *entrance) runBeside(ctx context.Context, log *slog.Logger) (stop func()) {
	if err := e.sessions.Keep(filepath.Join(e.folder, "sessions.json"), e.provider != nil && e.provider.LogsIn()); err != nil {
		log.Warn("all have to log in again", "error", err)
	}
	uses, sessions := beside(ctx, func(ctx context.Context) { e.uses.Run(ctx, log) }), beside(ctx, func(ctx context.Context) { e.sessions.Run(ctx, log) })
	return func() { sessions(); uses() }
}

// permit refuses an address that others can reach, unless they have to prove who they are over connections that nobody can read.
func (c serveCommand) permit(e *entrance, address net.Addr) error {
	if tcp, ok := address.(*net.TCPAddr); ok && tcp.IP.IsLoopback() {
		return nil
	}
	on, err := e.On()
	switch {
	case err != nil:
		return err
	case !on && !c.Access.AllowUnauthenticated:
		return fmt.Errorf("--listen %s: others could reach this address, and there is no authentication: make a key (noctis key add), "+
			"listen on 127.0.0.1, or add --allow-unauthenticated if all of them may read and store everything", c.Listen)
	case on && !c.confidential() && !c.Access.AllowPlaintext:
		return errors.New("--listen " + c.Listen + ": keys and passwords of others would cross the network in plain text: " +
			"give the server a certificate (--tls-cert, --tls-key), put a proxy with TLS before the server and say so with --trust-proxy and --public-url https://…, " +
			"or add --allow-plaintext if everybody on the way may read them")
	}
	return nil
}

// confidential reports whether connections from other machines have TLS: the server's own, or a proxy's that is declared.
func (c serveCommand) confidential() bool {
	return c.TLS.Cert != "" || c.TrustProxy && strings.HasPrefix(strings.ToLower(c.PublicURL), "https://")
}
