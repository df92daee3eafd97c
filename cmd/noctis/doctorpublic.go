package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
)

// examineSettings reads the configuration file as the server would, and compares it with the data folder that is examined.
func (p *patient) examineSettings() {
	if p.Settings == "" {
		return
	}
	parsed, err := newParser(context.Background(), io.Discard, io.Discard).Parse([]string{"--config", p.Settings, "serve"})
	if err != nil {
		p.d.find(settings, "%v", err)
		return
	}
	serve := parsed.Selected().Target.Addr().Interface().(*serveCommand)
	if _, err := serve.storeOptions(); err != nil {
		p.d.find(settings, "%v", err)
	}
	here, _ := filepath.Abs(p.Data)
	if there, _ := filepath.Abs(serve.Data); there != here {
		p.d.find(settings, "it names the data folder %s, and %s is examined", there, here)
	}
	if p.PublicURL == "" {
		p.PublicURL = serve.PublicURL
	}
}

// errPublic is what is wrong with the public address.
type errPublic string

func (e errPublic) Error() string { return string(e) }

// mostSkew is how far the clocks of the server and of this machine may be apart.
const mostSkew = time.Minute

// examinePublic asks the server by its public address, through the proxy, for metadata, and then by the address that it says there for bulk data.
func (p *patient) examinePublic(ctx context.Context) error {
	if p.PublicURL == "" {
		return nil
	}
	base := strings.TrimRight(p.PublicURL, "/")
	client, err := p.client(base)
	if err != nil {
		p.d.find(public, "%v", err)
		return nil
	}
	client.Timeout = p.Timeout
	a := &asking{ctx, client, p.d}
	var wrong errPublic
	if err := a.both(base, p.anyBulk(ctx)); errors.As(err, &wrong) {
		p.d.find(public, "%s", wrong)
	} else if err != nil && ctx.Err() == nil {
		p.d.find(public, "%v", err)
	}
	return ctx.Err()
}

// anyBulk is the path of the metadata of an instance with bulk data; of a search where there is none, or none that can be read.
func (p *patient) anyBulk(ctx context.Context) string {
	const any = "/studies?limit=1"
	from, err := openReading(ctx, p.Data)
	if err != nil {
		return any
	}
	defer from.close() //nolint:errcheck // it has only been read
	for e, err := range from.index.Entries(ctx, dicom.Ref{}) {
		if err != nil {
			return any
		}
		if e.Layout.Pixel != nil || len(e.Layout.Bulk) > 0 {
			return e.Ref.Path() + "/metadata"
		}
	}
	return any
}

// asking are the requests to the public address.
type asking struct {
	ctx    context.Context
	client *http.Client
	d      *diagnosis
}

func (a *asking) both(base, path string) error {
	text, err := a.get(base+"/dicom-web"+path, "application/dicom+json", 64<<20)
	if err != nil || !strings.HasSuffix(path, "/metadata") {
		return err
	}
	address := firstBulkDataURI(text)
	if address == "" {
		return errPublic("the metadata that comes has no BulkDataURI")
	}
	if !strings.HasPrefix(address, base+"/dicom-web/") {
		said, err := url.Parse(address)
		if err != nil || said.Host == "" {
			return errPublic("the server says an address that is none")
		}
		before, _, _ := strings.Cut(said.Path, "/dicom-web/")
		return errPublic(fmt.Sprintf("the server says that it is at %s://%s%s: set public-url, or let the proxy send X-Forwarded-Proto, -Host and -Prefix", said.Scheme, said.Host, before))
	}
	_, err = a.get(address, `multipart/related; type="application/octet-stream", */*;q=0.1`, 1<<20)
	return err
}

// get asks for a resource, and returns up to most bytes of the answer.
func (a *asking) get(address, accept string, most int64) ([]byte, error) {
	request, err := http.NewRequestWithContext(a.ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", accept)
	response, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if at, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		if skew := time.Since(at).Abs(); skew > mostSkew {
			a.d.find(clock, "the server's clock and this one are %v apart", skew.Round(time.Second))
		}
	}
	switch response.StatusCode {
	case http.StatusOK, http.StatusNoContent:
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, errPublic(fmt.Sprintf("it answers %s: give a key by --token, or see what the proxy asks for", response.Status))
	default:
		return nil, errPublic(fmt.Sprintf("GET %s is answered %s", request.URL.Path, response.Status))
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, most))
	if err == nil && len(text) == 0 && response.StatusCode == http.StatusOK {
		err = errPublic(fmt.Sprintf("GET %s is answered without a body", request.URL.Path))
	}
	return text, err
}

// firstBulkDataURI is the first one of DICOM JSON.
func firstBulkDataURI(text []byte) string {
	decoder := json.NewDecoder(bytes.NewReader(text))
	for {
		token, err := decoder.Token()
		if err != nil {
			return ""
		}
		// #nosec G101 -- a token of JSON
		if token == "BulkDataURI" {
			value, _ := decoder.Token()
			address, _ := value.(string)
			return address
		}
	}
}
