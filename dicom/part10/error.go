package part10

import "fmt"

// Reason is the kind of a FormatError.
type Reason int

// The kinds of fault.
const (
	NotDICOM      Reason = iota + 1 // nothing in the file looks like a data set
	Truncated                       // the file ends inside a value, or before what it announced
	Malformed                       // the structure of PS3.5 7 is broken
	LimitExceeded                   // the file asks for more than Limits allow
)

func (r Reason) String() string {
	switch r {
	case NotDICOM:
		return "not a DICOM file"
	case Truncated:
		return "truncated"
	case Malformed:
		return "malformed"
	case LimitExceeded:
		return "limit exceeded"
	}
	return "unknown"
}

// FormatError says what is wrong with a file, and where. Its text names tags and offsets and holds nothing of any value.
type FormatError struct {
	Reason Reason
	Offset int64  // of the byte where it was noticed; within a deflated data set in the inflated stream
	Path   string // dicom.BulkPath of the element, "" outside of elements
	Detail string
}

func (e *FormatError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%s at byte %d: %s", e.Reason, e.Offset, e.Detail)
	}
	path := e.Path
	if len(path) > longPath {
		path = path[:longPath/2] + "..." + path[len(path)-longPath/2:]
	}
	return fmt.Sprintf("%s at byte %d, element %s: %s", e.Reason, e.Offset, path, e.Detail)
}

// longPath is the length from which on a path is abridged in a text.
const longPath = 120
