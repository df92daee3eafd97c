package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/procedure"
	"github.com/noctis-dicom/noctis/procedure/hl7"
)

type scheduleImportCommand struct {
	Paths   []string          `arg:"" type:"path" placeholder:"PATH" help:"Files of HL7 v2 or DICOM JSON, and folders of them."`
	Station map[string]string `placeholder:"MODALITY=AET" help:"AE title of the station by modality, '*' for all others, for messages that name none."`
	Move    bool              `help:"Move the files of the folders to done/ and failed/ in them, those with a text beside that says why."`
	Watch   time.Duration     `placeholder:"INTERVAL" help:"Go on looking into the folders, so often; moves the files, too."`
	target  `embed:""`
}

// Help is shown by --help.
func (scheduleImportCommand) Help() string {
	return `HL7 v2: ORM^O01, OMI^O23 and OMG^O19, one or several in a file, batches (FHS, BHS) and frames of MLLP too. NW and XO put a step on the
worklist, or replace it; CA, DC and OC take it off; SC says that it is in progress, or over. DICOM JSON: as "schedule add" reads it, but a step
that is there is replaced. The import can be repeated.

Of a message that cannot be read nothing is done, the others go on. Errors name segment, field and component. Files whose names begin with a
full stop or end with .tmp are left alone, and with --watch those that still grow. The exit code is 1 if anything failed.

Examples:
  noctis schedule import orders.hl7 --station '*=CT1' --server http://127.0.0.1:8080/dicom-web
  noctis schedule import /var/spool/orders --watch 5s --server http://127.0.0.1:8080/dicom-web`
}

// Run takes over all files, or goes on until it is ended.
func (c scheduleImportCommand) Run(ctx context.Context, t terminal) (err error) {
	s, err := c.openSchedule(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	in := &orderImport{schedule: s, options: hl7.Options{Stations: c.Station}, terminal: t}
	if c.Watch > 0 {
		return c.watch(ctx, in)
	}
	for _, path := range c.Paths {
		files, folder, err := filesIn(path)
		if err != nil {
			return err
		}
		for _, f := range files {
			if err := in.file(ctx, f.path, folder && c.Move); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(t.out, "%d created, %d replaced, %d removed, %d failed\n", in.created, in.replaced, in.removed, in.failed)
	if in.failed > 0 {
		return errReported
	}
	return nil
}

// orderImport takes over orders, and counts what became of them.
type orderImport struct {
	schedule
	terminal
	options                            hl7.Options
	created, replaced, removed, failed int
}

// largestOrders is the most bytes that a file of orders may have.
const largestOrders = 64 << 20

// file takes over one file. The error ends the import: the file is not at fault, and stays.
func (in *orderImport) file(ctx context.Context, path string, move bool) error {
	text, err := readAtMost(path, largestOrders)
	if err != nil {
		return err
	}
	var faults []string
	fault := func(err error) { faults = append(faults, err.Error()) }
	if text = bytes.TrimSpace(text); hl7.IsFile(text) {
		err = in.messages(ctx, text, fault)
	} else {
		err = in.json(ctx, text, fault)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	in.failed += len(faults)
	for _, f := range faults {
		fmt.Fprintf(in.err, "%s: %s\n", path, f)
	}
	if move {
		return moveOrders(path, faults)
	}
	return nil
}

func readAtMost(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > most {
		return nil, fmt.Errorf("%s: larger than the %d MiB that a file of orders may have", path, most>>20)
	}
	return os.ReadFile(path)
}

func (in *orderImport) json(ctx context.Context, text []byte, fault func(error)) error {
	steps, err := dataSetsOf(text)
	if err != nil {
		fault(fmt.Errorf("neither HL7 v2 nor DICOM JSON: %w", err))
		return nil
	}
	for i, ds := range steps {
		if err := in.put(ctx, ds); err != nil {
			if errors.Is(err, errUnreachable) {
				return err
			}
			fault(fmt.Errorf("step %d: %w", i+1, err))
		}
	}
	return nil
}

func (in *orderImport) messages(ctx context.Context, text []byte, fault func(error)) error {
	messages, err := hl7.Split(text)
	if err != nil {
		fault(err)
	}
	for i, raw := range messages {
		if err := in.message(ctx, raw); err != nil {
			if errors.Is(err, errUnreachable) {
				return err
			}
			fault(fmt.Errorf("message %d: %w", i+1, err))
		}
	}
	return nil
}

// message does what a message asks for, or nothing where part of it cannot be read.
func (in *orderImport) message(ctx context.Context, raw []byte) error {
	m, err := hl7.Parse(raw)
	if err != nil {
		return err
	}
	orders, err := m.Orders(in.options)
	if err != nil {
		return err
	}
	for _, o := range orders {
		if o.Action == hl7.Put {
			_, err = procedure.Schedule(o.Step, procedure.Name{})
		}
		if err != nil {
			return err
		}
	}
	for _, o := range orders {
		if o.Action == hl7.Put {
			err = in.put(ctx, o.Step)
		} else {
			err = in.change(ctx, o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (in *orderImport) put(ctx context.Context, ds *dicom.DataSet) error {
	n, replaced, err := in.schedule.put(ctx, ds)
	if err != nil {
		return err
	}
	what := "created"
	if replaced {
		what = "replaced"
		in.replaced++
	} else {
		in.created++
	}
	fmt.Fprintln(in.out, what, n.Study, n.Step)
	return nil
}

// change takes the steps of an order off, or marks them. Those that are completed are not touched; where there is none, nothing is to be done.
func (in *orderImport) change(ctx context.Context, o hl7.Order) error {
	steps, err := in.stepsOf(ctx, o.Step)
	if err != nil {
		return err
	}
	if len(steps) == 0 {
		fmt.Fprintln(in.out, "nothing to change: the order is not on the worklist")
	}
	for _, ds := range steps {
		sc := &procedure.Scheduled{DataSet: ds}
		n := sc.Name()
		if o.Action == hl7.Remove {
			if err := in.remove(ctx, n); err != nil && !errors.Is(err, procedure.ErrUnknown) {
				return err
			}
			in.removed++
			fmt.Fprintln(in.out, "removed", n.Study, n.Step)
			continue
		}
		item := sc.Step().Clone()
		item.SetStrings(dicom.ScheduledProcedureStepStatus, dicom.CS, o.Status)
		ds.SetItems(dicom.ScheduledProcedureStepSequence, item)
		if err := in.put(ctx, ds); err != nil {
			return err
		}
	}
	return nil
}

// stepsOf are the steps on the worklist that identifiers of an order mean: all those that the message has must be the step's.
func (in *orderImport) stepsOf(ctx context.Context, order *dicom.DataSet) ([]*dicom.DataSet, error) {
	identifiers := []dicom.Tag{dicom.StudyInstanceUID, dicom.FillerOrderNumberImagingServiceRequest, dicom.PlacerOrderNumberImagingServiceRequest}
	var found []*dicom.DataSet
	for _, t := range identifiers {
		if order.String(t) == "" {
			continue
		}
		var err error
		if found, err = in.list(ctx, map[dicom.Tag]string{t: order.String(t)}); err != nil {
			return nil, err
		}
		break
	}
	wanted := (&procedure.Scheduled{DataSet: order}).Name().Step
	var steps []*dicom.DataSet
	for _, ds := range found {
		if len(ds.Items(dicom.ScheduledProcedureStepSequence)) != 1 {
			return nil, errors.New("the server answered with a step that has no Scheduled Procedure Step Sequence")
		}
		same := wanted == "" || wanted == (&procedure.Scheduled{DataSet: ds}).Name().Step
		for _, t := range identifiers {
			same = same && (order.String(t) == "" || ds.String(t) == "" || order.String(t) == ds.String(t))
		}
		if same {
			steps = append(steps, ds)
		}
	}
	return steps, nil
}
