// Package part10 reads the DICOM file format (PS3.10 7) as a stream, once, in bounded memory, and writes down where everything
// lies: what Scan returns is all that is ever needed to serve the file without parsing it again.
//
// scan.go walks the elements (PS3.5 7), meta.go the File Meta Information (PS3.10 7.1), fragments.go the encapsulated pixel data
// (PS3.5 A.4) and where frames begin, layout.go keeps offsets in a compact form, write.go writes files.
package part10

import (
	"io"

	"github.com/noctis-dicom/noctis/dicom"
)

// Limits bound what a file may cost. A zero field means its default; none can be turned off.
type Limits struct {
	Header    int64 // bytes of values kept in memory, over the whole file; default 64 MiB
	Inline    int   // binary values longer than this become Bulk; default 1024 bytes
	Elements  int   // elements, nested ones included; default 2,000,000
	Depth     int   // nesting of sequences; default 64
	Inflate   int64 // bytes a deflated data set may inflate to; default 4 GiB
	Fragments int   // fragments of encapsulated pixel data; default 4,000,000
}

// File is what a scan found.
type File struct {
	Meta           *dicom.DataSet // group 0002; what was wrong or missing is as in the file, see Warnings
	TransferSyntax dicom.UID
	DataSet        *dicom.DataSet // text is UTF-8; long binary values and pixel data are dicom.Bulk with a URI "bulkdata/…"
	Layout         Layout
	Size           int64    // bytes of the file, read to its end
	Warnings       []string // leniencies applied, without patient data: "File Meta Information: no group length"
}

// Scan reads r to its end. Its memory is bounded by limits and by the text of the data set, never by a length in the file.
// An error is a *FormatError where the bytes are at fault, else the error of r.
func Scan(r io.Reader, limits Limits) (*File, error) { return scan(r, limits) }
