package main

import (
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/noctis-dicom/noctis/store"
)

const deployFolder = "../../deploy"

// Every metric that the dashboard and the alert rules name is one that the server has, with the labels that they name.
func TestDashboardAndAlertsNameMetricsThatExist(t *testing.T) {
	known := metricsOfServer(t)
	selector := regexp.MustCompile(`\b((?:noctis|go|process)_[a-z0-9_]+)(?:\{([^}]*)\})?`)
	label := regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)`)
	for _, name := range []string{"alerts.yaml", "grafana-dashboard.json"} {
		text, err := os.ReadFile(filepath.Join(deployFolder, name))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".json") && !json.Valid(text) {
			t.Errorf("%s is not JSON", name)
		}
		found := selector.FindAllStringSubmatch(strings.ReplaceAll(string(text), `\"`, `"`), -1)
		if len(found) < 10 {
			t.Errorf("%s names only %d metrics", name, len(found))
		}
		for _, m := range found {
			metric := strings.TrimSuffix(m[1], "_bucket")
			labels, exists := known[metric]
			if !exists && metric != "noctis_" && !strings.HasSuffix(metric, "_") { // "noctis_frame_cache_*" in a sentence
				t.Errorf("%s: there is no metric %s", name, metric)
			}
			for _, l := range label.FindAllStringSubmatch(m[2], -1) {
				if exists && l[1] != "instance" && l[1] != "job" && !strings.Contains(labels, l[1]) {
					t.Errorf("%s: %s has no label %s", name, metric, l[1])
				}
			}
		}
	}
}

// metricsOfServer are the names of all metrics, and their labels.
func metricsOfServer(t *testing.T) map[string]string {
	t.Helper()
	data, registry := t.TempDir(), prometheus.NewRegistry()
	a, err := openArchive(t.Context(), data, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	log := slog.New(slog.DiscardHandler)
	newScrubbing(a, data, 0, log, registry)
	if a.trail, err = (auditFlags{}).begin(data, log, registry); err != nil {
		t.Fatal(err)
	}
	defer a.trail.Close()
	if _, err := (serveCommand{Data: data, StallTimeout: time.Minute, Limits: limitFlags{MaxWait: time.Minute}}).handler(a, accessFlags{}.open(data), &readiness{archive: a}, log, registry); err != nil {
		t.Fatal(err)
	}
	described := make(chan *prometheus.Desc)
	go func() { registry.Describe(described); close(described) }()
	parts := regexp.MustCompile(`fqName: "([^"]*)".*variableLabels: \{([^}]*)\}`)
	known := map[string]string{}
	for d := range described {
		m := parts.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("not understood: %s", d)
		}
		known[m[1]] = m[2]
	}
	gathered, err := registry.Gather() // some Go metrics are not described
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range gathered {
		known[family.GetName()] += ""
	}
	return known
}

// Those who read the files find nothing wrong with them.
func TestDeploymentFiles(t *testing.T) {
	unit, err := os.ReadFile(filepath.Join(deployFolder, "noctis.service"))
	if err != nil {
		t.Fatal(err)
	}
	// The program has to be there for systemd-analyze.
	name := filepath.Join(t.TempDir(), "noctis.service")
	if err := os.WriteFile(name, []byte(strings.ReplaceAll(string(unit), "/usr/local/bin/noctis", "/bin/true")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][]string{
		{"systemd-analyze", "verify", name},
		{"systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", name}, // 2.0 of 10
		{"promtool", "check", "rules", filepath.Join(deployFolder, "alerts.yaml")},
	} {
		t.Run(c[0]+" "+c[1], func(t *testing.T) {
			if _, err := exec.LookPath(c[0]); err != nil {
				t.Skipf("no %s here", c[0])
			}
			if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
				t.Errorf("%v: %v\n%s", c, err, out)
			}
		})
	}
}
