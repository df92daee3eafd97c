package dicomweb

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// searchParameters are the query parameters of a search (PS3.18 Table 8.3.4-1), read but not yet applied to a level.
type searchParameters struct {
	keys       []match.Key // as they were given; match.Combine joins them
	include    []match.Path
	includeAll bool
	fuzzy      bool
	offset     int
	limit      int // -1: none was given
	order      []match.Order
	recordKeys bool   // results have a Record Key (PS3.18 10.6.1.2.4)
	prior      []byte // Prior Record Key; empty: from the first result on
}

// bounds of what a client may send; OHIF sends about ten parameters.
const (
	maxParameters = 1000
	maxInclude    = 1000
)

// parseSearch reads the query of a URL. A parameter that is no attribute and not known is ignored, and so are those of content
// negotiation; a value that is wrong for a known parameter is an error, which says what was wrong (PS3.18 8.3).
func parseSearch(rawQuery string) (*searchParameters, error) {
	pairs, err := parseParameters(rawQuery)
	if err != nil {
		return nil, err
	}
	p := &searchParameters{limit: -1}
	var options match.ParseOptions
	for name, target := range map[string]*bool{
		"fuzzymatching": &p.fuzzy, "emptyvaluematching": &options.EmptyValue, "multiplevaluematching": &options.MultipleValues,
	} {
		if err := parseBool(pairs, name, target); err != nil {
			return nil, err
		}
	}
	for name, target := range map[string]*int{"limit": &p.limit, "offset": &p.offset} {
		if err := parseCount(pairs, name, target); err != nil {
			return nil, err
		}
	}
	for _, pair := range pairs {
		err = nil
		switch pair.name {
		case "includefield":
			err = p.addInclude(pair.value)
		case "orderby":
			err = p.addOrder(pair.value)
		}
		if err != nil {
			return nil, err
		}
	}
	if pairs, err = p.cutRepositoryKeys(pairs); err != nil {
		return nil, err
	}
	if p.keys, err = parseKeys(pairs, options); err != nil {
		return nil, err
	}
	return p, nil
}

// parameter is one name and its value, percent-decoded.
type parameter struct{ name, value string }

// parseParameters divides a query (PS3.18 8.3.1). A name may stand alone. A plus sign is a blank, as all form encoders write it; who
// means a plus sign by RFC 3986 gets it back where only a plus sign can stand (match.ParseKey).
func parseParameters(rawQuery string) ([]parameter, error) {
	var pairs []parameter
	for part := range strings.SplitSeq(rawQuery, "&") {
		if part == "" {
			continue
		}
		if len(pairs) == maxParameters {
			return nil, badRequest("the query has more than %d parameters", maxParameters)
		}
		name, value, _ := strings.Cut(part, "=")
		n, err1 := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			return nil, badRequest("parameter %d of the query is not percent-encoded as RFC 3986 wants it", len(pairs)+1)
		}
		pairs = append(pairs, parameter{n, v})
	}
	return pairs, nil
}

// single returns the value of a parameter that can be given once.
func single(pairs []parameter, name string) (value string, err error) {
	seen := false
	for _, p := range pairs {
		if p.name != name {
			continue
		}
		if seen && p.value != value {
			return "", badRequest("%s is given more than once", name)
		}
		value, seen = p.value, true
	}
	return value, nil
}

func parseBool(pairs []parameter, name string, target *bool) error {
	value, err := single(pairs, name)
	switch {
	case err != nil:
		return err
	case strings.EqualFold(value, "true"):
		*target = true
	case value != "" && !strings.EqualFold(value, "false"):
		return badRequest("%s=%s: want true or false (PS3.18 8.3.4)", name, excerpt(value))
	}
	return nil
}

// parseCount reads a number; one that is too large for the machine is as good as the largest.
func parseCount(pairs []parameter, name string, target *int) error {
	value, err := single(pairs, name)
	if err != nil || value == "" {
		return err
	}
	if strings.Trim(value, "0123456789") != "" {
		return badRequest("%s=%s: want a number, 0 or more (PS3.18 8.3.4.4)", name, excerpt(value))
	}
	const largest = 1<<31 - 1
	if *target, err = strconv.Atoi(value); err != nil || *target > largest {
		*target = largest
	}
	return nil
}

// addInclude reads one includefield: a list of attributes, or all. An attribute that is not known cannot be returned, and is ignored.
func (p *searchParameters) addInclude(list string) error {
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		switch name {
		case "all":
			p.includeAll = true
			continue
		case "":
			continue
		}
		path, err := namedAttribute(name)
		if err != nil {
			return err
		}
		if len(p.include) == maxInclude {
			return badRequest("includefield names more than %d attributes", maxInclude)
		}
		p.include = append(p.include, path)
	}
	return nil
}

// namedAttribute reads an attribute of a list, as includefield has it.
func namedAttribute(name string) (match.Path, error) {
	path, err := match.ParsePath(name)
	if err != nil {
		return nil, badRequest("%s is neither a keyword, nor a tag of 8 hexadecimal digits, nor a path of them (PS3.18 8.3.4.3)", excerpt(name))
	}
	return path, nil
}

// parseKeys reads the matching keys (PS3.18 8.3.4.1). Each attribute may be given once, by keyword or by tag; clients repeat those
// that take a list, which means the same as the list.
func parseKeys(pairs []parameter, o match.ParseOptions) ([]match.Key, error) {
	type key struct {
		path   match.Path
		values []string
	}
	var given []*key
	for _, pair := range pairs {
		path, err := match.ParsePath(pair.name)
		if err != nil { // not an attribute: one of the parameters above, or unsupported
			continue
		}
		i := slices.IndexFunc(given, func(k *key) bool { return slices.Equal(k.path, path) })
		if i < 0 {
			given = append(given, &key{path, []string{pair.value}})
		} else if !slices.Contains(given[i].values, pair.value) {
			given[i].values = append(given[i].values, pair.value)
		}
	}
	var keys []match.Key
	for _, g := range given {
		if len(g.values) > 1 && !takesList(g.path) {
			return nil, badRequest("%s is given more than once (PS3.18 8.3.4.1)", nameOf(g.path))
		}
		k, err := match.ParseKey(g.path, strings.Join(g.values, ","), o)
		if err != nil {
			return nil, badRequest("%v", err)
		}
		keys = append(keys, k)
	}
	return keys, checkCreators(keys)
}

// takesList reports whether a comma list means one of these: UIDs (PS3.4 C.2.2.2.2), and modalities, as clients use them.
func takesList(path match.Path) bool {
	last := path[len(path)-1]
	a, _ := dicom.Lookup(last)
	return a.VRs == "UI" || last == dicom.ModalitiesInStudy || last == dicom.Modality
}

// checkCreators wants a private creator beside each private key (PS3.18 8.3.4.1): without one the tag says nothing.
func checkCreators(keys []match.Key) error {
	for _, k := range keys {
		for _, t := range k.Path {
			if !t.IsPrivate() || t.IsPrivateCreator() {
				continue
			}
			if !slices.ContainsFunc(keys, func(c match.Key) bool { return c.Path[len(c.Path)-1] == t.PrivateCreator() }) {
				return badRequest("the private attribute %v is matched only together with its private creator, %v (PS3.18 8.3.4.1)",
					t, t.PrivateCreator())
			}
		}
	}
	return nil
}

// nameOf is the keyword of an attribute, or its path.
func nameOf(path match.Path) string {
	if a, found := dicom.Lookup(path[len(path)-1]); found && len(path) == 1 {
		return a.Keyword
	}
	return path.String()
}

// gatheredByStudy are the attributes of series and instances that clients ask of studies, and those by which a study answers.
var gatheredByStudy = map[dicom.Tag]dicom.Tag{
	dicom.Modality:    dicom.ModalitiesInStudy,
	dicom.SOPClassUID: dicom.SOPClassesInStudy,
}

// query applies the parameters to a level. PS3.18 10.6.1.2.1 does not provide for keys that belong below it: they are asked of what lies
// below (docs/adr/0057), those that the study gathers of the study if there are no others. A universal one says nothing there.
func (p *searchParameters) query(level match.Level, scope dicom.Ref) (q match.Query, err error) {
	q = match.Query{Level: level, Scope: scope, Include: p.include, IncludeAll: p.includeAll, Fuzzy: p.fuzzy,
		Offset: p.offset, Limit: p.limit, Order: p.order}
	q.Keys = match.Combine(p.keysOf(level))
	for _, o := range p.order {
		if match.LevelOf(o.Tag) > level {
			return q, badRequest("orderby: %s is not an attribute of the %v level or above", nameOf(match.Path{o.Tag}), level)
		}
	}
	if scope.Resource != "" { // PS3.18 10.6.1.2.4 is of studies alone
		p.recordKeys, p.prior = false, nil
	}
	if len(p.prior) > 0 {
		after, err := match.ParsePosition(level, p.prior)
		if err != nil {
			return q, badRequest("PriorRecordKey: %v (PS3.18 10.6.1.2.4)", err)
		}
		q.After = &after
	}
	if p.recordKeys && len(p.order) > 0 {
		return q, badRequest("orderby and the Record Keys of PS3.18 10.6.1.2.4 exclude each other: these have an order of their own")
	}
	return q, nil
}

// keysOf returns the keys as they are asked at the level.
func (p *searchParameters) keysOf(level match.Level) []match.Key {
	var keys []match.Key
	others := false // of levels below, that the study does not gather
	for _, k := range p.keys {
		below := match.LevelOf(k.Path[0]) > level
		if _, universal := k.Condition.(match.Universal); universal && below && !k.Path[0].IsPrivate() {
			continue
		}
		keys = append(keys, k)
		others = others || below && gatheredByStudy[k.Path[0]] == 0
	}
	for i, k := range keys {
		if of, found := gatheredByStudy[k.Path[0]]; found && level == match.Study && !others {
			keys[i].Path = match.Path{of}
		}
	}
	return keys
}
