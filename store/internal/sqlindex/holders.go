package sqlindex

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
)

// Here is whom the instances of a study name (match.Holders); within.go turns limits into SQL. Of a holder study_holder has each text by which a limit may mean him; but of a study whose instances name
// several, under another number, a row for each of them with all of his texts, every one of which some limit has to mean.

var holders = [...]match.Holder{match.Patient, match.Facility, match.Physician}

func soleOf(h match.Holder) int    { return 1 + int(h) }
func severalOf(h match.Holder) int { return 17 + int(h) }

// held is a row of study_holder. Date and modalities are the study's.
type held struct {
	holder                  int
	value, date, modalities string
}

// heldBy are the rows of a study.
func heldBy(st *study) []held {
	date, _ := store.SortTime(st.merged.DataSet)
	modalities := strings.Join(st.counts.Modalities, `\`)
	var rows []held
	for _, h := range holders {
		values := st.holders[h]
		if len(values) > 0 && values[0] == "" { // they are in order
			values = values[1:]
		}
		for _, v := range values {
			if names := h.Names(v); len(values) > 1 {
				rows = append(rows, held{severalOf(h), line(strings.Join(names, "\n")), date, modalities})
			} else {
				for _, name := range names {
					rows = append(rows, held{soleOf(h), name, date, modalities})
				}
			}
		}
	}
	return rows
}

// writeHolders brings study_holder up to date: these are all rows that the study has from now on.
func (s *session) writeHolders(st *study, now []held) error {
	if slices.Equal(st.held, now) {
		return nil
	}
	if err := s.exec(s.st.deleteHolders, st.id); err != nil {
		return err
	}
	for _, h := range now {
		if err := s.exec(s.st.insertHolder, h.holder, h.value, h.date, st.id, h.modalities); err != nil {
			return err
		}
	}
	return nil
}

// line is a text that lies within others of its kind only as a whole.
func line(s string) string { return "\n" + s + "\n" }

// decodeHolders reads what encodeHolders wrote. Of a study that was stored before they were kept it is "".
func (st *study) decodeHolders(text string) error {
	if text == "" {
		st.relearn = true
		return nil
	}
	return json.Unmarshal([]byte(text), &st.holders)
}

func (st *study) encodeHolders() (string, error) {
	text, err := json.Marshal(st.holders)
	return string(text), err
}

// learnHolders asks all instances of a study, where they are not known or some have gone.
func (s *session) learnHolders(st *study) error {
	if !st.relearn || st.counts.Instances == 0 {
		return nil
	}
	left, err := s.instances(s.st.ofStudy, st.id)
	if err != nil {
		return err
	}
	st.holders = match.Holders{}
	for _, in := range left {
		ds, err := s.dataSet(in.id)
		if err != nil {
			return err
		}
		st.holders.Add(match.NamedBy(ds))
	}
	st.relearn, st.changed = false, true
	return nil
}

// learnAtOnce is how many studies are learned in one transaction.
const learnAtOnce = 8

// learnAll finds out whom the studies name that were stored before that was kept. It ends with the index; the next one goes on.
func (x *Index) learnAll() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-x.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	for {
		var uids []dicom.UID
		err := x.each(ctx, "SELECT uid FROM study WHERE holders = '' AND instance_count > 0 LIMIT ?", []any{learnAtOnce}, func(rows *sql.Rows) error {
			var uid dicom.UID
			err := rows.Scan(&uid)
			uids = append(uids, uid)
			return err
		})
		if err != nil || len(uids) == 0 {
			return
		}
		err = x.write(ctx, len(uids), func(s *session) error {
			for _, uid := range uids {
				if _, err := s.study(uid); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return
		}
	}
}
