package jpeg2000_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom/codec/jpeg2000"
)

// BenchmarkDecode decodes on one thread, and reports beside its least time the least that OpenJPEG says of itself for the
// same data.
func BenchmarkDecode(b *testing.B) {
	for _, size := range []int{512, 2048} {
		p := anatomy(size, size, 1, 16)
		for _, c := range []struct{ name, arguments string }{
			{"reversible", ""}, {"irreversible", "-I -r 8"}, {"ht", "ht -reversible true"}, {"ht-irreversible", "ht -qstep 0.0005"},
		} {
			b.Run(fmt.Sprintf("%s/%d", c.name, size), func(b *testing.B) {
				data := encode(b, p, c.arguments)
				reference := referenceMilliseconds(b, data)
				b.SetBytes(int64(2 * len(p.samples)))
				b.ResetTimer()
				least := math.Inf(1)
				for range b.N {
					begin := time.Now()
					if _, err := jpeg2000.Decode(context.Background(), data, jpeg2000.Limits{Workers: 1}); err != nil {
						b.Fatal(err)
					}
					least = min(least, time.Since(begin).Seconds()*1000)
				}
				b.ReportMetric(least, "ms-least")
				b.ReportMetric(reference, "ms-least-OpenJPEG")
				b.ReportMetric(least/reference, "ratio")
			})
		}
	}
}

var decodeTime = regexp.MustCompile(`decode time: (\d+) ms`)

// referenceMilliseconds is the least of what opj_decompress says that decoding takes it, without the reading and writing of
// files.
func referenceMilliseconds(b *testing.B, data []byte) float64 {
	b.Helper()
	dir := b.TempDir()
	in := filepath.Join(dir, "in.j2k")
	if err := os.WriteFile(in, data, 0o600); err != nil {
		b.Fatal(err)
	}
	least := 0.0
	for range 5 {
		out, err := exec.Command("opj_decompress", "-i", in, "-o", filepath.Join(dir, "out.pgm")).CombinedOutput()
		if err != nil {
			b.Skipf("opj_decompress: %v", err)
		}
		m := decodeTime.FindSubmatch(out)
		if m == nil {
			b.Skip("opj_decompress does not say its time")
		}
		ms, _ := strconv.ParseFloat(string(m[1]), 64)
		if least == 0 || ms < least {
			least = ms
		}
	}
	return least
}
