package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// target is where a command stores: the flags that the commands share which work on a server or in a data folder.
type target struct {
	Server string   `placeholder:"URL" help:"DICOMweb base URL of a server (http://127.0.0.1:8080/dicom-web); default: the data folder, without a server."`
	Data   string   `default:"./data" placeholder:"DIR" help:"Data folder (default ${default})."`
	Tenant ofTenant `placeholder:"NAME" help:"The archive of this tenant; default: the server's own."`
	credentials
}

// sender stores instances one by one and is safe for concurrent use. send reports whether the very file was there already; its
// error says why the instance was refused, or is errUnreachable, wrapped, when going on makes no sense.
type sender interface {
	name() string
	send(ctx context.Context, r io.Reader) (duplicate bool, err error)
	close() error
}

var errUnreachable = errors.New("cannot store any more")

func (t target) open(ctx context.Context) (sender, error) {
	if t.Server != "" {
		return newRemote(t.Server, t.credentials)
	}
	quota, err := quotaOf(t.Data)
	if err != nil {
		return nil, err
	}
	a, err := openArchive(ctx, t.Data, store.Options{Quota: quota})
	if err != nil {
		return nil, err
	}
	return local{a, t.Data}, nil
}

// local stores into a data folder.
type local struct {
	*archive
	data string
}

func (l local) name() string { return l.data }
func (l local) close() error { return l.archive.Close() }

func (l local) send(ctx context.Context, r io.Reader) (bool, error) {
	receipt, err := l.Ingest(ctx, r, "")
	var failure *store.Failure
	if err != nil && !errors.As(err, &failure) {
		return false, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	return receipt.Duplicate, err
}

// remote stores by STOW-RS (PS3.18 10.5), or in a resource of PS3.18 12.5, one instance a request.
type remote struct {
	base   string
	client *http.Client
}

func newRemote(base string, c credentials) (*remote, error) {
	client, err := c.client(base)
	if err != nil {
		return nil, err
	}
	return &remote{strings.TrimRight(base, "/"), client}, nil
}

func (r *remote) name() string { return r.base }
func (r *remote) close() error { return nil }

func (r *remote) send(ctx context.Context, file io.Reader) (bool, error) {
	head := bufio.NewReaderSize(file, headBytes)
	resource := resourceIn(head)
	body, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		part, err := form.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/dicom"}})
		if err == nil {
			_, err = io.Copy(part, head)
		}
		if err == nil {
			err = form.Close()
		}
		w.CloseWithError(err)
	}()
	defer body.Close()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.base+"/"+resource, body)
	if err != nil {
		return false, err
	}
	request.Header.Set("Content-Type", `multipart/related; type="application/dicom"; boundary=`+form.Boundary())
	request.Header.Set("Accept", "application/dicom+json")
	response, err := r.client.Do(request)
	if err != nil {
		return false, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	defer response.Body.Close()
	if resource != dicom.Studies && (response.StatusCode == http.StatusNotFound || response.StatusCode == http.StatusMethodNotAllowed) {
		return false, fmt.Errorf("the server has no /%s: it answered %s", resource, response.Status) // the studies go on
	}
	return false, storeAnswer(response)
}

// headBytes is as much of a file as has to hold its Media Storage SOP Class UID.
const headBytes = 4096

// mediaClass is the tag and VR of Media Storage SOP Class UID (0002,0002), as File Meta Information has it (PS3.10 7.1).
var mediaClass = []byte("\x02\x00\x02\x00UI")

// resourceIn is where a file has to be stored, by its File Meta Information. A file without that goes to the studies.
func resourceIn(file *bufio.Reader) string {
	head, _ := file.Peek(headBytes) // a short file is shorter
	if _, rest, found := bytes.Cut(head, mediaClass); found && len(rest) > 2 {
		length := min(int(binary.LittleEndian.Uint16(rest)), len(rest)-2)
		if resource := dicom.ResourceOf(dicom.UID(bytes.TrimRight(rest[2:2+length], "\x00 "))); resource != "" {
			return resource
		}
	}
	return dicom.Studies
}

// storeAnswer reads the Store Instances Response Module (PS3.18 Annex I) of one instance.
func storeAnswer(response *http.Response) error {
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreachable, err)
	}
	switch response.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusConflict, http.StatusBadRequest, http.StatusInsufficientStorage:
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return newTooBusy(response)
	default:
		return fmt.Errorf("%w: the server answered %s", errUnreachable, response.Status)
	}
	var module dicom.DataSet
	if err := json.Unmarshal(answer, &module); err != nil {
		if response.StatusCode == http.StatusOK {
			return nil // stored; some servers send no payload, or one of their own
		}
		return fmt.Errorf("the server answered %s", response.Status)
	}
	for _, sequence := range []dicom.Tag{dicom.FailedSOPSequence, dicom.OtherFailuresSequence} {
		if failed := module.Items(sequence); len(failed) > 0 {
			return refusal(failed[0])
		}
	}
	if response.StatusCode == http.StatusConflict || response.StatusCode == http.StatusBadRequest {
		return fmt.Errorf("the server answered %s", response.Status)
	}
	return nil
}

// tooBusy is the error of a server that wants to be asked again later.
type tooBusy struct {
	error
	after time.Duration
}

func (b *tooBusy) Unwrap() error { return b.error }

// mostPatience is for how long we let a server send us away.
const mostPatience = 2 * time.Minute

// newTooBusy reads Retry-After; a server that names no time, or a long one, is one that cannot store.
func newTooBusy(response *http.Response) error {
	err := fmt.Errorf("%w: the server answered %s", errUnreachable, response.Status)
	seconds, missing := strconv.Atoi(response.Header.Get("Retry-After"))
	if after := time.Duration(seconds) * time.Second; missing == nil && after > 0 && after < mostPatience {
		return &tooBusy{err, after}
	}
	return err
}

// refusal is the error of an item of a failure sequence.
func refusal(item *dicom.DataSet) error {
	e, _ := item.Get(dicom.FailureReason)
	if reason, ok := e.Value.(dicom.Ints); ok && len(reason) > 0 {
		return fmt.Errorf("refused with failure reason %04X", reason[0])
	}
	return errors.New("refused without a reason")
}
