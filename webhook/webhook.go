package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/store"
)

// Webhook is a receiver of events.
type Webhook struct {
	// Name tells it apart from others. How far it is in the feed is kept under this name, and the metrics have it.
	Name string
	// URL is where events are sent. It has no user and no password: the signature says who sends.
	URL string
	// Secrets sign; the first is the one in use, those behind it are there while receivers change over.
	Secrets [][]byte
	// Events are the kinds that it wants; none: all.
	Events []store.ChangeKind
	// Allow are addresses, among those that are not public, that it may have (see Reserved).
	Allow []netip.Prefix
}

// names of webhooks are part of addresses and of metrics.
var names = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// minSecret is the least number of bytes that a secret has, as Standard Webhooks wants it.
const minSecret = 24

// Check returns what is wrong with the settings of a webhook.
func (w *Webhook) Check() error {
	if !names.MatchString(w.Name) {
		return fmt.Errorf("webhook %q: a name is 1 to 64 letters, digits, dots, hyphens and underscores", w.Name)
	}
	if err := w.checkURL(); err != nil {
		return fmt.Errorf("webhook %s: %w", w.Name, err)
	}
	if len(w.Secrets) == 0 {
		return fmt.Errorf("webhook %s: it has no secret", w.Name)
	}
	for _, s := range w.Secrets {
		if len(s) < minSecret {
			return fmt.Errorf("webhook %s: a secret has at least %d bytes", w.Name, minSecret)
		}
	}
	return nil
}

func (w *Webhook) checkURL() error {
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return errors.New("its URL is not an absolute one of http or https") // without err, which quotes it
	case u.User != nil:
		return errors.New("its URL has a user: it would be in logs, and the signature says who sends")
	case u.Fragment != "":
		return errors.New("its URL has a fragment, which is not sent")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		return w.mayReach(ip)
	}
	return nil
}

// Wants reports whether it wants changes of the kind.
func (w *Webhook) Wants(k store.ChangeKind) bool {
	return len(w.Events) == 0 || slices.Contains(w.Events, k)
}

// Shown is the address without its query, which may be secret.
func (w *Webhook) Shown() string {
	address, _, _ := strings.Cut(w.URL, "?")
	return address
}

// secretPrefix begins secrets whose bytes are written in Base64.
const secretPrefix = "whsec_"

// ParseSecrets reads the secrets of a text: each is a line, "whsec_" and Base64 as Standard Webhooks has it, or the bytes themselves.
func ParseSecrets(text string) ([][]byte, error) {
	var secrets [][]byte
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		secret := []byte(line)
		if encoded, found := strings.CutPrefix(line, secretPrefix); found {
			var err error
			if secret, err = base64.StdEncoding.DecodeString(encoded); err != nil {
				return nil, errors.New("what follows \"" + secretPrefix + "\" is not Base64") // without err, which tells of it
			}
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}
