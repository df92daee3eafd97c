package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicomweb"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

type renderCommand struct {
	File       string `arg:"" help:"DICOM file."`
	Output     string `short:"o" required:"" placeholder:"PICTURE" help:"Picture to write: .jpg, .png or .gif."`
	Frame      int    `default:"1" help:"Frame, counted from 1."`
	Window     string `placeholder:"C,W,F" help:"Window: center, width, and linear, linear-exact or sigmoid."`
	VOI        string `name:"voi" help:"View of the file: number or explanation."`
	Viewport   string `placeholder:"W,H[,X,Y,W,H]" help:"Size to fit into, and the region of the image."`
	Quality    int    `help:"Quality of JPEG, 1 to 100."`
	Annotation string `help:"Text to burn in: patient, technique, or both."`
	ICCProfile string `name:"iccprofile" help:"ICC profile: no, yes or srgb."`
	Overlays   string `help:"Draw the overlays: yes or no."`
	Bits       string `help:"8, or 16 for .png."`
}

// Help is shown by --help.
func (renderCommand) Help() string {
	return `The options are the parameters of a rendered frame (PS3.18 8.3.5.1) and mean the same as on a server.

Examples:
  noctis render image.dcm -o picture.png
  noctis render ct.dcm -o lung.jpg --window=-600,1500,linear --viewport 512,512
  noctis render ct.dcm -o bone.png --voi BONE --annotation technique --frame 3`
}

// pictureTypes are the media types by the extension of the picture.
var pictureTypes = map[string]string{".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif"}

// Run asks a server in memory, which holds that one file, for the picture: the options cannot mean anything else here than there.
func (c renderCommand) Run(ctx context.Context) error {
	mediaType, known := pictureTypes[strings.ToLower(filepath.Ext(c.Output))]
	if !known {
		return fmt.Errorf("%s: want a picture of .jpg, .png or .gif", c.Output)
	}
	file, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer file.Close()
	instances := memstore.New(store.Options{})
	receipt, err := instances.Ingest(ctx, file, "")
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	server, err := dicomweb.New(instances, dicomweb.Options{MaxDecodes: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	path := fmt.Sprintf("%s%s/frames/%d/rendered?%s", dicomweb.BasePath, receipt.Ref.Path(), c.Frame, c.query().Encode())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", mediaType)
	answer := recorded{header: http.Header{}, status: http.StatusOK}
	server.ServeHTTP(&answer, request)
	if answer.status != http.StatusOK {
		return fmt.Errorf("%s: %s", c.File, answer.detail())
	}
	return os.WriteFile(c.Output, answer.body.Bytes(), 0o644)
}

// query is what was asked for, as the parameters of the request.
func (c renderCommand) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"window": c.Window, "voi": c.VOI, "viewport": c.Viewport, "annotation": c.Annotation,
		"iccprofile": c.ICCProfile, "overlays": c.Overlays, "bits": c.Bits} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if c.Quality != 0 {
		q.Set("quality", strconv.Itoa(c.Quality))
	}
	return q
}

// recorded is an answer in memory.
type recorded struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorded) Header() http.Header         { return r.header }
func (r *recorded) WriteHeader(status int)      { r.status = status }
func (r *recorded) Write(b []byte) (int, error) { return r.body.Write(b) }

// detail is what the answer says went wrong.
func (r *recorded) detail() string {
	var p struct{ Detail string }
	if json.Unmarshal(r.body.Bytes(), &p) == nil && p.Detail != "" {
		return p.Detail
	}
	return http.StatusText(r.status)
}
