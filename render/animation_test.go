package render

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
)

// encoded is a GIF of one gray or colored picture.
func encoded(t testing.TB, width, height int, colored bool, seed uint64) ([]byte, image.Image) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	gray, rgb := image.NewGray(image.Rect(0, 0, width, height)), image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range gray.Pix {
		gray.Pix[i] = byte(r.Uint32())
		rgb.SetRGBA(i%width, i/width, color.RGBA{byte(r.Uint32()), byte(r.Uint32()), 0, 255})
	}
	img := image.Image(gray)
	if colored {
		img = rgb
	}
	var b bytes.Buffer
	if err := Encode(&b, img, "image/gif", 0); err != nil {
		t.Fatal(err)
	}
	single, err := gif.Decode(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), single
}

// An animation has the pictures that were added, for as long as was said, in hundredths of a second whose sum does not drift.
func TestAnimation(t *testing.T) {
	var b bytes.Buffer
	a := NewAnimation(&b)
	if err := a.Comment("too early"); err == nil {
		t.Error("a comment before the first picture has no place")
	}
	var pictures []image.Image
	for i := range 24 {
		width, height := 30, 20
		if i == 5 {
			width, height = 10, 16
		}
		one, picture := encoded(t, width, height, i%2 == 1, uint64(i))
		if err := a.Add(one, 41700*time.Microsecond); err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, picture)
	}
	if err := a.Comment(string(make([]byte, 700))); err != nil {
		t.Fatal(err)
	}
	large, _ := encoded(t, 31, 20, false, 1)
	if err := a.Add(large, 0); err == nil {
		t.Error("a picture that is larger than the first is taken")
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	g, err := gif.DecodeAll(&b)
	if err != nil {
		t.Fatal(err)
	}
	if g.LoopCount != 0 || g.Config.Width != 30 || g.Config.Height != 20 || len(g.Image) != len(pictures) {
		t.Fatalf("%d pictures of %d x %d, loop %d", len(g.Image), g.Config.Width, g.Config.Height, g.LoopCount)
	}
	sum := 0
	for i, picture := range pictures {
		sum += g.Delay[i]
		got, want := g.Image[i], picture.Bounds()
		if i == 5 && got.Rect.Min != (image.Point{10, 2}) {
			t.Errorf("the smaller picture lies at %v", got.Rect.Min)
		}
		for y := range want.Dy() {
			for x := range want.Dx() {
				if got.At(got.Rect.Min.X+x, got.Rect.Min.Y+y) != picture.At(x, y) {
					t.Fatalf("picture %d differs at %d,%d", i, x, y)
				}
			}
		}
	}
	if sum != 100 { // 24 times 41.7 ms are 1.0008 s
		t.Errorf("it takes %d hundredths of a second, want 100", sum)
	}
}

func TestAnimationTimes(t *testing.T) {
	one, _ := encoded(t, 2, 2, false, 1)
	for shown, want := range map[time.Duration]int{0: 2, time.Millisecond: 2, 25 * time.Millisecond: 3, time.Second: 100, time.Hour: 65535} {
		var b bytes.Buffer
		a := NewAnimation(&b)
		if err := a.Add(one, shown); err != nil {
			t.Fatal(err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		g, err := gif.DecodeAll(&b)
		if err != nil || g.Delay[0] != want {
			t.Errorf("%v: %v, %v, want %d", shown, g.Delay, err, want)
		}
	}
}

// FuzzReadGIF holds the reader to its bytes.
func FuzzReadGIF(f *testing.F) {
	one, _ := encoded(f, 3, 2, false, 1)
	two, _ := encoded(f, 3, 2, true, 1)
	f.Add(one)
	f.Add(two)
	f.Add(one[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := readGIF(b)
		if err == nil && (g.width == 0 || g.height == 0 || len(g.colors) == 0 || len(g.data) < 2) {
			t.Errorf("%+v", g)
		}
	})
}

func TestCine(t *testing.T) {
	ms := time.Millisecond
	for name, test := range map[string]struct {
		set   func(*dicom.DataSet)
		want  []time.Duration
		sweep bool
	}{
		"nothing": {func(*dicom.DataSet) {}, []time.Duration{100 * ms, 100 * ms, 100 * ms}, false},
		"Frame Time": {func(ds *dicom.DataSet) {
			ds.SetStrings(dicom.FrameTime, dicom.DS, "40")
			ds.SetStrings(dicom.CineRate, dicom.IS, "10")
		}, []time.Duration{40 * ms, 40 * ms, 40 * ms}, false},
		"Recommended Display Frame Rate": {func(ds *dicom.DataSet) {
			ds.SetStrings(dicom.RecommendedDisplayFrameRate, dicom.IS, "20")
			ds.SetStrings(dicom.CineRate, dicom.IS, "10")
			ds.SetInts(dicom.PreferredPlaybackSequencing, dicom.US, 1)
		}, []time.Duration{50 * ms, 50 * ms, 50 * ms}, true},
		"Cine Rate": {func(ds *dicom.DataSet) { ds.SetStrings(dicom.CineRate, dicom.IS, "4") }, []time.Duration{250 * ms, 250 * ms, 250 * ms}, false},
		// The first value of the vector is that of the first frame, before which is nothing: frame 1 is shown until frame 2 comes.
		"Frame Time Vector": {func(ds *dicom.DataSet) {
			ds.SetStrings(dicom.FrameTime, dicom.DS, "40")
			ds.SetStrings(dicom.FrameTimeVector, dicom.DS, "0", "30", "70")
			ds.Set(dicom.Element{Tag: dicom.FrameIncrementPointer, VR: dicom.AT, Value: dicom.Tags{dicom.FrameTimeVector}})
		}, []time.Duration{30 * ms, 70 * ms, 70 * ms}, false},
		"a vector of nonsense": {func(ds *dicom.DataSet) {
			ds.SetStrings(dicom.FrameTimeVector, dicom.DS, "0", "x", "70")
			ds.SetStrings(dicom.FrameTime, dicom.DS, "-1")
		}, []time.Duration{100 * ms, 100 * ms, 100 * ms}, false},
		"an hour": {func(ds *dicom.DataSet) { ds.SetStrings(dicom.FrameTime, dicom.DS, "3600000") }, []time.Duration{5000 * ms, 5000 * ms, 5000 * ms}, false},
	} {
		ds := &dicom.DataSet{}
		test.set(ds)
		c := DescribeCine(ds)
		if got := []time.Duration{c.Shown(1), c.Shown(2), c.Shown(3)}; !slices.Equal(got, test.want) || c.Sweep != test.sweep {
			t.Errorf("%s: %v, sweep %t; want %v", name, got, c.Sweep, test.want)
		}
	}
}
