package codestream

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/internal/corpus"
)

// sameKind are the transfer syntaxes that a codestream does not tell apart from the one it is taken for.
var sameKind = map[dicom.UID][]dicom.UID{
	dicom.JPEGBaseline8Bit:    {dicom.JPEGExtended12Bit},
	dicom.JPEGExtended12Bit:   {dicom.JPEGBaseline8Bit, "1.2.840.10008.1.2.4.55"},
	dicom.JPEGLossless:        {dicom.JPEGLosslessSV1},
	dicom.JPEGLSNearLossless:  {dicom.JPEGLSLossless},
	dicom.JPEG2000:            {dicom.JPEG2000Lossless},
	dicom.HTJ2KLosslessRPCL:   {dicom.HTJ2KLossless},
	dicom.HTJ2K:               {dicom.HTJ2KLossless},
	"1.2.840.10008.1.2.4.53":  {dicom.JPEGExtended12Bit, "1.2.840.10008.1.2.4.55"},
	"1.2.840.10008.1.2.4.100": {mpeg2HighLevel},
	"1.2.840.10008.1.2.4.103": {h264Level41},
	"1.2.840.10008.1.2.4.110": {"1.2.840.10008.1.2.4.112"},
	"1.2.840.10008.1.2.4.111": {"1.2.840.10008.1.2.4.112"},
}

// mislabelled are files whose codestream is of another transfer syntax than the file says.
var mislabelled = map[string]dicom.UID{
	"files/mg_jpeg50_example-mg_293e14b1.dcm": "1.2.840.10008.1.2.4.55",
	"files/xc_jpeg50_3_2b280a7b.dcm":          "1.2.840.10008.1.2.4.55",
	"files/xc_jpeg50_example_4b4c0c8f.dcm":    "1.2.840.10008.1.2.4.55",
	"files/op_jpeg70_sample-op_fa4b62ab.dcm":  dicom.JPEGBaseline8Bit,
}

// The first frame of every compressed image of the corpus says of itself what the data set says.
func TestCorpus(t *testing.T) {
	read := map[string]int{}
	for _, f := range corpus.Files(t) {
		data := f.Bytes(t)
		file, err := part10.Scan(bytes.NewReader(data), part10.Limits{})
		if err != nil || file.Layout.Pixel == nil || !file.Layout.Pixel.Encapsulated {
			continue
		}
		ts, _ := dicom.TransferSyntaxOf(file.TransferSyntax)
		d, err := pixel.Describe(file.DataSet)
		frame, ok := file.Layout.Pixel.Frame(1)
		if err != nil || !ok || !Known(strings.ToLower(ts.MediaType)) {
			continue
		}
		var stream []byte
		for _, s := range frame.Spans {
			stream = append(stream, data[s.Offset:s.Offset+s.Length]...)
		}
		s, err := Inspect(strings.ToLower(ts.MediaType), io.NewSectionReader(bytes.NewReader(stream), 0, int64(len(stream))))
		if err != nil {
			t.Logf("%s: %v", f.Name, err)
			continue
		}
		read[ts.MediaType]++
		want := ts.UID
		if truth, wrong := mislabelled[f.Name]; wrong {
			want = truth
		}
		if s.TransferSyntax != want && !contains(sameKind[want], s.TransferSyntax) {
			t.Errorf("%s: transfer syntax %s, want %s", f.Name, s.TransferSyntax, want)
		}
		if s.Rows != 0 && (s.Rows != d.Rows || s.Columns != d.Columns || s.Samples != d.Samples || s.BitsStored > d.BitsAllocated) {
			t.Errorf("%s: %+v, want %+v", f.Name, s.Description, d)
		}
	}
	t.Log(read)
	for _, mediaType := range []string{"image/jpeg", "image/jls", "image/jp2", "image/jphc", "image/dicom-rle"} {
		if read[mediaType] == 0 {
			t.Errorf("no %s was read", mediaType)
		}
	}
}

func contains(list []dicom.UID, uid dicom.UID) bool {
	for _, u := range list {
		if u == uid {
			return true
		}
	}
	return false
}
