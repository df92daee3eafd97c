// Package valid says what of a data set breaks the standard: values that their VR does not allow (PS3.5 6.2), VRs and multiplicities
// that are not those of the dictionary (PS3.6), and attributes of type 1 and 2 that are missing (PS3.3).
//
// value.go knows the VRs, modules.go the attributes that must be there.
package valid

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// Finding is what is wrong at one place. It never holds a value.
type Finding struct {
	Path string // dicom.BulkPath of the attribute
	Text string
}

func (f Finding) String() string { return f.Path + ": " + f.Text }

// Check returns what is wrong with the data set of an instance as part10.Scan returns it, but no more than most findings: those of
// missing attributes first, the others in the order of the data set. Values that are kept elsewhere (dicom.Bulk) are not looked at.
func Check(ds *dicom.DataSet, most int) []Finding {
	c := &check{most: most}
	c.modules(ds)
	c.dataSet(ds, nil)
	return c.found
}

// mostInSummary is how many findings a Summary names.
const mostInSummary = 5

// Summary is findings as a text, of which there may be many.
func Summary(findings []Finding) string {
	var texts []string
	for i, f := range findings {
		if i == mostInSummary {
			texts = append(texts, fmt.Sprintf("and %d more", len(findings)-i))
			break
		}
		texts = append(texts, f.String())
	}
	return strings.Join(texts, "; ")
}

type check struct {
	most  int
	found []Finding
}

func (c *check) add(path []string, t dicom.Tag, format string, a ...any) {
	if len(c.found) < c.most {
		at := append(path[:len(path):len(path)], t.String())
		c.found = append(c.found, Finding{dicom.BulkPath(at...), fmt.Sprintf(format, a...)})
	}
}

func (c *check) dataSet(ds *dicom.DataSet, path []string) {
	for e := range ds.All() {
		if len(c.found) >= c.most {
			return
		}
		c.element(e, path)
		if items, ok := e.Value.(dicom.Items); ok {
			for i, item := range items {
				c.dataSet(item, append(path[:len(path):len(path)], e.Tag.String(), strconv.Itoa(i+1)))
			}
		}
	}
}

func (c *check) element(e dicom.Element, path []string) {
	a, known := dicom.Lookup(e.Tag)
	if known && a.VRs != "" && e.VR != dicom.UN && !strings.Contains(a.VRs, string(e.VR)) {
		c.add(path, e.Tag, "VR %s, not %s", e.VR, strings.ReplaceAll(a.VRs, " ", " or "))
	}
	n := 0
	switch v := e.Value.(type) {
	case dicom.Strings:
		n = len(v)
		for i, s := range v {
			if wrong := text(e.VR, s); wrong != "" {
				c.add(path, e.Tag, "value%s of VR %s %s", ordinal(i, n), e.VR, wrong)
				break // one of a kind is enough
			}
		}
	case dicom.Ints:
		n = len(v)
	case dicom.Uints:
		n = len(v)
	case dicom.Floats:
		n = len(v)
	case dicom.Tags:
		n = len(v)
	}
	if known && n > 0 && !allows(a.VM, n) {
		c.add(path, e.Tag, "%d values, not %s", n, a.VM)
	}
}

func ordinal(i, n int) string {
	if n == 1 {
		return ""
	}
	return " " + strconv.Itoa(i+1)
}

// allows reports whether a multiplicity of the dictionary allows n values: "1", "1-3", "1-n", "2-2n" (PS3.6).
func allows(vm string, n int) bool {
	low, high, isRange := strings.Cut(vm, "-")
	least, err := strconv.Atoi(low)
	if err != nil {
		return true
	}
	if !isRange {
		return n == least
	}
	if step, isMultiple := strings.CutSuffix(high, "n"); isMultiple {
		by, err := strconv.Atoi(step)
		return n >= least && (err != nil || n%by == 0)
	}
	most, err := strconv.Atoi(high)
	return err != nil || n >= least && n <= most
}
