package render

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// Animation writes a GIF that plays pictures one after the other, for ever (PS3.18 Table 8.7.4-1). It keeps none of them: memory is
// that of one, however many there are.
type Animation struct {
	w             io.Writer
	width, height int           // of the first picture, which the others fit into
	rest          time.Duration // what rounding has left of the times before
}

// NewAnimation begins an animation on w.
func NewAnimation(w io.Writer) *Animation { return &Animation{w: w} }

// The unit of times in a GIF, and the shortest that players keep to: they take a shorter one for 100 ms.
const (
	gifTick  = 10 * time.Millisecond
	minTicks = 2
	maxTicks = 1<<16 - 1
)

// Add shows a picture for a time. It is a GIF of one image, as Encode writes it, no larger than the first. A smaller one is shown in
// the middle.
func (a *Animation) Add(picture []byte, shown time.Duration) error {
	g, err := readGIF(picture)
	if err != nil {
		return err
	}
	var out []byte
	if a.width == 0 {
		a.width, a.height = g.width, g.height
		out = append(out, "GIF89a"...)
		out = binary.LittleEndian.AppendUint16(out, uint16(g.width))
		out = binary.LittleEndian.AppendUint16(out, uint16(g.height))
		out = append(out, 0x70, 0, 0) // no global colors: 8 bits a color, background, aspect
		out = append(append(out, 0x21, 0xFF, 11), "NETSCAPE2.0\x03\x01\x00\x00\x00"...)
	}
	if g.width > a.width || g.height > a.height {
		return fmt.Errorf("a picture of %d x %d in an animation of %d x %d", g.width, g.height, a.width, a.height)
	}
	ticks := int((shown + a.rest + gifTick/2) / gifTick)
	a.rest += shown - time.Duration(ticks)*gifTick
	if ticks < minTicks || ticks > maxTicks {
		ticks, a.rest = min(max(ticks, minTicks), maxTicks), 0
	}
	const disposal = 2 << 2 // to background: the next picture may be smaller
	out = append(out, 0x21, 0xF9, 4, disposal, byte(ticks), byte(ticks>>8), 0, 0, 0x2C)
	for _, n := range []int{(a.width - g.width) / 2, (a.height - g.height) / 2, g.width, g.height} {
		out = binary.LittleEndian.AppendUint16(out, uint16(n))
	}
	out = append(out, g.flags)
	out = append(out, g.colors...)
	if _, err := a.w.Write(out); err != nil {
		return err
	}
	_, err = a.w.Write(g.data)
	return err
}

// Comment writes a text that players do not show.
func (a *Animation) Comment(text string) error {
	if a.width == 0 {
		return errors.New("a comment before the first picture")
	}
	out := []byte{0x21, 0xFE}
	for len(text) > 0 {
		n := min(len(text), 255)
		out = append(append(out, byte(n)), text[:n]...)
		text = text[n:]
	}
	_, err := a.w.Write(append(out, 0))
	return err
}

// Close ends the animation; it does not close the writer.
func (a *Animation) Close() error {
	_, err := a.w.Write([]byte{0x3B})
	return err
}

// gifImage is the first image of a GIF, with colors of its own.
type gifImage struct {
	width, height int
	flags         byte   // of the image descriptor, with a local table
	colors        []byte // red, green and blue
	data          []byte // code size and blocks of the pixels
}

var errNoGIF = errors.New("not a GIF of one picture")

// GIFSize is the size of a GIF.
func GIFSize(b []byte) (width, height int, err error) {
	g, err := readGIF(b)
	return g.width, g.height, err
}

// readGIF finds the parts of the first image of a GIF (GIF89a 17 to 23).
func readGIF(b []byte) (g gifImage, err error) {
	const header, descriptor = 13, 10
	if len(b) < header || string(b[:3]) != "GIF" {
		return g, errNoGIF
	}
	flags := b[10]
	b = b[header:]
	colors, b, ok := colorTable(b, flags)
	for ok && len(b) > 2 && b[0] == 0x21 { // extensions
		end, found := blocksEnd(b[2:])
		if ok = found; ok {
			b = b[2+end:]
		}
	}
	if !ok || len(b) < descriptor || b[0] != 0x2C {
		return g, errNoGIF
	}
	g.width, g.height = int(binary.LittleEndian.Uint16(b[5:])), int(binary.LittleEndian.Uint16(b[7:]))
	local := b[9]
	b = b[descriptor:]
	if local&0x80 != 0 {
		flags = local
		if colors, b, ok = colorTable(b, local); !ok {
			return g, errNoGIF
		}
	}
	g.flags, g.colors = 0x80|local&0x40|flags&7, colors
	if len(b) < 2 || len(colors) == 0 || g.width == 0 || g.height == 0 {
		return g, errNoGIF
	}
	end, found := blocksEnd(b[1:])
	if !found {
		return g, errNoGIF
	}
	g.data = b[:1+end]
	return g, nil
}

// colorTable takes the table that the flags announce.
func colorTable(b []byte, flags byte) (colors, rest []byte, ok bool) {
	if flags&0x80 == 0 {
		return nil, b, true
	}
	n := 3 << (flags&7 + 1)
	if len(b) < n {
		return nil, b, false
	}
	return b[:n], b[n:], true
}

// blocksEnd is where a sequence of data blocks ends, its terminator included.
func blocksEnd(b []byte) (end int, found bool) {
	for end < len(b) {
		n := int(b[end])
		end += n + 1
		if n == 0 {
			return end, true
		}
	}
	return 0, false
}
