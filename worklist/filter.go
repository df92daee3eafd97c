package worklist

import (
	"fmt"
	"strings"

	"github.com/noctis-dicom/noctis/dicom/match"
)

// ParseFilter reads the filter of a Filtered Worklist Subscription (PS3.18 11.10.1.2): a comma-separated list of attribute=value, each as
// in a search. A comma that no attribute=value follows belongs to the value before it.
func ParseFilter(filter string) ([]match.Key, error) {
	var pairs [][2]string
	for part := range strings.SplitSeq(filter, ",") {
		name, value, isPair := strings.Cut(part, "=")
		if _, err := match.ParsePath(strings.TrimSpace(name)); isPair && err == nil {
			pairs = append(pairs, [2]string{strings.TrimSpace(name), value})
			continue
		}
		if len(pairs) == 0 {
			return nil, fmt.Errorf("a filter is a list of attribute=value (PS3.18 11.10.1.2)")
		}
		pairs[len(pairs)-1][1] += "," + part
	}
	var keys []match.Key
	for _, pair := range pairs {
		path, err := match.ParsePath(pair[0])
		if err != nil {
			return nil, err
		}
		key, err := match.ParseKey(path, pair[1], match.ParseOptions{})
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return match.Combine(keys), nil
}

// Selects reports whether who made the subscription is subscribed to the workitem by it. A filter that cannot be read selects nothing.
func (s Subscription) Selects(w *Workitem) bool {
	if s.Resource != Filtered {
		return s.Resource == Global || s.Resource == w.UID()
	}
	keys, err := ParseFilter(s.Filter)
	return err == nil && match.Query{Level: match.Instance, Keys: keys}.Match(w.Shown())
}
