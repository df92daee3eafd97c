// Command interop runs the conformance suite against Noctis and against Orthanc from Debian's packages (orthanc, orthanc-dicomweb), each
// started on loopback with an empty folder, and writes both results side by side (make interop).
package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/conformance"
)

// column is one server and what became of the suite there.
type column struct {
	name, version string
	report        *conformance.Report
}

func main() {
	noctis := flag.String("noctis", "bin/noctis", "the program to try")
	out := flag.String("out", "docs/INTEROP.md", "where the table goes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := compare(ctx, *noctis, *out); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

func compare(ctx context.Context, noctis, out string) error {
	folder, err := os.MkdirTemp("", "noctis-interop")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	ours, err := try(ctx, "Noctis", noctis, folder, startNoctis)
	if err != nil {
		return err
	}
	orthanc, err := exec.LookPath("Orthanc")
	if err != nil {
		return errors.New("Orthanc is not installed; on Debian: apt-get install orthanc orthanc-dicomweb")
	}
	theirs, err := try(ctx, "Orthanc", orthanc, folder, startOrthanc)
	if err != nil {
		return err
	}
	return os.WriteFile(out, []byte(table(ours, theirs)), 0o644)
}

// starter returns the command line of a server at an address, its DICOMweb base and its WADO-URI service.
type starter func(program, folder, address string) (command []string, base, wado string, err error)

func startNoctis(program, folder, address string) ([]string, string, string, error) {
	return []string{program, "serve", "--listen", address, "--data", filepath.Join(folder, "noctis"), "--log-level", "ERROR"},
		"http://" + address + "/dicom-web", "http://" + address + "/wado", nil
}

func startOrthanc(program, folder, address string) ([]string, string, string, error) {
	_, port, _ := net.SplitHostPort(address)
	data := filepath.Join(folder, "orthanc")
	settings := fmt.Sprintf(`{"Name": "interop", "HttpPort": %s, "DicomServerEnabled": false, "RemoteAccessAllowed": false,
"AuthenticationEnabled": false, "StorageDirectory": %q, "IndexDirectory": %q,
"Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"],
"DicomWeb": {"Enable": true, "Root": "/dicom-web/", "EnableWado": true, "WadoRoot": "/wado"}}`, port, data, data)
	file := filepath.Join(folder, "orthanc.json")
	return []string{program, file}, "http://" + address + "/dicom-web", "http://" + address + "/wado", os.WriteFile(file, []byte(settings), 0o600)
}

// try starts a server, runs the suite and stops the server, which must still be alive.
func try(ctx context.Context, name, program, folder string, start starter) (*column, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	command, base, wado, err := start(program, folder, address)
	if err != nil {
		return nil, err
	}
	server := exec.CommandContext(ctx, command[0], command[1:]...)
	if err := server.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	defer func() {
		server.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			server.Process.Kill()
		}
	}()
	if err := answers(ctx, base); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	report, err := conformance.Run(ctx, conformance.Options{BaseURL: base, URIService: wado})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	select {
	case err := <-ended:
		return nil, fmt.Errorf("%s ended while it was tried: %v", name, err)
	default:
	}
	return &column{name, version(ctx, program), report}, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// answers waits until the server answers.
func answers(ctx context.Context, base string) error {
	for range 100 {
		response, err := http.Get(base + "/studies?limit=1")
		if err == nil {
			response.Body.Close()
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return errors.New("does not answer within 10 seconds")
}

// version is the first line of what the program says of itself.
func version(ctx context.Context, program string) string {
	for _, argument := range []string{"version", "--version"} {
		if text, err := exec.CommandContext(ctx, program, argument).Output(); err == nil && len(bytes.TrimSpace(text)) > 0 {
			line, _, _ := strings.Cut(string(text), "\n")
			words := strings.Fields(line) // the name first, the version last
			return words[len(words)-1]
		}
	}
	return "unknown"
}

// table writes the counts, and every case whose results are not both passes.
func table(columns ...*column) string {
	var b strings.Builder
	b.WriteString("# Interoperability\n\nWritten by `make interop`: the [conformance suite](CONFORMANCE-SUITE.md) against ")
	for i, c := range columns {
		if i > 0 {
			b.WriteString(" and ")
		}
		fmt.Fprintf(&b, "%s %s", c.name, c.version)
	}
	fmt.Fprintf(&b, ", %s. What the failures mean is in [INTEROP-NOTES.md](INTEROP-NOTES.md).\n\n", columns[0].report.Started.Format("2006-01-02"))
	b.WriteString("pass / fail / unsupported / skipped:\n\n|")
	for _, c := range columns {
		fmt.Fprintf(&b, " | %s", c.name)
	}
	b.WriteString(" |\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
	row := func(name string, of func(*conformance.Report) conformance.Tally) {
		fmt.Fprintf(&b, "| %s", name)
		for _, c := range columns {
			t := of(c.report)
			fmt.Fprintf(&b, " | %d / %d / %d / %d", t[conformance.Pass], t[conformance.Fail], t[conformance.Unsupported], t[conformance.Skipped])
		}
		b.WriteString(" |\n")
	}
	for _, s := range conformance.Services {
		row(string(s), func(r *conformance.Report) conformance.Tally { return r.ByService()[s] })
	}
	for _, l := range []conformance.Level{conformance.Shall, conformance.Should, conformance.May, conformance.Practice} {
		row("level: "+string(l), func(r *conformance.Report) conformance.Tally { return r.ByLevel()[l] })
	}
	b.WriteString("\n## Cases that did not pass everywhere\n\n| case | clause | level |")
	for _, c := range columns {
		fmt.Fprintf(&b, " %s |", c.name)
	}
	b.WriteString("\n|---|---|---|" + strings.Repeat("---|", len(columns)) + "\n")
	for i, first := range columns[0].report.Cases {
		words := make([]string, len(columns))
		for n, c := range columns {
			words[n] = outcome(c.report.Cases[i])
		}
		if !slices.ContainsFunc(words, func(w string) bool { return w != "pass" }) {
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", first.ID, first.Clause, first.Level, strings.Join(words, " | "))
	}
	return b.String()
}

// outcome is a result in a few words.
func outcome(r conformance.Result) string {
	if r.Status != conformance.Fail {
		return string(r.Status)
	}
	got, _, _ := strings.Cut(r.Got, "\n")
	if strings.HasPrefix(got, "no answer") {
		got = "no answer"
	}
	return fmt.Sprintf("**fail**: %s; want %s", cmp.Or(got, "?"), strings.ReplaceAll(strings.ReplaceAll(short(r.Want), "|", `\|`), "\n", " "))
}

func short(s string) string {
	if len(s) > 90 {
		return s[:90] + "…"
	}
	return s
}
