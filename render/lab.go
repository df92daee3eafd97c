package render

import "github.com/noctis-dicom/noctis/render/icc"

// fromLab makes sRGB of a color that is encoded as 16-bit CIELab relative to D50 (PS3.3 C.10.7.1.1): L* of 0 to 100 over 0 to FFFF,
// a* and b* of -128 to 127 likewise, 0 at 8080.
func fromLab(l, a, b float64) [3]uint8 {
	return icc.SRGB.FromLab(l/0xFFFF*100, a/0xFFFF*255-128, b/0xFFFF*255-128)
}
