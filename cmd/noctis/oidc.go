package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/authn"
)

// oidcFlags name an OpenID provider, and say what its claims mean.
type oidcFlags struct {
	Issuer           string        `placeholder:"URL" help:"OpenID provider whose tokens are taken, as its discovery document names it."`
	Name             string        `placeholder:"NAME" help:"What people know it by, on the login page; default: its host."`
	ClientID         string        `name:"client-id" placeholder:"ID" help:"Client of the login at the page; without it there is none there. Its redirect URI is PUBLIC-URL/session/callback."`
	ClientSecretFile string        `type:"existingfile" placeholder:"FILE" help:"File with the secret of that client; without it the client is a public one."`
	ViewerClientID   string        `name:"viewer-client-id" placeholder:"ID" help:"Public client of OHIF, if that is to log in by itself and send tokens; without it OHIF uses the session of the page. Its redirect URI is PUBLIC-URL/viewer/callback."`
	Audience         []string      `placeholder:"AUDIENCE" help:"Audiences of the tokens that are for this server; default: the clients."`
	Scopes           []string      `default:"openid,profile" placeholder:"SCOPE" help:"Scopes that the login asks for (default ${default})."`
	Skew             time.Duration `default:"1m" help:"Difference of the clocks of provider and server that is tolerated (default ${default})."`

	NameClaim       string            `default:"sub" placeholder:"CLAIM" help:"Claim that names the principal in the audit and at the page (default ${default}). A path: realm_access.roles."`
	RolesClaim      string            `placeholder:"CLAIM" help:"Claim with roles or groups; without it nobody has a role by it."`
	Roles           map[string]string `placeholder:"VALUE=ROLE,ROLE;…" help:"Roles by what the claim of roles has: 'radiologists=read,worklist;pacs=admin'. The names of roles themselves are taken, too."`
	TenantClaim     string            `placeholder:"CLAIM" help:"Claim with the tenant."`
	PatientsClaim   string            `placeholder:"CLAIM" help:"Claim with the Patient IDs that are all the bearer may see; likewise the following. Without such a claim a token sees nothing."`
	StudiesClaim    string            `placeholder:"CLAIM" help:"Claim with Study Instance UIDs."`
	FacilitiesClaim string            `placeholder:"CLAIM" help:"Claim with Institution Names."`
	PhysiciansClaim string            `placeholder:"CLAIM" help:"Claim with Referring Physician's Names."`
	FHIRPatients    string            `name:"fhir-patients" type:"existingfile" placeholder:"FILE" help:"JSON file with Patient IDs by the id of a FHIR Patient ({\"a1\": [\"4711\"]}), for tokens of SMART on FHIR; default: they are the same."`
}

// open makes the provider; nil without an issuer.
func (f oidcFlags) open(plaintext bool) (*authn.Provider, error) {
	if f.Issuer == "" {
		if f.ClientID != "" || f.ViewerClientID != "" || f.RolesClaim != "" || len(f.Audience) > 0 {
			return nil, errors.New("the settings of OpenID Connect are of no use without --oidc-issuer")
		}
		return nil, nil
	}
	if issuer, err := url.Parse(f.Issuer); err == nil && issuer.Scheme == "http" && !plaintext && !isLoopback(issuer.Hostname()) {
		return nil, fmt.Errorf("--oidc-issuer %s: who is on the way could vouch for anybody: want https, or --allow-plaintext", f.Issuer)
	}
	claims, err := f.claims()
	if err != nil {
		return nil, err
	}
	o := authn.ProviderOptions{Name: f.Name, Issuer: f.Issuer, Audiences: f.Audience, Claims: claims, Skew: f.Skew, ClientID: f.ClientID, Scopes: f.Scopes}
	for _, client := range []string{f.ClientID, f.ViewerClientID} {
		if len(f.Audience) == 0 && client != "" {
			o.Audiences = append(o.Audiences, client)
		}
	}
	if len(o.Audiences) == 0 {
		return nil, errors.New("--oidc-issuer: name --oidc-audience or a client: a provider makes tokens for others, too")
	}
	if f.ClientSecretFile != "" {
		secret, err := os.ReadFile(f.ClientSecretFile)
		if err != nil {
			return nil, err
		}
		o.ClientSecret = strings.TrimSpace(string(secret))
	}
	return authn.NewProvider(o)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (f oidcFlags) claims() (access.ClaimMapping, error) {
	m := access.ClaimMapping{Subject: cmp.Or(f.NameClaim, "sub"), Roles: f.RolesClaim, Tenant: f.TenantClaim, Patients: f.PatientsClaim,
		Facilities: f.FacilitiesClaim, Physicians: f.PhysiciansClaim, Studies: f.StudiesClaim, RoleNames: map[string]access.Roles{}}
	for value, names := range f.Roles {
		roles, err := access.ParseRoles(strings.Split(names, ","))
		if err != nil {
			return m, fmt.Errorf("--oidc-roles %s: %w", value, err)
		}
		m.RoleNames[value] = roles
	}
	if f.FHIRPatients != "" {
		text, err := os.ReadFile(f.FHIRPatients)
		if err == nil {
			err = json.Unmarshal(text, &m.FHIRPatients)
		}
		if err != nil {
			return m, fmt.Errorf("--oidc-fhir-patients: %w", err)
		}
		if m.FHIRPatients == nil {
			m.FHIRPatients = map[string][]string{} // a file with null names nobody
		}
	}
	return m, nil
}

// viewerLogin is the configuration by which OHIF logs in by itself, for a request of it; nil if it has a session, or is not to.
func (f oidcFlags) viewerLogin(e *entrance) func(*http.Request) any {
	if f.ViewerClientID == "" {
		return nil
	}
	return func(r *http.Request) any {
		root, err := e.sessions.Root(r)
		if err != nil || e.knows(r) {
			return nil
		}
		return map[string]any{
			"authority": f.Issuer, "client_id": f.ViewerClientID, "response_type": "code", "scope": strings.Join(f.Scopes, " "),
			"redirect_uri": root + "/viewer/callback", "post_logout_redirect_uri": root + "/login.html",
			"automaticSilentRenew": false, "monitorSession": false,
		}
	}
}
