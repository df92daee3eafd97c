// Package part10 reads the DICOM file format (PS3.10 7) as a stream, once, in bounded memory, and writes down where everything
// lies: what Scan returns is all that is ever needed to serve the file without parsing it again. And it writes such files.
//
// A scan goes down like the format does: scan.go is one pass over a file; meta.go the File Meta Information (PS3.10 7.1);
// sniff.go what the bytes themselves tell of their encoding; elements.go and sequence.go data sets, items and their ends
// (PS3.5 7); value.go, vr.go and text.go values; fragments.go encapsulated pixel data (PS3.5 A.4), and frames.go where its
// frames begin. layout.go and layoutbinary.go keep the offsets; write.go and encode.go write. stream.go is the bytes.
package part10

import (
	"io"

	"github.com/noctis-dicom/noctis/dicom"
)

// DefaultHeader is Limits.Header where it is not given.
const DefaultHeader = 128 << 20

// Limits bound what a file may cost. A zero field means its default; none can be turned off.
type Limits struct {
	Header    int64 // bytes of memory that the data set may take; default 128 MiB
	Inline    int   // binary values longer than this become Bulk; default 1024 bytes
	Elements  int   // elements and items, nested ones included; default 1,000,000
	Depth     int   // nesting of sequences; default 64
	Inflate   int64 // bytes a deflated data set may inflate to; default 4 GiB, beyond 256 MiB at most 100 times its length
	Fragments int   // fragments of encapsulated pixel data; default 4,000,000

	// Admit, if not nil, is asked before a data set takes n more bytes of memory; in steps, so that it is not asked often. It may wait,
	// so that those that are in memory at once stay within a bound. Its error ends the scan and is that of Scan.
	Admit func(n int64) error

	fold int64 // bytes of memory from which on what a data set or an item holds is folded; default 1 MiB
}

// File is what a scan found.
type File struct {
	Meta           *dicom.DataSet // group 0002; what was wrong or missing is as in the file, see Warnings
	TransferSyntax dicom.UID      // as declared, even where the data set is encoded in another way; see Layout.Encoding
	DataSet        *dicom.DataSet
	Layout         Layout
	Size           int64    // bytes of the file, read to its end
	Memory         int64    // bytes that the data set takes, its DICOM JSON included, as they were counted
	Warnings       []string // leniencies applied, each once, without patient data: "File Meta Information: no group length"
	Lenient        int      // how many of the first of them are about what comes before the data set, how that is encoded, and that it has no end
}

// Scan reads r to its end. Its memory is bounded by limits, never by a length in the file. An error is a *FormatError where the
// bytes are at fault, together with a File whose DataSet has the UIDs that were read before, so that a refusal can name the
// instance; else it is the error of r, without a File.
//
// The data set is that of the file, except that: text is UTF-8, and Specific Character Set says so; binary values longer than
// Limits.Inline, and Pixel Data, are dicom.Bulk with a URI "bulkdata/…", and so are numbers (DS and IS among them) of more than
// 1 MiB, or of more than Limits.Inline once half of Limits.Header is spent; group lengths are left out; UN has become what the
// dictionary knows (PS3.5 6.2.2). Of several elements with one tag the first counts.
//
// What cannot be told from a complete file is accepted with a warning: a missing preamble, prefix, File Meta Information, group
// length or transfer syntax, a data set in another encoding than declared, invalid VRs, odd lengths, lengths of items that
// contradict those around them, missing delimiters, elements out of order, zeros after the end. A file that ends inside of
// anything is truncated, and that is an error. Pixel Data may be shorter than its description, if its element is complete.
func Scan(r io.Reader, limits Limits) (*File, error) { return scan(r, limits) }
