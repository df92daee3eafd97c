package sqlindex

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// Here is whom the instances of a study name (match.Holders); within.go turns limits into SQL. Of a holder study_key has, under a number that is no tag, each text by which a limit may mean him; but of a study whose instances name
// several, under another number, a row for each of them with all of his texts, every one of which some limit has to mean.

var holders = [...]match.Holder{match.Patient, match.Facility, match.Physician}

func soleKey(h match.Holder) dicom.Tag    { return dicom.Tag(1 + h) }
func severalKey(h match.Holder) dicom.Tag { return dicom.Tag(17 + h) }

// holderKeys are the rows of study_key.
func holderKeys(of match.Holders) []key {
	var keys []key
	for _, h := range holders {
		values := of[h]
		if len(values) > 0 && values[0] == "" { // they are in order
			values = values[1:]
		}
		for _, v := range values {
			if names := h.Names(v); len(values) > 1 {
				keys = append(keys, key{severalKey(h), line(strings.Join(names, "\n"))})
			} else {
				for _, name := range names {
					keys = append(keys, key{soleKey(h), name})
				}
			}
		}
	}
	return keys
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
