package icc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Colors say what the samples of a picture stand for: a Space does, and what Parse returns.
type Colors interface {
	// xyz is the color of three samples, relative to D50.
	xyz(samples [3]uint8) [3]float64
}

// maxTags is more than any profile has.
const maxTags = 1000

// Parse reads a profile of a device whose colors are red, green and blue. What converts them is, as for relatively colorimetric intent,
// the table for it, else that of perceptual intent, else the three primaries (ISO 15076-1 8.10.2).
func Parse(profile []byte) (Colors, error) {
	tags, err := tagsOf(profile)
	if err != nil {
		return nil, err
	}
	space, connection := string(profile[16:20]), string(profile[20:24])
	if space != "RGB " || connection != "XYZ " && connection != "Lab " {
		return nil, fmt.Errorf("an ICC profile from %q to %q, not of red, green and blue", space, connection)
	}
	for _, signature := range []string{"A2B1", "A2B0"} {
		if data := tags[signature]; data != nil {
			return parseTable(data, connection == "Lab ")
		}
	}
	if connection != "XYZ " {
		return nil, errors.New("an ICC profile to Lab without a table")
	}
	return parsePrimaries(tags)
}

// Primaries reports whether a profile converts by three primaries alone, as those in a JP2 file have to (T.800 I.5.3.3).
func Primaries(profile []byte) bool {
	colors, err := Parse(profile)
	_, ok := colors.(*primaries)
	return err == nil && ok
}

// tagsOf are the data of a profile by their signatures.
func tagsOf(profile []byte) (map[string][]byte, error) {
	if len(profile) < headerSize+4 || string(profile[36:40]) != "acsp" {
		return nil, errors.New("no ICC profile")
	}
	be := binary.BigEndian
	count := be.Uint32(profile[headerSize:])
	if count > maxTags || len(profile) < headerSize+4+entrySize*int(count) {
		return nil, fmt.Errorf("an ICC profile of %d tags in %d bytes", count, len(profile))
	}
	tags := map[string][]byte{}
	for i := range int(count) {
		entry := profile[headerSize+4+entrySize*i:][:entrySize]
		from, size := uint64(be.Uint32(entry[4:])), uint64(be.Uint32(entry[8:]))
		if from+size > uint64(len(profile)) {
			return nil, fmt.Errorf("tag %q of an ICC profile lies outside of it", entry[:4])
		}
		tags[string(entry[:4])] = profile[from : from+size]
	}
	return tags, nil
}

// primaries are three primaries, each with a curve, of whose 256 inputs it is worked out once.
type primaries struct {
	matrix
	linear [3][256]float64
}

func parsePrimaries(tags map[string][]byte) (*primaries, error) {
	p := &primaries{}
	for i, name := range []string{"r", "g", "b"} {
		xyz := tags[name+"XYZ"]
		if len(xyz) < 20 || string(xyz[:4]) != "XYZ " {
			return nil, fmt.Errorf("an ICC profile without %sXYZ", name)
		}
		for k := range 3 {
			p.matrix[k][i] = fixed(xyz[8+4*k:])
		}
		c, _, err := parseCurve(tags[name+"TRC"])
		if err != nil {
			return nil, fmt.Errorf("%sTRC of an ICC profile: %w", name, err)
		}
		for v := range p.linear[i] {
			p.linear[i][v] = c(float64(v) / math.MaxUint8)
		}
	}
	return p, nil
}

func (p *primaries) xyz(samples [3]uint8) [3]float64 {
	return p.times([3]float64{p.linear[0][samples[0]], p.linear[1][samples[1]], p.linear[2][samples[2]]})
}

// fixed reads an s15Fixed16Number.
func fixed(b []byte) float64 { return float64(int32(binary.BigEndian.Uint32(b))) / (1 << 16) }
