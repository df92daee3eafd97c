package waveform

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"image/color"
	"io"
	"strings"
)

// SVG writes the drawing as SVG 1.1, in its real size.
func (d *Drawing) SVG(w io.Writer) error {
	b := bufio.NewWriter(w) // which keeps the first error until Flush
	fmt.Fprintf(b, `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="%gmm" height="%gmm" viewBox="0 0 %[1]g %[2]g" font-family="sans-serif">
<rect width="100%%" height="100%%" fill="%[3]s"/>
<g fill="none" stroke-linejoin="round">
`, d.Width, d.Height, hex(paper))
	for _, l := range d.lines {
		fmt.Fprintf(b, `<path stroke="%s" stroke-width="%g" d="`, hex(l.color), l.width)
		for i, p := range l.points {
			c := byte('L')
			if i == 0 {
				c = 'M'
			}
			b.WriteByte(c)
			b.WriteString(coordinate(p.x) + " " + coordinate(p.y))
		}
		b.WriteString("\"/>\n")
	}
	b.WriteString("</g>\n")
	for _, t := range d.texts {
		fmt.Fprintf(b, `<text x="%s" y="%s" font-size="%g" fill="%s">`, coordinate(t.at.x), coordinate(t.at.y), t.size, hex(t.color))
		if err := xml.EscapeText(b, []byte(t.text)); err != nil {
			return err
		}
		b.WriteString("</text>\n")
	}
	b.WriteString("</svg>\n")
	return b.Flush()
}

func hex(c color.RGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// coordinate writes hundredths of a millimeter.
func coordinate(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
}
