package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// credentials are what every request to another server carries.
type credentials struct {
	Header []string `placeholder:"NAME:VALUE" help:"Header field of every request (\"Authorization: Bearer …\")."`
	User   string   `placeholder:"NAME:PASSWORD" help:"Basic authentication."`
	Token  string   `placeholder:"TOKEN" help:"Bearer token: of another server, or a key of Noctis."`
}

// client is an HTTP client whose requests to the host of base carry the credentials, and those to which it is redirected do not.
func (c credentials) client(base string) (*http.Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%s: want the DICOMweb base URL, like http://127.0.0.1:8080/dicom-web", base)
	}
	header, err := c.header()
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: bearing{u.Scheme, u.Host, header}}, nil
}

// bearing adds header fields to the requests to one host.
type bearing struct {
	scheme, host string
	header       http.Header
}

func (b bearing) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == b.host && r.URL.Scheme == b.scheme {
		r = r.Clone(r.Context())
		for name, values := range b.header {
			r.Header[name] = values
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (c credentials) header() (http.Header, error) {
	h := http.Header{}
	for _, field := range c.Header {
		name, value, found := strings.Cut(field, ":")
		if !found {
			return nil, fmt.Errorf("--header %q: want NAME:VALUE", field)
		}
		h.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if c.Token != "" {
		h.Set("Authorization", "Bearer "+c.Token)
	}
	if c.User != "" {
		name, password, _ := strings.Cut(c.User, ":")
		r := &http.Request{Header: h}
		r.SetBasicAuth(name, password)
	}
	return h, nil
}

// askJSON makes a request and reads its answer, unless that is nil. An answer of 409 is one, too.
func askJSON(ctx context.Context, client *http.Client, method, address string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<30))
	if err != nil {
		return err
	}
	if response.StatusCode/100 != 2 && response.StatusCode != http.StatusConflict {
		var problem struct{ Detail string }
		_ = json.Unmarshal(body, &problem) // what is no problem document has no detail
		return fmt.Errorf("the server answered %s", strings.TrimSuffix(response.Status+": "+problem.Detail, ": "))
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(body, answer)
}
