package dicomweb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/internal/limit"
)

// TestLongMetadataTakesTurns: while one request makes an instance of long metadata another one waits to do so; short metadata does not.
func TestLongMetadataTakesTurns(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	gate := limit.NewGate(1, 0, time.Hour)
	first, second := &turn{ctx: t.Context(), gate: gate}, &turn{ctx: ctx, gate: gate}
	short := `{"00100020":{"vr":"LO","Value":["x"]}}`
	long := fmt.Sprintf(`{"00100020":{"vr":"LO","Value":["x"]},"00104000":{"vr":"LT","Value":[%q]}}`, strings.Repeat("x", 2*longMetadata))
	n := 0
	impatient := &turn{ctx: t.Context(), gate: limit.NewGate(1, 0, 0)}
	if !impatient.gate.TryEnter("another") {
		t.Fatal("nobody is inside")
	}
	for _, err := range jsonDataSets(strings.NewReader(long), impatient) {
		if p := (*problem)(nil); !errors.As(err, &p) || p.status != http.StatusServiceUnavailable || p.limit != "long-metadata" || p.retryAfter == 0 {
			t.Errorf("one that has waited for too long: %v", err)
		}
	}
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
	if n != 3 || first.mine || second.mine || !gate.TryEnter("") {
		t.Errorf("%d data sets; the turn is not passed on", n)
	}
}
