package main

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/noctis-dicom/noctis/internal/audit"
)

// auditFlags say how accesses are recorded.
type auditFlags struct {
	AuditFailure  string        `default:"refuse" enum:"refuse,continue" help:"What to do with an access that cannot be recorded, because the disk is full or fails: refuse it, or continue and note how many were lost (default ${default})."`
	AuditGather   time.Duration `default:"10s" help:"Time in which reads of one study by one user become one event with their number; 0: each is an event (default ${default})."`
	AuditSource   string        `placeholder:"NAME" help:"Name of this server in the audit; default: noctis@ and the name of the machine."`
	AuditSyslog   string        `placeholder:"URL" help:"Syslog receiver that events are sent to: tls://HOST:6514, or on this machine tcp://127.0.0.1:514 or udp://127.0.0.1:514."`
	AuditSyslogCA string        `name:"audit-syslog-ca" placeholder:"FILE" help:"Certificates (PEM) that the receiver's is checked with; default: those of the system."`

	AuditSyslogCert string `name:"audit-syslog-cert" placeholder:"FILE" help:"Certificate (PEM) that the receiver is shown; default: none."`
	AuditSyslogKey  string `name:"audit-syslog-key" placeholder:"FILE" help:"Private key of that certificate (PEM)."`
}

// begin opens the record of a data folder, which must belong to this process.
func (f auditFlags) begin(data string, log *slog.Logger, registry prometheus.Registerer) (*audit.Trail, error) {
	o := audit.Options{Source: f.AuditSource, Gather: f.AuditGather, GoOn: f.AuditFailure == "continue", Log: log, Registry: registry}
	if f.AuditSyslog != "" {
		receiver, err := audit.ParseReceiver(f.AuditSyslog, f.AuditSyslogCA)
		if err == nil && f.AuditSyslogCert != "" {
			err = receiver.Present(f.AuditSyslogCert, f.AuditSyslogKey)
		}
		if err != nil {
			return nil, fmt.Errorf("--audit-syslog: %w", err)
		}
		o.Receiver = receiver
	}
	return audit.Begin(data, version, o)
}
