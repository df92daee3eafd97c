package dicomweb

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
)

// The metadata of a series is made and compressed once it has been stored, before the first viewer asks for it.

const (
	readyAfter = 50 * time.Millisecond // that nothing came for the series: not for each of a thousand instances
	readyTime  = 30 * time.Second      // that it may take
)

// readying knows the series that are waiting. It is safe for concurrent use.
type readying struct {
	mu      sync.Mutex
	waiting map[dicom.Ref]*time.Timer
	turn    sync.Mutex // one series at a time: requests come first
}

// metadataReady has the metadata of series made, for clients that see the server under base: as JSON in gzip, from which those that
// take no content coding are answered as well, and in zstd, which browsers ask for.
func (s *Server) metadataReady(base string, series map[dicom.Ref]bool) {
	if s.options.MetadataCache < 0 {
		return
	}
	s.readying.mu.Lock()
	defer s.readying.mu.Unlock()
	for ref := range series {
		if timer := s.readying.waiting[ref]; timer != nil && timer.Stop() { // it has not begun
			timer.Reset(readyAfter)
			continue
		}
		s.background.Add(1)
		s.readying.waiting[ref] = time.AfterFunc(readyAfter, func() {
			defer s.background.Done()
			s.readying.mu.Lock()
			delete(s.readying.waiting, ref)
			s.readying.mu.Unlock()
			s.makeMetadata(base, ref)
		})
	}
}

// makeMetadata makes what the cache does not have yet. An error is that of whoever asks next.
func (s *Server) makeMetadata(base string, ref dicom.Ref) {
	s.readying.turn.Lock()
	defer s.readying.turn.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), readyTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	if err != nil {
		return
	}
	filter, _ := parseMetadataFilter(nil)
	for _, coding := range contentCodings {
		_ = s.sendMetadata(nowhere{}, r, metadataWriter{ref: ref, base: base, filter: filter}, metadataOffers[0], coding)
	}
}

// nowhere is a response that nobody reads.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}
