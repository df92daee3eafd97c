package dicomweb

import (
	"bytes"
	"image"
	"net/http"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/corpus"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// An ECG is a drawing, or a picture of it; the patient is on it only if that is asked for (PS3.18 8.3.5.1.1).
func TestRenderedWaveform(t *testing.T) {
	in := dicomtest.ECG()
	a := newArchive(t, fileOf(t, in)) // its 120,000 bytes of samples are bulk data
	ref := a.refs[0]
	for accept, want := range map[string]string{"": mediaSVG, "*/*": mediaSVG, "image/png": "image/png", "image/jpeg": "image/jpeg",
		"image/avif,image/webp,image/png,image/svg+xml;q=0.8": "image/png"} {
		w := a.get(ref, "/rendered", accept)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != want {
			t.Errorf("Accept %q: %d %s %s", accept, w.Code, w.Header().Get("Content-Type"), w.Body)
		} else if want != mediaSVG {
			pictureIn(t, w)
		}
	}
	svg := func(query string) string { return a.get(ref, "/rendered"+query, mediaSVG).Body.String() }
	plain := svg("")
	for _, want := range []string{">aVR</text>", "25 mm/s   10 mm/mV", "Sinus rhythm, 75 bpm &lt;normal&gt;", "Heart rate: 75"} {
		if !strings.Contains(plain, want) {
			t.Errorf("the drawing has no %q", want)
		}
	}
	if strings.Contains(plain, "AURORA") || !strings.Contains(svg("?annotation=patient"), "AURORA") {
		t.Error("the patient is named when nobody asks, or not when somebody does")
	}
	if got := svg("?speed=50&gain=5&start=2&duration=4"); !strings.Contains(got, "2 to 6 s of 10 s   500 Hz   50 mm/s   5 mm/mV") {
		t.Errorf("the parameters are not applied: %.2000s", got)
	}
	if b := pictureIn(t, a.get(ref, "/rendered?viewport=500,500", "image/png")).Bounds(); b.Dx() != 500 || b.Dy() > 500 {
		t.Errorf("a viewport of 500 x 500 gives %v", b)
	}
	if got := a.request("GET", uriOf(ref, "&contentType=image/png&columns=300"), "Accept", "*/*"); pictureIn(t, got).Bounds().Dx() != 300 {
		t.Error("WADO-URI has another width")
	}
	for _, query := range []string{"?speed=0", "?gain=x", "?start=-1", "?start=11", "?duration=0", "?group=2", "?group=0",
		"?viewport=100,100,10,10", "?speed=1000&duration=10"} {
		checkStatus(t, a.get(ref, "/rendered"+query, mediaSVG), 400)
	}
	w := a.get(ref, "/rendered", "")
	checkStatus(t, a.get(ref, "/rendered", "", "If-None-Match", w.Header().Get("ETag")), 304)
	if a.get(ref, "/rendered?speed=50", "").Header().Get("ETag") == w.Header().Get("ETag") {
		t.Error("another drawing has the same entity tag")
	}
	checkStatus(t, a.get(ref, "/rendered", "text/html"), 406, mediaSVG)
	pictureIn(t, a.get(ref, "/thumbnail", "image/png"))

	in.DataSet.Items(dicom.WaveformSequence)[0].Delete(dicom.WaveformData)
	a = newArchive(t, fileOf(t, in))
	checkStatus(t, a.get(a.refs[0], "/rendered", ""), 406, "Waveform Data", string(a.refs[0].Instance))
}

// The waveforms of the corpus are drawn.
func TestRenderedWaveformCorpus(t *testing.T) {
	for _, f := range corpus.Files(t) {
		if !strings.HasPrefix(f.Name, "files/ecg_") {
			continue
		}
		a := newArchive(t, f.Bytes(t))
		w := a.get(a.refs[0], "/rendered?viewport=1200,1200", "image/png")
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", f.Name, w.Code, w.Body)
			continue
		}
		img, _, err := image.Decode(bytes.NewReader(w.Body.Bytes()))
		if err != nil || img.Bounds().Dx() < 300 {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}
