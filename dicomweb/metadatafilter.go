package dicomweb

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
)

// metadataFilter is what is wanted of the metadata: extensions of PS3.18 10.4.1.1.2, spelled as the parameters of a search.
// includefield keeps what it names and what identifies the instance, excludefield leaves out what it names, excludeprivate all that
// is private. An attribute is a keyword or a tag, one in a sequence is joined to it by a full stop.
type metadataFilter struct {
	include, exclude []match.Path
	includes         bool // there is an includefield other than "all"
	excludePrivate   bool
	text             string // of the parameters, for an entity tag; "" if nothing is filtered
}

// identifying are the attributes that no filter takes away.
var identifying = []dicom.Tag{
	dicom.SpecificCharacterSet, dicom.SOPClassUID, dicom.SOPInstanceUID, dicom.StudyInstanceUID, dicom.SeriesInstanceUID,
	dicom.AvailableTransferSyntaxUID,
}

func (f *metadataFilter) empty() bool { return !f.includes && len(f.exclude) == 0 && !f.excludePrivate }

// parseMetadataFilter reads the query. What is no attribute is ignored, as in a search (PS3.18 8.3.4.3).
func parseMetadataFilter(q url.Values) (metadataFilter, error) {
	var f metadataFilter
	var all bool
	var err error
	if f.include, all, err = attributesOf(q["includefield"]); err != nil {
		return f, err
	}
	f.includes = len(q["includefield"]) > 0 && !all
	if f.exclude, _, err = attributesOf(q["excludefield"]); err != nil {
		return f, err
	}
	switch v, err := once(q, "excludeprivate"); {
	case err != nil:
		return f, err
	case v == "true" || q.Has("excludeprivate") && v == "":
		f.excludePrivate = true
	case v != "" && v != "false":
		return f, badRequest("excludeprivate=%s: want true or false", excerpt(v))
	}
	if !f.empty() {
		f.text = fmt.Sprint(f.include, f.exclude, f.includes, f.excludePrivate)
	}
	return f, nil
}

// attributesOf reads lists of attributes; all says that one is the word.
func attributesOf(lists []string) (paths []match.Path, all bool, err error) {
	for _, list := range lists {
		for _, name := range splitList(list) {
			if strings.EqualFold(name, "all") {
				all = true
				continue
			}
			path, err := namedAttribute(name)
			if err != nil {
				return nil, false, err
			}
			if paths = append(paths, path); len(paths) > maxInclude {
				return nil, false, badRequest("more than %d attributes are named", maxInclude)
			}
		}
	}
	return paths, all, nil
}

// json is the metadata of an instance with the filter applied.
func (f *metadataFilter) json(m store.Metadata) ([]byte, error) {
	if f.empty() {
		return m.JSON, nil
	}
	t := filtering{filter: f, rest: m.JSON, left: make([]byte, 0, len(m.JSON))}
	if !t.dataSet(nil, f.includes) || len(t.rest) > 0 {
		return nil, fmt.Errorf("metadata of instance %s is damaged, %d bytes before its end", m.Ref.Instance, len(t.rest))
	}
	return t.left, nil
}

// keeps reports whether something at the path is left; within a data set of which only what is included is, if including. whole says that
// all that lies in it is included, too.
func (f *metadataFilter) keeps(path match.Path, including bool) (kept, whole bool) {
	if len(path) == 1 && slices.Contains(identifying, path[0]) {
		return true, true
	}
	within, whole := !including, !including
	for _, p := range f.include {
		within = within || isPrefix(path, p)
		whole = whole || slices.Equal(p, path)
	}
	if !within || f.excludePrivate && path[len(path)-1].IsPrivate() {
		return false, false
	}
	return !slices.ContainsFunc(f.exclude, func(p match.Path) bool { return slices.Equal(p, path) }), whole
}

// isPrefix reports whether a path leads to another one, or is it.
func isPrefix(path, to match.Path) bool {
	return len(path) <= len(to) && slices.Equal(path, to[:len(path)])
}
