package render

import (
	"image"
	"image/color"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/render/stroke"
)

// StructureSet is the SOP class of RT structure sets.
const StructureSet dicom.UID = "1.2.840.10008.5.1.4.1.1.481.3"

// IsStructureSet reports whether the data set has contours (PS3.3 C.8.8.6).
func IsStructureSet(ds *dicom.DataSet) bool { return len(ds.Items(dicom.ROIContourSequence)) > 0 }

// ContouredImages are the images that the contours of a structure set name, in the order in which they first do, at most so many.
func ContouredImages(ds *dicom.DataSet, most int) []dicom.UID {
	var images []dicom.UID
	seen := map[dicom.UID]bool{}
	for _, roi := range ds.Items(dicom.ROIContourSequence) {
		for _, contour := range roi.Items(dicom.ContourSequence) {
			for _, item := range contour.Items(dicom.ContourImageSequence) {
				if uid := item.UID(dicom.ReferencedSOPInstanceUID); uid.Valid() && !seen[uid] && len(images) < most {
					seen[uid] = true
					images = append(images, uid)
				}
			}
		}
	}
	return images
}

// Contours are the contours of a structure set on a frame of an image, nil if it has none there: those that name it, and of those
// that name no image the ones in its plane. The frame has to lie in the patient, for contours do.
func Contours(structures, img *dicom.DataSet, frame int) Mark {
	here, ok := planeOf(img, frame)
	if !ok {
		return nil
	}
	instance := img.UID(dicom.SOPInstanceUID)
	var all outlines
	frames := map[string]dicom.UID{}
	for _, roi := range structures.Items(dicom.StructureSetROISequence) {
		frames[roi.String(dicom.ROINumber)] = roi.UID(dicom.ReferencedFrameOfReferenceUID)
	}
	for i, roi := range structures.Items(dicom.ROIContourSequence) {
		rgb := roiColor(roi, i)
		space := frames[roi.String(dicom.ReferencedROINumber)]
		elsewhere := space != "" && space != here.frameOfReference
		for _, contour := range roi.Items(dicom.ContourSequence) {
			named := contour.Items(dicom.ContourImageSequence)
			if len(named) > 0 && !names(named, instance, frame) || len(named) == 0 && elsewhere {
				continue
			}
			if points := planar(contour, here, len(named) > 0); points != nil {
				all = append(all, outline{points, color.RGBA{rgb[0], rgb[1], rgb[2], white}})
			}
		}
	}
	if all == nil {
		return nil
	}
	return all
}

// planar projects a contour onto the plane; nil if it does not lie in the slice, and need not because it names the image.
func planar(contour *dicom.DataSet, here plane, named bool) []stroke.Point {
	values := numbers(contour, dicom.ContourData)
	if len(values) < 3 || !named && !here.holds(vector(values[:3])) {
		return nil
	}
	var points []stroke.Point
	for ; len(values) >= 3; values = values[3:] {
		x, y, _ := here.pixel(vector(values[:3]))
		if !finite(x) || !finite(y) {
			return nil
		}
		points = append(points, stroke.Point{X: x + 0.5, Y: y + 0.5}) // the middle of a pixel
	}
	if len(points) == 1 { // a cross
		p := points[0]
		const arm = 3
		return []stroke.Point{{X: p.X - arm, Y: p.Y}, {X: p.X + arm, Y: p.Y}, p, {X: p.X, Y: p.Y - arm}, {X: p.X, Y: p.Y + arm}}
	}
	if isClosed(contour) {
		points = append(points, points[0])
	}
	return points
}

// outlines are lines in the pixels of an image.
type outlines []outline

type outline struct {
	points []stroke.Point
	color  color.RGBA
}

// outlineShare is the width of a line as a share of the image's longer side, so that it is seen in a small picture of a large image.
const outlineShare = 1.0 / 400

func (all outlines) mark(img *image.RGBA) {
	width := max(1.25, float64(max(img.Rect.Dx(), img.Rect.Dy()))*outlineShare)
	for _, o := range all {
		stroke.Line(img, o.points, width, o.color)
	}
}
