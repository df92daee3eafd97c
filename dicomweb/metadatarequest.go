package dicomweb

import (
	"net/http"
	"slices"
	"sync/atomic"
)

// metadataRequest is what a request for metadata asks for: the Request step of retrieveMetadata. Viewers and caches ask for the same again
// and again, so it is kept by the words of the request, and the next one only looks at what is stored by now. It must not be changed.
type metadataRequest struct {
	out      metadataWriter
	chosen   offer
	codings  []string // content codings that are welcome alike, the preferred one first
	location string   // Content-Location; "" where each part has its own

	last atomic.Pointer[metadataName]
}

// metadataName names the body of the answer to a request, made of instances of a digest.
type metadataName struct {
	digest string
	key    string
	etags  []string // one for each content coding
}

// longestAsked are the most bytes of a request's words by which it is kept.
const longestAsked = 2 << 10

// metadataRequestOf reads a request for metadata.
func (s *Server) metadataRequestOf(r *http.Request) (*metadataRequest, error) {
	x := exchangeOf(r)
	words := make([]byte, 0, 512) // on the stack
	for _, said := range []string{x.root, x.path, r.URL.RawQuery} {
		words = append(append(words, said...), '\n')
	}
	for _, name := range []string{"Accept", "Accept-Encoding", "Accept-Charset"} {
		for _, said := range r.Header[name] {
			words = append(append(words, said...), '\n')
		}
		words = append(words, '\n')
	}
	key := string(words)
	if m, found := s.metadata.requests.get(key); found {
		return m, nil
	}
	m, err := s.parseMetadataRequest(r)
	if err == nil && len(key) <= longestAsked {
		s.metadata.requests.add(key, m, int64(len(key)))
	}
	return m, err
}

func (s *Server) parseMetadataRequest(r *http.Request) (*metadataRequest, error) {
	ref, err := refOf(r)
	if err != nil {
		return nil, err
	}
	query, err := queryOf(r)
	if err != nil {
		return nil, err
	}
	filter, err := parseMetadataFilter(query)
	if err != nil {
		return nil, err
	}
	chosen, err := acceptOf(r).choose(metadataOffers...)
	if err != nil {
		return nil, err
	}
	m := newMetadataRequest(metadataWriter{ref: ref, base: s.baseURL(r), filter: filter}, chosen, bestCodings(r.Header.Values("Accept-Encoding"))...)
	if m.location != "" && r.URL.RawQuery != "" {
		m.location += "?" + r.URL.RawQuery
	}
	return m, nil
}

func newMetadataRequest(out metadataWriter, chosen offer, codings ...string) *metadataRequest {
	m := &metadataRequest{out: out, chosen: chosen, codings: codings}
	if !chosen.multipart {
		m.location = metadataLocation(out.base, out.ref)
	}
	return m
}

// name names the body that answers the request in a state.
func (m *metadataRequest) name(st state) *metadataName {
	if last := m.last.Load(); last != nil && last.digest == st.digest {
		return last
	}
	name := &metadataName{digest: st.digest, key: m.out.key(m.chosen, st)}
	for _, coding := range m.codings {
		name.etags = append(name.etags, entityTag(coding, name.key))
	}
	m.last.Store(name)
	return name
}

// ready is the first of the content codings for which the body lies ready, else the first of all.
func (m *metadataRequest) ready(c *metadataCache, key string) int {
	if len(m.codings) == 1 {
		return 0
	}
	return max(0, slices.IndexFunc(m.codings, func(coding string) bool { return c.has(coding, key) }))
}
