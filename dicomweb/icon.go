package dicomweb

import (
	"image"
	"image/color"
	"image/draw"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

const (
	maxIcon  = 512 // pixels
	maxLabel = 6   // letters
)

// drawIcon draws a square with a few letters in its middle: the picture of what has none.
func drawIcon(label string, size int) (image.Image, error) {
	icon := image.NewRGBA(image.Rect(0, 0, size, size))
	draw.Draw(icon, icon.Bounds(), image.NewUniform(color.RGBA{0x1C, 0x24, 0x30, 0xFF}), image.Point{}, draw.Src)
	letters, err := opentype.Parse(gobold.TTF)
	if err != nil {
		return nil, err
	}
	face, err := opentype.NewFace(letters, &opentype.FaceOptions{
		Size: float64(size) / float64(max(3, len(label))), DPI: 72, Hinting: font.HintingFull,
	})
	if err != nil {
		return nil, err
	}
	defer face.Close()
	d := font.Drawer{Dst: icon, Src: image.NewUniform(color.RGBA{0xC6, 0xD2, 0xE0, 0xFF}), Face: face}
	middle := fixed.I(size) / 2
	d.Dot = fixed.Point26_6{X: middle - d.MeasureString(label)/2, Y: middle + face.Metrics().CapHeight/2}
	d.DrawString(label)
	return icon, nil
}
