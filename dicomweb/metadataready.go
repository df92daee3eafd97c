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
	readyRest  = 9                     // times as long as it took nothing is made again for the series: a tenth of a processor is enough for one that is coming
)

// readying knows the series that instances came for, until their metadata has been made. It is safe for concurrent use.
type readying struct {
	mu   sync.Mutex
	came map[dicom.Ref]chan struct{} // holds whether another one came
	turn sync.Mutex                  // one series at a time: requests come first
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
		came := s.readying.came[ref]
		if came == nil {
			came = make(chan struct{}, 1)
			s.readying.came[ref] = came
			s.background.Go(func() { s.makeReady(base, ref, came) })
			continue
		}
		select {
		case came <- struct{}{}:
		default:
		}
	}
}

// makeReady makes the metadata of a series when it seems to be complete, and again when more came.
func (s *Server) makeReady(base string, ref dicom.Ref, came <-chan struct{}) {
	quiet := time.NewTimer(readyAfter)
	defer quiet.Stop()
	for more := true; more; more = s.readying.more(ref) {
		quiet.Reset(readyAfter)
		for waiting := true; waiting; {
			select {
			case <-came:
				quiet.Reset(readyAfter)
			case <-quiet.C:
				waiting = false
			}
		}
		time.Sleep(readyRest * s.makeMetadata(base, ref))
	}
}

// more reports whether an instance came since the metadata was begun. If not the series is forgotten.
func (r *readying) more(ref dicom.Ref) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.came[ref]) > 0 {
		return true
	}
	delete(r.came, ref)
	return false
}

// makeMetadata makes what the cache does not have yet, and returns how long that took. An error is that of whoever asks next.
func (s *Server) makeMetadata(base string, ref dicom.Ref) time.Duration {
	s.readying.turn.Lock()
	defer s.readying.turn.Unlock()
	begun := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), readyTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	if err != nil {
		return 0
	}
	filter, _ := parseMetadataFilter(nil)
	for _, coding := range contentCodings {
		_ = s.sendTagged(nowhere{}, r, newMetadataRequest(metadataWriter{ref: ref, base: base, filter: filter}, metadataOffers[0], coding))
	}
	return time.Since(begun)
}

// nowhere is a response that nobody reads.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}
