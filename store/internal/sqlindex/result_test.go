package sqlindex

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

// keeper is a database whose connections keep the statements that they are asked without preparing them, and have no rows.
type keeper struct{ kept, prepared, closed []string }

func (k *keeper) Connect(context.Context) (driver.Conn, error) { return k, nil }
func (k *keeper) Driver() driver.Driver                        { return nil }
func (k *keeper) Begin() (driver.Tx, error)                    { return nil, driver.ErrSkip }
func (k *keeper) Close() error                                 { return nil }

func (k *keeper) QueryContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	k.kept = append(k.kept, query)
	return none{}, nil
}

func (k *keeper) Prepare(query string) (driver.Stmt, error) {
	k.prepared = append(k.prepared, query)
	return &apart{k, query}, nil
}

type apart struct {
	*keeper
	query string
}

func (a *apart) Close() error {
	a.closed = append(a.closed, a.query)
	return nil
}
func (a *apart) NumInput() int                              { return -1 }
func (a *apart) Exec([]driver.Value) (driver.Result, error) { return nil, driver.ErrSkip }
func (a *apart) Query([]driver.Value) (driver.Rows, error)  { return none{}, nil }

type none struct{}

func (none) Columns() []string         { return nil }
func (none) Close() error              { return nil }
func (none) Next([]driver.Value) error { return io.EOF }

// TestLongStatementsAreNotKept: each connection would keep dozens of what strangers ask.
func TestLongStatementsAreNotKept(t *testing.T) {
	long := strings.Repeat("x", longest)
	var want, keeps keeper
	want.kept = []string{"short"}
	want.prepared = []string{"a" + long, "with a text", "with a UID's", "with bytes"}
	want.closed = want.prepared
	x := &Index{reader: sql.OpenDB(&keeps)}
	for _, asked := range []struct {
		query string
		args  []any
	}{
		{"short", []any{"a", 1}}, {"a" + long, nil}, {"with a text", []any{1, long}}, {"with a UID's", []any{"a", dicom.UID(long)}}, {"with bytes", []any{[]byte(long)}},
	} {
		if err := x.each(t.Context(), asked.query, asked.args, nil); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(keeps.kept, want.kept) || !slices.Equal(keeps.prepared, want.prepared) || !slices.Equal(keeps.closed, want.closed) {
		t.Errorf("kept %d, prepared %d, closed %d; want %d, %d, %d", len(keeps.kept), len(keeps.prepared), len(keeps.closed), 1, 4, 4)
	}
}
