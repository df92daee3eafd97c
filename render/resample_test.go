package render

import (
	"image"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// What is scaled straight from the samples is, to the bit, what is scaled from the picture of the whole image by each weight in turn.
func TestScaledFromSamples(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		f := &pixel.Frame{Description: pixel.Description{Rows: 1 + r.IntN(60), Columns: 1 + r.IntN(60), Samples: 1, BitsAllocated: 16, BitsStored: 12, Signed: r.IntN(2) == 0}}
		if r.IntN(3) == 0 {
			f.BitsAllocated, f.BitsStored = 8, 8
		}
		for range f.Pixels() {
			if f.BitsAllocated == 8 {
				f.U8 = append(f.U8, uint8(r.Uint32()))
			} else if v := r.IntN(1 << 12); f.Signed {
				f.U16 = append(f.U16, uint16(v-1<<11))
			} else {
				f.U16 = append(f.U16, uint16(v))
			}
		}
		gray := grayLevel(Window{Center: 100, Width: 3000}.at)
		x, y := r.IntN(f.Columns), r.IntN(f.Rows)
		crop := placement{region: image.Rect(x, y, x+1+r.IntN(f.Columns-x), y+1+r.IntN(f.Rows-y)),
			flipX: r.IntN(2) == 0, flipY: r.IntN(2) == 0, width: 1 + r.IntN(80), height: 1 + r.IntN(80)}
		got, want := renderPlaced(f, gray, crop), weighed(renderGray(f, gray), crop)
		if got.Rect != want.Rect || !slices.Equal(got.Pix, want.Pix) {
			t.Fatalf("%d x %d, %+v: another picture", f.Columns, f.Rows, crop)
		}
	}
}

// Color is scaled as each of its samples is by itself.
func TestScaledColor(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		whole := image.NewRGBA(image.Rect(0, 0, 1+r.IntN(60), 1+r.IntN(60)))
		var channels [3]*image.Gray
		for c := range channels {
			channels[c] = image.NewGray(whole.Rect)
			for i := range channels[c].Pix {
				v := uint8(r.Uint32())
				channels[c].Pix[i], whole.Pix[4*i+c], whole.Pix[4*i+3] = v, v, white
			}
		}
		x, y := r.IntN(whole.Rect.Dx()), r.IntN(whole.Rect.Dy())
		crop := placement{region: image.Rect(x, y, x+1+r.IntN(whole.Rect.Dx()-x), y+1+r.IntN(whole.Rect.Dy()-y)),
			flipX: r.IntN(2) == 0, flipY: r.IntN(2) == 0, width: 1 + r.IntN(80), height: 1 + r.IntN(80)}
		got := crop.color(whole)
		for c, channel := range channels {
			for i, v := range weighed(channel, crop).Pix {
				if got.Pix[4*i+c] != v || got.Pix[4*i+3] != white {
					t.Fatalf("%+v: pixel %d is %v, want %d of channel %d", crop, i, got.Pix[4*i:][:4], v, c)
				}
			}
		}
	}
}

// weighed scales by the definition.
func weighed(img *image.Gray, p placement) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, p.width, p.height))
	rows, _ := weigh(nil, nil, p.region.Dy(), p.height, p.flipY)
	columns, _ := weigh(nil, nil, p.region.Dx(), p.width, p.flipX)
	for x, column := range columns {
		for y, row := range rows {
			sum := int64(0)
			for l, v := range column.weights {
				for k, w := range row.weights {
					sum += int64(v) * int64(w) * int64(img.GrayAt(p.region.Min.X+column.first+l, p.region.Min.Y+row.first+k).Y)
				}
			}
			out.Pix[y*out.Stride+x] = clamp(int32((sum + one*one/2) >> 28))
		}
	}
	return out
}

// Spans have the weights of the taps, whatever the sizes.
func TestSpans(t *testing.T) {
	check := func(from, to int) {
		all, _ := weigh(nil, nil, from, to, false)
		for i, s := range spansOf(nil, all) {
			weights := slices.Repeat([]int32{s.weight}, int(s.n))
			weights[0] += s.first
			weights[s.n-1] += s.last
			if s.third != 0 {
				weights[2] += s.third
			}
			if int(s.at) != all[i].first || !slices.Equal(weights, all[i].weights) {
				t.Fatalf("%d to %d: %+v, want %v", from, to, s, all[i])
			}
		}
	}
	for from := 1; from < 200; from += 3 {
		for to := 1; to < 300; to += 4 {
			check(from, to)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		check(1+r.IntN(1<<16-1), 1+r.IntN(3000))
	}
}
