package main

import (
	"context"
	"encoding/json"
	"fmt"

	viewing "github.com/noctis-dicom/noctis/readiness" // readiness is that of the server
)

type readinessCommand struct {
	selection
	Deep bool `help:"Decode every frame; otherwise the first, the middle and the last of each series."`
	JSON bool `name:"json" help:"A JSON object for each study, a line each."`
}

// Help is shown by --help.
func (readinessCommand) Help() string {
	return `Says of studies whether viewers can show them, and why not: attributes that viewers need, the window, colors, frames that are missing or cannot be
decoded, character sets, and whether a series is a volume for MPR. "hidden" is what is not shown or shown wrongly, "limited" what is shown with
less. The exit code is 1 if anything is hidden.

Examples:
  noctis readiness --study 1.2.840.113619.2.1 --data /var/lib/noctis
  noctis readiness --where StudyDate=20260101- --deep --json
  curl http://127.0.0.1:8080/dicom-web/studies/1.2.840.113619.2.1/readiness`
}

// Run examines the studies one after the other.
func (c readinessCommand) Run(ctx context.Context, t terminal) error {
	from, err := openReading(ctx, c.Data)
	if err != nil {
		return err
	}
	defer from.close() //nolint:errcheck // it has only been read
	studies, _, err := from.studies(ctx, c.selection)
	if err == nil && len(studies) == 0 {
		err = errNoStudy
	}
	if err != nil {
		return err
	}
	ready, bar := true, newProgress(t.err, "readiness")
	for i, study := range studies {
		r, err := viewing.Of(ctx, from.Store, study.uid, viewing.Options{Deep: c.Deep})
		if err != nil {
			return err
		}
		ready = ready && r.Ready
		bar.clear()
		if c.JSON {
			err = json.NewEncoder(t.out).Encode(r)
		} else {
			printReadiness(t, r)
		}
		if err != nil {
			return err
		}
		bar.set(i+1, len(studies))
	}
	bar.finish()
	if !ready {
		return errReported
	}
	return nil
}

func printReadiness(t terminal, r *viewing.Report) {
	fmt.Fprintf(t.out, "study %s: %s\n", r.Study, map[bool]string{true: "ready", false: "NOT READY"}[r.Ready])
	for _, s := range r.Series {
		volume := "a volume"
		if !s.MPR {
			volume = "no volume: " + s.NoMPR
		}
		if s.Frames == 0 {
			volume = "no images"
		}
		fmt.Fprintf(t.out, "  series %s %s: %d instances, %d frames, %d of them decoded; %s\n", s.Series, s.Modality, s.Instances, s.Frames, s.Decoded, volume)
		for _, f := range r.Findings {
			if f.Series == s.Series {
				fmt.Fprintf(t.out, "    %s: %s: %s (instance %s", f.Severity, f.Kind, f.Detail, f.Instance)
				if f.Frame > 0 {
					fmt.Fprintf(t.out, ", frame %d", f.Frame)
				}
				if f.Instances > 1 {
					fmt.Fprintf(t.out, ", and %d more", f.Instances-1)
				}
				fmt.Fprintln(t.out, ")")
			}
		}
	}
	if r.Unlisted > 0 {
		fmt.Fprintf(t.out, "  and %d more findings\n", r.Unlisted)
	}
}
