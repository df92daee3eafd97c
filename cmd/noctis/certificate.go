package main

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/noctis-dicom/noctis/internal/authn"
)

// certificateCommand keeps the client certificates of a data folder.
type certificateCommand struct {
	Add    certificateAddCommand    `cmd:"" help:"Say whose a client certificate is."`
	List   certificateListCommand   `cmd:"" help:"List whose which certificates are."`
	Revoke certificateRevokeCommand `cmd:"" help:"End the record of a name for good."`
}

// Help is shown by --help.
func (certificateCommand) Help() string {
	return `A server with --tls-cert and --tls-client-ca takes client certificates of those authorities. Whose one is it finds by its fingerprint, by a name
in it, or by its subject. The first record turns authentication on. All of it works while the server runs.

Examples:
  noctis certificate add --name CT1 --file ct1.pem --role store --data /var/lib/noctis
  noctis certificate add --name MR1 --match dns:mr1.clinic.example --role store --facility 'North clinic'
  noctis certificate add --name gateway --match 'subject:CN=gateway,O=Clinic' --role read --role store`
}

// certificates opens those of the data folder.
func (d accessData) certificates() (*authn.Certificates, error) {
	folder, err := d.folder()
	if err != nil {
		return nil, err
	}
	return authn.OpenCertificates(folder, authn.OpenUses(folder)), nil
}

type certificateAddCommand struct {
	Name    string `required:"" placeholder:"NAME" help:"Whose certificate it is; in lists and in the audit."`
	File    string `type:"existingfile" placeholder:"FILE" help:"The certificate (PEM): this one alone."`
	Match   string `placeholder:"KIND:VALUE" help:"What a certificate has: sha256:FINGERPRINT, dns:NAME, email:ADDRESS, uri:URI or ip:ADDRESS (Subject Alternative Name), or subject:DN."`
	Expires moment `placeholder:"TIME" help:"When that ends, if before the certificate does: 2027-01-31, 2027-01-31T12:00:00Z, or 90d or 12h from now."`
	grantFlags
	accessData
}

// Run adds a record, and says what it matches.
func (c certificateAddCommand) Run(t terminal) error {
	certificates, err := c.certificates()
	if err != nil {
		return err
	}
	match := c.Match
	if c.File != "" {
		if match, err = matchOfFile(c.File); err != nil {
			return err
		}
	}
	if (c.File == "") == (c.Match == "") {
		return errors.New("want one of --file and --match")
	}
	if err := certificates.Add(c.Name, match, c.grant(), c.Expires.Time); err != nil {
		return err
	}
	_, err = fmt.Fprintln(t.out, match)
	return err
}

// matchOfFile is the fingerprint of the first certificate in a file.
func matchOfFile(name string) (string, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return "", fmt.Errorf("%s does not begin with a certificate in PEM", name)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return authn.FingerprintMatch(cert), nil
}

type certificateListCommand struct{ accessData }

// Run lists all records, those that are over too.
func (c certificateListCommand) Run(t terminal) error {
	certificates, err := c.certificates()
	if err != nil {
		return err
	}
	list, err := certificates.List()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tMATCH\tSTATE\tCREATED\tEXPIRES\tLAST USED\tALLOWED")
	for _, r := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%v\n", r.Name, r.Match, r.State(time.Now()), day(&r.Created),
			cmp.Or(day(r.Expires), "never"), cmp.Or(day(&r.Used), "never"), r.Grant)
	}
	return w.Flush()
}

type certificateRevokeCommand struct {
	Name string `arg:"" placeholder:"NAME" help:"Name of the record."`
	accessData
}

// Run revokes a record. The server refuses its certificates from the next request on.
func (c certificateRevokeCommand) Run(t terminal) error {
	certificates, err := c.certificates()
	if err != nil {
		return err
	}
	record, err := certificates.Revoke(c.Name)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "revoked %s (%s)\n", record.Name, record.Match)
	return err
}
