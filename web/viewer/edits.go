package main

import (
	"bytes"
	"fmt"
	"path"
)

// edit replaces a text in the files of dist that pattern names. The text has to be there count times in all, so that an edit
// that no longer fits a new version of OHIF is noticed when packaging, and not by a radiologist.
type edit struct {
	pattern  string
	old, new string
	count    int
}

// edits make OHIF relocatable. As published it is built for the root of a web server; after these it finds its files beside
// itself: the folder can be served below any path, and behind a proxy that changes the path.
var edits = []edit{
	// A bundle is a script of the page, or the main script of a worker, which has no document.
	{"*.bundle.*.js", `__webpack_require__.p = "/"`,
		`__webpack_require__.p = new URL(".", self.document?.currentScript?.src ?? self.location.href).href`, 8},
	{"app.bundle.*.js", `'/dicom-microscopy-viewer/`, `__webpack_require__.p + 'dicom-microscopy-viewer/`, 1},
	{"*.bundle.*.js", "PUBLIC_LIB_URL ||= './${component}/'", "PUBLIC_LIB_URL ||= __webpack_require__.p + '${component}/'", 1},
	{"app.bundle.css", "url(/", "url(", 5},
}

// editor applies edits to files one after the other.
type editor struct {
	edits []edit
	done  []int // replacements of each edit so far
}

func newEditor(edits []edit) *editor { return &editor{edits, make([]int, len(edits))} }

// apply returns the text of the named file after the edits.
func (e *editor) apply(name string, text []byte) []byte {
	for i, edit := range e.edits {
		if ok, _ := path.Match(edit.pattern, name); !ok {
			continue
		}
		e.done[i] += bytes.Count(text, []byte(edit.old))
		text = bytes.ReplaceAll(text, []byte(edit.old), []byte(edit.new))
	}
	return text
}

// check says which edit was not done as often as it has to be.
func (e *editor) check() error {
	for i, edit := range e.edits {
		if e.done[i] != edit.count {
			return fmt.Errorf("%q is in the files %s %d times, want %d: this version of OHIF needs other edits",
				edit.old, edit.pattern, e.done[i], edit.count)
		}
	}
	return nil
}
