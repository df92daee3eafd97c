package bounded

import (
	"context"
	"testing"
)

// recorder notes that a test failed instead of failing.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Fatalf(string, ...any) { r.failed = true }

var sink []byte

func TestDecode(t *testing.T) {
	for _, test := range []struct {
		name   string
		decode func(context.Context)
		fails  bool
	}{
		{"little", func(context.Context) { sink = make([]byte, 1<<10) }, false},
		{"memory", func(context.Context) { sink = make([]byte, 1<<25) }, true},
		{"obedient", func(ctx context.Context) {
			for ctx.Err() == nil {
			}
		}, false},
		{"endless", func(context.Context) {
			for begin := ProcessorTime(); ProcessorTime()-begin <= deadline+grace; {
			}
		}, true},
	} {
		r := recorder{TB: t}
		Decode(&r, 1<<24, test.decode)
		if r.failed != test.fails {
			t.Errorf("%s: failed %v", test.name, r.failed)
		}
	}
}
