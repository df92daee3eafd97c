package report

import (
	"html/template"
	"io"
)

// page is the document of a report. All values are escaped by the template; there is no script, and no style but its own.
const page = `{{define "value"}}
{{- with .Reference}}{{$r := .}}{{with link .}}<a href="{{.}}">{{$r}}</a>{{else}}{{$r}}{{end}} <small>{{.Ref.Instance}}</small>
{{- else}}{{with .Code}}{{.Meaning}} <small>{{.Short}}</small>
{{- else}}{{with .Graphic}}{{.}}
{{- else}}{{.Text}}{{with .Unit}}&nbsp;<span title="{{.}}">{{.Symbol}}</span>{{end}}{{if and .Text .Qualifier}} {{end}}{{with .Qualifier}}{{.Meaning}} <small>{{.Short}}</small>{{end}}
{{- end}}{{end}}{{end}}{{end}}

{{- define "label"}}{{with .Verb}}<i>{{.}}</i> {{end}}{{if .Concept.Meaning}}<b title="{{.Concept.Short}}">{{.Concept.Meaning}}</b>{{end}}{{end}}

{{- define "item"}}
{{- if and (eq .Kind "CONTAINER") (not .Target)}}<section id="i{{.ID}}"><h2>{{template "label" .}}</h2>
{{if .Continuous}}<div>{{range .Items}}{{if eq .Kind "CONTAINER"}}{{template "item" .}}{{else}}<span id="i{{.ID}}">{{template "value" .Value}}</span>
{{if .Items}}{{template "below" .}}{{end}}{{end}}{{end}}</div>
{{else}}{{range .Items}}{{template "item" .}}{{end}}{{end}}</section>
{{else}}<div id="i{{.ID}}">{{template "label" .}}{{if and .Concept.Meaning .Value.String}}: {{end -}}
{{with .Target}}<a href="#i{{.ID}}">item {{.ID}} {{.Concept.Meaning}}</a>{{else}}<span>{{template "value" .Value}}</span>{{end -}}
{{with .Observed}} <small>{{.}}</small>{{end}}{{if .Items}}{{template "below" .}}{{end}}</div>
{{end}}{{end}}

{{- define "below"}}<div>
{{range .Items}}{{template "item" .}}{{end}}</div>{{end -}}

<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{.Title}}</title>
<style>
body{font:16px/1.4 sans-serif;max-width:60em;margin:1em auto;padding:0 1em}
dl{display:grid;grid-template-columns:max-content 1fr;gap:0 1em}dd{margin:0}dt,i,small{color:#555}
h2{font-size:1.1em;margin:.8em 0 .2em}section section,div div{margin-left:1.2em}span{white-space:pre-wrap;overflow-wrap:anywhere}
b,span,dd,h1{unicode-bidi:plaintext}
</style></head>
<body><h1 title="{{.Root.Concept.Short}}">{{.Title}}</h1>
<dl>{{range .Facts}}<dt>{{.Label}}</dt><dd>{{.Value}}</dd>
{{end}}</dl>
{{if .Root.Continuous}}{{template "item" .Root}}{{else}}{{range .Root.Items}}{{template "item" .}}{{end}}{{end}}
</body></html>
`

// HTML writes the report as a document of HTML 5. References link to the rendered resources below base, the address of the service.
func (r *Report) HTML(w io.Writer, base string) error {
	link := func(ref *Reference) string {
		if path := ref.Path(); path != "" {
			return base + path
		}
		return ""
	}
	t, err := template.New("report").Funcs(template.FuncMap{"link": link}).Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, r)
}
