package render

import "math"

// fromLab makes sRGB of a color that is encoded as 16-bit CIELab relative to D50 (PS3.3 C.10.7.1.1): L* of 0 to 100 over 0 to FFFF,
// a* and b* of -128 to 127 likewise, 0 at 8080.
func fromLab(l, a, b float64) [3]uint8 {
	l, a, b = l/0xFFFF*100, a/0xFFFF*255-128, b/0xFFFF*255-128
	fy := (l + 16) / 116
	x, y, z := 0.96422*cube(fy+a/500), cube(fy), 0.82521*cube(fy-b/200)
	// From the D50 of the profile connection space to sRGB by the matrix of Bradford.
	return [3]uint8{
		companded(3.1338561*x - 1.6168667*y - 0.4906146*z),
		companded(-0.9787684*x + 1.9161415*y + 0.0334540*z),
		companded(0.0719453*x - 0.2289914*y + 1.4052427*z),
	}
}

// cube inverts the cube root of CIELab, linear near black.
func cube(f float64) float64 {
	if f > 6.0/29 {
		return f * f * f
	}
	return 3 * 36.0 / 841 * (f - 4.0/29)
}

// companded is the transfer function of sRGB (IEC 61966-2-1), to 8 bits.
func companded(v float64) uint8 {
	v = min(max(v, 0), 1)
	if v <= 0.0031308 {
		v *= 12.92
	} else {
		v = 1.055*math.Pow(v, 1/2.4) - 0.055
	}
	return uint8(v*white + 0.5)
}
