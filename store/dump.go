package store

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// Dump writes an index as lines of text, in an order that does not depend on how it came to be: two indices with the same
// content have the same dump. It holds patient data.
//
//	study {DICOM JSON}
//	series {DICOM JSON}
//	instance /studies/…/series/…/instances/… {entry} metadata SHA-256
//	result {DICOM JSON of what a search for instances returns unasked}
//	removed /studies/…/series/…/instances/… {blob, when and how}
func Dump(ctx context.Context, index Index) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		queries := []match.Query{{Level: match.Study, IncludeAll: true}, {Level: match.Series, IncludeAll: true}, {Level: match.Instance}}
		for _, r := range dicom.NonPatientResources() {
			queries = append(queries, match.Query{Level: match.Instance, Scope: dicom.Ref{Resource: r}})
		}
		for _, q := range queries {
			q.Limit = -1
			for ds, err := range index.Search(ctx, q) {
				line := ""
				if err == nil && q.Level == match.Instance {
					ds = q.Project(ds) // an index may return more
				}
				if err == nil {
					line, err = dumpLine(map[match.Level]string{match.Study: "study", match.Series: "series", match.Instance: "result"}[q.Level], ds)
				}
				if !yield(line, err) || err != nil {
					return
				}
			}
		}
		metadata, stop := iter.Pull2(index.Metadata(ctx, dicom.Ref{}))
		defer stop()
		for e, err := range index.Entries(ctx, dicom.Ref{}) {
			line := ""
			if err == nil {
				m, mErr, _ := metadata()
				if line, err = dumpInstance(e, m); mErr != nil {
					err = mErr
				}
			}
			if !yield(line, err) || err != nil {
				return
			}
		}
		for r, err := range index.Removed(ctx, RemovedQuery{Tombstones: true}) {
			line := ""
			if err == nil {
				line, err = dumpLine("removed "+r.Entry.Ref.Path(), map[string]any{
					"sopClass": r.Entry.SOPClass, "blob": r.Entry.Blob.String(), "kind": r.Kind.String(), "purged": r.Purged,
					"time": r.Time.UTC().Format(time.RFC3339), "record": r.Record,
				})
			}
			if !yield(line, err) || err != nil {
				return
			}
		}
	}
}

func dumpLine(name string, value any) (string, error) {
	text, err := json.Marshal(value)
	return name + " " + string(text), err
}

func dumpInstance(e *Entry, m Metadata) (string, error) {
	if m.Ref != e.Ref {
		return "", fmt.Errorf("dump: the metadata of %s stands where that of %s is wanted", m.Ref.Path(), e.Ref.Path())
	}
	line, err := dumpLine("instance "+e.Ref.Path(), map[string]any{
		"sopClass": e.SOPClass, "transferSyntax": e.TransferSyntax, "blob": e.Blob.String(), "size": e.Size,
		"stored": e.Stored.UTC().Format(time.RFC3339), "layout": e.Layout,
	})
	return fmt.Sprintf("%s metadata %x", line, sha256.Sum256(m.JSON)), err
}

// Compare holds two indices against each other and describes the first difference, "" if there is none. The description names
// the line of the dump and no patient data.
func Compare(ctx context.Context, a, b Index) (difference string, err error) {
	other, stop := iter.Pull2(Dump(ctx, b))
	defer stop()
	n := 0
	for line, err := range Dump(ctx, a) {
		if err != nil {
			return "", err
		}
		n++
		same, err, ok := other()
		switch {
		case err != nil:
			return "", err
		case !ok:
			return fmt.Sprintf("the second ends before line %d of the dump, which is a %s", n, kind(line)), nil
		case same != line:
			return fmt.Sprintf("line %d of the dump, which is a %s in the first and a %s in the second", n, kind(line), kind(same)), nil
		}
	}
	if line, err, ok := other(); err != nil || ok {
		return fmt.Sprintf("the first ends before line %d of the dump, which is a %s in the second", n+1, kind(line)), err
	}
	return "", nil
}

// kind is what a line is about: study, series, or the instance, stored or removed, with its path.
func kind(line string) string {
	kind, rest, _ := strings.Cut(line, " ")
	if kind == "instance" || kind == "removed" {
		path, _, _ := strings.Cut(rest, " ")
		return kind + " " + path
	}
	return kind
}
