package dicomweb

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/render"
	"github.com/noctis-dicom/noctis/render/waveform"
	"github.com/noctis-dicom/noctis/store"
)

const (
	// maxViewport bounds both sides of a viewport, in pixels; a larger one is "not supported" (PS3.18 8.3.5.1.3).
	maxViewport = 16384
	// defaultQuality is the quality of JPEG where the client names none; the meaning of quality is that of libjpeg.
	defaultQuality = 90
	// thumbnailSize is the side of the square that a thumbnail fits into where the client names none.
	thumbnailSize = 256
)

// rendering is what a client asks of a picture (PS3.18 8.3.5.1).
type rendering struct {
	Window    *render.Window
	VOI       *render.Choice // extension "voi": one of the views of the data set
	Overlays  bool           // extension "overlays=yes"
	Deep      bool           // extension "bits=16", for PNG
	Patient   bool           // burn in patient information
	Technique bool           // burn in technique information
	Profile   string         // ICC profile in the picture: "" none, "yes" that of the source or sRGB, else the name of a space
	Viewport  *render.Viewport
	Region    *region          // WADO-URI only: the source region in normalized coordinates
	Quality   int              // 1 to 100, the best
	Paper     waveform.Options // extensions for waveforms
	Marks     []markOf         // extensions "segmentation", "contours" and "dose"
	Doses     *render.Range    // extension "doserange"
	NoProfile bool             // "no" was asked for: not even that of a presentation state
	State     *store.Entry     // the presentation state, nil: none
	// Warnings are the texts of Warning 299 header fields: values that are legal, but not supported.
	Warnings []string
}

// region is a source region relative to the image: 0,0 is its top left and 1,1 its bottom right corner (PS3.18 9.5.1.2.5).
type region struct{ xmin, ymin, xmax, ymax float64 }

// queryOf reads the query parameters of a request. net/url drops those with a semicolon in the value, as media types have it; PS3.18
// 8.3.1 allows it. A query that is not percent-encoded is a 400.
func queryOf(r *http.Request) (url.Values, error) {
	if r.URL.RawQuery == "" {
		return nil, nil
	}
	pairs, err := parseParameters(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	values := url.Values{}
	for _, p := range pairs {
		values.Add(p.name, p.value)
	}
	return values, nil
}

// parseRendering reads the parameters of a rendered resource. mediaType is the selected one. An error is a 400.
func parseRendering(q url.Values, mediaType string) (rendering, error) {
	o := rendering{Quality: defaultQuality}
	for _, p := range []struct {
		name  string
		parse func(*rendering, string) error
	}{
		{"annotation", (*rendering).parseAnnotation},
		{"quality", (*rendering).parseQuality},
		{"viewport", (*rendering).parseViewport},
		{"window", (*rendering).parseWindow},
		{"voi", (*rendering).parseVOI},
		{"overlays", (*rendering).parseOverlays},
		{"dose", func(o *rendering, v string) error { return o.parseMarks("dose", v) }},
		{"segmentation", func(o *rendering, v string) error { return o.parseMarks("segmentation", v) }},
		{"contours", func(o *rendering, v string) error { return o.parseMarks("contours", v) }},
		{"doserange", (*rendering).parseDoses},
		{"bits", func(o *rendering, v string) error { return o.parseBits(v, mediaType) }},
		{"iccprofile", func(o *rendering, v string) error { return o.parseICCProfile(v, mediaType) }},
	} {
		if err := o.parameter(q, p.name, p.parse); err != nil {
			return rendering{}, err
		}
	}
	if err := o.parsePaper(q); err != nil {
		return rendering{}, err
	}
	if o.Deep && o.Profile != "" {
		return rendering{}, badRequest("bits=16 is for gray levels, iccprofile for colors: not both")
	}
	return o, nil
}

// parseThumbnail reads the parameters of a thumbnail: of those of rendered resources it has only the viewport, and that only with
// width and height (PS3.18 8.3.5.2).
func parseThumbnail(q url.Values) (rendering, error) {
	o := rendering{Quality: defaultQuality}
	err := o.parameter(q, "viewport", func(o *rendering, v string) error {
		if strings.Count(v, ",") != 1 {
			return badRequest("viewport=%.40q: a thumbnail takes width and height only (PS3.18 8.3.5.1.3)", v)
		}
		return o.parseViewport(v)
	})
	if err != nil {
		return rendering{}, err
	}
	if o.Viewport == nil {
		o.Viewport = &render.Viewport{Width: thumbnailSize, Height: thumbnailSize}
	}
	return o, nil
}

// parameter applies parse to the value of a parameter that was given once. A name without value is an empty value.
func (o *rendering) parameter(q url.Values, name string, parse func(*rendering, string) error) error {
	switch values := q[name]; len(values) {
	case 0:
		return nil
	case 1:
		return parse(o, values[0])
	default:
		return badRequest("%s is given %d times", name, len(values))
	}
}

// parseAnnotation reads a list of keywords (PS3.18 8.3.5.1.1). There is no keyword that is legal and not supported.
func (o *rendering) parseAnnotation(value string) error {
	for _, k := range splitList(value) {
		switch k {
		case "patient":
			o.Patient = true
		case "technique":
			o.Technique = true
		default:
			return badRequest(`annotation=%.40q: want "patient" or "technique", or both (PS3.18 8.3.5.1.1)`, value)
		}
	}
	return nil
}

// refuseAnnotation says by a warning that annotations are legal, but not of what is rendered (PS3.18 8.3.5.1.1).
func (o *rendering) refuseAnnotation() {
	var values []string
	if o.Patient {
		values = append(values, "patient")
	}
	if o.Technique {
		values = append(values, "technique")
	}
	if values != nil {
		o.Warnings = append(o.Warnings, "The following annotation values are not supported: "+strings.Join(values, ","))
	}
}

// parseQuality reads an integer of 1 to 100 (PS3.18 8.3.5.1.2).
func (o *rendering) parseQuality(value string) error {
	n, ok := parseUint(value)
	if !ok || n < 1 || n > 100 {
		return badRequest("quality=%.40q: want an integer between 1 and 100 (PS3.18 8.3.5.1.2)", value)
	}
	o.Quality = n
	return nil
}

// parseViewport reads vw,vh[,[sx],[sy],[sw],[sh]] (PS3.18 8.3.5.1.3).
func (o *rendering) parseViewport(value string) error {
	bad := func(what string) error {
		return badRequest("viewport=%.60q: %s; want vw,vh[,[sx],[sy],[sw],[sh]] (PS3.18 8.3.5.1.3)", value, what)
	}
	fields := splitList(value)
	if len(fields) < 2 || len(fields) > 6 {
		return bad(fmt.Sprintf("%d values", len(fields)))
	}
	var v render.Viewport
	for i, side := range []*int{&v.Width, &v.Height} {
		n, ok := parseUint(fields[i])
		switch {
		case !ok || n == 0:
			return bad("width and height are positive integers")
		case n > maxViewport:
			return bad(fmt.Sprintf("more than %d pixels are not supported", maxViewport))
		}
		*side = n
	}
	var source [4]*float64
	for i, field := range fields[2:] {
		if field == "" {
			continue
		}
		n, ok := parseDecimal(field)
		if !ok {
			return bad("the source region is given in decimal numbers")
		}
		source[i] = &n
	}
	if sx := source[0]; sx != nil {
		v.SX = math.Abs(*sx)
	}
	if sy := source[1]; sy != nil {
		v.SY = math.Abs(*sy)
	}
	v.SW, v.SH = source[2], source[3]
	if v.SW != nil && *v.SW == 0 || v.SH != nil && *v.SH == 0 {
		return bad("the source region is empty")
	}
	o.Viewport = &v
	return nil
}

// windowFunctions are the keywords of PS3.18 8.3.5.1.4 and the least width that each is defined for (PS3.3 C.11.2.1.2,
// C.11.2.1.3): at least 1 for linear, more than 0 for the others.
var windowFunctions = map[string]struct {
	function render.Function
	valid    func(width float64) bool
}{
	"linear":       {render.Linear, func(w float64) bool { return w >= 1 }},
	"linear-exact": {render.LinearExact, func(w float64) bool { return w > 0 }},
	"sigmoid":      {render.Sigmoid, func(w float64) bool { return w > 0 }},
}

// parseWindow reads center,width,function, all three of which are required (PS3.18 8.3.5.1.4).
func (o *rendering) parseWindow(value string) error {
	bad := func(what string) error {
		return badRequest("window=%.60q: %s; want center,width,function (PS3.18 8.3.5.1.4)", value, what)
	}
	fields := splitList(value)
	if len(fields) != 3 {
		return bad(fmt.Sprintf("%d values", len(fields)))
	}
	center, ok1 := parseDecimal(fields[0])
	width, ok2 := parseDecimal(fields[1])
	if !ok1 || !ok2 {
		return bad("center and width are decimal numbers")
	}
	f, ok := windowFunctions[fields[2]]
	if !ok {
		return bad(`the function is "linear", "linear-exact" or "sigmoid"`)
	}
	if !f.valid(width) {
		return bad("the width of linear is at least 1, that of the others more than 0 (PS3.3 C.11.2.1.2)")
	}
	o.Window = &render.Window{Center: center, Width: width, Function: f.function}
	return nil
}

// parseICCProfile reads the wish for a colour profile (PS3.18 8.3.5.1.5), which is optional for an origin server (PS3.18
// Table 10.4.1-5). GIF and videos cannot have one.
func (o *rendering) parseICCProfile(value, mediaType string) error {
	switch value {
	case "no":
		o.NoProfile = true
		return nil
	case "yes", "srgb", "adobergb", "rommrgb":
	default:
		return badRequest("iccprofile=%.40q: want one of no, yes, srgb, adobergb, rommrgb (PS3.18 8.3.5.1.5)", value)
	}
	if mediaType == "image/gif" || strings.HasPrefix(mediaType, "video/") {
		return badRequest(`iccprofile=%q: %s has no ICC profile, so only "no" is possible (PS3.18 8.3.5.1.5)`, value, mediaType)
	}
	o.Profile = value
	return nil
}

// canonical spells the options that a picture of the media type depends on: the same for the same picture.
func (o rendering) canonical(mediaType string) string {
	var b strings.Builder
	number := func(f float64) { b.WriteString("," + strconv.FormatFloat(f, 'g', -1, 64)) }
	b.WriteString(mediaType)
	if mediaType == "image/jpeg" || mediaType == mediaJP2 {
		fmt.Fprintf(&b, ";q%d", o.Quality)
	}
	if w := o.Window; w != nil {
		fmt.Fprintf(&b, ";w%d", w.Function)
		number(w.Center)
		number(w.Width)
	}
	if c := o.VOI; c != nil && o.Window == nil {
		fmt.Fprintf(&b, ";c%d,%q", c.Number, strings.ToUpper(c.Explanation))
	}
	if o.Overlays {
		b.WriteString(";o")
	}
	if o.Deep {
		b.WriteString(";d")
	}
	if o.Profile != "" {
		b.WriteString(";icc-" + o.Profile)
	}
	if o.State != nil {
		fmt.Fprintf(&b, ";state-%s,%t", digest(o.State), o.NoProfile)
	}
	if o.Patient {
		b.WriteString(";patient")
	}
	if o.Technique {
		b.WriteString(";technique")
	}
	if v := o.Viewport; v != nil {
		fmt.Fprintf(&b, ";v%d,%d", v.Width, v.Height)
		number(v.SX)
		number(v.SY)
		for _, side := range []*float64{v.SW, v.SH} {
			if side == nil {
				b.WriteString(",-")
				continue
			}
			number(*side)
		}
	}
	for _, m := range o.Marks {
		fmt.Fprintf(&b, ";%s-%s", m.kind, m.instance)
		if m.entry != nil {
			b.WriteString(digest(m.entry))
		}
	}
	if r := o.Doses; r != nil {
		b.WriteString(";doses")
		number(r.Low)
		number(r.High)
	}
	if r := o.Region; r != nil {
		b.WriteString(";r")
		for _, f := range []float64{r.xmin, r.ymin, r.xmax, r.ymax} {
			number(f)
		}
	}
	return b.String()
}

// splitList splits a comma-separated list with optional white space (PS3.18 5.1.3); elements may be empty.
func splitList(s string) []string {
	fields := strings.Split(s, ",")
	for i := range fields {
		fields[i] = strings.Trim(fields[i], " \t")
	}
	return fields
}

// parseUint reads 1*DIGIT (PS3.18 5.1.1) of at most nine digits.
func parseUint(s string) (int, bool) {
	if len(s) > 9 || !digits(s) {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// parseDecimal reads int ["." uint] [("E" / "e") int] (PS3.18 5.1.1), and, because clients write them, "5." and ".5"; nothing of
// what else Go takes for a float.
func parseDecimal(s string) (float64, bool) {
	if len(s) > 32 {
		return 0, false
	}
	mantissa, exponent, scientific := strings.Cut(strings.ToLower(s), "e")
	whole, fraction, _ := strings.Cut(unsigned(mantissa), ".")
	if !digits(whole+fraction) || scientific && !digits(unsigned(exponent)) {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// unsigned cuts one sign off.
func unsigned(s string) string {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return s[1:]
	}
	return s
}

// digits reports whether s is 1*DIGIT.
func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
