package sqlindex

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// Limits (match.Limits) are kept to in the statement that decides what is found, and not after it, so that nothing comes in between. Of a
// holder study_key has, under a number that is no tag, each text by which a limit may mean him; but of a study whose instances name
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

// limits is the clause of the limits of a context, for a search: what few studies satisfy is looked up, what many do is asked of each study
// that is met.
func (x *Index) limits(ctx context.Context) (clause, error) {
	l := match.LimitsOf(ctx)
	var clauses []clause
	for _, h := range holders {
		values, set := l.Of(h)
		if !set {
			continue
		}
		c := listedOf(h, values)
		var n int
		s := c.keyed[0]
		err := x.each(ctx, "SELECT COUNT(*) FROM ("+s.sql+" LIMIT ?)", append(s.args[:len(s.args):len(s.args)], few), func(rows *sql.Rows) error {
			return rows.Scan(&n)
		})
		if err != nil {
			return clause{}, err
		}
		if c.narrow = n < few; !c.narrow {
			c = probedOf(h, values)
		}
		clauses = append(clauses, c)
	}
	return all(append(clauses, studiesOf(l)...)), nil
}

// listed is the clause of limits by the lists of all studies that satisfy them.
func listed(l match.Limits) clause { return joined(l, listedOf) }

// probed is the clause of limits that asks each study.
func probed(l match.Limits) clause { return joined(l, probedOf) }

func joined(l match.Limits, of func(match.Holder, []string) clause) clause {
	clauses := studiesOf(l)
	for _, h := range holders {
		if values, set := l.Of(h); set {
			clauses = append(clauses, of(h, values))
		}
	}
	return all(clauses)
}

// studiesOf is the clause of a list of studies.
func studiesOf(l match.Limits) []clause {
	if len(l.Studies) == 0 {
		return nil
	}
	var texts []string
	for _, uid := range l.Studies {
		texts = append(texts, match.Normal(dicom.UI, string(uid)))
	}
	list, args := inList(texts)
	return []clause{{sql: "study.uid IN " + list, args: args, exact: true, narrow: len(texts) < few}}
}

// inList is what may follow IN, however long it is.
func inList(values []string) (string, []any) {
	if len(values) == 1 {
		return "(?)", []any{values[0]}
	}
	return "(SELECT value FROM json_each(?))", []any{jsonOf(values)}
}

func jsonOf(values []string) string {
	text, err := json.Marshal(values)
	if err != nil || values == nil { // texts have no errors
		return "[]"
	}
	return string(text)
}

// strange are the rows of holders whom no limit means: the parameter is a list of lines.
const strange = `NOT EXISTS (SELECT 1 FROM json_each(?) AS meant WHERE instr(study_key.value, meant.value) > 0)`

func lines(values []string) string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = line(v)
	}
	return jsonOf(all)
}

func listedOf(h match.Holder, values []string) clause {
	list, args := inList(values)
	s := selection{"SELECT study_id FROM study_key WHERE attribute = ? AND value IN " + list, append([]any{soleKey(h)}, args...)}
	s.sql += ` UNION ALL SELECT study_id FROM study_key WHERE attribute = ?
		AND study_id NOT IN (SELECT study_id FROM study_key WHERE attribute = ? AND ` + strange + `)`
	s.args = append(s.args, severalKey(h), severalKey(h), lines(values))
	return inStudies(s, true)
}

func probedOf(h match.Holder, values []string) clause {
	list, args := inList(values)
	const of = "EXISTS (SELECT 1 FROM study_key WHERE study_key.study_id = study.id AND attribute = ?"
	c := clause{sql: "(" + of + " AND value IN " + list + ") OR (" + of + ") AND NOT " + of + " AND " + strange + ")))", exact: true}
	c.args = append(append([]any{soleKey(h)}, args...), severalKey(h), severalKey(h), lines(values))
	return c
}
