package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicomweb"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

type renderCommand struct {
	File       string `arg:"" help:"DICOM file, or the http or https URL of one or of an instance of a DICOMweb server."`
	Output     string `short:"o" required:"" placeholder:"PICTURE" help:"Picture to write: .jpg, .png, .gif, .jp2 or .jph; of waveforms .svg, too; of reports .html, .txt or .xml; of documents and videos as they are stored .pdf, .xml, .stl, .obj, .mtl or .mp4."`
	Frame      string `placeholder:"N[-M][,N...]" help:"Frame, counted from 1; of a .gif several. Without it the first, and all of them as a .gif."`
	Window     string `placeholder:"C,W,F" help:"Window: center, width, and linear, linear-exact or sigmoid."`
	VOI        string `name:"voi" help:"View of the file: number or explanation."`
	Viewport   string `placeholder:"W,H[,X,Y,W,H]" help:"Size to fit into, and the region of the image."`
	Quality    string `help:"Quality of JPEG, 1 to 100."`
	Annotation string `help:"Text to burn in: patient, technique, or both."`
	ICCProfile string `name:"iccprofile" help:"ICC profile: no, yes, or the space of the colors, srgb, adobergb or rommrgb."`
	Overlays   string `help:"Draw the overlays: yes or no."`
	Bits       string `help:"8, or 16 for .png."`

	Segmentation string `placeholder:"FILE" help:"Segmentation to draw over the image."`
	Contours     string `placeholder:"FILE" help:"RT structure set to draw over the image."`
	Dose         string `placeholder:"FILE" help:"RT dose to lay over the image."`
	DoseRange    string `name:"doserange" placeholder:"LOW,HIGH" help:"Doses that are shown, in the dose's units."`
	Speed        string `help:"Of waveforms: mm/s."`
	Gain         string `help:"Of waveforms: mm/mV."`
	Start        string `help:"Of waveforms: where to begin, in seconds."`
	Duration     string `help:"Of waveforms: how much to draw, in seconds."`
	Group        string `help:"Of waveforms: number of the multiplex group."`

	State string `name:"presentation-state" placeholder:"FILE" help:"Presentation state to show the image by, its first frame that the state is for."`
}

// Help is shown by --help.
func (renderCommand) Help() string {
	return `The options are the parameters of a rendered resource (PS3.18 8.3.5.1) and mean the same as on a server, but for those that take a file.

Examples:
  noctis render image.dcm -o picture.png
  noctis render http://localhost:8080/dicom-web/studies/1.2/series/1.3/instances/1.4 -o picture.png
  noctis render ct.dcm -o lung.jpg --window=-600,1500,linear --viewport 512,512
  noctis render ct.dcm -o bone.png --voi BONE --annotation technique --frame 3
  noctis render ct.dcm -o marked.png --presentation-state marks.dcm --viewport 1024,1024
  noctis render ct.dcm -o plan.png --dose dose.dcm --doserange 20,60 --contours structures.dcm
  noctis render cine.dcm -o beat.gif --frame 10-24
  noctis render ecg.dcm -o ecg.svg --speed 50
  noctis render report.dcm -o report.html`
}

// pictureTypes are the media types by the extension of what is written.
var pictureTypes = map[string]string{".svg": "image/svg+xml", ".html": "text/html", ".txt": "text/plain", ".xml": "text/xml",
	".pdf": "application/pdf", ".stl": "model/stl", ".obj": "model/obj", ".mtl": "model/mtl", ".mp4": "video/mp4", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif",
	".jp2": "image/jp2", ".jph": "image/jph"}

// Run asks a server in memory, which holds that one file and perhaps a presentation state, for the picture: the options cannot mean anything else here than there.
func (c renderCommand) Run(ctx context.Context) error {
	mediaType, known := pictureTypes[strings.ToLower(filepath.Ext(c.Output))]
	if !known {
		return fmt.Errorf("%s: want a picture of .jpg, .png, .gif, .jp2 or .jph, or one of the others that --help names", c.Output)
	}
	instances := memstore.New(store.Options{})
	ref, err := c.ingest(ctx, instances, c.File)
	if err != nil {
		return err
	}
	if ref.Study == "" {
		return fmt.Errorf("%s: it belongs to no patient, and there is no picture of it", c.File)
	}
	query, err := c.query(ctx, instances)
	if err != nil {
		return err
	}
	resource := ref.Path() + "/rendered"
	if c.Frame != "" {
		frames, err := frameList(c.Frame)
		if err != nil {
			return err
		}
		if strings.Contains(frames, ",") && mediaType != "image/gif" {
			return fmt.Errorf("--frame=%s: several frames make a .gif, not a %s", c.Frame, filepath.Ext(c.Output))
		}
		resource = ref.Path() + "/frames/" + frames + "/rendered"
	}
	if c.State != "" {
		if c.Frame != "" {
			return errors.New("--frame: a presentation state says itself which frames it is for")
		}
		state, err := c.ingest(ctx, instances, c.State)
		if err != nil {
			return err
		}
		resource = state.Path() + "/rendered"
	}
	server, err := dicomweb.New(instances, dicomweb.Options{MaxDecodes: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	path := dicomweb.BasePath + resource + "?" + query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", mediaType)
	answer := recorded{header: http.Header{}, status: http.StatusOK}
	server.ServeHTTP(&answer, request)
	if answer.status != http.StatusOK && answer.status != http.StatusPartialContent { // a state may be for more images than this one
		return fmt.Errorf("%s: %s", c.File, answer.detail())
	}
	return os.WriteFile(c.Output, answer.body.Bytes(), 0o600)
}

// mostFrames is how many frames a range may have: as many as a GIF.
const mostFrames = 5000

// frameList is a list of frames and ranges of them, like 1,3-5, as a resource names them.
func frameList(text string) (string, error) {
	var frames []string
	for field := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(field, "-")
		if !isRange {
			last = first
		}
		from, err1 := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if err1 != nil || err2 != nil || from < 1 || to < from || to-from >= mostFrames {
			return "", fmt.Errorf("--frame=%s: want numbers from 1, or ranges of up to %d like 3-5, joined by commas", text, mostFrames)
		}
		for n := from; n <= to; n++ {
			frames = append(frames, strconv.Itoa(n))
		}
	}
	return strings.Join(frames, ","), nil
}

// ingest takes a file, or what lies behind a URL, into the store.
func (c renderCommand) ingest(ctx context.Context, instances *store.Store, name string) (dicom.Ref, error) {
	in, err := openFileOrURL(ctx, name)
	if err != nil {
		return dicom.Ref{}, err
	}
	defer in.Close()
	receipt, err := instances.Ingest(ctx, in, "")
	if err != nil {
		return dicom.Ref{}, fmt.Errorf("%s: %w", name, err)
	}
	return receipt.Ref, nil
}

// openFileOrURL opens a file, or asks for an instance by http: a server of DICOMweb gives it as a part of multipart/related, others
// as it is.
func openFileOrURL(ctx context.Context, name string) (io.ReadCloser, error) {
	if !strings.HasPrefix(name, "http://") && !strings.HasPrefix(name, "https://") {
		return os.Open(name)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, name, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", `multipart/related; type="application/dicom"; transfer-syntax=*, application/dicom, */*;q=0.1`)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	body := io.ReadCloser(answer.Body)
	mediaType, parameters, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	switch {
	case answer.StatusCode != http.StatusOK:
		err = fmt.Errorf("%s: %s", name, answer.Status)
	case strings.HasPrefix(mediaType, "multipart/"):
		var first *multipart.Part
		if first, err = multipart.NewReader(body, parameters["boundary"]).NextPart(); err == nil {
			return struct {
				io.Reader
				io.Closer
			}{first, body}, nil
		}
	}
	if err != nil {
		body.Close()
		return nil, err
	}
	return body, nil
}

// query is what was asked for, as the parameters of the request. Files that are drawn over the image are taken into the store.
func (c renderCommand) query(ctx context.Context, instances *store.Store) (url.Values, error) {
	q := url.Values{}
	for name, value := range map[string]string{"window": c.Window, "voi": c.VOI, "quality": c.Quality, "viewport": c.Viewport, "annotation": c.Annotation,
		"iccprofile": c.ICCProfile, "overlays": c.Overlays, "bits": c.Bits,
		"doserange": c.DoseRange, "speed": c.Speed, "gain": c.Gain, "start": c.Start, "duration": c.Duration, "group": c.Group} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, file := range map[string]string{"segmentation": c.Segmentation, "contours": c.Contours, "dose": c.Dose} {
		if file == "" {
			continue
		}
		ref, err := c.ingest(ctx, instances, file)
		if err != nil {
			return nil, err
		}
		q.Set(name, string(ref.Instance))
	}
	return q, nil
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
