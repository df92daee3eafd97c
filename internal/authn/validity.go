package authn

import (
	"errors"
	"fmt"
	"time"
)

// Validity is the time of a key or a certificate in a ledger.
type Validity struct {
	Created time.Time  `json:"created"`
	Expires *time.Time `json:"expires,omitempty"`
	Revoked *time.Time `json:"revoked,omitempty"`
}

// from is a validity that begins now; a zero end is none.
func from(now, expires time.Time) (Validity, error) {
	v := Validity{Created: now.UTC().Truncate(time.Second)}
	if expires.IsZero() {
		return v, nil
	}
	v.Expires = &expires
	if !expires.After(now) {
		return v, fmt.Errorf("%s is over", expires.Format(time.RFC3339))
	}
	return v, nil
}

// State is "valid", "expired" or "revoked".
func (v Validity) State(now time.Time) string {
	switch {
	case v.Revoked != nil:
		return "revoked"
	case v.Expires != nil && !now.Before(*v.Expires):
		return "expired"
	}
	return "valid"
}

func (v *Validity) validity() *Validity { return v }

// revoke ends those of the records that are, and says which was the last one of them.
func revoke[T any, P interface {
	*T
	validity() *Validity
}](l *ledger[T], now time.Time, are func(T) bool) (revoked T, err error) {
	now = now.UTC().Truncate(time.Second)
	return revoked, l.change(func(records []T) ([]T, error) {
		found := false
		for i := range records {
			if v := P(&records[i]).validity(); v.Revoked == nil && are(records[i]) {
				v.Revoked, revoked, found = &now, records[i], true
			}
		}
		if !found {
			return nil, errors.New("there is none of that name that is not revoked")
		}
		return records, nil
	})
}
