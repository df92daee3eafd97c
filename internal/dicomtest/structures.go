package dicomtest

import (
	"math"

	"github.com/noctis-dicom/noctis/dicom"
)

const rtStructureSet = "1.2.840.10008.5.1.4.1.1.481.3"

// Structures is an RT structure set (PS3.3 A.19) of the study that Chest makes: a closed contour around the nodule on two slices, which it
// names, a second one on the first of them that names no image but lies in its plane, and a point.
func Structures() Instance {
	const first = 11 // slice, from 0
	circle := func(slice int, radius float64) []float64 {
		at := position(chestSize, chestSpacing, slice)
		var points []float64
		for i := range 48 {
			sin, cos := math.Sincos(2 * math.Pi * float64(i) / 48)
			x, y := chestSize*(noduleX+1)/2-0.5+radius*cos, chestSize*(noduleY+1)/2-0.5+radius*sin
			points = append(points, at[0]+chestSpacing*x, at[1]+chestSpacing*y, at[2])
		}
		return points
	}
	image := func(slice int) *dicom.DataSet {
		return reference(ctImage, UID("chest", "CT", "Chest 8 mm", decimal(float64(slice+1))))
	}
	contour := func(kind string, points []float64, pairs ...any) *dicom.DataSet {
		ds := item(dicom.ContourGeometricType, kind, dicom.NumberOfContourPoints, len(points)/3, dicom.ContourData, points)
		set(ds, pairs...)
		return ds
	}
	space := UID("chest", "frame of reference")
	ds := Series{chest, 6, "RTSTRUCT", "Structures"}.Instance(rtStructureSet, 1)
	set(ds,
		dicom.StructureSetLabel, "NODULE", dicom.StructureSetDate, "20260302", dicom.StructureSetTime, "090000",
		dicom.StructureSetROISequence, []*dicom.DataSet{
			item(dicom.ROINumber, 1, dicom.ReferencedFrameOfReferenceUID, space, dicom.ROIName, "Nodule", dicom.ROIGenerationAlgorithm, "MANUAL"),
			item(dicom.ROINumber, 2, dicom.ReferencedFrameOfReferenceUID, space, dicom.ROIName, "Margin", dicom.ROIGenerationAlgorithm, ""),
		},
		dicom.ROIContourSequence, []*dicom.DataSet{
			item(dicom.ROIDisplayColor, `255\255\0`, dicom.ContourSequence, []*dicom.DataSet{
				contour("CLOSED_PLANAR", circle(first, 24), dicom.ContourImageSequence, image(first)),
				contour("CLOSED_PLANAR", circle(first+1, 20), dicom.ContourImageSequence, image(first+1)),
			}, dicom.ReferencedROINumber, 1),
			item(dicom.ROIDisplayColor, `0\255\0`, dicom.ContourSequence, []*dicom.DataSet{
				contour("CLOSED_PLANAR", circle(first, 40)),
				contour("POINT", circle(first, 0)[:3]),
			}, dicom.ReferencedROINumber, 2),
		},
	)
	return Instance{DataSet: ds, TransferSyntax: dicom.ExplicitVRLittleEndian}
}
