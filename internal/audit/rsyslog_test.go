package audit

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// rsyslog starts an rsyslogd that takes messages over TLS and writes them to a file; it skips where that, or its module for TLS, is not installed.
func rsyslog(t *testing.T) (address, roots, file string) {
	t.Helper()
	program, err := exec.LookPath("rsyslogd")
	if err != nil {
		t.Skip("rsyslogd is not installed")
	}
	modules, err := filepath.Glob(filepath.Join(filepath.Dir(program), "../lib/*/rsyslog/lmnsd_gtls.so"))
	if err != nil || len(modules) == 0 {
		t.Skip("the module of rsyslogd for TLS is not installed (rsyslog-gnutls)")
	}
	folder := t.TempDir()
	server := httptest.NewTLSServer(nil) // for its certificate
	server.Close()
	key, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, text []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	roots = write("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	private := write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = free.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	free.Close()
	file = filepath.Join(folder, "out")
	config := write("rsyslog.conf", fmt.Appendf(nil, `global(workDirectory=%q maxMessageSize="256k" defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile=%q
defaultNetstreamDriverCertFile=%q defaultNetstreamDriverKeyFile=%q)
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon")
input(type="imtcp" port=%q address="127.0.0.1")
template(name="all" type="string" string="%%pri%% %%msgid%% %%structured-data%% %%msg%%\n")
action(type="omfile" file=%q template="all")
`, folder, roots, roots, private, port, file))
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "-n", "-f", config, "-i", filepath.Join(folder, "pid"), "-M", filepath.Dir(modules[0]))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		cmd.Wait() //nolint:errcheck // it was killed
		if t.Failed() {
			t.Logf("%s", out.Bytes())
		}
	})
	return address, roots, file
}

// TestRsyslogUnderstands sends to the receiver that most have.
func TestRsyslogUnderstands(t *testing.T) {
	address, roots, file := rsyslog(t)
	receiver, err := ParseReceiver("tls://"+address, roots)
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	trail, err := Begin(data, "test", Options{Receiver: receiver, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer trail.Close()
	trail.sending.pause = func(int) time.Duration { return 20 * time.Millisecond }
	for _, e := range examples() {
		if err := trail.Record(e); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	go trail.sending.run(ctx)
	last := trail.lines.last()
	for n := uint64(1); n <= last; n++ {
		want := fmt.Appendf(nil, `[noctis@32473 n="%d" hash="`, n)
		for {
			got, _ := os.ReadFile(file) // it comes when it comes
			if i := bytes.Index(got, want); i >= 0 {
				line, _, whole := bytes.Cut(got[i:], []byte("\n"))
				if whole && (!bytes.Contains(line, []byte("<AuditMessage>")) || !bytes.HasSuffix(line, []byte("</AuditMessage>"))) {
					t.Fatalf("message %d is %s", n, line)
				}
				if whole {
					break
				}
			}
			if ctx.Err() != nil {
				t.Fatalf("message %d of %d does not come; there are %d bytes", n, last, len(got))
			}
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || !bytes.HasPrefix(got, []byte("85 DICOM+RFC3881 ")) {
		t.Errorf("%.100s, %v", got, err)
	}
}
