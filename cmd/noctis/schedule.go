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
	"os"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/procedure"
	"github.com/noctis-dicom/noctis/store"
)

// scheduleCommand keeps the modality worklist of a server, or of a data folder whose server is stopped.
type scheduleCommand struct {
	Add    scheduleAddCommand    `cmd:"" help:"Add scheduled procedure steps of files of DICOM JSON."`
	List   scheduleListCommand   `cmd:"" help:"List the scheduled procedure steps that are not completed."`
	Import scheduleImportCommand `cmd:"" help:"Take over orders: HL7 v2 messages (ORM, OMI) and DICOM JSON, of files and folders."`
	Remove scheduleRemoveCommand `cmd:"" help:"Remove a scheduled procedure step."`
}

// Help is shown by --help.
func (scheduleCommand) Help() string {
	return `A file holds a data set of PS3.4 Table K.6-1 as DICOM JSON, or an array of them, each with one item in its Scheduled Procedure Step
Sequence. Without --server the data folder is opened, which no server may have open then.

Examples:
  noctis schedule add today.json --server http://127.0.0.1:8080/dicom-web
  noctis schedule import /var/spool/orders --watch 5s --station 'CT=CT1;*=ROOM1' --server http://127.0.0.1:8080/dicom-web
  noctis schedule list --server http://127.0.0.1:8080/dicom-web
  noctis schedule remove 1.2.840.1 SPS7 --data /var/lib/noctis`
}

// schedule is what the commands do, on a server or in a data folder.
type schedule interface {
	add(ctx context.Context, ds *dicom.DataSet) (procedure.Name, error)
	// put is add for a step whose name may be taken: then it is replaced.
	put(ctx context.Context, ds *dicom.DataSet) (n procedure.Name, replaced bool, err error)
	// list returns the steps that are not completed and have those values.
	list(ctx context.Context, keys map[dicom.Tag]string) ([]*dicom.DataSet, error)
	remove(ctx context.Context, n procedure.Name) error
	close() error
}

func (t target) openSchedule(ctx context.Context) (schedule, error) {
	if t.Server != "" {
		r, err := newRemote(t.Server, t.credentials)
		if err != nil {
			return nil, err
		}
		return &remoteSchedule{r.name() + "/modality-scheduled-procedure-steps", r.client}, nil
	}
	a, err := openArchive(ctx, t.Data, store.Options{})
	if err != nil {
		return nil, err
	}
	return localSchedule{a}, nil
}

type scheduleAddCommand struct {
	Files  []string `arg:"" type:"existingfile" placeholder:"FILE" help:"Files of DICOM JSON."`
	target `embed:""`
}

// Run adds all steps of all files, and stops at the first that is refused.
func (c scheduleAddCommand) Run(ctx context.Context, t terminal) (err error) {
	s, err := c.openSchedule(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for _, file := range c.Files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		steps, err := dataSetsOf(text)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for i, ds := range steps {
			n, err := s.add(ctx, ds)
			if err != nil {
				return fmt.Errorf("%s: step %d: %w", file, i+1, err)
			}
			fmt.Fprintln(t.out, n.Study, n.Step)
		}
	}
	return nil
}

// dataSetsOf reads DICOM JSON: a data set, or an array of them.
func dataSetsOf(text []byte) ([]*dicom.DataSet, error) {
	parts := []json.RawMessage{text}
	if text = bytes.TrimSpace(text); bytes.HasPrefix(text, []byte("[")) {
		if err := json.Unmarshal(text, &parts); err != nil {
			return nil, err
		}
	}
	all := make([]*dicom.DataSet, len(parts))
	for i, part := range parts {
		all[i] = &dicom.DataSet{}
		if err := all[i].UnmarshalJSON(part); err != nil {
			return nil, err
		}
	}
	return all, nil
}

type scheduleListCommand struct {
	target `embed:""`
}

// Run lists the steps, one a line.
func (c scheduleListCommand) Run(ctx context.Context, t terminal) (err error) {
	s, err := c.openSchedule(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	steps, err := s.list(ctx, nil)
	if err != nil {
		return err
	}
	for _, ds := range steps {
		items := ds.Items(dicom.ScheduledProcedureStepSequence)
		if len(items) == 0 {
			return errors.New("the server answered with a step that has no Scheduled Procedure Step Sequence")
		}
		step := items[0]
		fmt.Fprintf(t.out, "%s %s  %s %s  %s %s  %s %s\n", ds.String(dicom.StudyInstanceUID), step.String(dicom.ScheduledProcedureStepID),
			step.String(dicom.ScheduledProcedureStepStartDate), step.String(dicom.ScheduledProcedureStepStartTime),
			step.String(dicom.ScheduledStationAETitle), step.String(dicom.Modality), ds.String(dicom.PatientID), ds.String(dicom.PatientName))
	}
	return nil
}

type scheduleRemoveCommand struct {
	Study  string `arg:"" placeholder:"STUDY" help:"Study Instance UID."`
	Step   string `arg:"" placeholder:"STEP" help:"Scheduled Procedure Step ID."`
	target `embed:""`
}

// Run removes the step.
func (c scheduleRemoveCommand) Run(ctx context.Context) (err error) {
	s, err := c.openSchedule(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	return s.remove(ctx, procedure.Name{Study: dicom.UID(c.Study), Step: c.Step})
}

// localSchedule is that of a data folder.
type localSchedule struct{ *archive }

func (l localSchedule) close() error { return l.archive.Close() }

func (l localSchedule) add(ctx context.Context, ds *dicom.DataSet) (procedure.Name, error) {
	sc, err := procedure.Schedule(ds, procedure.Name{})
	if err != nil {
		return procedure.Name{}, err
	}
	return sc.Name(), l.index.Procedures().Schedule(ctx, sc)
}

func (l localSchedule) put(ctx context.Context, ds *dicom.DataSet) (n procedure.Name, replaced bool, err error) {
	sc, err := procedure.Schedule(ds, procedure.Name{})
	if err != nil {
		return n, false, err
	}
	err = l.index.Procedures().Schedule(ctx, sc)
	if replaced = errors.Is(err, procedure.ErrConflict); replaced {
		err = l.index.Procedures().Reschedule(ctx, sc)
	}
	return sc.Name(), replaced, l.outside(err)
}

// outside tells an error of the data folder from one of a step.
func (l localSchedule) outside(err error) error {
	if err == nil || errors.Is(err, procedure.ErrInvalid) || errors.Is(err, procedure.ErrConflict) || errors.Is(err, procedure.ErrUnknown) {
		return err
	}
	return fmt.Errorf("%w: %w", errUnreachable, err)
}

func (l localSchedule) list(ctx context.Context, keys map[dicom.Tag]string) ([]*dicom.DataSet, error) {
	q := match.Query{Limit: -1}
	for t, value := range keys {
		k, err := match.ParseKey(match.Path{t}, value, match.ParseOptions{})
		if err != nil {
			return nil, err
		}
		q.Keys = append(q.Keys, k)
	}
	steps, _, err := l.index.Procedures().Search(ctx, q)
	all := make([]*dicom.DataSet, len(steps))
	for i, sc := range steps {
		all[i] = sc.Shown()
	}
	return all, l.outside(err)
}

func (l localSchedule) remove(ctx context.Context, n procedure.Name) error {
	return l.outside(l.index.Procedures().Unschedule(ctx, n))
}

// remoteSchedule is that of a server.
type remoteSchedule struct {
	base   string
	client *http.Client
}

func (r *remoteSchedule) close() error { return nil }

func (r *remoteSchedule) add(ctx context.Context, ds *dicom.DataSet) (n procedure.Name, err error) {
	text, err := ds.MarshalJSON()
	if err != nil {
		return n, err
	}
	answer, _, err := r.ask(ctx, http.MethodPost, "", text)
	if err != nil {
		return n, err
	}
	study, step, _ := strings.Cut(answer.Get("Location")[strings.LastIndex(answer.Get("Location"), "steps/")+len("steps/"):], "/")
	n.Study = dicom.UID(study)
	n.Step, err = url.PathUnescape(step)
	return n, err
}

func (r *remoteSchedule) put(ctx context.Context, ds *dicom.DataSet) (n procedure.Name, replaced bool, err error) {
	n, err = r.add(ctx, ds)
	if !errors.Is(err, procedure.ErrConflict) {
		return n, false, err
	}
	text, err := ds.MarshalJSON()
	if err != nil {
		return n, false, err
	}
	n = (&procedure.Scheduled{DataSet: ds}).Name()
	_, _, err = r.ask(ctx, http.MethodPut, pathOf(n), text)
	return n, true, err
}

// list asks page by page, since a server bounds its answers.
func (r *remoteSchedule) list(ctx context.Context, keys map[dicom.Tag]string) (all []*dicom.DataSet, err error) {
	query := url.Values{"includefield": {"all"}}
	for t, value := range keys {
		query.Set(t.String(), value)
	}
	for {
		query.Set("offset", strconv.Itoa(len(all)))
		_, body, err := r.ask(ctx, http.MethodGet, "?"+query.Encode(), nil)
		if err != nil || len(body) == 0 {
			return all, err
		}
		steps, err := dataSetsOf(body)
		if err != nil {
			return nil, err
		}
		all = append(all, steps...)
	}
}

func (r *remoteSchedule) remove(ctx context.Context, n procedure.Name) error {
	_, _, err := r.ask(ctx, http.MethodDelete, pathOf(n), nil)
	return err
}

func pathOf(n procedure.Name) string {
	return "/" + url.PathEscape(string(n.Study)) + "/" + url.PathEscape(n.Step)
}

func (r *remoteSchedule) ask(ctx context.Context, method, path string, body []byte) (http.Header, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, r.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Accept", "application/dicom+json")
	request.Header.Set("Content-Type", "application/dicom+json")
	response, err := r.client.Do(request)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<30))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		var problem struct{ Detail string }
		_ = json.Unmarshal(answer, &problem) // what is no problem document has no detail
		return nil, nil, stepRefused(response.StatusCode, strings.TrimSuffix(response.Status+": "+problem.Detail, ": "))
	}
	return response.Header, answer, nil
}

// stepRefused is the error of an answer. One that may be another tomorrow, or for somebody else, is not the step's fault.
func stepRefused(status int, text string) error {
	of := map[int]error{http.StatusConflict: procedure.ErrConflict, http.StatusNotFound: procedure.ErrUnknown, http.StatusBadRequest: procedure.ErrInvalid}[status]
	if of == nil {
		of = errUnreachable
	}
	return fmt.Errorf("%w: the server answered %s", of, text)
}
