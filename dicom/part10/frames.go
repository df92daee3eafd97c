package part10

import (
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// locateFrames finds out where the frames lie, now that the whole data set is known.
func (s *scanner) locateFrames(p *PixelData) {
	frames := numberOfFrames(s.file.DataSet)
	ts, _ := dicom.TransferSyntaxOf(s.file.TransferSyntax)
	if !p.Encapsulated {
		if ts.Encapsulated {
			s.warn(nil, 0, "native pixel data under the transfer syntax of encapsulated pixel data")
		}
		s.nativeFrames(p, frames)
		return
	}
	if !ts.Encapsulated {
		s.warn(nil, 0, "encapsulated pixel data under a native transfer syntax")
	}
	firsts, n := s.encapsulatedFrames(p, frames, isVideo(ts))
	p.NumberOfFrames = n
	if n != p.Fragments.Len() {
		p.firsts = firsts
	}
	if n != frames && !isVideo(ts) {
		s.warn(nil, 0, "Number of Frames is not what is there")
	}
	p.padding = s.framePadding(p)
	s.pixels = pixelScan{}
}

// numberOfFrames is Number of Frames (0028,0008), 1 where it is absent or makes no sense.
func numberOfFrames(ds *dicom.DataSet) int {
	n, err := strconv.Atoi(strings.TrimPrefix(ds.String(dicom.NumberOfFrames), "+"))
	if err != nil || n < 1 {
		return 1
	}
	return n
}

// nativeFrames counts the frames that are complete, and how long each is (PS3.5 8.1.1, 8.2).
func (s *scanner) nativeFrames(p *PixelData, frames int) {
	ds := s.file.DataSet
	rows, columns := imageSize(ds, dicom.Rows), imageSize(ds, dicom.Columns)
	samples, bits := imageSize(ds, dicom.SamplesPerPixel), imageSize(ds, dicom.BitsAllocated)
	if samples == 0 && !ds.Has(dicom.SamplesPerPixel) {
		samples = 1
	}
	if samples*bits > 1<<20 {
		bits = 0
	}
	if p.Word == 2 && (bits == 32 || bits == 64) { // PS3.5 8.1.1 has 16-bit words in any order; writers reverse whole samples
		p.Word = int(bits / 8)
	}
	available := 8 * p.Value.Length
	p.FrameBits = rows * columns * samples * bits
	if photometric := ds.String(dicom.PhotometricInterpretation); samples == 3 &&
		(photometric == "YBR_FULL_422" || photometric == "YBR_PARTIAL_422") {
		// Two pixels share their chroma (PS3.3 C.7.6.3.1.2). Some writers leave the name on data that is not subsampled.
		if full := p.FrameBits; full == 0 || available/full < int64(frames) {
			p.FrameBits = rows * columns * 2 * bits
		} else {
			s.warn(nil, 0, photometric+" with chroma for every pixel")
		}
	}
	if p.FrameBits > 0 {
		p.NumberOfFrames = int(min(int64(frames), available/p.FrameBits))
	}
	if p.NumberOfFrames < frames {
		s.warn(nil, 0, "Pixel Data is shorter than its description")
	}
}

// imageSize is the value of an attribute of the Image Pixel Module that is US, 0 where it is none.
func imageSize(ds *dicom.DataSet, t dicom.Tag) int64 {
	e, _ := ds.Get(t)
	if v, ok := e.Value.(dicom.Ints); ok && v[0] >= 0 && v[0] <= 0xFFFF {
		return v[0]
	}
	return 0
}

// encapsulatedFrames returns the index of each frame's first fragment and the number of frames. The tables are believed where
// they point at fragments, one for each frame; else fragments that begin like a codestream begin a frame. A fragment is a frame
// for RLE (PS3.5 A.4.2), and where there are as many fragments as frames. Where nothing tells them apart, no frame is there.
func (s *scanner) encapsulatedFrames(p *PixelData, frames int, video bool) (firsts []uint32, n int) {
	fragments := p.Fragments.Len()
	if fragments == 0 {
		return nil, 0
	}
	for _, table := range [...][]uint64{s.pixels.extended, s.pixels.basic} {
		if video && len(table) == 1 && table[0] == 0 { // where the stream begins (PS3.5 8.2.5)
			continue
		}
		firsts, ok := p.Fragments.at(table)
		if ok && len(firsts) == frames && !video {
			return firsts, frames
		}
		if len(table) > 0 && frames > 1 {
			s.warn(nil, 0, "an offset table that does not point at the frames")
		}
	}
	if frames == 1 || video {
		return []uint32{0}, 1
	}
	begins := make([]uint32, 0, min(frames, fragments))
	for i := range fragments {
		if s.pixels.begins.has(i) {
			begins = append(begins, uint32(i))
		}
	}
	found := len(begins) > 0 && begins[0] == 0
	switch {
	case found && len(begins) == frames:
		return begins, frames
	case fragments == frames:
		return nil, frames
	case found:
		return begins, len(begins)
	case fragments < frames:
		return nil, fragments
	}
	if firsts, ok := p.Fragments.at(s.pixels.basic); ok {
		return firsts, len(firsts)
	}
	s.warn(nil, 0, "fragments that cannot be told to frames")
	return nil, 0
}

// isVideo reports whether all frames are one stream, which counts as one frame here (PS3.5 8.2.5 to 8.2.8).
func isVideo(ts dicom.TransferSyntax) bool { return strings.HasPrefix(ts.MediaType, "video/") }

// at returns the indices of the fragments whose items begin at the offsets, which count from the item of the first fragment
// (PS3.5 A.4). False unless there is one for each offset, ascending, from the first fragment on.
func (f *Fragments) at(offsets []uint64) ([]uint32, bool) {
	if len(offsets) == 0 || offsets[0] != 0 || len(offsets) > f.Len() {
		return nil, false
	}
	firsts := make([]uint32, 0, len(offsets))
	offset := uint64(0)
	for i, n := range f.lengths {
		if len(firsts) < len(offsets) && offsets[len(firsts)] == offset {
			firsts = append(firsts, uint32(i))
		}
		offset += uint64(n) + itemHeader
	}
	return firsts, len(firsts) == len(offsets)
}

// framePadding compares the frames with the Extended Offset Table Lengths (PS3.3 C.7.6.3.1.8), which tell where a frame really
// ends: a fragment has an even length, a frame need not.
func (s *scanner) framePadding(p *PixelData) []uint8 {
	if len(s.pixels.lengths) == 0 || len(s.pixels.lengths) != p.NumberOfFrames {
		return nil
	}
	padding := make([]uint8, p.NumberOfFrames)
	for i, n := range s.pixels.lengths {
		f := p.encapsulatedFrame(i)
		last := f.Spans[len(f.Spans)-1].Length
		more := f.Bits/8 - int64(n)
		if n > uint64(f.Bits/8) || more > min(last, 1) {
			s.warn(nil, 0, "Extended Offset Table Lengths that are not those of the frames")
			return nil
		}
		padding[i] = uint8(more)
	}
	return padding
}
