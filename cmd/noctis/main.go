// Command noctis is the Noctis server and its tools in one binary.
//
// main.go reads the command line; config.go the environment and the YAML file behind it; compose.go opens what a command works
// on; each command is a file.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/noctis-dicom/noctis/internal/audit"
)

// version is set by the linker (make build).
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// commands is the command line.
type commands struct {
	Config configFile `name:"config" placeholder:"FILE" help:"YAML file with a key for each long flag of the command (\"listen: 127.0.0.1:8080\"). Flags and NOCTIS_* in the environment win over it."`
	Memory size       `default:"512MiB" placeholder:"SIZE" help:"Memory that the process may take: of a server, caches and the data sets of uploads share it; garbage is collected in time (default ${default})."`

	Serve       serveCommand       `cmd:"" help:"Start the server."`
	Import      importCommand      `cmd:"" help:"Store files, folders and zip files, on a server or in a data folder."`
	Demo        demoCommand        `cmd:"" help:"Store a small synthetic study set (CT with segmentation and report, MR, CR, US)."`
	Doctor      doctorCommand      `cmd:"" help:"Examine a data folder, and mend it; or any DICOMweb server, from outside."`
	Backup      backupCommand      `cmd:"" help:"Copy a data folder, while its server runs."`
	Restore     restoreCommand     `cmd:"" help:"Make a data folder of a backup."`
	Copy        copyCommand        `cmd:"" help:"Store studies on another DICOMweb server."`
	Export      exportCommand      `cmd:"" help:"Write studies as files, media with a DICOMDIR, or zip files."`
	Reindex     reindexCommand     `cmd:"" help:"Rebuild the index of a data folder from the stored files alone."`
	Index       indexCommand       `cmd:"" help:"Index further attributes, while the server runs."`
	Readiness   readinessCommand   `cmd:"" help:"Say of studies whether viewers can show them, and why not."`
	Recycle     recycleCommand     `cmd:"" help:"List, restore and purge what was deleted or replaced."`
	Key         keyCommand         `cmd:"" help:"Make, list and revoke API keys, while the server runs."`
	User        userCommand        `cmd:"" help:"Add, list, change and remove the users of the page, while the server runs."`
	Certificate certificateCommand `cmd:"" help:"Say whose client certificates are, while the server runs."`
	Link        linkCommand        `cmd:"" help:"Make, list and revoke signed links to studies and pictures, while the server runs."`
	Schedule    scheduleCommand    `cmd:"" help:"List, add and remove scheduled procedure steps (modality worklist)."`
	Audit       auditCommand       `cmd:"" help:"Read the audit log: verify, search, export."`
	Webhook     webhookCommand     `cmd:"" help:"Look after the webhooks of a server: list, test, dead letters."`
	Render      renderCommand      `cmd:"" help:"Render a frame of a file as a picture."`
	Tenant      tenantCommand      `cmd:"" help:"Add, list, limit and remove the tenants of a data folder: archives of their own in one server."`
	Conformance conformanceCommand `cmd:"" help:"Try any DICOMweb server against PS3.18, from outside."`
	Statement   statementCommand   `cmd:"" help:"Write the DICOM Conformance Statement of this build."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

// terminal is what a command writes to.
type terminal struct{ out, err io.Writer }

// exit ends kong's parsing where it would end the process (--help).
type exit int

// run runs one command and returns the exit code: 0, 1 when the command failed, 2 when the command line is wrong.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case exit:
			code = int(e)
		default:
			panic(e)
		}
	}()
	parser := newParser(ctx, stdout, stderr)
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "noctis: %v\n", err)
		return 2
	}
	if err := runRecorded(parsed); err != nil {
		if !errors.Is(err, errReported) {
			fmt.Fprintf(stderr, "noctis: %v\n", err)
		}
		return 1
	}
	return 0
}

// newParser makes the parser of the command line.
func newParser(ctx context.Context, stdout, stderr io.Writer) *kong.Kong {
	var cmd commands
	parser, err := kong.New(&cmd,
		kong.Name("noctis"),
		kong.Description("An open DICOMweb server: stores, finds, returns and renders medical images."),
		kong.UsageOnError(),
		kong.DefaultEnvars("NOCTIS"),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.Vars{"auditKinds": audit.KindNames()},
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(terminal{stdout, stderr}),
	)
	if err != nil {
		panic(err) // a mistake in the struct tags
	}
	return parser
}

// errReported ends a command that has already said what was wrong.
var errReported = errors.New("failed")

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(t terminal) error {
	_, err := fmt.Fprintln(t.out, "noctis", version)
	return err
}
