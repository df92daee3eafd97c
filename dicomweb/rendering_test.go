package dicomweb

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noctis-dicom/noctis/render"
)

func TestParseRendering(t *testing.T) {
	number := func(f float64) *float64 { return &f }
	view := func(w, h int, sx, sy float64, sw, sh *float64) *render.Viewport {
		return &render.Viewport{Width: w, Height: h, SX: sx, SY: sy, SW: sw, SH: sh}
	}
	for _, test := range []struct {
		query string
		want  rendering // Quality 0: the default
	}{
		{"", rendering{}},
		{"limit=x&foo", rendering{}}, // what is not known is ignored, PS3.18 8.3
		{"quality=1", rendering{Quality: 1}},
		{"quality=100", rendering{Quality: 100}},
		{"viewport=256%2C128", rendering{Viewport: view(256, 128, 0, 0, nil, nil)}},
		{"viewport=512,512,,,512,512", rendering{Viewport: view(512, 512, 0, 0, number(512), number(512))}},
		{"viewport=10,20,-1.5,2e1,-30,-4.25", rendering{Viewport: view(10, 20, 1.5, 20, number(-30), number(-4.25))}},
		{"viewport=10,20,5", rendering{Viewport: view(10, 20, 5, 0, nil, nil)}},
		{"window=-600,1500,linear", rendering{Window: &render.Window{Center: -600, Width: 1500}}},
		{"window=0.5,.25,linear-exact", rendering{Window: &render.Window{Center: .5, Width: .25, Function: render.LinearExact}}},
		{"window=40,1E-3,sigmoid", rendering{Window: &render.Window{Center: 40, Width: 1e-3, Function: render.Sigmoid}}},
		{"annotation=patient,technique", rendering{Patient: true, Technique: true}},
		{"voi=2", rendering{VOI: &render.Choice{Number: 2}}},
		{"voi=Bone", rendering{VOI: &render.Choice{Explanation: "Bone"}}},
		{"overlays=yes&bits=8", rendering{Overlays: true}},
		{"iccprofile=no", rendering{NoProfile: true}},
		{"iccprofile=srgb", rendering{Profile: "srgb"}},
		{"iccprofile=rommrgb", rendering{Profile: "rommrgb"}},
	} {
		q, err := url.ParseQuery(test.query)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseRendering(q, "image/jpeg")
		if err != nil {
			t.Errorf("%s: %v", test.query, err)
			continue
		}
		if test.want.Quality == 0 {
			test.want.Quality = defaultQuality
		}
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", test.query, d)
		}
	}
}

func TestParseRenderingRefuses(t *testing.T) {
	for _, query := range []string{
		"quality", "quality=0", "quality=101", "quality=50.5", "quality=+5", "quality=-1", "quality=9999999999999999999999",
		"quality=50&quality=50",
		"viewport=", "viewport=256", "viewport=0,256", "viewport=256,-1", "viewport=256,1.5", "viewport=,256", "viewport=1,2,3,4,5,6,7",
		"viewport=256,256,x", "viewport=256,256,,,0,10", "viewport=256,256,,,10,0", "viewport=256,256,,,NaN,10",
		"viewport=256,256,,,Inf,10", "viewport=256,256,0x10", "viewport=256,256,1_0", "viewport=99999,10", "viewport=256,256,1e999",
		"window=", "window=40", "window=40,400", "window=40,,linear", "window=,400,linear", "window=40,400,", "window=40,400,LINEAR",
		"window=40,400,linear,", "window=40,0,linear", "window=40,0.5,linear", "window=40,0,sigmoid", "window=40,-1,linear-exact",
		"window=a,400,linear", "window=40,400,cubic", "window=NaN,400,linear", "window=4 0,400,linear",
		"voi=", "voi=0", "overlays=maybe", "bits=12", "annotation", "annotation=", "annotation=patient,", "annotation=Patient", "annotation=patient,foo",
		"iccprofile=", "iccprofile=cmyk", "iccprofile=no,yes",
	} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		var p *problem
		if o, err := parseRendering(q, "image/png"); !errors.As(err, &p) || p.status != http.StatusBadRequest {
			t.Errorf("%s: got %+v and error %v, want a 400", query, o, err)
		}
	}
	if _, err := parseRendering(url.Values{"iccprofile": {"yes"}}, "image/gif"); err == nil {
		t.Error("iccprofile=yes must be refused for image/gif")
	}
	if _, err := parseRendering(url.Values{"iccprofile": {"no"}}, "image/gif"); err != nil {
		t.Error(err)
	}
}

func TestParseThumbnail(t *testing.T) {
	for query, want := range map[string]render.Viewport{
		"":                                     {Width: thumbnailSize, Height: thumbnailSize},
		"viewport=64,32":                       {Width: 64, Height: 32},
		"viewport=64,32&window=junk&quality=0": {Width: 64, Height: 32}, // not parameters of a thumbnail
	} {
		q, _ := url.ParseQuery(query)
		o, err := parseThumbnail(q)
		if err != nil {
			t.Errorf("%s: %v", query, err)
		} else if *o.Viewport != want {
			t.Errorf("%s: got %+v, want %+v", query, *o.Viewport, want)
		}
	}
	for _, query := range []string{"viewport=64", "viewport=64,64,0,0,10,10", "viewport=64,64,", "viewport=0,0"} {
		q, _ := url.ParseQuery(query)
		if _, err := parseThumbnail(q); err == nil {
			t.Errorf("%s: want a 400", query)
		}
	}
}

// The canonical form tells pictures apart that differ, and only those.
func TestRenderingCanonical(t *testing.T) {
	seen := map[string]string{}
	for _, query := range []string{
		"", "quality=80", "window=40,400,linear", "window=40,400,sigmoid", "window=400,40,linear", "viewport=40,400",
		"viewport=40,400,1", "viewport=40,400,,1", "viewport=40,400,,,1", "viewport=40,400,,,,1", "viewport=40,400,,,-1",
	} {
		q, _ := url.ParseQuery(query)
		o, err := parseRendering(q, "image/jpeg")
		if err != nil {
			t.Fatal(err)
		}
		c := o.canonical("image/jpeg")
		if other, found := seen[c]; found {
			t.Errorf("%q and %q are both %s", query, other, c)
		}
		seen[c] = query
	}
	a, _ := parseRendering(url.Values{"quality": {"10"}, "window": {"40,4e2,linear"}}, "image/png")
	b, _ := parseRendering(url.Values{"overlays": {"no"}, "window": {"40.0,400,linear"}}, "image/png")
	if a, b := a.canonical("image/png"), b.canonical("image/png"); a != b {
		t.Errorf("the same picture is both %s and %s", a, b)
	}
}

func FuzzParseRendering(f *testing.F) {
	for _, seed := range []string{
		"quality=90&viewport=512,512,,,512,512", "window=40,400,linear-exact", "annotation=patient,technique", "iccprofile=srgb",
		"viewport=1,2,-3.5,4e1,5,-6", "window=1e308,1e-308,sigmoid",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		for _, mediaType := range []string{"image/jpeg", "image/gif"} {
			o, err := parseRendering(q, mediaType)
			if err != nil {
				var p *problem
				if !errors.As(err, &p) || p.status != http.StatusBadRequest {
					t.Fatalf("error %v is no 400", err)
				}
				continue
			}
			if o.Quality < 1 || o.Quality > 100 {
				t.Fatalf("quality %d", o.Quality)
			}
			if w := o.Window; w != nil && !(w.Width > 0) {
				t.Fatalf("window %+v", w)
			}
			if v := o.Viewport; v != nil && (v.Width < 1 || v.Width > maxViewport || v.Height < 1 || v.SX < 0 || v.SY < 0) {
				t.Fatalf("viewport %+v", v)
			}
			if c := o.canonical(mediaType); strings.Contains(c, "NaN") || strings.Contains(c, "Inf") {
				t.Fatalf("canonical %s", c)
			}
			for _, w := range o.Warnings {
				if strings.ContainsAny(w, "\r\n\"") {
					t.Fatalf("warning %q", w)
				}
			}
		}
	})
}
