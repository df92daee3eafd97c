package sqlite

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/commitment"
	"github.com/noctis-dicom/noctis/commitment/committest"
	"github.com/noctis-dicom/noctis/dicom"
)

func TestCommitments(t *testing.T) {
	committest.Repository(t, func(t *testing.T) committest.Open {
		again := reopening(t)
		return func(t *testing.T) commitment.Repository { return again(t).Commitments() }
	})
}

// reopening returns a way to open an index again and again, which closes it before.
func reopening(t *testing.T) func(t *testing.T) *Index {
	path := filepath.Join(t.TempDir(), "index.db")
	var last *Index
	t.Cleanup(func() { last.Close() })
	return func(t *testing.T) *Index {
		t.Helper()
		if last != nil {
			if err := last.Close(); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		if last, err = Open(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		return last
	}
}

// TestDamagedCommitment: rows whose bytes are not what was written are told as such.
func TestDamagedCommitment(t *testing.T) {
	x := reopening(t)(t)
	for _, uid := range []dicom.UID{"1.1", "1.2"} {
		if err := x.Commitments().Add(t.Context(), uid, &dicom.DataSet{}, nil, time.Unix(1e9, 0)); err != nil {
			t.Fatal(err)
		}
	}
	db := sql.OpenDB(&connector{dsn: dsn(x.Path(), ""), pragmas: writing})
	defer db.Close()
	for uid, content := range map[string]string{"1.1": "x'00'", "1.2": "(SELECT content FROM commitment WHERE uid = '1.2') || x'00'"} {
		if _, err := db.Exec(`UPDATE commitment SET content = CAST(` + content + ` AS BLOB) WHERE uid = '` + uid + `'`); err != nil {
			t.Fatal(err)
		}
		if _, err := x.Commitments().Request(t.Context(), dicom.UID(uid)); !errors.Is(err, commitment.ErrDamaged) {
			t.Errorf("%s: %v", uid, err)
		}
	}
}
