package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/webhook"
)

// webhookFlags say who is told what happens.
type webhookFlags struct {
	Webhooks       []webhookSetting `sep:";" placeholder:"WEBHOOK" help:"Receivers of events, each like 'name=ai url=https://ai.example/hook secret-file=/etc/noctis/ai.secret events=study-settled,deleted allow=10.0.0.0/8' (or secret-env=NAME; tenant=NAME); in the file a list of such settings."`
	WebhookTimeout time.Duration    `default:"10s" help:"Time for a receiver to take an event (default ${default})."`
	WebhookGiveUp  time.Duration    `default:"24h" help:"Time after which an event that its receiver has not taken is a dead letter (default ${default})."`
}

// webhookSetting is a webhook as the settings have it.
type webhookSetting struct {
	Name       string   `json:"name"`
	URL        string   `json:"url"`
	SecretFile string   `json:"secret-file"`
	SecretEnv  string   `json:"secret-env"`
	Events     []string `json:"events"`
	Allow      []string `json:"allow"`
	Tenant     string   `json:"tenant"`
}

// UnmarshalText reads "name=… url=…" of a command line.
func (s *webhookSetting) UnmarshalText(text []byte) error {
	settings := map[string]any{}
	for _, word := range strings.Fields(string(text)) {
		key, value, found := strings.Cut(word, "=")
		if !found {
			return fmt.Errorf("%q is not like NAME=VALUE", key)
		}
		if settings[key] = value; key == "events" || key == "allow" {
			settings[key] = strings.Split(value, ",")
		}
	}
	again, err := json.Marshal(settings)
	if err != nil {
		return err
	}
	return s.UnmarshalJSON(again)
}

// UnmarshalJSON reads the settings of a file, as kong hands them on. One that is not known is an error.
func (s *webhookSetting) UnmarshalJSON(text []byte) error {
	var word string
	if json.Unmarshal(text, &word) == nil {
		return s.UnmarshalText([]byte(word))
	}
	type plain webhookSetting
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode((*plain)(s)); err != nil {
		return fmt.Errorf("%w; known are name, url, secret-file, secret-env, events, allow, tenant", err)
	}
	return nil
}

// webhook makes what the settings ask for.
func (s webhookSetting) webhook() (webhook.Webhook, error) {
	w := webhook.Webhook{Name: s.Name, URL: s.URL}
	for _, name := range s.Events {
		kind, known := store.ParseChangeKind(name)
		if !known {
			return w, fmt.Errorf("webhook %s: there are no events %q; there are %s", s.Name, name, strings.Trim(fmt.Sprint(store.ChangeKinds()), "[]"))
		}
		if !slices.Contains(w.Events, kind) {
			w.Events = append(w.Events, kind)
		}
	}
	for _, text := range s.Allow {
		network, err := webhook.ParseNetwork(text)
		if err != nil {
			return w, fmt.Errorf("webhook %s: %w", s.Name, err)
		}
		w.Allow = append(w.Allow, network)
	}
	secret, err := s.secret()
	if err == nil {
		w.Secrets, err = webhook.ParseSecrets(secret)
	}
	if err != nil {
		return w, fmt.Errorf("webhook %s: %w", s.Name, err)
	}
	return w, w.Check()
}

// secret is what signs. It is in no setting itself: settings are shown and backed up.
func (s webhookSetting) secret() (string, error) {
	switch {
	case (s.SecretFile == "") == (s.SecretEnv == ""):
		return "", fmt.Errorf("its secret is in a file or in the environment: set secret-file or secret-env")
	case s.SecretFile != "":
		text, err := os.ReadFile(s.SecretFile)
		return string(text), err
	}
	text, set := os.LookupEnv(s.SecretEnv)
	if !set {
		return "", fmt.Errorf("there is no %s in the environment", s.SecretEnv)
	}
	return text, nil
}

// sender makes what sends to those of a tenant, or of the server's own archive, what happens from now on and what they were not told before.
func (f webhookFlags) sender(ctx context.Context, a *archive, tenant string, log *slog.Logger, registry prometheus.Registerer) (*webhook.Sender, error) {
	o := webhook.Options{Timeout: f.WebhookTimeout, GiveUp: f.WebhookGiveUp, Log: log, Registry: registry}
	for _, s := range f.Webhooks {
		w, err := s.webhook()
		if err != nil {
			return nil, err
		}
		if s.Tenant == tenant {
			o.Webhooks = append(o.Webhooks, w)
		}
	}
	s, err := webhook.New(a.Store, a.index.Webhooks(), o)
	if err != nil {
		return nil, err
	}
	return s, s.Begin(ctx)
}
