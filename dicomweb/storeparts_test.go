package dicomweb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// TestLongMetadataTakesTurns: while one request makes an instance of long metadata another one waits to do so; short metadata does not.
func TestLongMetadataTakesTurns(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	held := make(chan struct{}, 1)
	first, second := &turn{ctx: t.Context(), held: held}, &turn{ctx: ctx, held: held}
	short := `{"00100020":{"vr":"LO","Value":["x"]}}`
	long := fmt.Sprintf(`{"00100020":{"vr":"LO","Value":["x"]},"00104000":{"vr":"LT","Value":[%q]}}`, strings.Repeat("x", 2*longMetadata))
	n := 0
	for _, err := range jsonDataSets(strings.NewReader("["+short+","+long+","+short+"]"), first) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n != 2 {
			if first.mine && n == 1 {
				t.Error("a short one has the turn")
			}
			continue
		}
		if !first.mine {
			t.Error("a long one has not the turn")
		}
		for ds, err := range jsonDataSets(strings.NewReader(short), second) {
			if err != nil || ds == nil {
				t.Errorf("a short one beside it: %v", err)
			}
		}
		for _, err := range jsonDataSets(strings.NewReader(long), second) {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("a long one beside it: %v", err)
			}
		}
		xml := `<NativeDicomModel><DicomAttribute tag="00104000" vr="LT"><Value number="1">` + strings.Repeat("x", 2*longMetadata) + `</Value></DicomAttribute></NativeDicomModel>`
		document := io.NewSectionReader(strings.NewReader(xml), 0, int64(len(xml)))
		if _, err := parseXMLMetadata(document, second); !errors.Is(err, context.Canceled) {
			t.Errorf("a long document beside it: %v", err)
		}
	}
	if n != 3 || first.mine || second.mine || len(held) > 0 {
		t.Errorf("%d data sets; the turn is not passed on", n)
	}
}
