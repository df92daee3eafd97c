package part10

import (
	"bufio"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
)

// What Noctis says of itself in the File Meta Information (PS3.10 7.1).
const (
	ImplementationClassUID    dicom.UID = "2.25.4175525123368764816822039802874736622"
	ImplementationVersionName string    = "NOCTIS"
)

// OffsetTable is which table of frame offsets encapsulated pixel data gets.
type OffsetTable int

const (
	BasicOffsetTable    OffsetTable = iota // filled, as long as offsets fit 32 bits (PS3.5 A.4)
	NoOffsetTable                          // the Basic Offset Table item is there and empty
	ExtendedOffsetTable                    // (7FE0,0001) and (7FE0,0002), the basic one is empty (PS3.3 C.7.6.3.1.8)
)

// WriteOptions say how Write encodes.
type WriteOptions struct {
	// TransferSyntax is declared and decides the encoding of the data set; "" means explicit VR little endian.
	TransferSyntax dicom.UID
	// SOPClass and SOPInstance, where not "", stand in the File Meta Information instead of those of the data set, for one that has
	// none: a DICOMDIR (PS3.3 F.3).
	SOPClass, SOPInstance dicom.UID
	// Frames, where not nil, become encapsulated Pixel Data, one fragment a frame; Pixel Data of the data set is not written.
	Frames      [][]byte
	OffsetTable OffsetTable
	// FrameSources are Frames that are read when their turn comes. One that is longer than a fragment can be takes several.
	FrameSources []Source
	// Bulk opens the value that a dicom.Bulk stands for; it is copied and never held in memory. What lies around such a value
	// has undefined length, and so have the sequences of a long text (dicom.ReadJSON). Without Bulk, a dicom.Bulk is an error.
	Bulk func(dicom.Bulk) (Source, error)
	// UndefinedLength ends sequences and items by delimiters instead of stating their length (PS3.5 7.5.1).
	UndefinedLength bool
	// RawText writes the bytes of text as they are, under the Specific Character Set that the data set has. Otherwise text is
	// UTF-8, and Specific Character Set is set to ISO_IR 192 where it is present or needed.
	RawText bool
	// CharacterSet, where not nil, is what text becomes instead, and what Specific Character Set says. Text that is not in it is a
	// dicom.ErrNotInCharacterSet.
	CharacterSet *dicom.CharacterSet
}

// Write writes a Part 10 file: preamble, File Meta Information made from the data set's SOP Class and Instance UIDs, and the data
// set. Elements of group 0002 and group lengths in ds are not written. Values of a VR with a 16-bit length that are longer than
// that are written as UN (PS3.5 6.2.2). A value that does not fit its VR is an error, and so is a dicom.Bulk that o.Bulk does not
// open. The same data set and options give the same bytes.
func Write(w io.Writer, ds *dicom.DataSet, o WriteOptions) error {
	for _, f := range o.Frames {
		o.FrameSources = append(o.FrameSources, io.NewSectionReader(bytes.NewReader(f), 0, int64(len(f))))
	}
	if o.TransferSyntax == "" {
		o.TransferSyntax = dicom.ExplicitVRLittleEndian
	}
	named := ds
	if o.SOPClass != "" {
		named = &dicom.DataSet{}
		named.SetStrings(dicom.SOPClassUID, dicom.UI, string(o.SOPClass))
		named.SetStrings(dicom.SOPInstanceUID, dicom.UI, string(o.SOPInstance))
	}
	meta, err := appendMeta(nil, named, o.TransferSyntax)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 64<<10)
	if _, err := out.Write(meta); err != nil {
		return err
	}
	enc := encodingOf(o.TransferSyntax)
	if enc.Deflated {
		err = writeDeflated(out, ds, o)
	} else {
		err = writeDataSet(out, ds, o, enc)
	}
	if err != nil {
		return err
	}
	return out.Flush()
}

// appendMeta appends preamble, prefix and File Meta Information (PS3.10 7.1).
func appendMeta(b []byte, ds *dicom.DataSet, ts dicom.UID) ([]byte, error) {
	var meta dicom.DataSet
	meta.Set(dicom.Element{Tag: dicom.FileMetaInformationVersion, VR: dicom.OB, Value: dicom.Bytes{0, 1}})
	meta.SetStrings(dicom.MediaStorageSOPClassUID, dicom.UI, ds.String(dicom.SOPClassUID))
	meta.SetStrings(dicom.MediaStorageSOPInstanceUID, dicom.UI, ds.String(dicom.SOPInstanceUID))
	meta.SetStrings(dicom.TransferSyntaxUID, dicom.UI, string(ts))
	meta.SetStrings(dicom.ImplementationClassUID, dicom.UI, string(ImplementationClassUID))
	meta.SetStrings(dicom.ImplementationVersionName, dicom.SH, ImplementationVersionName)
	var e encoder
	group, err := e.appendElements(nil, &meta)
	if err != nil {
		return nil, err
	}
	b = append(b, make([]byte, 128)...)
	b = append(b, "DICM"...)
	b, err = e.appendElement(b, dicom.Element{
		Tag: dicom.FileMetaInformationGroupLength, VR: dicom.UL, Value: dicom.Ints{int64(len(group))},
	})
	return append(b, group...), err
}

func writeDeflated(w io.Writer, ds *dicom.DataSet, o WriteOptions) error {
	counted := &countingWriter{w: w}
	z, err := flate.NewWriter(counted, flate.DefaultCompression)
	if err != nil {
		return err
	}
	if err := writeDataSet(z, ds, o, Encoding{}); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if counted.n%2 == 1 { // PS3.5 A.5: the deflated stream is padded to an even length
		_, err = w.Write([]byte{0})
	}
	return err
}

// writeDataSet writes one top-level element after the other, so that no more than one is in memory in its encoded form.
func writeDataSet(w io.Writer, ds *dicom.DataSet, o WriteOptions, enc Encoding) error {
	e := encoder{Encoding: enc, undefined: o.UndefinedLength, charset: o.CharacterSet}
	if e.charset == nil && !o.RawText {
		e.charset, _ = dicom.CharacterSetOf(utf8Term)
	}
	top := ds.Clone()
	if e.charset != nil && !top.Has(dicom.SpecificCharacterSet) && beyondASCII(ds) {
		top.SetStrings(dicom.SpecificCharacterSet, dicom.CS, e.charset.Terms()...)
	}
	if o.encapsulates() {
		setOffsets(top, o)
	}
	var b []byte
	for el, items := range top.Pieces() {
		var err error
		switch {
		case el.Tag.Group() == 2 || el.Tag.IsGroupLength():
			continue
		case el.Tag == dicom.PixelData && o.encapsulates():
			err = e.writeFrames(w, o)
		case items != nil:
			err = e.writeItems(w, el.Tag, items, o.Bulk)
		case o.Bulk != nil && holdsBulk(el):
			err = e.writeElement(w, el, o.Bulk)
		default:
			if b, err = e.appendElement(b[:0], el); err == nil {
				_, err = w.Write(b)
			}
		}
		if err != nil {
			return fmt.Errorf("element %s: %w", el.Tag, err)
		}
	}
	return nil
}

func (o WriteOptions) encapsulates() bool { return o.Frames != nil || o.FrameSources != nil }

// setOffsets makes place for the encapsulated Pixel Data and sets the Extended Offset Table where it is wanted.
func setOffsets(ds *dicom.DataSet, o WriteOptions) {
	ds.Delete(dicom.ExtendedOffsetTable)
	ds.Delete(dicom.ExtendedOffsetTableLengths)
	ds.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OB})
	if o.OffsetTable != ExtendedOffsetTable {
		return
	}
	var offsets, lengths dicom.Bytes
	offset := uint64(0)
	for _, f := range o.FrameSources {
		order := Encoding{}.order()
		offsets = order.AppendUint64(offsets, offset)
		lengths = order.AppendUint64(lengths, uint64(f.Size()))
		offset += uint64(fragmented(f.Size()))
	}
	ds.Set(dicom.Element{Tag: dicom.ExtendedOffsetTable, VR: dicom.OV, Value: offsets})
	ds.Set(dicom.Element{Tag: dicom.ExtendedOffsetTableLengths, VR: dicom.OV, Value: lengths})
}

// writeFrames writes encapsulated Pixel Data (PS3.5 A.4): the offset table item, the fragments, the delimiter.
func (e encoder) writeFrames(w io.Writer, o WriteOptions) error {
	b, err := e.appendHeader(nil, dicom.PixelData, dicom.OB, undefinedLength)
	if err != nil {
		return err
	}
	var table []byte
	offset := uint64(0)
	for _, f := range o.FrameSources {
		table = e.order().AppendUint32(table, uint32(offset))
		offset += uint64(fragmented(f.Size()))
	}
	if o.OffsetTable != BasicOffsetTable || offset > math.MaxUint32 {
		table = nil
	}
	b = e.appendItemHeader(b, dicom.Item, uint32(len(table)))
	if _, err := w.Write(append(b, table...)); err != nil {
		return err
	}
	for _, f := range o.FrameSources {
		if err := e.writeFragments(w, f); err != nil {
			return err
		}
	}
	_, err = w.Write(e.appendItemHeader(b[:0], dicom.SequenceDelimitationItem, 0))
	return err
}

// beyondASCII reports whether any text of the data set needs a Specific Character Set.
func beyondASCII(ds *dicom.DataSet) bool {
	for e, items := range ds.Pieces() {
		switch v := e.Value.(type) {
		case dicom.Strings:
			for _, s := range v {
				if e.VR.UsesCharset() && bytes.ContainsFunc([]byte(s), func(r rune) bool { return r > 0x7F }) {
					return true
				}
			}
		case dicom.Items:
			items = slices.Values(v)
		}
		if items == nil {
			continue
		}
		for item := range items {
			if beyondASCII(item) {
				return true
			}
		}
	}
	return false
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
