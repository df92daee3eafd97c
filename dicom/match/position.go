package match

import (
	"cmp"
	"errors"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// Position is the place of a result in the order in which results come when nothing else is asked for: newest study first,
// series and instances by their numbers, UIDs where these are equal. It says everything that decides the place, so that a
// search can go on behind a result that has been deleted meanwhile.
type Position struct {
	Date, Time     string // of the study, in their comparable forms; empty if it has none
	Ref            dicom.Ref
	SeriesNumber   int64 // of no meaning at the study level
	InstanceNumber int64 // of meaning at the instance level only
}

// Compare returns a negative number if p comes before o. Both must be of the same level.
func (p Position) Compare(o Position) int {
	return cmp.Or(
		cmp.Compare(o.Date, p.Date), cmp.Compare(o.Time, p.Time), cmp.Compare(p.Ref.Study, o.Ref.Study),
		cmp.Compare(p.SeriesNumber, o.SeriesNumber), cmp.Compare(p.Ref.Series, o.Ref.Series),
		cmp.Compare(p.InstanceNumber, o.InstanceNumber), cmp.Compare(p.Ref.Instance, o.Ref.Instance),
	)
}

// Key writes the position as a Record Key (0008,041B) of the level. Clients may not read anything into it.
func (p Position) Key(l Level) []byte {
	fields := []string{
		p.Date, p.Time, string(p.Ref.Study),
		strconv.FormatInt(p.SeriesNumber, 10), string(p.Ref.Series),
		strconv.FormatInt(p.InstanceNumber, 10), string(p.Ref.Instance),
	}
	return []byte(strings.Join(fields[:keyFields(l)], "|"))
}

func keyFields(l Level) int { return 3 + 2*int(l) }

var errRecordKey = errors.New("not a Record Key (0008,041B) of a result of the same resource")

// ParsePosition reads a Record Key of the level.
func ParsePosition(l Level, key []byte) (Position, error) {
	fields := strings.Split(string(key), "|")
	if len(fields) != keyFields(l) {
		return Position{}, errRecordKey
	}
	p := Position{Date: fields[0], Time: fields[1], Ref: dicom.Ref{Study: dicom.UID(fields[2])}}
	if p.Date != "" && !allDigits(p.Date) || strings.Trim(p.Time, "0123456789.") != "" || !p.Ref.Study.Valid() {
		return Position{}, errRecordKey
	}
	for i, to := range []struct {
		number *int64
		uid    *dicom.UID
	}{{&p.SeriesNumber, &p.Ref.Series}, {&p.InstanceNumber, &p.Ref.Instance}} {
		if i == int(l) {
			break
		}
		n, err := strconv.ParseInt(fields[3+2*i], 10, 64)
		if *to.number, *to.uid = n, dicom.UID(fields[4+2*i]); err != nil || !to.uid.Valid() {
			return Position{}, errRecordKey
		}
	}
	return p, nil
}
