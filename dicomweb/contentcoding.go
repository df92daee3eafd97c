package dicomweb

import (
	"strings"
)

// contentCodings are those that JSON and XML are sent in, the preferred one first.
var contentCodings = [...]string{"zstd", "gzip"}

// contentCoding selects a content coding by Accept-Encoding (RFC 9110 12.5.3): that of the highest weight, "" for none.
func contentCoding(headers []string) string {
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
	chosen, best := "", 0.0
	for _, coding := range contentCodings {
		q, named := weights[coding]
		if !named && coding == "gzip" { // "*" is what old clients write who mean gzip
			q = others
		}
		if q > best {
			chosen, best = coding, q
		}
	}
	if weights["identity"] > best {
		return ""
	}
	return chosen
}
