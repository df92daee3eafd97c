package render

import (
	"image"

	"github.com/noctis-dicom/noctis/dicom"
)

// Mark is what another instance says of an image: a segment of a segmentation, contours of a structure set. It is drawn over the
// image, in the image's own pixels, before these are scaled.
type Mark interface {
	mark(img *image.RGBA)
}

// marked draws the marks over the picture of an image.
func marked(img image.Image, marks []Mark) *image.RGBA {
	rgb := Colored(img)
	for _, m := range marks {
		m.mark(rgb)
	}
	return rgb
}

// markColors are given to what names no color, in turn.
var markColors = [][3]uint8{
	{230, 60, 60}, {60, 200, 80}, {70, 130, 240}, {240, 200, 40}, {200, 80, 220}, {60, 210, 210}, {250, 140, 40}, {170, 220, 60},
}

func markColor(i int) [3]uint8 {
	return markColors[((i%len(markColors))+len(markColors))%len(markColors)]
}

// names reports whether one of the items names the frame of the instance; without frame numbers it names all of them (PS3.3 10.3).
func names(items []*dicom.DataSet, instance dicom.UID, frame int) bool {
	for _, item := range items {
		if item.UID(dicom.ReferencedSOPInstanceUID) != instance {
			continue
		}
		frames := numbers(item, dicom.ReferencedFrameNumber)
		if len(frames) == 0 {
			return true
		}
		for _, n := range frames {
			if int(n) == frame {
				return true
			}
		}
	}
	return false
}
