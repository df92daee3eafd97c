package jpeg2000

import (
	"context"
	"sync"
	"sync/atomic"
)

// parallel calls f(worker, i) for each i of n, by at most as many goroutines as told, until one returns an error or the
// context ends. Calls with the same worker never overlap.
func parallel(ctx context.Context, workers, n int, f func(worker, i int) error) error {
	var next atomic.Int64
	run := func(worker int) error {
		for {
			i := int(next.Add(1)) - 1
			if i >= n {
				return nil
			}
			err := ctx.Err()
			if err == nil {
				err = f(worker, i)
			}
			if err != nil {
				next.Store(int64(n))
				return err
			}
		}
	}
	if workers = min(workers, n); workers <= 1 {
		return run(0)
	}
	var wait sync.WaitGroup
	errs := make([]error, workers)
	for w := range workers {
		wait.Go(func() { errs[w] = run(w) })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
