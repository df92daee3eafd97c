package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// tlsFlags are the files of the server's own TLS.
type tlsFlags struct {
	Cert     string `placeholder:"FILE" help:"Certificate of the server with those that it was issued by (PEM): it speaks TLS then, and nothing else. Changed files are read again."`
	Key      string `placeholder:"FILE" help:"Private key of the certificate (PEM)."`
	ClientCA string `name:"client-ca" placeholder:"FILE" help:"Authorities (PEM) that issue client certificates; noctis certificate says whose they are."`
}

// serving returns what serves on the listener: with TLS where there is a certificate. stop ends its watch over the files. SIGHUP has them read
// again at once; without TLS there is nothing to read, and it is no reason to end.
func (f tlsFlags) serving(server *http.Server, listener net.Listener, log *slog.Logger) (serve func() error, stop func(), err error) {
	serve = func() error { return server.Serve(listener) }
	var files *tlsFiles
	switch {
	case f.Cert != "":
		if files, err = newTLSFiles(f, log); err != nil {
			return nil, nil, err
		}
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: files.configFor, NextProtos: nextProtocols}
		serve = func() error { return server.ServeTLS(listener, "", "") }
	case f.Key != "" || f.ClientCA != "":
		return nil, nil, errors.New("--tls-key and --tls-client-ca are of no use without --tls-cert")
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for range hangups {
			files.reload()
		}
	}()
	return serve, func() { signal.Stop(hangups); close(hangups) }, nil
}

var nextProtocols = []string{"h2", "http/1.1"}

// sealedCiphers are those of TLS 1.2 that encrypt and authenticate in one (RFC 9325 4.2, which the profile of PS3.15 B.12 asks for). Those of TLS 1.3 all do.
var sealedCiphers = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// tlsFiles are read again when they change: a certificate is renewed every few weeks, and transfers of an hour must not end for that.
type tlsFiles struct {
	flags tlsFlags
	log   *slog.Logger

	mu     sync.Mutex
	config *tls.Config
	stamps [3]string // of the files, as they were read
	looked time.Time
}

func newTLSFiles(f tlsFlags, log *slog.Logger) (*tlsFiles, error) {
	files := &tlsFiles{flags: f, log: log, looked: time.Now(), stamps: f.stamps()}
	var err error
	files.config, err = f.read()
	return files, err
}

// configFor is called for each connection. Most do not look at the files.
func (t *tlsFiles) configFor(*tls.ClientHelloInfo) (*tls.Config, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.looked) >= time.Second {
		t.look()
	}
	return t.config, nil
}

func (t *tlsFiles) reload() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stamps = [3]string{}
	t.look()
}

// look reads the files if they are others. While they do not fit together, as between the renewal of the one and of the other, the old ones stay.
func (t *tlsFiles) look() {
	t.looked = time.Now()
	stamps := t.flags.stamps()
	if stamps == t.stamps {
		return
	}
	t.stamps = stamps
	config, err := t.flags.read()
	if err != nil {
		t.log.Error("the files of TLS cannot be used, those from before stay", "error", err)
		return
	}
	t.config = config
	t.log.Info("read the files of TLS again", "valid_until", config.Certificates[0].Leaf.NotAfter)
}

// stamps tell whether the files are still the same.
func (f tlsFlags) stamps() (stamps [3]string) {
	for i, name := range []string{f.Cert, f.Key, f.ClientCA} {
		if info, err := os.Stat(name); err == nil {
			stamps[i] = fmt.Sprint(info.ModTime().UnixNano(), info.Size(), inode(info))
		}
	}
	return stamps
}

func inode(info os.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Ino
	}
	return 0
}

// read makes the settings of a connection: TLS 1.2 with sealedCiphers, or 1.3. A client certificate may be sent, and has to be valid then.
func (f tlsFlags) read() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: sealedCiphers, Certificates: []tls.Certificate{pair}, NextProtos: nextProtocols}
	if f.ClientCA == "" {
		return config, nil
	}
	text, err := os.ReadFile(f.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	config.ClientCAs = x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("TLS: %s holds no certificate", f.ClientCA)
	}
	config.ClientAuth = tls.VerifyClientCertIfGiven
	return config, nil
}
