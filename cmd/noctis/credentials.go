package main

import (
	"fmt"
	"net/http"
	"strings"
)

// credentials are what every request to another server carries.
type credentials struct {
	Header []string `placeholder:"NAME:VALUE" help:"Header field of every request (\"Authorization: Bearer …\")."`
	User   string   `placeholder:"NAME:PASSWORD" help:"Basic authentication."`
	Token  string   `placeholder:"TOKEN" help:"Bearer token."`
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
