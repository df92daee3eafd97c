package dicomweb

import (
	"net/url"
	"strings"

	"github.com/noctis-dicom/noctis/render"
)

// The parameters of rendered resources that the standard does not have. They are documented in docs/OPERATIONS.md; a client that
// does not know them gets what the standard says.

// maxExplanation is the length of an LO value, which Window Center & Width Explanation (0028,1055) is.
const maxExplanation = 64

// parseVOI reads the choice among the VOI LUTs and windows of the data set: a number from 1 on, or the explanation.
func (o *rendering) parseVOI(value string) error {
	value = strings.TrimSpace(value)
	n, isNumber := parseUint(value)
	switch {
	case value == "" || len([]rune(value)) > maxExplanation || isNumber && n == 0:
		return badRequest("voi=%.80q: want the number of a VOI LUT or window, from 1 on, or its explanation", value)
	case isNumber:
		o.VOI = &render.Choice{Number: n}
	default:
		o.VOI = &render.Choice{Explanation: value}
	}
	return nil
}

// parseOverlays reads whether overlays are drawn.
func (o *rendering) parseOverlays(value string) error {
	if value != "yes" && value != "no" {
		return badRequest(`overlays=%.40q: want "yes" or "no"`, value)
	}
	o.Overlays = value == "yes"
	return nil
}

// parseBits reads the depth of gray levels, 8 or 16. Only PNG has the latter.
func (o *rendering) parseBits(value, mediaType string) error {
	if value != "8" && value != "16" {
		return badRequest("bits=%.40q: want 8 or 16", value)
	}
	if o.Deep = value == "16"; o.Deep && mediaType != "image/png" {
		return badRequest("bits=16: %s has no gray levels of 16 bits, image/png has", mediaType)
	}
	return nil
}

// parsePaper reads how a waveform is drawn: speed in mm/s, gain in mm/mV, start and duration in seconds, the number of a multiplex group.
func (o *rendering) parsePaper(q url.Values) error {
	for name, value := range map[string]*float64{
		"speed": &o.Paper.Speed, "gain": &o.Paper.Gain, "start": &o.Paper.Start, "duration": &o.Paper.Duration,
	} {
		err := o.parameter(q, name, func(_ *rendering, text string) error {
			n, ok := parseDecimal(text)
			if !ok || n < 0 || n == 0 && name != "start" {
				return badRequest("%s=%.40q: want a positive number", name, text)
			}
			*value = n
			return nil
		})
		if err != nil {
			return err
		}
	}
	return o.parameter(q, "group", func(o *rendering, text string) error {
		n, ok := parseUint(text)
		if !ok || n == 0 {
			return badRequest("group=%.40q: want the number of a multiplex group, from 1 on", text)
		}
		o.Paper.Group = n
		return nil
	})
}
