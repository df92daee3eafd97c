package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/noctis-dicom/noctis/internal/audit"
)

// commandKinds are the commands that change or read what lies in a data folder past its server, and what they do. What they do through a
// server it records itself.
var commandKinds = map[string]audit.Kind{
	"key add": audit.Key, "key revoke": audit.Key,
	"user add": audit.Key, "user allow": audit.Key, "user password": audit.Key, "user disable": audit.Key, "user enable": audit.Key, "user remove": audit.Key,
	"certificate add": audit.Key, "certificate revoke": audit.Key, "link add": audit.Link, "link revoke": audit.Link,
	"import": audit.Import, "demo": audit.Import, "backup": audit.Export, "restore": audit.Import,
	"recycle restore": audit.Restore, "recycle purge": audit.Purge,
	"schedule add": audit.CreateProcedure, "schedule import": audit.CreateProcedure, "schedule remove": audit.RemoveProcedure,
	"tenant add": audit.Admin, "tenant quota": audit.Admin, "tenant remove": audit.Admin, "doctor": audit.Admin, "reindex": audit.Admin, "index add": audit.Admin, "index remove": audit.Admin,
}

// unrecordedCommands are the others: the server records itself, reading of the audit and of studies is recorded where they are read, and the
// rest is done by a server, tells nothing of patients, or tells it those alone who may read the data folder anyhow.
var unrecordedCommands = []string{"serve", "export", "copy", "audit verify", "audit search", "audit export", "key list", "user list", "certificate list", "link list", "tenant list", "recycle list", "schedule list",
	"index list", "webhook list", "webhook dead", "webhook resend", "webhook discard", "webhook test", "readiness", "render", "conformance", "statement", "version"}

// commandName is the command without the places of its arguments.
func commandName(parsed *kong.Context) string {
	var words []string
	for _, w := range strings.Fields(parsed.Command()) {
		if !strings.HasPrefix(w, "<") {
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}

// recordRun records a command that has run on a data folder.
func recordRun(parsed *kong.Context, failed error) error {
	name := commandName(parsed)
	kind, recorded := commandKinds[name]
	data := flagText(parsed, "data")
	changes := flagText(parsed, "fix") != "false" && flagText(parsed, "check") != "true" && flagText(parsed, "list") != "true"
	if !recorded || !changes || data == "" || flagText(parsed, "server") != "" || name == "doctor" && flagText(parsed, "url") != "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(data, "index.db")); err != nil {
		if _, err := os.Stat(accessFolder(data)); err != nil {
			return nil // there is no data folder, and the command has said so
		}
	}
	e := commandEvent(kind, strings.TrimSpace(name+" "+commandObject(parsed)))
	if failed != nil {
		e.Outcome, e.Reason = audit.Serious, "the command failed"
	}
	if err := audit.Append(data, e); err != nil {
		return fmt.Errorf("this could not be recorded: %w", err)
	}
	return nil
}

// recordExport records that studies leave, before they do, each for itself (PS3.15 A.5.3.4).
func recordExport(data, destination string, studies []selected) error {
	var events []audit.Event
	for _, s := range studies {
		e := commandEvent(audit.Export, destination)
		patient, _, _ := strings.Cut(s.patient, `\`)
		e.Subject = audit.Subject{Patient: patient, Study: string(s.uid), Number: s.instances}
		events = append(events, e)
	}
	return audit.Append(data, events...)
}

// commandObject is what a command was for: its first argument, or the name that it was given.
func commandObject(parsed *kong.Context) string {
	for _, flag := range []string{"name", "study"} {
		if name := flagText(parsed, flag); name != "" {
			return name
		}
	}
	if node := parsed.Selected(); node != nil && len(node.Positional) > 0 {
		return fmt.Sprint(node.Positional[0].Target.Interface())
	}
	return ""
}

// flagText is the value of a flag, "" if the command has none of that name.
func flagText(parsed *kong.Context, name string) string {
	for _, f := range parsed.Flags() {
		if f.Name == name && f.Target.IsValid() {
			return strings.TrimSpace(fmt.Sprint(f.Target.Interface()))
		}
	}
	return ""
}

// recordCommand records what a command did in a data folder, whether its server runs or not.
func recordCommand(data string, kind audit.Kind, detail string) error {
	return audit.Append(data, commandEvent(kind, detail))
}

func commandEvent(kind audit.Kind, detail string) audit.Event {
	return audit.Event{Time: time.Now().UTC(), Kind: kind, Actor: audit.Actor{Who: operator(), As: "operator"}, Route: "command line", Detail: detail}
}

// operator is who runs this process.
func operator() string {
	u, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return u.Username
}

// runRecorded runs a parsed command, and records it.
func runRecorded(parsed *kong.Context) error {
	err := parsed.Run()
	recordErr := recordRun(parsed, err)
	if errors.Is(err, errReported) && recordErr == nil {
		return err
	}
	return errors.Join(err, recordErr)
}
