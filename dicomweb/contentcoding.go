package dicomweb

import (
	"strings"
)

// contentCodings are those that JSON and XML are sent in, the preferred one first.
var contentCodings = [...]string{"zstd", "gzip"}

// contentCoding selects a content coding by Accept-Encoding (RFC 9110 12.5.3): that of the highest weight, "" for none.
func contentCoding(headers []string) string {
	return bestCodings(headers)[0]
}

// bestCodings are the content codings of the highest weight, "" for none.
func bestCodings(headers []string) []string {
	weights, others := map[string]float64{}, 0.0
	for element := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		m := parseMediaType(element)
		q := 1.0
		if v, there := m.params["q"]; there {
			q = parseWeight(v)
		}
		if m.name == "*" {
			others = q
		} else {
			weights[strings.TrimPrefix(m.name, "x-")] = q
		}
	}
	chosen, best := []string{""}, 0.0
	for _, coding := range contentCodings {
		q, named := weights[coding]
		if !named && coding == "gzip" { // "*" is what old clients write who mean gzip
			q = others
		}
		switch {
		case q > best:
			chosen, best = []string{coding}, q
		case q > 0 && q == best:
			chosen = append(chosen, coding)
		}
	}
	if weights["identity"] > best {
		return []string{""}
	}
	return chosen
}
