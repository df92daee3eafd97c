package dicomweb

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/codestream"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/store"
)

// completePixels finds the parts of Pixel Data and brings them into the form of a file (PS3.18 10.5.2): native as it is, a
// codestream of PS3.18 Table 8.7.3-5 encapsulated frame by frame, consumer media by Table 10.5.2-1.
func (a *assembly) completePixels() error {
	e, _ := a.ds.Get(dicom.PixelData)
	if inline, isInline := e.Value.(dicom.Bytes); isInline {
		_, err := a.describeNative(int64(len(inline)), 1)
		return err
	}
	bulk, isBulk := e.Value.(dicom.Bulk)
	if !isBulk {
		return nil
	}
	parts, err := a.parts.locations.frames(bulk.URI, a.ds.String(dicom.SOPInstanceUID))
	if err != nil {
		return unfit("Pixel Data: %w", err)
	}
	if len(parts) == 0 {
		return missing(dicom.PixelData, 0)
	}
	first := parts[0]
	for _, p := range parts {
		if p.mediaType != first.mediaType || p.transferSyntax != first.transferSyntax {
			return unfit("the parts of Pixel Data differ in media type or transfer syntax")
		}
	}
	ts, known := dicom.TransferSyntaxOf(first.transferSyntax)
	switch {
	case first.transferSyntax != "" && (!known || ts.BigEndian):
		return &refusal{store.ReasonUnsupportedSyntax, fmt.Errorf("Pixel Data: transfer syntax %s cannot be stored this way",
			excerpt(string(first.transferSyntax)))}
	case codestream.Transformed(first.mediaType):
		return a.transform(parts)
	case first.transferSyntax != "" && !sameFamily(ts, first.mediaType):
		return unfit("Pixel Data: transfer syntax %s is not one of %s", ts.UID, excerpt(first.mediaType))
	case first.mediaType == mediaOctets && (first.transferSyntax == "" || !ts.Encapsulated):
		return a.native(parts)
	case first.mediaType != mediaOctets && !codestream.Known(first.mediaType):
		return unfit("Pixel Data: Content-Type %s holds no pixels", excerpt(first.mediaType))
	}
	return a.encapsulate(parts, ts)
}

// native takes uncompressed pixel data, in one part or frame by frame.
func (a *assembly) native(parts []*bulkPart) error {
	have := int64(0)
	for _, p := range parts {
		have += p.length
		a.pixels = append(a.pixels, p.extent)
	}
	d, err := a.describeNative(have, len(parts))
	if err == nil {
		a.setPixels(d.BitsAllocated)
	}
	return err
}

// describeNative describes so many bytes of uncompressed pixel data in so many parts. They must be as long as the description says: shorter or
// longer, one of them is wrong, and the picture would be.
func (a *assembly) describeNative(have int64, parts int) (pixel.Description, error) {
	d, err := pixel.Describe(a.ds)
	if err != nil {
		return d, unfit("Pixel Data: %w", err)
	}
	bits := int64(d.Values()) * int64(d.BitsAllocated)
	if strings.HasSuffix(d.Photometric, "_422") { // two pixels share their chroma (PS3.3 C.7.6.3.1.2)
		bits = bits / 3 * 2
	}
	if parts > 1 && bits%8 != 0 {
		return d, unfit("Pixel Data: frames of %d bits cannot be joined of several parts", bits)
	}
	if want := (bits*int64(d.Frames) + 7) / 8; have != want && have != want+want%2 {
		return d, unfit("Pixel Data has %d bytes, but its description needs %d", have, want)
	}
	return d, nil
}

// setPixels sets the element of native pixel data (PS3.5 A.2).
func (a *assembly) setPixels(bitsAllocated int) {
	e, _ := a.ds.Get(dicom.PixelData)
	if e.VR != dicom.OB || bitsAllocated > 8 {
		e.VR = dicom.OW
	}
	e.Value = nativePixels
	a.ds.Set(e)
}

// transform decodes GIF and PNG, which have no transfer syntax. What they inflate to is bounded like a body that is compressed.
func (a *assembly) transform(parts []*bulkPart) error {
	frames := 0
	var first pixel.Description
	for i, p := range parts {
		d, pixels, err := a.parts.transform(p)
		var failed *problem
		switch {
		case errors.As(err, &failed), errors.Is(err, store.ErrNoSpace):
			return err
		case err != nil:
			return unfit("Pixel Data: %w", err)
		}
		if d.Samples == 3 && a.describedGray() {
			if pixels, err = a.gray(pixels, d.BitsAllocated/8); err != nil {
				return err
			}
			d.Samples, d.Photometric = 1, "MONOCHROME2"
		}
		frames += d.Frames
		if d.Frames = 1; i == 0 {
			first = d
		}
		if d != first {
			return unfit("Pixel Data: frame %d differs in size or bits from the first", i+1)
		}
		a.pixels = append(a.pixels, pixels)
	}
	first.Frames = frames
	if err := a.describe(first); err != nil {
		return err
	}
	a.ds.SetInts(dicom.BitsAllocated, dicom.US, int64(first.BitsAllocated))
	if first.Samples == 3 { // whatever the metadata says: these are the samples that were written
		a.ds.SetStrings(dicom.PhotometricInterpretation, dicom.CS, first.Photometric)
		a.ds.SetInts(dicom.PlanarConfiguration, dicom.US, 0)
	}
	a.setPixels(first.BitsAllocated)
	return nil
}

// transform decodes a part, once: many instances may have it.
func (c *composite) transform(p *bulkPart) (pixel.Description, extent, error) {
	if n := &p.native; n.length == 0 && n.err == nil {
		n.offset = c.spool.size
		limit := min(inflateFree+10*inflateRatio*p.length, c.most-c.assembled)
		n.Description, n.err = codestream.Transform(c.spool, p.mediaType, c.spool.open(p.extent), limit)
		n.length = c.spool.size - n.offset
	}
	return p.native.Description, p.native.extent, p.native.err
}

// describedGray reports whether the metadata says that the image has one sample per pixel.
func (a *assembly) describedGray() bool {
	e, _ := a.ds.Get(dicom.SamplesPerPixel)
	given, _ := e.Value.(dicom.Ints)
	return len(given) > 0 && given[0] == 1
}

// gray writes pixels of three samples anew as ones of one, each of so many bytes: a GIF has no other way to be gray than a palette of grays.
func (a *assembly) gray(pixels extent, sample int) (extent, error) {
	at := a.parts.spool.size
	in := bufio.NewReaderSize(a.parts.spool.open(pixels), copyBuffer)
	out := bufio.NewWriterSize(a.parts.spool, copyBuffer)
	rgb := make([]byte, 3*sample)
	for range pixels.length / int64(len(rgb)) {
		if _, err := io.ReadFull(in, rgb); err != nil {
			return extent{}, err
		}
		if !bytes.Equal(rgb[:sample], rgb[sample:2*sample]) || !bytes.Equal(rgb[:sample], rgb[2*sample:]) {
			return extent{}, unfit("Pixel Data has colors, but Samples per Pixel (0028,0002) is 1")
		}
		if _, err := out.Write(rgb[:sample]); err != nil {
			return extent{}, err
		}
	}
	err := out.Flush()
	return extent{at, a.parts.spool.size - at}, err
}

// encapsulate takes codestreams as they are, one part a frame, or a video in one part.
func (a *assembly) encapsulate(parts []*bulkPart, ts dicom.TransferSyntax) error {
	mediaType, named := parts[0].mediaType, parts[0].transferSyntax
	if mediaType == mediaOctets {
		mediaType = strings.ToLower(ts.MediaType)
	}
	var first codestream.Stream
	for i, p := range parts {
		s, err := a.parts.inspect(p, mediaType)
		if err != nil {
			// What cannot be read here may be fine, where the metadata describes all of it.
			if _, described := pixel.Describe(a.ds); named == "" || described != nil {
				return unfit("Pixel Data, part %d: %w", i+1, err)
			}
			a.frames = append(a.frames, a.parts.spool.open(p.extent))
			continue
		}
		if i == 0 {
			first = s
		}
		if s.Description != first.Description || s.TransferSyntax != first.TransferSyntax {
			return unfit("Pixel Data: frame %d is of another size, kind or transfer syntax than the first", i+1)
		}
		a.frames = append(a.frames, s.Codestream)
	}
	chosen := syntaxOf(named, first.TransferSyntax)
	if len(parts) > 1 {
		if isVideo(chosen) {
			return unfit("Pixel Data: %d parts of one video", len(parts))
		}
		first.Frames = len(parts)
	}
	a.write.TransferSyntax = chosen
	if isVideo(chosen) && first.Frames == 0 && strings.TrimSpace(a.ds.String(dicom.NumberOfFrames)) == "" {
		n, err := 0, errors.New("it cannot be read")
		if first.Rows > 0 {
			n, err = codestream.CountFrames(mediaType, a.parts.spool.open(parts[0].extent))
		}
		if err == nil && n == 0 {
			err = errors.New("there are none")
		}
		if err != nil {
			return unfit("Number of Frames (0028,0008) is absent, and the frames of the video cannot be counted: %w", err)
		}
		first.Frames = n
	}
	if err := a.describe(first.Description); err != nil {
		return err
	}
	a.describeLoss(chosen)
	a.ds.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OB, Value: nativePixels})
	return nil
}

// narrower are the transfer syntaxes that a client may name for a codestream that looks like another.
var narrower = map[dicom.UID][]dicom.UID{
	dicom.JPEGBaseline8Bit:   {dicom.JPEGExtended12Bit},
	dicom.JPEGExtended12Bit:  {dicom.JPEGBaseline8Bit},
	dicom.JPEGLosslessSV1:    {dicom.JPEGLossless},
	dicom.JPEGLSLossless:     {dicom.JPEGLSNearLossless},
	dicom.JPEG2000Lossless:   {dicom.JPEG2000},
	dicom.HTJ2KLossless:      {dicom.HTJ2KLosslessRPCL, dicom.HTJ2K},
	"1.2.840.10008.1.2.4.92": {"1.2.840.10008.1.2.4.93"},
}

// syntaxOf chooses between the transfer syntax that the part names and that of its codestream. Where they contradict each other the
// codestream is the truth: viewers choose their decoder by the transfer syntax of the file.
func syntaxOf(named, found dicom.UID) dicom.UID {
	ts, _ := dicom.TransferSyntaxOf(found)
	if found == "" || named != "" && (isVideo(named) || ts.MediaType == "image/jxl" || slices.Contains(narrower[found], named)) {
		return named
	}
	return found
}

// describe completes the Image Pixel Module from the codestream (PS3.18 10.5.2). What the metadata has must agree with it, as far
// as a wrong picture would come of it.
func (a *assembly) describe(d pixel.Description) error {
	if d.Rows == 0 { // it could not be read, and pixel.Describe has found everything; or it is RLE, which does not say
		if _, err := pixel.Describe(a.ds); err != nil {
			return unfit("Pixel Data: %w", err)
		}
		d.Frames = max(d.Frames, 1)
		return a.describeFrames(d.Frames)
	}
	signed := int64(0)
	if d.Signed {
		signed = 1
	}
	for _, attribute := range []struct {
		tag    dicom.Tag
		name   string
		value  int
		strict bool
	}{
		{dicom.Rows, "Rows (0028,0010)", d.Rows, true},
		{dicom.Columns, "Columns (0028,0011)", d.Columns, true},
		{dicom.SamplesPerPixel, "Samples per Pixel (0028,0002)", d.Samples, true},
		{dicom.BitsAllocated, "Bits Allocated (0028,0100)", d.BitsAllocated, false},
		{dicom.BitsStored, "Bits Stored (0028,0101)", d.BitsStored, false},
		{dicom.HighBit, "High Bit (0028,0102)", d.HighBit, false},
		{dicom.PixelRepresentation, "Pixel Representation (0028,0103)", int(signed), false},
	} {
		e, _ := a.ds.Get(attribute.tag)
		given, _ := e.Value.(dicom.Ints)
		switch {
		case len(given) == 0:
			a.ds.SetInts(attribute.tag, dicom.US, int64(attribute.value))
		case attribute.strict && given[0] != int64(attribute.value):
			return unfit("%s is %d, but the codestream has %d", attribute.name, given[0], attribute.value)
		}
	}
	if a.ds.String(dicom.PhotometricInterpretation) == "" {
		a.ds.SetStrings(dicom.PhotometricInterpretation, dicom.CS, d.Photometric)
	}
	if e, _ := a.ds.Get(dicom.PlanarConfiguration); d.Samples > 1 && e.Value == nil {
		a.ds.SetInts(dicom.PlanarConfiguration, dicom.US, 0)
	}
	if complete, err := pixel.Describe(a.ds); err != nil {
		return unfit("Pixel Data: %w", err)
	} else if complete.BitsAllocated < d.BitsStored {
		return unfit("Bits Allocated (0028,0100) is %d, but the codestream has %d bits", complete.BitsAllocated, d.BitsStored)
	}
	return a.describeFrames(d.Frames)
}

// describeFrames completes Number of Frames; 0 are a video that has not been counted, because the metadata has their number.
func (a *assembly) describeFrames(n int) error {
	given := strings.TrimSpace(a.ds.String(dicom.NumberOfFrames))
	switch {
	case given == "" && n > 1:
		a.ds.SetStrings(dicom.NumberOfFrames, dicom.IS, strconv.Itoa(n))
	case given == "" || n == 0 || isVideo(a.write.TransferSyntax):
	case given != strconv.Itoa(n):
		return unfit("Number of Frames (0028,0008) is %s, but there are %d", excerpt(given), n)
	}
	return nil
}

// describeLoss completes what the Image Module says of lossy compression (PS3.3 C.7.6.1.1.5).
func (a *assembly) describeLoss(ts dicom.UID) {
	method := codestream.LossyMethod(ts)
	if method == "" || a.ds.String(dicom.LossyImageCompression) != "" {
		return
	}
	a.ds.SetStrings(dicom.LossyImageCompression, dicom.CS, "01")
	a.ds.SetStrings(dicom.LossyImageCompressionMethod, dicom.CS, method)
}
