// Command provider is an OpenID provider for tests: that of github.com/zitadel/oidc, which is certified, with people and clients out of a
// file, who have whatever claims the file gives them. It keeps all in memory and is for nothing but tests.
//
//	provider 127.0.0.1:9000 settings.json
//
// Its issuer is http://127.0.0.1:9000/.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// settings are what the file has.
type settings struct {
	People  map[string]person // by name
	Clients map[string]client // by id
}

type person struct {
	Password string
	Claims   map[string]any // in ID tokens, access tokens and the user info
}

type client struct {
	Secret       string // "" is a public client, with PKCE
	RedirectURIs []string
}

func main() {
	if err := serve(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "provider:", err)
		os.Exit(1)
	}
}

func serve(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: provider ADDRESS SETTINGS")
	}
	text, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	var s settings
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	for id, c := range s.Clients {
		registered := storage.NativeClient(id, c.RedirectURIs...)
		if c.Secret != "" {
			registered = storage.WebClient(id, c.Secret, c.RedirectURIs...)
		}
		storage.RegisterClients(registered)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	kept := &keeping{storage.NewStorage(people(s.People)), s.People}
	return http.ListenAndServe(args[0], exampleop.SetupServer("http://"+args[0]+"/", kept, log, false))
}

// people are the users; the id of each is his name.
type people map[string]person

func (p people) GetUserByID(name string) *storage.User {
	one, found := p[name]
	if !found {
		return nil
	}
	return &storage.User{ID: name, Username: name, Password: one.Password}
}

func (p people) GetUserByUsername(name string) *storage.User { return p.GetUserByID(name) }
func (people) ExampleClientID() string                       { return storage.ServiceUserID }

// keeping is the storage of the example, with claims of people, and access tokens that are JWTs.
type keeping struct {
	*storage.Storage
	people map[string]person
}

// GetPrivateClaimsFromScopes are the claims of access tokens.
func (k *keeping) GetPrivateClaimsFromScopes(_ context.Context, user, _ string, _ []string) (map[string]any, error) {
	return k.people[user].Claims, nil
}

// SetUserinfoFromRequest adds those of ID tokens.
func (k *keeping) SetUserinfoFromRequest(ctx context.Context, info *oidc.UserInfo, token op.IDTokenRequest, scopes []string) error {
	if err := k.Storage.SetUserinfoFromRequest(ctx, info, token, scopes); err != nil {
		return err
	}
	k.add(info, token.GetSubject())
	return nil
}

// SetUserinfoFromToken adds those of the user info.
func (k *keeping) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, token, subject, origin string) error {
	if err := k.Storage.SetUserinfoFromToken(ctx, info, token, subject, origin); err != nil {
		return err
	}
	k.add(info, subject)
	return nil
}

func (k *keeping) add(info *oidc.UserInfo, user string) {
	for name, v := range k.people[user].Claims {
		info.AppendClaims(name, v)
	}
}

// GetClientByClientID returns a client whose access tokens are JWTs.
func (k *keeping) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := k.Storage.GetClientByClientID(ctx, id)
	if err != nil {
		return nil, err
	}
	return jwtClient{c}, nil
}

type jwtClient struct{ op.Client }

func (jwtClient) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }
func (jwtClient) DevMode() bool                       { return true } // redirects to http
func (jwtClient) IsScopeAllowed(string) bool          { return true }
