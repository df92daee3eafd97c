package dicomtest

import "math"

// canvas is a picture under construction: values in physical units (HU, signal), row by row.
type canvas struct {
	w, h int
	v    []float64
}

func newCanvas(w, h int, background float64) *canvas {
	c := &canvas{w, h, make([]float64, w*h)}
	for i := range c.v {
		c.v[i] = background
	}
	return c
}

// ellipse fills an ellipse with a value; centre, half axes in parts of the width and height (-1 to 1), turned by angle radians.
func (c *canvas) ellipse(cx, cy, a, b, angle, value float64) {
	if a <= 0 || b <= 0 {
		return
	}
	sin, cos := math.Sincos(angle)
	for y := range c.h {
		fy := 2*(float64(y)+0.5)/float64(c.h) - 1 - cy
		for x := range c.w {
			fx := 2*(float64(x)+0.5)/float64(c.w) - 1 - cx
			u, v := (fx*cos+fy*sin)/a, (-fx*sin+fy*cos)/b
			if u*u+v*v <= 1 {
				c.v[y*c.w+x] = value
			}
		}
	}
}

// noise adds a reproducible texture of the amplitude, different per seed.
func (c *canvas) noise(amplitude float64, seed uint64) {
	s := seed*0x9E3779B97F4A7C15 + 1
	for i := range c.v {
		s ^= s << 13
		s ^= s >> 7
		s ^= s << 17
		c.v[i] += amplitude * (float64(s>>11)/(1<<53) - 0.5)
	}
}

// little16 writes value(v) of every pixel as 16-bit little endian words.
func (c *canvas) little16(value func(float64) int) []byte {
	out := make([]byte, 2*len(c.v))
	for i, v := range c.v {
		n := value(v)
		out[2*i], out[2*i+1] = byte(n), byte(n>>8)
	}
	return out
}

func clamp(v, low, high float64) int { return int(math.Round(math.Max(low, math.Min(high, v)))) }

// thorax draws a slice of a chest in Hounsfield units; z runs from 0 (apex) to 1 (base).
func thorax(size int, z float64) *canvas {
	c := newCanvas(size, size, -1000)
	breathe := 0.75 + 0.25*math.Sin(math.Pi*(0.25+0.6*z))
	c.ellipse(0, 0, 0.88*breathe, 0.62*breathe, 0, -90) // fat
	c.ellipse(0, 0, 0.83*breathe, 0.57*breathe, 0, 45)  // muscle
	for i := range 11 {
		a := math.Pi * (float64(i)/10*1.5 - 0.25 + 0.03*z*10)
		c.ellipse(0.76*breathe*math.Cos(a), 0.5*breathe*math.Sin(a), 0.035, 0.075, a, 420) // ribs
	}
	lung := math.Sin(math.Pi * math.Min(1, 0.2+0.8*z))
	c.ellipse(-0.38*breathe, -0.02, 0.3*lung, 0.42*lung, 0.1, -840)
	c.ellipse(0.38*breathe, -0.02, 0.3*lung, 0.42*lung, -0.1, -840)
	for i := range 14 { // vessels
		a := float64(i) * 2.4
		r := 0.06 + 0.012*float64(i)
		side := float64(i%2)*2 - 1
		c.ellipse(side*0.38*breathe+r*math.Cos(a+3*z), r*1.3*math.Sin(a+3*z), 0.012+0.01*math.Abs(math.Sin(a*z)), 0.012, 0, 40)
	}
	c.ellipse(0.1, -0.08, 0.1+0.14*z, 0.12+0.14*z, 0.5, 60)    // heart
	c.ellipse(0.12, -0.06, 0.05+0.07*z, 0.05+0.07*z, 0, 160)   // contrast in it
	c.ellipse(0.1, 0.27, 0.05, 0.05, 0, 180)                   // aorta
	c.ellipse(0, -0.2+0.1*z, 0.045*(1-z), 0.05*(1-z), 0, -990) // trachea
	c.ellipse(0, 0.4, 0.11, 0.09, 0, 380)                      // vertebra
	c.ellipse(0, 0.4, 0.08, 0.06, 0, 180)
	c.ellipse(0, 0.5, 0.035, 0.035, 0, 20) // canal
	if d := math.Abs(z - noduleZ); d < noduleRadius {
		r := math.Sqrt(noduleRadius*noduleRadius-d*d) * 0.8
		c.ellipse(noduleX, noduleY, r, r, 0, 80)
	}
	return c
}

// The nodule that the segmentation outlines and the report measures.
const noduleX, noduleY, noduleZ, noduleRadius = -0.42, 0.12, 0.5, 0.11

// head draws a slice of a brain in arbitrary signal units (0 to 1000).
func head(size int, z float64) *canvas {
	c := newCanvas(size, size, 5)
	r := 0.5 + 0.4*math.Sin(math.Pi*(0.15+0.7*z))
	c.ellipse(0, 0, 0.86*r, r, 0, 650)          // scalp
	c.ellipse(0, 0, 0.8*r, 0.94*r, 0, 60)       // skull
	c.ellipse(0, 0, 0.76*r, 0.89*r, 0, 850)     // fluid
	c.ellipse(0, 0, 0.73*r, 0.86*r, 0, 430)     // gray matter
	c.ellipse(-0.02, 0, 0.64*r, 0.76*r, 0, 330) // white matter
	for i := range 18 {
		a := float64(i) * math.Pi / 9
		c.ellipse(0.62*r*math.Cos(a), 0.73*r*math.Sin(a), 0.03, 0.11*r, a+math.Pi/2+0.4*math.Sin(5*z), 450) // gyri
	}
	v := math.Max(0, math.Sin(math.Pi*z))
	c.ellipse(-0.1, -0.08, 0.06*v, 0.22*v, 0.3, 900) // ventricles
	c.ellipse(0.1, -0.08, 0.06*v, 0.22*v, -0.3, 900)
	c.ellipse(0, 0.3, 0.02, 0.12*v, 0, 880)
	c.ellipse(0.28, -0.25, 0.07*v, 0.09*v, 0.4, 780) // lesion
	c.ellipse(0.28, -0.25, 0.04*v, 0.05*v, 0.4, 560)
	return c
}

// hand draws a radiograph: attenuation from 0 (air) to 4095 (dense).
func hand(w, h int) *canvas {
	c := newCanvas(w, h, 160)
	fingers := []struct{ x, y, angle, length float64 }{
		{-0.52, -0.02, -0.75, 0.3}, {-0.27, -0.42, -0.16, 0.42}, {-0.05, -0.5, -0.02, 0.46}, {0.17, -0.45, 0.1, 0.43}, {0.38, -0.3, 0.25, 0.35},
	}
	c.ellipse(-0.03, 0.22, 0.4, 0.34, 0, 1300)
	c.ellipse(-0.03, 0.75, 0.24, 0.4, 0, 1300)
	for _, f := range fingers {
		c.ellipse(f.x, f.y, 0.095, f.length, f.angle, 1250)
	}
	for _, f := range fingers {
		sin, cos := math.Sincos(f.angle)
		for i := range 3 {
			d := (float64(i) - 1) * 0.62 * f.length
			c.ellipse(f.x-d*sin, f.y+d*cos, 0.045, f.length*0.29, f.angle, 2600)
			c.ellipse(f.x-d*sin, f.y+d*cos, 0.022, f.length*0.25, f.angle, 2050)
		}
		mx, my := 0.55*f.x-0.02, 0.22+0.12*math.Abs(f.x)
		c.ellipse(mx, my, 0.042, 0.2, f.angle*0.6, 2700)
		c.ellipse(mx, my, 0.02, 0.17, f.angle*0.6, 2150)
	}
	for i := range 7 {
		c.ellipse(-0.2+0.06*float64(i), 0.5+0.05*float64(i%2), 0.055, 0.06, float64(i), 2500)
	}
	c.ellipse(-0.1, 0.85, 0.075, 0.28, 0.05, 2800)
	c.ellipse(0.1, 0.87, 0.055, 0.28, -0.05, 2750)
	return c
}
