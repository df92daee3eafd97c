// Package lettering writes text into pictures: in letters of any script that its two fonts have, in the order in which they are read.
//
// Arrange (order.go, arabic.go) makes of a text the row of glyphs from left to right, Readable replaces what no font has, and a
// Face has the glyphs: DejaVu Sans for what is made of lines (Latin, Greek, Cyrillic, Hebrew, Arabic, Armenian, Georgian, Lao), and a
// bitmap font of 12 pixels for Chinese, Japanese and Korean, whose outlines would be ten times the size of all else here.
package lettering

import (
	"image"
	"image/draw"
	"math"
	"strings"
	"sync"
	"unicode"

	"github.com/go-fonts/dejavu/dejavusans"
	"github.com/hajimehoshi/bitmapfont/v4"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// outlines is the font of what is made of lines; parsed, it may be used by all.
var outlines = sync.OnceValues(func() (*opentype.Font, error) { return opentype.Parse(dejavusans.TTF) })

// bitmaps is the font of what has no outlines, bodyOfBitmaps the height of its characters in pixels.
var bitmaps = bitmapfont.Face

const bodyOfBitmaps = 14

// Face is a font.Face of both fonts. It is for one goroutine.
type Face struct {
	font.Face // of the outlines
	letters   *opentype.Font
	buffer    sfnt.Buffer
	times     int                   // how often each pixel of a bitmap is repeated in either direction
	repeated  map[rune]*image.Alpha // bitmaps of the face's size
}

// NewFace makes a face of so many pixels. The caller closes it.
func NewFace(size float64, hinting font.Hinting) (*Face, error) {
	letters, err := outlines()
	if err != nil {
		return nil, err
	}
	face, err := opentype.NewFace(letters, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: hinting})
	if err != nil {
		return nil, err
	}
	times := max(1, int(math.Round(size/bodyOfBitmaps)))
	return &Face{Face: face, letters: letters, times: times, repeated: map[rune]*image.Alpha{}}, nil
}

func (f *Face) outlined(r rune) bool {
	glyph, err := f.letters.GlyphIndex(&f.buffer, r)
	return err == nil && glyph != 0
}

// Glyph is that of font.Face.
func (f *Face) Glyph(dot fixed.Point26_6, r rune) (image.Rectangle, image.Image, image.Point, fixed.Int26_6, bool) {
	if f.outlined(r) {
		return f.Face.Glyph(dot, r)
	}
	at, mask, from, advance, ok := bitmaps.Glyph(fixed.Point26_6{}, r)
	if !ok {
		return at, mask, from, advance, false
	}
	large := f.repeated[r]
	if large == nil {
		large = image.NewAlpha(image.Rect(0, 0, at.Dx()*f.times, at.Dy()*f.times))
		for y := range large.Rect.Max.Y {
			for x := range large.Rect.Max.X {
				large.Set(x, y, mask.At(from.X+x/f.times, from.Y+y/f.times))
			}
		}
		f.repeated[r] = large
	}
	corner := at.Min.Mul(f.times).Add(image.Pt(dot.X.Round(), dot.Y.Round()))
	return large.Rect.Add(corner), large, image.Point{}, f.scaled(advance), true
}

// GlyphBounds is that of font.Face.
func (f *Face) GlyphBounds(r rune) (fixed.Rectangle26_6, fixed.Int26_6, bool) {
	if f.outlined(r) {
		return f.Face.GlyphBounds(r)
	}
	b, advance, ok := bitmaps.GlyphBounds(r)
	b.Min, b.Max = fixed.Point26_6{X: f.scaled(b.Min.X), Y: f.scaled(b.Min.Y)}, fixed.Point26_6{X: f.scaled(b.Max.X), Y: f.scaled(b.Max.Y)}
	return b, f.scaled(advance), ok
}

// GlyphAdvance is that of font.Face.
func (f *Face) GlyphAdvance(r rune) (fixed.Int26_6, bool) {
	if f.outlined(r) {
		return f.Face.GlyphAdvance(r)
	}
	advance, ok := bitmaps.GlyphAdvance(r)
	return f.scaled(advance), ok
}

// Kern is that of font.Face.
func (f *Face) Kern(r0, r1 rune) fixed.Int26_6 {
	if f.outlined(r0) && f.outlined(r1) {
		return f.Face.Kern(r0, r1)
	}
	return 0
}

func (f *Face) scaled(v fixed.Int26_6) fixed.Int26_6 { return v * fixed.Int26_6(f.times) }

// Width is the width of an arranged text in pixels.
func (f *Face) Width(text string) int { return font.MeasureString(f, text).Ceil() }

// Draw writes an arranged text with its baseline's beginning at dot.
func (f *Face) Draw(dst draw.Image, ink image.Image, text string, dot fixed.Point26_6) {
	(&font.Drawer{Dst: dst, Src: ink, Face: f, Dot: dot}).DrawString(text)
}

// Covers reports whether the fonts have all that the text is made of.
func Covers(text string) bool {
	for _, r := range Arrange(text) {
		if !covers(r) {
			return false
		}
	}
	return true
}

func covers(r rune) bool {
	letters, err := outlines()
	if err != nil {
		return false
	}
	var b sfnt.Buffer
	if glyph, err := letters.GlyphIndex(&b, r); err == nil && glyph != 0 {
		return true
	}
	return drawn(r)
}

// drawn reports whether the bitmap font has a picture of the character: where it has none, all pixels of its glyph are empty.
func drawn(r rune) bool {
	at, mask, from, _, ok := bitmaps.Glyph(fixed.Point26_6{}, r)
	if !ok {
		return false
	}
	for y := range at.Dy() {
		for x := range at.Dx() {
			if _, _, _, alpha := mask.At(from.X+x, from.Y+y).RGBA(); alpha != 0 {
				return true
			}
		}
	}
	return r == '\u3000' // the space of ideographs
}

// missing stands for each character that no font has.
const missing = '□'

// Readable arranges lines of text. Characters that the fonts do not have become boxes, and a line more says of which scripts they are.
func Readable(texts []string) []string {
	var scripts []string
	out := make([]string, len(texts), len(texts)+1)
	for i, text := range texts {
		out[i] = strings.Map(func(r rune) rune {
			if covers(r) {
				return r
			}
			if s := script(r); !strings.Contains(strings.Join(scripts, ", "), s) {
				scripts = append(scripts, s)
			}
			return missing
		}, Arrange(text))
	}
	if scripts != nil {
		out = append(out, string(missing)+" not in the font: "+strings.Join(scripts, ", "))
	}
	return out
}

// script names what a character belongs to.
func script(r rune) string {
	for name, table := range unicode.Scripts {
		if name != "Common" && name != "Inherited" && unicode.Is(table, r) {
			return strings.ReplaceAll(name, "_", " ")
		}
	}
	return "symbols"
}
