//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// tolerance is the difference, in grey levels, that interpolation makes on the mean.
const tolerance = 1.5

func viewerAddress(root string, in dicomtest.Instance) string {
	return root + "/viewer/viewer?StudyInstanceUIDs=" + string(in.DataSet.UID(dicom.StudyInstanceUID))
}

func TestViewerListsStudies(t *testing.T) {
	s := startDemo(t)
	b := open(t, s.url)
	b.visit(s.url + "/viewer/")
	const list = `[...document.querySelectorAll('tbody tr')].map(e => e.innerText.replace(/\s+/g, ' ').trim())
		.filter(text => /DEMO/.test(text)).join('\n')`
	b.until("OHIF lists four studies", list+`.split('\n').length === 4`)
	text := b.text(list)
	for _, want := range []string{
		"DEMO, LUNA 11-Mar-2026 11:00 AM US Echocardiography A1004 1",
		"DEMO-YAMADA, TAROU", "DEMO-MÜLLER, JÖRG", "MR head A1002 20",
		`DEMO, AURORA 02-Mar-2026 08:15 AM CT\SEG\SR CT chest with contrast A1001 26`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the list has no %q:\n%s", want, text)
		}
	}
	b.run(chromedp.SendKeys("tr input", "aurora", chromedp.ByQuery))
	b.until("a search finds one", list+`.startsWith('DEMO, AURORA') && `+list+`.split('\n').length === 1`)
	b.until("the server was asked for it",
		`performance.getEntriesByType('resource').some(e => /PatientName=.*aurora/i.test(e.name))`)
}

// From the page to the pixels: View opens the CT in OHIF, the wheel and the keys scroll through it, and the mouse changes
// the window.
func TestViewerShowsCT(t *testing.T) {
	s := startDemo(t)
	b := open(t, s.url)
	b.visit(s.url + "/?name=aurora")
	b.until("the study is listed", rows+` === 1`)
	b.click(".study .view a")
	tryCT(ohif{b})
}

// tryCT tries OHIF with the CT of the demonstration set, which has just been opened.
func tryCT(o ohif) {
	t := o.t
	t.Helper()
	slices := demoSet()[:24]
	shows := func(number int) {
		t.Helper()
		o.until("the number of the image is shown", fmt.Sprintf(`%s === 'I:%d (%d/24)'`, imageText, number, number))
		center, width := o.window()
		o.shows(fmt.Sprintf("image %d", number), 512, 512, expected(slices[number-1], center, width), tolerance)
	}

	o.opened()
	shows(1)
	if center, width := o.window(); center != 40 || width != 400 {
		t.Errorf("the window is %v, %v, and not the first of the file", center, width)
	}

	for range 3 {
		before := o.text(imageText)
		o.wheel(1)
		o.until("the wheel turns to another image", fmt.Sprintf(`%s !== %q`, imageText, before))
	}
	shows(4)
	o.run(chromedp.KeyEvent(kb.ArrowDown))
	shows(5)
	o.run(chromedp.KeyEvent(kb.ArrowUp), chromedp.KeyEvent(kb.ArrowUp))
	shows(3)

	before := o.shown(512, 512)
	o.click(`[data-cy=WindowLevel]`)
	o.drag(120, 80)
	o.until("the window is another", windowText+` !== 'W: 400 L: 40'`)
	if center, width := o.window(); center == 40 || width == 400 {
		t.Errorf("dragging to the right and down leaves the window at %v, %v", center, width)
	}
	shows(3)
	if d := before.distance(o.shown(512, 512)); d < tolerance {
		t.Errorf("another window changes the picture by %.1f grey levels only", d)
	}
}

// The other pictures of the demonstration set: an MR, a radiograph in which low values are bright, and a cine in colour.
func TestViewerShowsOthers(t *testing.T) {
	s := startDemo(t)
	head, hand, heart := dicomtest.Head(), dicomtest.Hand(), dicomtest.Heart()
	for _, c := range []struct {
		what          string
		in            dicomtest.Instance
		columns, rows int
		want          *grid
		number        string
		next          *grid // after one notch of the wheel
	}{
		// OHIF sorts by position: the last one is first.
		{"MR", head[0], 256, 256, expected(head[19], 480, 960), "I:20 (1/20)", expected(head[18], 480, 960)},

		{"CR", hand[0], 1024, 1280, expected(hand[0], 2400, 3200), "1/1", nil},
		{"US", heart[0], 480, 360, expectedFrame(t, heart[0].Frames[0]), "I:1 (1/24)", expectedFrame(t, heart[0].Frames[1])},
	} {
		t.Run(c.what, func(t *testing.T) {
			o := ohif{open(t, s.url)}
			o.visit(viewerAddress(s.url, c.in))
			o.opened()
			o.shows("the first image", c.columns, c.rows, c.want, tolerance)
			if text := o.text(imageText); text != c.number {
				t.Errorf("the number is %q, want %q", text, c.number)
			}
			if c.next != nil {
				o.wheel(1)
				o.shows("the next image", c.columns, c.rows, c.next, tolerance)
			}
		})
	}
}

// OHIF behind a proxy that changes the path: workers, decoders and chunks are found, too.
func TestViewerBelowAPath(t *testing.T) {
	s := startDemo(t)
	root := behindProxy(t, s, "/hospital/pacs")
	o := ohif{open(t, root)}
	o.visit(viewerAddress(root, demoSet()[0]))
	o.opened()
	o.shows("the first image", 512, 512, expected(demoSet()[0], 40, 400), tolerance)
}

// The objects that belong to the CT: OHIF draws the segmentation in colour, and lists the measurement of the report.
func TestViewerShowsSegmentationAndReport(t *testing.T) {
	s := startDemo(t)
	o := ohif{open(t, s.url)}
	show := func(modality string) {
		o.eval(fmt.Sprintf(`[...document.querySelectorAll('[data-cy=study-browser-thumbnail-no-image]')]
			.find(e => e.innerText.startsWith(%q))
			.dispatchEvent(new MouseEvent('dblclick', { bubbles: true }))`, modality), nil)
	}
	o.visit(viewerAddress(s.url, demoSet()[0]))
	o.opened()
	show("SEG")
	const yes = `[...document.querySelectorAll('button')].find(e => e.innerText === 'Yes')`
	o.until("OHIF asks whether to open it", yes)
	o.eval(yes+`.click()`, nil)
	o.until("the segmentation has colour", coloured+` > 100`)
	show("SR")
	o.until("the measurement of the report is drawn",
		`document.querySelector('[data-cy=viewport-pane]').innerText.includes('Diameter: 33.80 mm')`)
	o.until("it is drawn where it was made", imageText+` === 'I:12 (12/24)'`)
	o.shows("the image that was measured", 512, 512, expected(demoSet()[11], 40, 400), tolerance)
	o.document("viewer.png")
}

// OHIF stores, too: its list has an upload.
func TestViewerUploads(t *testing.T) {
	s := start(t)
	dir := write(t, map[string][]byte{"1.dcm": dicomtest.Image{Study: "a", Series: "a", Name: "1"}.File()})
	b := open(t, s.url)
	b.visit(s.url + "/viewer/")
	const button = `[...document.querySelectorAll('button')].find(e => e.innerText.trim() === 'Upload')`
	b.until("OHIF offers to upload", button)
	b.eval(button+`.click()`, nil)
	b.until("it asks for files", `document.querySelector('input[type=file]')`)
	b.run(chromedp.SetUploadFiles("input[type=file]", []string{filepath.Join(dir, "1.dcm")}, chromedp.ByQuery))
	for range 200 {
		if s.count("instances") == 1 {
			return
		}
		b.run(chromedp.Sleep(pause))
	}
	t.Error("nothing was stored")
}
