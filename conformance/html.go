package conformance

import (
	_ "embed" // the page
	"html/template"
	"io"
)

//go:embed report.html
var page string

var reportPage = template.Must(template.New("report").Parse(page))

// WriteHTML writes the report as one page that needs nothing else: counts by service, and every case to open.
func (report *Report) WriteHTML(w io.Writer) error {
	type row struct {
		Name                             string
		Pass, Fail, Unsupported, Skipped int
	}
	var rows []row
	add := func(name string, t Tally) {
		if t != nil {
			rows = append(rows, row{name, t[Pass], t[Fail], t[Unsupported], t[Skipped]})
		}
	}
	services, levels := report.ByService(), report.ByLevel()
	for _, s := range Services {
		add(string(s), services[s])
	}
	for _, l := range []Level{Shall, Should, May, Practice} {
		add("level: "+string(l), levels[l])
	}
	return reportPage.Execute(w, struct {
		*Report
		Rows []row
	}{report, rows})
}
