package main

import (
	"os/user"
	"time"

	"github.com/noctis-dicom/noctis/internal/audit"
)

// recordCommand records what a command did in a data folder, whether its server runs or not.
func recordCommand(data string, kind audit.Kind, detail string, subjects ...audit.Subject) error {
	e := audit.Event{Time: time.Now().UTC(), Kind: kind, Actor: audit.Actor{Who: operator(), As: "operator"}, Route: "command line", Detail: detail}
	events := []audit.Event{}
	for _, s := range subjects {
		one := e
		one.Subject = s
		events = append(events, one)
	}
	if len(events) == 0 {
		events = append(events, e)
	}
	return audit.Append(data, events...)
}

// operator is who runs this process.
func operator() string {
	u, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return u.Username
}
