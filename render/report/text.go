package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Text writes the report as plain text in UTF-8: the header, and the tree indented.
func (r *Report) Text(w io.Writer) error {
	b := bufio.NewWriter(w) // which keeps the first error until Flush
	fmt.Fprintf(b, "%s\n\n", r.Root.Concept)
	for _, f := range r.Facts {
		fmt.Fprintf(b, "%s: %s\n", f.Label, f.Value)
	}
	if len(r.Facts) > 0 {
		b.WriteByte('\n')
	}
	for _, item := range r.Root.Items {
		item.text(b, "")
	}
	return b.Flush()
}

func (item *Item) text(b *bufio.Writer, indent string) {
	b.WriteString(indent)
	if verb := item.Verb(); verb != "" {
		b.WriteString("[" + verb + "] ")
	}
	name, value := item.Concept.String(), item.Value.String()
	if item.Target != nil {
		value = "item " + item.Target.ID + " " + item.Target.Concept.Meaning
	}
	if value != "" && name != "" {
		name += ": "
	}
	b.WriteString(name + strings.ReplaceAll(value, "\n", "\n"+indent+"  "))
	if item.Observed != "" {
		b.WriteString(" [" + item.Observed + "]")
	}
	b.WriteByte('\n')
	for _, child := range item.Items {
		child.text(b, indent+"  ")
	}
}

// Verb is the relationship as people read it, "" where it is the usual one.
func (item *Item) Verb() string {
	switch item.Relationship {
	case "CONTAINS", "":
		return ""
	case "HAS CONCEPT MOD":
		return "modifier"
	case "HAS OBS CONTEXT":
		return "context"
	case "HAS ACQ CONTEXT":
		return "acquisition"
	case "HAS PROPERTIES":
		return "property"
	}
	return strings.ToLower(item.Relationship)
}
