package icc

import (
	"math"
	"testing"
)

// FuzzParse: whatever a profile says, colors of it are numbers, or it is refused.
func FuzzParse(f *testing.F) {
	for _, s := range spaces {
		f.Add(s.Profile())
	}
	for _, kind := range []string{"mft1", "mft2", "mAB "} {
		f.Add(tableProfile(kind))
	}
	f.Fuzz(func(t *testing.T, profile []byte) {
		colors, err := Parse(profile)
		if err != nil {
			return
		}
		for _, c := range [][3]uint8{{}, {255, 255, 255}, {1, 128, 254}} {
			for _, v := range colors.xyz(c) {
				if math.IsNaN(v) {
					t.Fatalf("%v is no color", c)
				}
			}
			converted(colors, SRGB, c)
		}
	})
}
