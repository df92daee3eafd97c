package webhook_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/webhook"
)

// TestLetters: dead letters lie beside the position, survive a restart, and the oldest give way.
func TestLetters(t *testing.T) {
	a := newArchive(t)
	var dead []webhook.Letter
	at := time.Date(2026, 11, 27, 1, 2, 3, 4_000_000, time.UTC)
	for n := range webhook.MaxLetters + 3 {
		dead = append(dead, webhook.Letter{Webhook: "ai", At: at, Attempts: n, Reason: "why", Message: webhook.Message{
			ID: fmt.Sprint("m-", n), Type: "stored", Time: at, Body: []byte(`{}`)}})
	}
	to := store.Cursor{Epoch: "e", Number: 7}
	for _, part := range [][]webhook.Letter{dead[:5], dead[5:]} {
		dropped, err := a.index.Webhooks().Move(t.Context(), "ai", to, part)
		if want := max(0, len(part)+5-webhook.MaxLetters); err != nil || len(part) > 5 && dropped != want {
			t.Errorf("%d dropped, want %d, %v", dropped, want, err)
		}
	}
	if _, err := a.index.Webhooks().Move(t.Context(), "other", store.Cursor{}, dead[:1]); err != nil {
		t.Fatal(err)
	}
	a.open(t)
	r := a.index.Webhooks()
	if got, known, err := r.Position(t.Context(), "ai"); got != to || !known || err != nil {
		t.Errorf("%v %v %v", got, known, err)
	}
	if _, known, err := r.Position(t.Context(), "third"); known || err != nil {
		t.Errorf("%v %v", known, err)
	}
	first, err := r.Letters(t.Context(), "ai", 0, 2)
	if err != nil || len(first) != 2 || first[0].Message.ID != "m-3" || first[0].Attempts != 3 || !first[0].At.Equal(at) || !first[0].Message.Time.Equal(at) {
		t.Fatalf("%+v, %v", first, err)
	}
	next, err := r.Letters(t.Context(), "ai", first[1].ID, 1)
	if err != nil || len(next) != 1 || next[0].Message.ID != "m-5" {
		t.Errorf("%+v, %v", next, err)
	}
	if n, err := r.Discard(t.Context(), "ai", first[0].ID); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if counts, err := r.Count(t.Context()); err != nil || counts["ai"] != webhook.MaxLetters-1 || counts["other"] != 1 {
		t.Errorf("%v, %v", counts, err)
	}
	if n, err := r.Discard(t.Context(), "ai", 0); n != webhook.MaxLetters-1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// TestSettings: names tell webhooks apart, metrics have them, and letters of one that is not there any more are still shown.
func TestSettings(t *testing.T) {
	a := newArchive(t)
	hook := webhook.Webhook{Name: "ai", URL: "https://ai.example/?token=1", Secrets: [][]byte{secret}}
	if _, err := webhook.New(a.Store, a.index.Webhooks(), webhook.Options{Webhooks: []webhook.Webhook{hook, hook}}); err == nil {
		t.Error("two of the same name")
	}
	other := hook
	other.Name = "pacs"
	registry := prometheus.NewRegistry()
	s, err := webhook.New(a.Store, a.index.Webhooks(), webhook.Options{Webhooks: []webhook.Webhook{hook, other}, Registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := registry.Gather(); err != nil {
		t.Error(err)
	}
	if _, err := a.index.Webhooks().Move(t.Context(), "gone", store.Cursor{}, []webhook.Letter{{Message: webhook.Message{ID: "1", Body: []byte(`{}`)}}}); err != nil {
		t.Fatal(err)
	}
	status, err := s.Status(t.Context())
	if err != nil || len(status) != 3 || status[0].Name != "ai" || status[0].URL != "https://ai.example/" || status[2].Name != "gone" || status[2].URL != "" || status[2].Dead != 1 {
		t.Errorf("%+v, %v", status, err)
	}
}
