package store

import (
	"strings"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
)

var deletedRecord = Record{
	Number: 12, Time: time.Date(2024, 2, 29, 12, 30, 15, 0, time.UTC), Kind: Deleted,
	Ref: dicom.Ref{Study: "1.2", Series: "1.2.3", Instance: "1.2.3.4"}, SOPClass: "1.2.840.10008.5.1.4.1.1.2", Blob: BlobID{0xAB, 0xCD},
}

func TestRecord(t *testing.T) {
	const line = "12 2024-02-29T12:30:15Z deleted 1.2 1.2.3 1.2.3.4 1.2.840.10008.5.1.4.1.1.2 " +
		"abcd000000000000000000000000000000000000000000000000000000000000"
	if got := deletedRecord.String(); got != line {
		t.Errorf("written as %q", got)
	}
	if got, err := parseRecord(line); err != nil || got != deletedRecord {
		t.Errorf("read as %+v, %v", got, err)
	}
	for _, damage := range []struct{ old, now string }{
		{line, ""}, {"12 ", ""}, {"12 ", "x "}, {"12 ", "0 "}, {"Z deleted", " deleted"}, {"deleted", "lost"}, {"1.2.3.4", ""},
		{"1.2.3.4", "../x"}, {"abcd", "abc"}, {"abcd", "abcx"}, {"abcd", "abcdef"}, {"1.2 ", "1.2  "},
	} {
		if r, err := parseRecord(strings.Replace(line, damage.old, damage.now, 1)); err == nil {
			t.Errorf("with %q for %q it is read as %+v", damage.now, damage.old, r)
		}
	}
}

func FuzzParseRecord(f *testing.F) {
	f.Add(deletedRecord.String())
	f.Add("1 2024-02-29T12:30:15+01:00 restored 1 2 3 4 " + strings.Repeat("00", 32))
	f.Fuzz(func(t *testing.T, line string) {
		r, err := parseRecord(line)
		if err != nil {
			return
		}
		if again, err := parseRecord(r.String()); err != nil || again.String() != r.String() {
			t.Errorf("%q is read as %+v, and that as %+v, %v", line, r, again, err)
		}
	})
}
