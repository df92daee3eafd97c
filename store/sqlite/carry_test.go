package sqlite

import (
	"bytes"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestCarryDamagedWorklist: of a worklist with random pages all rows of the others come over, and where everything is random nothing is taken for a
// worklist. What the fresh index had for a study whose workitem is lost stays.
func TestCarryDamagedWorklist(t *testing.T) {
	const workitems = 2000
	old := filepath.Join(t.TempDir(), "old.db")
	x := openFile(t, old)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	inFile(t, old, func(db *sql.DB) error {
		_, err := db.Exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO workitem (uid, study, state, priority, label, start, modified, json)
			SELECT '1.9.' || i, '1.5.' || i, 'COMPLETED', 'HIGH', '', '', '', CAST(printf('<item %d>%200s', i, '') AS BLOB) FROM n`, workitems)
		if err == nil {
			_, err = db.Exec("INSERT INTO workitem_key SELECT 'path', 'of ' || id, id FROM workitem; PRAGMA wal_checkpoint(TRUNCATE)")
		}
		return err
	})
	whole, err := os.ReadFile(old)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 20 {
		content, lost := slices.Clone(whole), map[string]bool{}
		for range 1 + round%4 {
			at := (bytes.Index(content, fmt.Appendf(nil, "<item %d>", 1+random.IntN(workitems)))) / page * page // a leaf of the workitems
			for i := range workitems {
				if uid := fmt.Sprint("1.9.", i+1); at > 0 && bytes.Contains(content[at:at+page], fmt.Appendf(nil, "<item %d>", i+1)) {
					lost[uid] = true
				}
			}
			for i := at; at > 0 && i < at+page; i++ {
				content[i] = byte(random.Uint32())
			}
			content[at] |= 0x40 // no kind of page
		}
		damaged, fresh := filepath.Join(t.TempDir(), "damaged.db"), filepath.Join(t.TempDir(), "fresh.db")
		if err := os.WriteFile(damaged, content, 0o600); err != nil {
			t.Fatal(err)
		}
		x := openFile(t, fresh)
		for _, study := range []string{"1.5.1", "1.6.1"} {
			if err := insert(x, imageOf(study, study+".1", study+".1.1", nil)); err != nil {
				t.Fatal(err)
			}
		}
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
		tables, err := CarryWorklist(t.Context(), fresh, damaged)
		if err != nil || !slices.Equal(tables, []string{"workitem"}) {
			t.Fatalf("round %d: %v, %v", round, tables, err)
		}
		inFile(t, fresh, func(db *sql.DB) error {
			var unread, keys int
			for i := range workitems {
				uid, there := fmt.Sprint("1.9.", i+1), false
				if err := db.QueryRow("SELECT EXISTS (SELECT 1 FROM workitem WHERE uid = ? AND state = 'COMPLETED' AND id = ?)", uid, i+1).Scan(&there); err != nil {
					return err
				}
				if there == lost[uid] {
					t.Errorf("round %d: %s is there: %t", round, uid, there)
				}
			}
			err := db.QueryRow("SELECT (SELECT COUNT(*) FROM workitem WHERE study IN ('1.5.1', '1.6.1')), (SELECT COUNT(*) FROM workitem_key WHERE path = 'path')").Scan(&unread, &keys)
			if unread != 2 || keys != workitems-len(lost) {
				t.Errorf("round %d: %d workitems of the studies, %d keys", round, unread, keys)
			}
			return err
		})
	}
	for i := range whole {
		whole[i] = byte(random.Uint32())
	}
	if err := os.WriteFile(old, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	fresh := filepath.Join(t.TempDir(), "fresh.db")
	if err := openFile(t, fresh).Close(); err != nil {
		t.Fatal(err)
	}
	if tables, err := CarryWorklist(t.Context(), fresh, old); err == nil {
		t.Errorf("random bytes: %v", tables)
	}
}

func inFile(t *testing.T, path string, do func(*sql.DB) error) {
	t.Helper()
	db := sql.OpenDB(&connector{dsn: dsn(path, ""), pragmas: writing})
	if err := do(db); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
