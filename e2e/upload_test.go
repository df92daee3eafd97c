//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// results are the lines of the list of uploads: path, state, and reason.
const results = `[...document.querySelectorAll('#uploads-list li')]
	.map(line => [...line.querySelectorAll('.file, .state, .why')].map(e => e.textContent).join('|')).sort().join('\n')`

// finished is true when no upload is under way.
const finished = `document.getElementById('uploads-title').textContent === 'Uploads'
	&& !document.getElementById('uploads-close').hidden`

// sum is what the page says of all uploads.
const sum = `document.getElementById('uploads-summary').textContent`

// write writes files to a folder of the test and returns it.
func write(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// compare compares the lines of the list of uploads; "…" in a wanted line stands for anything to its end.
func compare(t *testing.T, got string, want ...string) {
	t.Helper()
	lines := strings.Split(got, "\n")
	if len(lines) != len(want) {
		t.Fatalf("results\n%s\nwant %d lines", got, len(want))
	}
	for i, line := range lines {
		begin, open := strings.CutSuffix(want[i], "…")
		if line != want[i] && !(open && strings.HasPrefix(line, begin)) {
			t.Errorf("result %q, want %q", line, want[i])
		}
	}
}

func TestUploadByInput(t *testing.T) {
	s := start(t)
	known := dicomtest.Image{Study: "a", Series: "a", Name: "known"}
	s.store(known.Instance())
	other := known
	other.Rows, other.Columns = 8, 8 // the same UID, another picture
	dir := write(t, map[string][]byte{
		"1-new.dcm":   dicomtest.Image{Study: "b", Series: "b", Name: "new"}.File(),
		"2-known.dcm": known.File(),
		"3-other.dcm": other.File(),
		"4-notes.txt": []byte("These are notes, and no image at all."),
		"5-empty.dcm": nil,
		"6-last.dcm":  dicomtest.Image{Study: "c", Series: "c", Name: "last"}.File(),
		".DS_Store":   []byte("left out"),
	})
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, s.url)
	b.allow(`40[09].*dicom-web/studies`, "three files are refused")
	b.visit(s.url + "/")
	b.until("one study is listed", rows+` === 1`)
	b.run(chromedp.SetUploadFiles("#files", names, chromedp.ByQuery))
	b.until("all is sent", finished)
	b.until("the list shows what came", rows+` === 3`)
	compare(t, b.text(results),
		"1-new.dcm|Stored|",
		"2-known.dcm|Already there|",
		"3-other.dcm|Refused|Another image with the same UID, but other contents, is stored already. …",
		"4-notes.txt|Refused|This is no DICOM file that the server understands. …",
		"5-empty.dcm|Refused|…",
		"6-last.dcm|Stored|")
	if text := b.text(sum); text != "2 stored · 1 already there · 3 refused" {
		t.Errorf("the sum is %q", text)
	}
	if n := s.count("instances"); n != 3 {
		t.Errorf("the server has %d instances, want 3", n)
	}
	b.click("#uploads-close")
	b.until("the list of uploads is closed", `!`+visible("uploads"))
}

// A folder is dropped on the page: all files in it and in its folders are sent.
func TestUploadByDragging(t *testing.T) {
	s := start(t)
	dir := write(t, map[string][]byte{
		"disc/IMAGES/1.dcm":      dicomtest.Image{Study: "a", Series: "a", Name: "1"}.File(),
		"disc/IMAGES/2.dcm":      dicomtest.Image{Study: "a", Series: "a", Name: "2"}.File(),
		"disc/IMAGES/MORE/3.dcm": dicomtest.Image{Study: "b", Series: "b", Name: "3"}.File(),
		"disc/.DS_Store":         []byte("left out"),
		"4.dcm":                  dicomtest.Image{Study: "c", Series: "c", Name: "4"}.File(),
	})
	b := open(t, s.url)
	b.visit(s.url + "/")
	b.until("the page is there", visible("empty"))
	files := &input.DragData{Files: []string{filepath.Join(dir, "disc"), filepath.Join(dir, "4.dcm")}, DragOperationsMask: 1}
	b.run(input.DispatchDragEvent(input.DragEnter, 700, 400, files), input.DispatchDragEvent(input.DragOver, 700, 400, files))
	b.until("the page shows where to drop", visible("drop"))
	b.run(input.DispatchDragEvent(input.Drop, 700, 400, files))
	b.until("all is sent", `document.querySelectorAll('#uploads-list .stored').length === 4 && `+finished)
	b.until("the list shows what came", rows+` === 3 && !`+visible("drop"))
	compare(t, b.text(results),
		"4.dcm|Stored|", "disc/IMAGES/1.dcm|Stored|", "disc/IMAGES/2.dcm|Stored|", "disc/IMAGES/MORE/3.dcm|Stored|")
}

// Uploads that take long can be cancelled, and what was not stored can be sent again.
func TestUploadCancelledAndRepeated(t *testing.T) {
	s := start(t)
	files := map[string][]byte{}
	for i := range 8 {
		name := fmt.Sprint(i)
		files[name+".dcm"] = dicomtest.Image{Study: "a", Series: "a", Name: name, Rows: 512, Columns: 512}.File()
	}
	names, err := filepath.Glob(filepath.Join(write(t, files), "*"))
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, s.url)
	b.visit(s.url + "/")
	b.until("the page is there", visible("empty"))
	slow := network.EmulateNetworkConditions(false, 0, -1, 64<<10)
	b.run(slow, chromedp.SetUploadFiles("#files", names, chromedp.ByQuery))
	b.until("four at a time are under way", `document.querySelectorAll('#uploads-list .sending').length === 4`)
	b.until("progress is shown", `document.getElementById('uploads-total').value > 0`)
	b.click("#uploads-cancel")
	b.until("all is cancelled", finished)
	if text := b.text(sum); text != "8 cancelled" {
		t.Errorf("the sum is %q", text)
	}
	if n := s.count("instances"); n != 0 {
		t.Errorf("the server has %d instances of uploads that were cancelled", n)
	}
	b.run(network.EmulateNetworkConditions(true, 0, 0, 0))
	b.allow(`ERR_INTERNET_DISCONNECTED`, "the network is made to fail")
	b.click("#uploads-close")
	b.run(chromedp.SetUploadFiles("#files", names[:2], chromedp.ByQuery))
	b.until("nothing gets through", `document.querySelectorAll('#uploads-list .failed').length === 2 && `+finished)
	b.run(network.EmulateNetworkConditions(false, 0, -1, -1))
	b.click("#uploads-retry")
	b.until("the second time it does", `document.querySelectorAll('#uploads-list .stored').length === 2 && `+finished)
	if n := s.count("instances"); n != 2 {
		t.Errorf("the server has %d instances, want 2", n)
	}
}
