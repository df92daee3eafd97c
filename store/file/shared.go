package file

import "sync"

// sharedSync lets calls that come while a sync runs wait for the next one together: each call of do returns after a sync that
// began after the call, and at most one runs.
type sharedSync struct {
	sync    func() error
	running sync.Mutex

	mu   sync.Mutex
	next *turn // which those who come now wait for
}

type turn struct {
	once sync.Once
	err  error
}

func (s *sharedSync) do() error {
	s.mu.Lock()
	if s.next == nil {
		s.next = &turn{}
	}
	t := s.next
	s.mu.Unlock()
	t.once.Do(func() {
		s.running.Lock()
		defer s.running.Unlock()
		s.mu.Lock()
		s.next = nil // who comes from now on may have written what this sync misses
		s.mu.Unlock()
		t.err = s.sync()
	})
	return t.err
}
