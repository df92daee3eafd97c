package render

import (
	"fmt"
	"image"
	"math"

	"github.com/disintegration/imaging"
	"golang.org/x/image/draw"
)

// placement is how a picture of the whole image becomes the picture that was asked for: a region of it, perhaps flipped, scaled.
type placement struct {
	region        image.Rectangle
	flipX, flipY  bool
	width, height int // of the picture
}

// plan works out PS3.18 8.3.5.1.3 for an image, or a displayed area, of this size. The region is cut to it and to whole pixels.
// Without a viewport the picture has the image's own pixels; with one, pixels that are not square are made so, since the picture
// must not be distorted. A displayed area that is magnified has the size that it says, and is cut to the viewport (8.3.5.1.6).
func (a Attributes) plan(columns, rows int, v *Viewport, limit int) (placement, error) {
	p := placement{region: image.Rect(0, 0, columns, rows), width: columns, height: rows}
	if (v == nil || a.State != nil) && rows > limit/columns {
		return p, fmt.Errorf("%w: %w: a picture of %d x %d pixels: the most is %d in all", ErrOptions, ErrTooLarge, columns, rows, limit)
	}
	if v != nil {
		if v.Width < 1 || v.Height < 1 {
			return p, fmt.Errorf("%w: viewport of %d x %d pixels", ErrOptions, v.Width, v.Height)
		}
		x0, x1, flipX, okX := extent(v.SX, v.SW, columns)
		y0, y1, flipY, okY := extent(v.SY, v.SH, rows)
		if !okX || !okY {
			return p, fmt.Errorf("%w: the source region lies outside the image of %d x %d pixels", ErrOptions, columns, rows)
		}
		p.region, p.flipX, p.flipY = image.Rect(x0, y0, x1, y1), flipX, flipY
	}
	aspect := a.aspectAsShown()
	if m := a.State.magnification(); m > 0 {
		p.magnify(m, aspect, v)
	} else if v != nil {
		p.width, p.height = fit(float64(p.region.Dx()), float64(p.region.Dy())*aspect, v.Width, v.Height)
	}
	if p.width > limit/p.height {
		return p, fmt.Errorf("%w: a viewport for %d x %d pixels: the most is %d in all", ErrOptions, p.width, p.height, limit)
	}
	return p, nil
}

// magnify gives the picture so many pixels for each of the region, and cuts the region to the middle that the viewport has room for.
func (p *placement) magnify(ratio, aspect float64, v *Viewport) {
	p.width, p.height = magnified(p.region.Dx(), ratio), magnified(p.region.Dy(), ratio*aspect)
	if v == nil {
		return
	}
	cut := func(low, high, size, room int, ratio float64) (int, int, int) {
		if size <= room {
			return low, high, size
		}
		n := min(max(int(float64(room)/ratio), 1), high-low)
		low += (high - low - n) / 2
		return low, low + n, min(magnified(n, ratio), room)
	}
	r := &p.region
	r.Min.X, r.Max.X, p.width = cut(r.Min.X, r.Max.X, p.width, v.Width, ratio)
	r.Min.Y, r.Max.Y, p.height = cut(r.Min.Y, r.Max.Y, p.height, v.Height, ratio*aspect)
}

// magnified is a number of pixels times a ratio, at least one, and not more than can be added up.
func magnified(n int, ratio float64) int {
	return int(min(max(float64(n)*ratio+0.5, 1), math.MaxInt32))
}

// extent is the region in one direction: from start on for size pixels, a negative size meaning flipped, nil the rest of the image.
// Absolute values count (PS3.18 8.3.5.1.3).
func extent(start float64, size *float64, whole int) (from, to int, flipped, ok bool) {
	start = math.Abs(start)
	end := float64(whole)
	if size != nil {
		flipped = *size < 0
		end = start + math.Abs(*size)
	}
	if !(start < float64(whole)) || !(end > start) {
		return 0, 0, false, false
	}
	from = int(math.Floor(start + 0.5))
	to = int(math.Floor(min(end, float64(whole)) + 0.5))
	from = min(from, whole-1)
	return from, max(to, from+1), flipped, true
}

// fit is the size of the largest picture of the shape width:height in the viewport.
func fit(width, height float64, vw, vh int) (w, h int) {
	scale := min(float64(vw)/width, float64(vh)/height)
	w = min(max(int(width*scale+0.5), 1), vw)
	h = min(max(int(height*scale+0.5), 1), vh)
	return w, h
}

// place places a picture of the whole image.
func (p placement) place(img draw.Image) draw.Image {
	switch img := img.(type) {
	case *image.Gray:
		return p.gray(img)
	case *image.Gray16:
		return p.deep(img)
	case *image.RGBA:
		return p.color(img)
	}
	panic(fmt.Sprintf("a picture of %T", img)) // paintFrame makes no other
}

// scales reports whether the picture is not of the region's own pixels.
func (p placement) scales() bool { return p.width != p.region.Dx() || p.height != p.region.Dy() }

// whole reports whether the picture is that of the whole image as it is.
func (p placement) whole(image image.Rectangle) bool {
	return p.region == image && !p.scales() && !p.flipX && !p.flipY
}

// identity is the table of levels themselves.
var identity = func() *levels {
	var t levels
	for v := range white + 1 {
		t[v] = uint8(v)
	}
	return &t
}()

// gray places a picture of the whole image.
func (p placement) gray(img *image.Gray) *image.Gray {
	if p.whole(img.Rect) {
		return img
	}
	return placed(p, inMemory(img.Pix, img.Stride), identity)
}

// placed makes a picture out of the samples of the whole image, each by its gray level.
func placed[T uint8 | uint16](p placement, from *source[T], table *levels) *image.Gray {
	out := newGray(p.width, p.height)
	scale(p, out.Pix, 1, from, table)
	return out
}

// scale makes the pixels of the picture, so many samples each, out of the samples of the whole image.
func scale[T uint8 | uint16](p placement, out []uint8, channels int, from *source[T], table *levels) {
	lines := func(y, n int) []T { return from.lines(p.region.Min.Y+y, n)[p.region.Min.X*channels:] }
	in := scalers.Get().(*scaler)
	defer scalers.Put(in)
	in.columns, in.weights = weigh(in.columns, in.weights, p.region.Dx(), p.width, p.flipX)
	in.rows, in.below = weigh(in.rows, in.below, p.region.Dy(), p.height, p.flipY)
	resample(in, out, channels, lines, from.stride, table)
}

// color places a picture of the whole image.
func (p placement) color(img *image.RGBA) *image.RGBA {
	if p.whole(img.Rect) {
		return img
	}
	if p.scales() {
		out := newRGBA(p.width, p.height)
		scale(p, out.Pix, 4, inMemory(img.Pix, img.Stride), identity)
		return out
	}
	placed := imaging.Crop(img, p.region)
	if p.flipX {
		placed = imaging.FlipH(placed)
	}
	if p.flipY {
		placed = imaging.FlipV(placed)
	}
	// All pixels are opaque, and then color.NRGBA and color.RGBA are the same bytes.
	return &image.RGBA{Pix: placed.Pix, Stride: placed.Stride, Rect: placed.Rect}
}

// deep places a picture of the whole image of 16 bits.
func (p placement) deep(img *image.Gray16) *image.Gray16 {
	if p.whole(img.Rect) {
		return img
	}
	out := image.NewGray16(image.Rect(0, 0, p.width, p.height))
	draw.CatmullRom.Scale(out, out.Rect, img, p.region, draw.Src, nil)
	for y := 0; p.flipX && y < p.height; y++ {
		row := out.Pix[y*out.Stride:][:2*p.width]
		for a, b := 0, 2*p.width-2; a < b; a, b = a+2, b-2 {
			row[a], row[a+1], row[b], row[b+1] = row[b], row[b+1], row[a], row[a+1]
		}
	}
	for a, b := 0, p.height-1; p.flipY && a < b; a, b = a+1, b-1 {
		for x := range out.Stride {
			out.Pix[a*out.Stride+x], out.Pix[b*out.Stride+x] = out.Pix[b*out.Stride+x], out.Pix[a*out.Stride+x]
		}
	}
	return out
}
