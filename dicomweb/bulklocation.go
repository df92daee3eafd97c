package dicomweb

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// locations finds the parts that a BulkDataURI means (PS3.18 8.6.1.2: the Content-Location of the part contains it). Clients write
// one of the two absolute and the other relative, or encode another set of characters, so that equality of the strings comes first,
// then that of the normalized URIs, then that one path ends with the other. What could mean two locations means none.
type locations struct {
	exact    map[string][]*bulkPart
	path     map[string]string         // the normalized path and query: the location; "" where several have it
	relative map[string]string         // those that do not begin with a slash
	suffix   map[string]string         // what a path ends with, from a slash on
	numbered map[string]*numberedParts // those whose location is this path, and a number behind it
}

// numberedParts are the frames below one path.
type numberedParts struct {
	numbers []uint64 // in the order in which they came
	parts   []*bulkPart
	sorted  bool
	missing int // the first frame that is not there, or is there twice; 0: none is
}

// inOrder sorts the parts by their numbers, the first time. They end before the one that is missing.
func (n *numberedParts) inOrder() ([]*bulkPart, error) {
	if !n.sorted {
		n.sorted = true
		order := make([]int, len(n.parts))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(n.numbers[a], n.numbers[b]) })
		var parts []*bulkPart
		for i, at := range order {
			if n.numbers[at] != uint64(i+1) || i+1 < len(order) && n.numbers[order[i+1]] == uint64(i+1) {
				n.missing = i + 1
				break
			}
			parts = append(parts, n.parts[at])
		}
		n.parts = parts
	}
	if n.missing > 0 {
		return n.parts, fmt.Errorf("frame %d is missing among the parts, or there twice", n.missing)
	}
	return n.parts, nil
}

// maxSegments bounds how much of the end of a path is compared; a frame of an instance has 8.
const maxSegments = 16

func newLocations() *locations {
	return &locations{map[string][]*bulkPart{}, map[string]string{}, map[string]string{}, map[string]string{}, map[string]*numberedParts{}}
}

// add makes a part known; one without a location is never meant.
func (l *locations) add(location string, p *bulkPart) {
	if location == "" {
		return
	}
	first := len(l.exact[location]) == 0
	l.exact[location] = append(l.exact[location], p)
	path, isRelative := normalPath(location)
	if folder, number, isNumbered := numberedIn(path); isNumbered {
		n := l.numbered[folder]
		if n == nil {
			n = &numberedParts{}
			l.numbered[folder] = n
		}
		n.numbers, n.parts = append(n.numbers, number), append(n.parts, p)
	}
	if !first {
		return
	}
	setUnique(l.path, path, location)
	if isRelative {
		setUnique(l.relative, path, location)
	}
	for suffix := range suffixes(path) {
		setUnique(l.suffix, suffix, location)
	}
}

// setUnique sets the value of a key, or takes it back where there was one.
func setUnique(m map[string]string, key, value string) {
	if old, there := m[key]; there && old != value {
		value = ""
	}
	m[key] = value
}

// find returns the parts of the location that the URI means.
func (l *locations) find(uri string) []*bulkPart {
	if parts := l.exact[uri]; parts != nil {
		return parts
	}
	path, isRelative := normalPath(uri)
	if location := l.path[path]; location != "" {
		return l.exact[location]
	}
	if isRelative {
		return l.exact[l.suffix[path]]
	}
	for suffix := range suffixes(path) {
		if location := l.relative[suffix]; location != "" {
			return l.exact[location]
		}
	}
	return nil
}

// frames returns the parts that the frames of an image are: those of the URI itself, in their order, or those of its frames by
// number, below the URI or where WADO-RS has them. The error is that a number is missing behind
// those that are returned.
func (l *locations) frames(uri, instance string) ([]*bulkPart, error) {
	if parts := l.find(uri); parts != nil {
		return parts, nil
	}
	bases := []string{strings.TrimSuffix(uri, "/"), strings.TrimSuffix(uri, "/") + "/frames"}
	if i := strings.LastIndex(uri, "/bulkdata"); i >= 0 {
		bases = append(bases, uri[:i]+"/frames")
	}
	if instance != "" {
		bases = append(bases, "instances/"+instance+"/frames")
	}
	for _, base := range bases {
		first := l.find(base + "/1")
		if len(first) == 0 {
			continue
		}
		path, _ := normalPath(first[0].location)
		folder, _, _ := numberedIn(path)
		if n := l.numbered[folder]; n != nil { // a fragment is none
			return n.inOrder()
		}
	}
	return nil, nil
}

// numberedIn divides a path whose last segment is a number.
func numberedIn(path string) (folder string, number uint64, isNumbered bool) {
	i := strings.LastIndexByte(path, '/')
	number, err := strconv.ParseUint(path[i+1:], 10, 31)
	return path[:max(i, 0)], number, err == nil
}

// normalPath is the path and query of a URI in one spelling, without a slash before it; whether the URI was relative to something.
// Scheme and host are left out: a client behind a proxy may not know them. An opaque URI, like a URN, is its own path.
func normalPath(uri string) (path string, isRelative bool) {
	u, err := url.Parse(uri)
	if err != nil || u.Opaque != "" {
		return uri, false
	}
	isRelative = u.Host == "" && !strings.HasPrefix(u.Path, "/")
	segments := strings.Split(strings.TrimPrefix(u.JoinPath().EscapedPath(), "/"), "/")
	for i, s := range segments {
		if unescaped, err := url.PathUnescape(s); err == nil {
			segments[i] = strings.ReplaceAll(unescaped, "/", "%2F") // an escaped slash divides no segments
		}
	}
	path = strings.Join(segments, "/")
	if u.RawQuery != "" {
		path += "?" + u.Query().Encode()
	}
	return path, isRelative
}

// suffixes yields what a path ends with after each of its last slashes, the longest last.
func suffixes(path string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		end := len(path)
		if i := strings.IndexByte(path, '?'); i >= 0 {
			end = i
		}
		for range maxSegments {
			i := strings.LastIndexByte(path[:end], '/')
			if i < 0 {
				return
			}
			if !yield(path[i+1:]) {
				return
			}
			end = i
		}
	}
}
