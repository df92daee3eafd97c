package readiness

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/store"
)

// values looks for values that viewers follow to the letter, into black or noise, where this server would forgive them.
func (x *examination) values(e *store.Entry, ds *dicom.DataSet, d pixel.Description) {
	for n := range d.Frames {
		if s := located(ds, n+1, dicom.PixelValueTransformationSequence, dicom.RescaleSlope); len(s) > 0 && s[0] == 0 {
			x.find(e.Ref, n+1, Hidden, Window, "Rescale Slope (0028,1053) is 0: viewers that multiply by it show all pixels alike. Store it again with the slope of its modality, 1 if it has none")
			break
		}
	}
	for _, t := range []dicom.Tag{dicom.RescaleSlope, dicom.RescaleIntercept} {
		if slices.ContainsFunc(transformations(ds), func(item *dicom.DataSet) bool {
			el, _ := item.Get(t)
			return el.Value != nil && numbers(item, t) == nil
		}) {
			x.find(e.Ref, 0, Hidden, Window, "%s %v is no number: viewers that calculate with it show black", t.Keyword(), t)
		}
	}
	if el, _ := ds.Get(dicom.NumberOfFrames); el.Value != nil {
		if n, err := strconv.Atoi(strings.TrimSpace(ds.String(dicom.NumberOfFrames))); err != nil || n < 1 {
			x.find(e.Ref, 0, Limited, Description, "Number of Frames (0028,0008) is no number above 0: here it is taken for %d, and viewers may show nothing", d.Frames)
		}
	}
	if !d.Float && d.BitsAllocated > 1 && d.HighBit != d.BitsStored-1 {
		x.find(e.Ref, 0, Limited, Description, "High Bit (0028,0102) is %d and not Bits Stored (0028,0101) less one, %d (PS3.5 8.1.1): viewers that take the lowest bits show noise, or black",
			d.HighBit, d.BitsStored-1)
	}
	syntax, _ := dicom.TransferSyntaxOf(e.TransferSyntax)
	if planar, _ := ds.Get(dicom.PlanarConfiguration); d.Samples > 1 && planar.Value == nil && !syntax.Encapsulated {
		x.find(e.Ref, 0, Limited, Missing, "%s %v: viewers guess how the colors lie", dicom.PlanarConfiguration.Keyword(), dicom.PlanarConfiguration)
	}
	if !slices.Contains(photometrics, d.Photometric) {
		x.find(e.Ref, 0, Limited, Photometric, "Photometric Interpretation (0028,0004) is none that PS3.3 C.7.6.3.1.2 has: viewers refuse it, or guess")
	}
	if !syntax.Encapsulated && (d.Photometric == "YBR_FULL_422" || d.Photometric == "YBR_PARTIAL_422") {
		x.find(e.Ref, 0, Hidden, Photometric, "pixels share their colors in pairs (%s, PS3.3 C.7.6.3.1.2) and are not compressed: viewers built on cornerstone, as OHIF, show nothing. Store it again compressed, or as RGB",
			d.Photometric)
	}
	if syntax.UID == "1.2.840.10008.1.2.4.53" || syntax.UID == "1.2.840.10008.1.2.4.55" {
		x.find(e.Ref, 0, Hidden, Description, "%s is retired: viewers built on cornerstone, as OHIF, have no decoder for it, and show nothing. Store it again in another transfer syntax", syntax.Name)
	}
	if d.Photometric == "PALETTE COLOR" {
		x.palette(e.Ref, ds)
	}
	if s := spacingOf(ds, 1); s != nil && (len(s) != 2 || s[0] <= 0 || s[1] <= 0) {
		x.find(e.Ref, 0, Limited, Description, "Pixel Spacing (0028,0030) is not two numbers above 0: lengths are wrong, and viewers may show nothing in three dimensions")
	}
}

// transformations are what may say how stored values become those of the modality: the data set, and items of its functional groups (PS3.3 C.7.6.16).
func transformations(ds *dicom.DataSet) []*dicom.DataSet {
	all := []*dicom.DataSet{ds}
	for _, groups := range slices.Concat(ds.Items(dicom.SharedFunctionalGroupsSequence), ds.Items(dicom.PerFrameFunctionalGroupsSequence)) {
		all = append(all, groups.Items(dicom.PixelValueTransformationSequence)...)
	}
	return all
}

// photometrics are those of PS3.3 C.7.6.3.1.2, retired ones as well.
var photometrics = []string{"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "HSV", "ARGB", "CMYK", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422",
	"YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT", "XYB"}

// palette looks for what gives an image of palette colors its colors (PS3.3 C.7.9).
func (x *examination) palette(ref dicom.Ref, ds *dicom.DataSet) {
	has := func(t dicom.Tag) bool {
		e, there := ds.Get(t)
		return there && e.Value != nil
	}
	for _, of := range [][3]dicom.Tag{
		{dicom.RedPaletteColorLookupTableDescriptor, dicom.RedPaletteColorLookupTableData, dicom.SegmentedRedPaletteColorLookupTableData},
		{dicom.GreenPaletteColorLookupTableDescriptor, dicom.GreenPaletteColorLookupTableData, dicom.SegmentedGreenPaletteColorLookupTableData},
		{dicom.BluePaletteColorLookupTableDescriptor, dicom.BluePaletteColorLookupTableData, dicom.SegmentedBluePaletteColorLookupTableData},
	} {
		if !has(of[0]) {
			x.find(ref, 0, Hidden, Missing, "%s %v: the image has no colors", of[0].Keyword(), of[0])
		} else if !has(of[1]) && !has(of[2]) {
			x.find(ref, 0, Hidden, Missing, "%s %v: the image has no colors", of[1].Keyword(), of[1])
		}
	}
}

// declared looks for terms of Specific Character Set that nobody knows. The metadata does not have them any more: its text is UTF-8.
func (x *examination) declared(ref dicom.Ref, file io.ReaderAt) {
	for _, term := range charsetOf(file) {
		if !dicom.KnownCharset(term) {
			x.find(ref, 0, Limited, CharacterSets, "Specific Character Set (0008,0005) has a term that PS3.3 C.12.1.1.2 does not know: its text beyond ASCII is taken for Latin-1, "+
				"and is another one where it was not. Store it again with the term that its text is in")
			return
		}
	}
}

// charsetOf reads Specific Character Set from a file, where it is among the first elements behind the File Meta Information (PS3.10 7.1).
func charsetOf(file io.ReaderAt) []string {
	head := make([]byte, 8<<10)
	n, _ := file.ReadAt(head, 0)
	head = head[:n]
	const groupLength = 132 // (0002,0000), of 12 bytes
	if n < groupLength+12 || string(head[128:132]) != "DICM" {
		return nil
	}
	begin := int64(groupLength) + 12 + int64(binary.LittleEndian.Uint32(head[groupLength+8:]))
	if begin >= int64(n) {
		return nil
	}
	head = head[begin:min(int64(n), begin+512)]
	for _, form := range []struct {
		tag   string
		order binary.ByteOrder
		wide  bool // a length of four bytes, and no VR
	}{{"\x08\x00\x05\x00CS", binary.LittleEndian, false}, {"\x00\x08\x00\x05CS", binary.BigEndian, false}, {"\x08\x00\x05\x00", binary.LittleEndian, true}} {
		at := bytes.Index(head[:min(len(head), 64)], []byte(form.tag))
		if at < 0 || len(head) < at+8 {
			continue
		}
		length := int64(form.order.Uint16(head[at+6:]))
		if form.wide {
			length = int64(form.order.Uint32(head[at+4:]))
		}
		if value := head[at+8:]; length <= int64(len(value)) {
			return strings.Split(string(value[:length]), `\`)
		}
	}
	return nil
}
