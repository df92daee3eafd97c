package conformance

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	_ "image/gif"  // what rendered resources come in
	_ "image/jpeg" // the default
	_ "image/png"
	"strings"
)

// picture ends the case unless the answer is an image of the type, and returns it.
func (a *answer) picture(mediaType string) image.Image {
	a.mediaType(mediaType)
	return a.t.decode(a.body)
}

func (t *T) decode(body []byte) image.Image {
	picture, _, err := image.Decode(bytes.NewReader(body))
	if err != nil {
		t.failGot(err.Error(), "an image")
	}
	return picture
}

func (t *T) wantSize(picture image.Image, width, height int) {
	if b := picture.Bounds(); b.Dx() != width || b.Dy() != height {
		t.failGot(fmt.Sprintf("%d x %d pixels", b.Dx(), b.Dy()), "%d x %d pixels", width, height)
	}
}

func gray(picture image.Image, x, y int) int {
	b := picture.Bounds()
	return int(color.GrayModel.Convert(picture.At(b.Min.X+x, b.Min.Y+y)).(color.Gray).Y)
}

const acceptPNG = "Accept: image/png"

// renderedCases are PS3.18 8.3.5, 10.4.1.1.3 and 10.4.1.1.4.
func renderedCases() []Case {
	rendered := func(t *T, in *instance, parameters string) *answer {
		return t.get(in.path()+"/rendered"+parameters, acceptPNG)
	}
	cases := []Case{
		reads("default-type", "PS3.18 Table 8.7.4-1", Shall, "the default media type of an image is image/jpeg", func(t *T) {
			t.get(t.image().path()+"/rendered", "Accept: */*").status(200).picture("image/jpeg")
		}),
		reads("size", "PS3.18 8.3.5.1.3", Shall, "without a viewport the picture has the size of the image", func(t *T) {
			in := t.own().ct[0]
			t.wantSize(rendered(t, in, "").status(200).picture("image/png"), in.columns, in.rows)
		}),
		reads("window.linear", "PS3.18 8.3.5.1.4", Shall, "window=center,width,linear maps by the formula of PS3.3 C.11.2.1.2.1", func(t *T) {
			t.wantWindow("?window=100,201,linear", func(x float64) float64 { return ((x-99.5)/200 + 0.5) * 255 })
		}),
		reads("window.linear-exact", "PS3.18 8.3.5.1.4", Shall, "window=center,width,linear-exact maps by the formula of PS3.3 C.11.2.1.3.2", func(t *T) {
			t.wantWindow("?window=100,200,linear-exact", func(x float64) float64 { return ((x-100)/200 + 0.5) * 255 })
		}),
		reads("window.file", "PS3.4 N.2.1.2", Should, "without a window that of the file is applied", func(t *T) {
			t.wantWindow("", func(x float64) float64 { return ((x-99.5)/199 + 0.5) * 255 })
		}),
		reads("window.sigmoid", "PS3.18 8.3.5.1.4", Shall, "window=center,width,sigmoid is taken, and rises", func(t *T) {
			p := rendered(t, t.own().ct[0], "?window=100,200,sigmoid").status(200).picture("image/png")
			if gray(p, 0, 0) >= gray(p, 15, 1) {
				t.fail("brighter for higher values")
			}
		}),
		reads("viewport.smaller", "PS3.18 8.3.5.1.3", Shall, "viewport=8,8 makes the picture that small", func(t *T) {
			t.wantSize(rendered(t, t.own().ct[0], "?viewport=8,8").status(200).picture("image/png"), 8, 8)
		}),
		reads("viewport.larger", "PS3.18 8.3.5.1.3", Shall, "viewport=64,64 makes the picture that large", func(t *T) {
			t.wantSize(rendered(t, t.own().ct[0], "?viewport=64,64").status(200).picture("image/png"), 64, 64)
		}),
		reads("viewport.aspect", "PS3.18 8.3.5.1.3", Shall, "the picture fits into the viewport and keeps its aspect", func(t *T) {
			t.wantSize(rendered(t, t.own().us, "?viewport=100,24").status(200).picture("image/png"), 20, 24)
		}),
		reads("viewport.encoded", "PS3.18 8.3.1.1", Practice, "the commas of the viewport may be percent-encoded", func(t *T) {
			t.wantSize(rendered(t, t.own().ct[0], "?viewport=8%2C8").status(200).picture("image/png"), 8, 8)
		}),
		reads("viewport.region", "PS3.18 8.3.5.1.3", Shall, "a source region is cut out before it is scaled", func(t *T) {
			p := rendered(t, t.own().ct[0], "?window=100,201,linear&viewport=4,4,2,3,4,4").status(200).picture("image/png")
			t.wantSize(p, 4, 4)
			whole := rendered(t, t.data.ct[0], "?window=100,201,linear").status(200).picture("image/png")
			if gray(p, 0, 0) != gray(whole, 2, 3) || gray(p, 3, 3) != gray(whole, 5, 6) {
				t.fail("the pixels from column 2, row 3 on")
			}
		}),
		reads("viewport.flip", "PS3.18 8.3.5.1.3", Shall, "a negative width mirrors left and right", func(t *T) {
			p := rendered(t, t.own().ct[0], "?window=100,201,linear&viewport=16,16,0,0,-16,16").status(200).picture("image/png")
			whole := rendered(t, t.data.ct[0], "?window=100,201,linear").status(200).picture("image/png")
			if gray(p, 0, 0) != gray(whole, 15, 0) || gray(p, 15, 5) != gray(whole, 0, 5) {
				t.fail("the picture mirrored")
			}
		}),
		reads("viewport.flip-vertical", "PS3.18 8.3.5.1.3", Shall, "a negative height mirrors top and bottom", func(t *T) {
			p := rendered(t, t.own().ct[0], "?window=100,201,linear&viewport=16,16,0,0,16,-16").status(200).picture("image/png")
			whole := rendered(t, t.data.ct[0], "?window=100,201,linear").status(200).picture("image/png")
			if gray(p, 0, 0) != gray(whole, 0, 15) {
				t.fail("the picture mirrored")
			}
		}),
		reads("quality", "PS3.18 8.3.5.1.2", Shall, "quality is taken for image/jpeg", func(t *T) {
			low := t.get(t.image().path()+"/rendered?quality=1&viewport=256,256", "Accept: image/jpeg").status(200)
			high := t.get(t.image().path()+"/rendered?quality=100&viewport=256,256", "Accept: image/jpeg").status(200)
			if len(low.body) > len(high.body) {
				t.fail("quality=1 is not larger than quality=100")
			}
		}),
		reads("annotation.patient", "PS3.18 8.3.5.1.1", Shall, "annotation=patient is burned in, or the Warning says that it is not", func(t *T) {
			in := t.own().ct[0]
			plain := rendered(t, in, "?viewport=400,400").status(200)
			a := rendered(t, in, "?viewport=400,400&annotation=patient").status(200)
			if a.header.Get("Warning") == "" && bytes.Equal(plain.body, a.body) {
				t.fail("another picture, or Warning: 299 <service>: The following annotation values are not supported: patient")
			}
		}),
		reads("annotation.technique", "PS3.18 8.3.5.1.1", Shall, "annotation=technique is burned in, or the Warning says that it is not", func(t *T) {
			rendered(t, t.own().ct[0], "?viewport=400,400&annotation=technique").status(200).picture("image/png")
		}),
		reads("annotation.unknown-keyword", "PS3.18 8.3.5.1.1", Shall, "an annotation that is no keyword is answered 400, or told in the Warning", func(t *T) {
			if a := rendered(t, t.image(), "?annotation=weather").status(200, 400); a.code == 200 {
				a.warns("The following annotation values are not supported: weather")
			}
		}),
		reads("color", "PS3.18 10.4.1.1.3", Shall, "a colour image is shown in its colours", func(t *T) {
			in := t.own().rgb
			p := rendered(t, in, "").status(200).picture("image/png")
			r, g, b, _ := p.At(p.Bounds().Min.X+1, p.Bounds().Min.Y).RGBA()
			want := in.frames[0][3:6]
			if byte(r>>8) != want[0] || byte(g>>8) != want[1] || byte(b>>8) != want[2] {
				t.failGot(fmt.Sprintf("%d %d %d", r>>8, g>>8, b>>8), "%d %d %d in the second pixel", want[0], want[1], want[2])
			}
		}),
		reads("compressed", "PS3.18 10.4.1.1.3", Shall, "a compressed image is decoded and shown", func(t *T) {
			in := t.own().mr
			t.wantSize(rendered(t, in, "").orFrame(t, in).picture("image/png"), in.columns, in.rows)
		}),
		reads("frame", "PS3.18 10.4.1.1.3", Shall, "one frame of a multi-frame image is shown", func(t *T) {
			in := t.own().us
			first := t.get(in.path()+"/frames/1/rendered", acceptPNG).status(200).picture("image/png")
			second := t.get(in.path()+"/frames/2/rendered", acceptPNG).status(200).picture("image/png")
			t.wantSize(second, in.columns, in.rows)
			if gray(first, 0, 0) == gray(second, 0, 0) && gray(first, 1, 0) == gray(second, 1, 0) {
				t.fail("another picture than that of frame 1")
			}
		}),
		reads("series", "PS3.18 10.4.1.1.3", Shall, "a series is multipart, a part for each image", func(t *T) {
			parts := t.get(t.own().ct[0].seriesPath()+"/rendered", `Accept: multipart/related; type="image/png"`).status(200, 206).parts("image/png")
			if len(parts) != 3 {
				t.failGot(fmt.Sprintf("%d parts", len(parts)), "3 parts")
			}
			t.decode(parts[0].body)
		}),
		reads("study-single-part", "PS3.18 Table 10.4.4-1", Shall, "a study is never one part: 406", func(t *T) {
			t.get(t.image().studyPath()+"/rendered", "Accept: image/jpeg").status(406)
		}),
		reads("content-location", "PS3.18 Table 8.6.1-1", Shall, "Content-Location of a part is the address of its source", func(t *T) {
			for _, p := range t.get(t.image().seriesPath()+"/rendered", `Accept: multipart/related; type="image/jpeg"`).status(200, 206).parts("image/jpeg") {
				if !strings.Contains(p.header.Get("Content-Location"), "/instances/") {
					t.fail("Content-Location in each part")
				}
			}
		}),
		reads("transfer-syntax", "PS3.18 8.7.4", Shall, "rendered media types carry no transfer-syntax", func(t *T) {
			a := t.get(t.image().path()+"/rendered", "Accept: image/jpeg").status(200)
			if strings.Contains(a.header.Get("Content-Type"), "transfer-syntax") {
				t.fail("Content-Type: image/jpeg")
			}
		}),
		reads("report-html", "PS3.18 Table 8.7.4-1", Shall, "a report is rendered as text/html by default", func(t *T) {
			a := t.get(t.own().sr.path()+"/rendered", "Accept: */*").status(200)
			a.mediaType("text/html")
			if !bytes.Contains(a.body, []byte("Conformance finding &amp; &lt;more&gt;")) {
				t.fail("the text of the finding, escaped")
			}
		}),
		reads("report-text", "PS3.18 Table 8.7.4-1", Shall, "a report is rendered as text/plain where that is asked for", func(t *T) {
			a := t.get(t.own().sr.path()+"/rendered", "Accept: text/plain").status(200)
			a.mediaType("text/plain")
			if !bytes.Contains(a.body, []byte("Conformance finding & <more>")) {
				t.fail("the text of the finding")
			}
		}),
		reads("report-xml", "PS3.18 Table 8.7.4-1", Shall, "a report is rendered as text/xml where that is asked for", func(t *T) {
			t.get(t.own().sr.path()+"/rendered", "Accept: text/xml").status(200).mediaType("text/xml")
		}),
		reads("pdf", "PS3.18 Table 8.7.4-1", May, "an encapsulated document is passed through", func(t *T) {
			t.get(t.own().pdf.path()+"/rendered", "Accept: application/pdf").optional().status(200).mediaType("application/pdf")
		}),
		reads("icc.yes", "PS3.18 8.3.5.1.5", May, "iccprofile=yes embeds a profile", func(t *T) {
			a := t.get(t.own().rgb.path()+"/rendered?iccprofile=yes", acceptPNG).status(200)
			if !bytes.Contains(a.body, []byte("iCCP")) && !bytes.Contains(a.body, []byte("sRGB")) {
				t.unsupported("no profile in the picture")
			}
		}),
		reads("icc.spaces", "PS3.18 8.3.5.1.5", Shall, "the profile of a space that is asked for by name is in the picture", func(t *T) {
			for _, space := range []string{"srgb", "adobergb", "rommrgb"} {
				a := t.get(t.own().rgb.path()+"/rendered?iccprofile="+space, acceptPNG).optional().status(200)
				if !bytes.Contains(a.body, []byte("iCCP")) && !bytes.Contains(a.body, []byte("sRGB")) && len(a.header.Values("Warning")) == 0 {
					t.fail("no profile in the picture for iccprofile=%s", space)
				}
			}
		}),
		reads("thumbnail.size", "PS3.18 10.4.1.1.4", Shall, "a thumbnail fits into its viewport", func(t *T) {
			b := t.thumbnail("?viewport=8,8").picture("image/jpeg").Bounds()
			if b.Dx() > 8 || b.Dy() > 8 || max(b.Dx(), b.Dy()) < 8 {
				t.failGot(fmt.Sprintf("%d x %d pixels", b.Dx(), b.Dy()), "at most 8 x 8 pixels, one side of 8")
			}
		}),
		reads("thumbnail.accept-parameter", "PS3.18 8.3.3.1", Practice, "the accept parameter decides, as <img> needs it", func(t *T) {
			t.thumbnailAs("?accept=image%2Fjpeg", "Accept: image/avif,image/webp,*/*;q=0.8").picture("image/jpeg")
		}),
		reads("thumbnail.region", "PS3.18 10.4.1.1.4", Shall, "a thumbnail's viewport has no region: 400", func(t *T) {
			t.thumbnail("")
			t.get(t.image().path()+"/thumbnail?viewport=8,8,0,0,4,4", "Accept: image/jpeg").status(400)
		}),
	}
	for _, m := range []struct {
		id, mediaType string
		level         Level
	}{{"jpeg", "image/jpeg", Shall}, {"png", "image/png", Shall}, {"gif", "image/gif", Shall}} {
		cases = append(cases, reads("type."+m.id, "PS3.18 Table 8.7.4-1", m.level, "an image is rendered in this media type", func(t *T) {
			in := t.own().ct[0]
			t.wantSize(t.get(in.path()+"/rendered", "Accept: "+m.mediaType).status(200).picture(m.mediaType), in.columns, in.rows)
		}))
	}
	for _, p := range []struct{ id, clause, parameters string }{
		{"window-two", "PS3.18 8.3.5.1.4", "window=100,200"}, {"window-one", "PS3.18 8.3.5.1.4", "window=100"},
		{"window-text", "PS3.18 8.3.5.1.4", "window=a,b,linear"}, {"window-function", "PS3.18 8.3.5.1.4", "window=100,200,cubic"},
		{"window-width-0", "PS3.18 8.3.5.1.4", "window=100,0,linear"}, {"viewport-one", "PS3.18 8.3.5.1.3", "viewport=100"},
		{"viewport-zero", "PS3.18 8.3.5.1.3", "viewport=0,100"}, {"viewport-negative", "PS3.18 8.3.5.1.3", "viewport=-8,8"},
		{"viewport-text", "PS3.18 8.3.5.1.3", "viewport=a,b"}, {"viewport-many", "PS3.18 8.3.5.1.3", "viewport=8,8,0,0,4,4,4"},
		{"quality-zero", "PS3.18 8.3.5.1.2", "quality=0"}, {"quality-101", "PS3.18 8.3.5.1.2", "quality=101"},
		{"quality-text", "PS3.18 8.3.5.1.2", "quality=best"}, {"quality-decimal", "PS3.18 8.3.5.1.2", "quality=50.5"},
		{"annotation-empty", "PS3.18 8.3.5.1.1", "annotation="}, {"icc", "PS3.18 8.3.5.1.5", "iccprofile=perhaps"},
	} {
		cases = append(cases, reads("invalid."+p.id, p.clause, Shall, "an invalid value of a rendering parameter is answered 400", func(t *T) {
			t.get(t.image().path()+"/rendered?"+p.parameters, "Accept: image/jpeg").status(400)
		}))
	}
	return of(Rendered, cases...)
}

// orFrame asks for the first frame where the instance has several and cannot be one picture.
func (a *answer) orFrame(t *T, in *instance) *answer {
	if a.code == 406 {
		a = t.get(in.path()+"/frames/1/rendered", acceptPNG)
	}
	return a.status(200)
}

// wantWindow compares the first slice, rendered, with a formula over its stored values; 1 gray level is allowed.
func (t *T) wantWindow(parameters string, formula func(float64) float64) {
	in := t.own().ct[0]
	p := t.get(in.path()+"/rendered"+parameters, acceptPNG).status(200).picture("image/png")
	t.wantSize(p, in.columns, in.rows)
	for y := range in.rows {
		for x := range in.columns {
			i := 2 * (y*in.columns + x)
			stored := float64(int16(uint16(in.frames[0][i]) | uint16(in.frames[0][i+1])<<8))
			want := min(max(formula(stored), 0), 255)
			if got := float64(gray(p, x, y)); got < want-1.01 || got > want+1.01 {
				t.failGot(fmt.Sprintf("%v in column %d, row %d", got, x, y), "%.1f: the stored value is %v", want, stored)
			}
		}
	}
}

func (t *T) thumbnail(parameters string) *answer {
	return t.thumbnailAs(parameters, "Accept: image/jpeg")
}

func (t *T) thumbnailAs(parameters, accept string) *answer {
	a := t.get(t.image().path()+"/thumbnail"+parameters, accept).orUnsupported()
	if a.code == 302 || a.code == 303 || a.code == 307 {
		a = t.get(a.header.Get("Location"), accept)
	}
	return a.status(200)
}
