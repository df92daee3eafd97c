package authn

import (
	"net/http"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// What it costs a request to say who sends it: the time of a frame is hundreds of microseconds.
func BenchmarkAuthenticate(b *testing.B) {
	folder := b.TempDir()
	uses := OpenUses(folder)
	keys := OpenKeys(folder, uses)
	secret, err := keys.Add("CT1", Grant{Roles: []string{"store"}}, time.Time{})
	if err != nil {
		b.Fatal(err)
	}
	p := newIDP(b)
	token := p.sign(p.key("one", false), jose.ES256, p.claims(nil))
	m := New(false, keys, p.provider(ProviderOptions{}), OpenCertificates(folder, uses), NewSessions(OpenUsers(folder, uses)))
	for name, r := range map[string]*http.Request{"key": bearing("X-Api-Key", secret), "token": tokenOf(token), "nobody": bearing()} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := m.Authenticate(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
