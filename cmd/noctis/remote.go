package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/webhook"
)

// remote stores by STOW-RS (PS3.18 10.5), or in a resource of PS3.18 12.5, one instance a request.
type remote struct {
	base   string
	client *http.Client

	endurance
	say     func(format string, a ...any) // hears why it takes longer; nil: nobody
	reached atomic.Bool                   // it has answered before
}

func newRemote(base string, c credentials) (*remote, error) {
	client, err := c.client(base)
	if err != nil {
		return nil, err
	}
	return &remote{base: strings.TrimRight(base, "/"), client: client}, nil
}

func (r *remote) name() string { return r.base }
func (r *remote) close() error { return nil }

// send stores an instance, and tries again what may be better later.
func (r *remote) send(ctx context.Context, open opener) (bool, error) {
	delay := r.begin()
	for {
		err := r.try(ctx, open)
		passing := (*passing)(nil)
		if !errors.As(err, &passing) || ctx.Err() != nil {
			return false, err
		}
		after, worth := delay.next(passing)
		if !worth {
			return false, err
		}
		if r.say != nil && after >= quietly {
			r.say("%v: it is tried again in %v", passing.error, after)
		}
		if wait(ctx, after) != nil {
			return false, err
		}
	}
}

// try sends an instance once.
func (r *remote) try(ctx context.Context, open opener) error {
	file, err := open()
	if err != nil {
		return err
	}
	defer file.Close()
	head := bufio.NewReaderSize(file, headBytes)
	resource, instance := namedIn(head)
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
		return err
	}
	request.Header.Set("Content-Type", `multipart/related; type="application/dicom"; boundary=`+form.Boundary())
	request.Header.Set("Accept", "application/dicom+json")
	client := *r.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // it would lead to a page, and store nothing
	response, err := client.Do(request)
	if err != nil {
		return r.broken(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return r.broken(err)
	}
	r.reached.Store(true)
	return r.judge(ctx, response, answer, resource, instance)
}

// broken is the error of a connection that broke off. One to a server that has answered before may be better later; another one is mostly a
// wrong address.
func (r *remote) broken(err error) error {
	err = fmt.Errorf("%w: %w", errUnreachable, err)
	if r.reached.Load() {
		return &passing{error: err}
	}
	return err
}

// judge says what an answer means for the instance: nil only if the server says that it has stored it, or finds it when it is asked.
func (r *remote) judge(ctx context.Context, response *http.Response, answer []byte, resource string, instance dicom.UID) error {
	status := response.StatusCode
	says := fmt.Errorf("the server answered %s", response.Status)
	gone := status == http.StatusNotFound || status == http.StatusMethodNotAllowed
	switch {
	case resource != dicom.Studies && gone:
		return fmt.Errorf("the server has no /%s: it answered %s", resource, response.Status) // the studies go on
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable, status == http.StatusBadGateway, status == http.StatusGatewayTimeout:
		return &passing{error: fmt.Errorf("%w: %w", errUnreachable, says), after: webhook.RetryAfter(response, time.Now())}
	case status/100 == 3:
		return fmt.Errorf("%w: %w, and wants to be asked at %q", errUnreachable, says, response.Header.Get("Location"))
	case gone, status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		return fmt.Errorf("%w: %w", errUnreachable, says)
	}
	var module dicom.DataSet
	if json.Unmarshal(answer, &module) == nil {
		for _, sequence := range []dicom.Tag{dicom.FailedSOPSequence, dicom.OtherFailuresSequence} {
			if failed := module.Items(sequence); len(failed) > 0 {
				return refusal(failed[0])
			}
		}
	}
	switch {
	case status == http.StatusInternalServerError:
		return &passing{error: says, few: true} // of this instance alone, perhaps
	case status/100 != 2:
		return says
	case names(&module, instance) || instance != "" && r.finds(ctx, resource, instance):
		return nil
	}
	return fmt.Errorf("%w, but not that it has stored the instance, and a search does not find it", says)
}

// names reports whether a Store Instances Response Module (PS3.18 Annex I) acknowledges an instance; the one that it has, where the file does not
// say which one it is.
func names(module *dicom.DataSet, instance dicom.UID) bool {
	stored := module.Items(dicom.ReferencedSOPSequence)
	return slices.ContainsFunc(stored, func(item *dicom.DataSet) bool {
		return instance == "" || item.UID(dicom.ReferencedSOPInstanceUID) == instance
	})
}

// finds asks a server that does not say what it has stored, as some do, whether it has the instance.
func (r *remote) finds(ctx context.Context, resource string, instance dicom.UID) bool {
	if resource == dicom.Studies {
		resource = "instances"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+"/"+resource+"?limit=1&SOPInstanceUID="+url.QueryEscape(string(instance)), nil)
	if err != nil {
		return false
	}
	request.Header.Set("Accept", "application/dicom+json")
	response, err := r.client.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	var found []dicom.DataSet
	err = json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&found)
	return err == nil && response.StatusCode == http.StatusOK && len(found) == 1 && found[0].UID(dicom.SOPInstanceUID) == instance
}

// headBytes is as much of a file as has to hold its Media Storage SOP Class and Instance UID.
const headBytes = 4096

// namedIn is where a file has to be stored, by its File Meta Information (PS3.10 7.1), and which instance it is: by its data set, which is what servers go
// by, where that begins in the head, else by the same. A file without that goes to the studies.
func namedIn(file *bufio.Reader) (resource string, instance dicom.UID) {
	head, _ := file.Peek(headBytes) // a short file is shorter
	// Media Storage SOP Class UID (0002,0002) and Media Storage SOP Instance UID (0002,0003)
	class := uidAfter(head, "\x02\x00\x02\x00UI")
	return cmp.Or(dicom.ResourceOf(class), dicom.Studies), cmp.Or(instanceOf(head), uidAfter(head, "\x02\x00\x03\x00UI"))
}

// instanceOf is the SOP Instance UID (0008,0018) of the data set, "" if it does not begin in the head, or is not to be read there.
func instanceOf(head []byte) dicom.UID {
	const tag = "\x08\x00\x18\x00"
	uid := uidAfter(head, tag+"UI")
	if _, rest, found := bytes.Cut(head, []byte(tag)); uid == "" && found && len(rest) > 4 { // implicit VR
		length := min(int64(binary.LittleEndian.Uint32(rest)), int64(len(rest)-4))
		uid = dicom.UID(bytes.TrimRight(rest[4:4+length], "\x00 "))
	}
	if !uid.Valid() {
		return ""
	}
	return uid
}

// uidAfter is the UID of the element that begins so in a file.
func uidAfter(head []byte, begins string) dicom.UID {
	_, rest, found := bytes.Cut(head, []byte(begins))
	if !found || len(rest) <= 2 {
		return ""
	}
	length := min(int(binary.LittleEndian.Uint16(rest)), len(rest)-2)
	return dicom.UID(bytes.TrimRight(rest[2:2+length], "\x00 "))
}

// refusal is the error of an item of a failure sequence.
func refusal(item *dicom.DataSet) error {
	e, _ := item.Get(dicom.FailureReason)
	if reason, ok := e.Value.(dicom.Ints); ok && len(reason) > 0 {
		return fmt.Errorf("refused with failure reason %04X", reason[0])
	}
	return errors.New("refused without a reason")
}
