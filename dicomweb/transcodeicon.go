package dicomweb

import (
	"encoding/binary"
	"io"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/codec"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// maxEncodedIcon is the most bytes of an encapsulated icon that is decoded; icons have 128 rows at most (PS3.3 F.7).
const maxEncodedIcon = 1 << 20

// nativeIcons decodes the icon of a data set in an encapsulated transfer syntax, for its pixel data may be encapsulated too
// (PS3.5 A.4). An icon is optional: one that cannot be decoded is left out.
func (t *transcoding) nativeIcons() {
	ts, _ := dicom.TransferSyntaxOf(t.in.Entry.TransferSyntax)
	icons := t.ds.Items(dicom.IconImageSequence)
	if !ts.Encapsulated || len(icons) != 1 {
		return
	}
	path := dicom.BulkPath(dicom.IconImageSequence.String(), "1", dicom.PixelData.String())
	data, encapsulated := t.iconFrame(path)
	if !encapsulated {
		return
	}
	native, photometric, err := t.decodeIcon(icons[0], data)
	if err != nil {
		t.ds.Delete(dicom.IconImageSequence)
		return
	}
	icon := icons[0].Clone()
	icon.SetStrings(dicom.PhotometricInterpretation, dicom.CS, photometric)
	icon.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OW, Value: dicom.Bytes(native)})
	t.ds.SetItems(dicom.IconImageSequence, icon)
}

// decodeIcon decodes an icon.
func (t *transcoding) decodeIcon(icon *dicom.DataSet, data []byte) (native []byte, photometric string, err error) {
	d, err := pixel.Describe(icon)
	if err != nil {
		return nil, "", err
	}
	f, err := codec.Decode(t.ctx, t.in.Entry.TransferSyntax, d, data)
	if err != nil {
		return nil, "", err
	}
	return codec.Native(f, d), nativePhotometric(f.Photometric), nil
}

// iconFrame joins the fragments of an encapsulated value; false if it is not there or not encapsulated.
func (t *transcoding) iconFrame(path string) ([]byte, bool) {
	r, _, err := t.in.Bulk(path)
	if err != nil || r.Size() > maxEncodedIcon {
		return nil, false
	}
	b := make([]byte, r.Size())
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, false
	}
	return joinFragments(b)
}

// joinFragments reads items of bytes up to a delimiter (PS3.5 A.4), the first of which is the offset table.
func joinFragments(b []byte) (joined []byte, ok bool) {
	item := []byte{0xFE, 0xFF, 0x00, 0xE0}
	for first := true; len(b) >= 8 && slices.Equal(b[:4], item); first = false {
		n := uint64(binary.LittleEndian.Uint32(b[4:]))
		if n > uint64(len(b)-8) {
			return nil, false
		}
		if !first {
			joined = append(joined, b[8:8+n]...)
		}
		b, ok = b[8+n:], true
	}
	return joined, ok
}
