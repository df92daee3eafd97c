package dicomweb

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/failpoint"
	"github.com/noctis-dicom/noctis/store"
)

// storeInstances is the Store transaction (PS3.18 10.5, and 12.5 of instances of no patient), also of a single instance as plain application/dicom, which the standard
// does not know and clients send.
//
// Where the request breaks off or exceeds a limit, the instances that came whole before that are stored all the same and named
// in the answer, whose status tells that the request failed: the client sends it again, and what is there already is success then.
func (s *Server) storeInstances(w http.ResponseWriter, r *http.Request) error {
	// Request
	ref, err := refOf(r)
	if err != nil {
		return err
	}
	dry, err := dryRun(r)
	if err != nil {
		return err
	}
	chosen, err := answerOfStore(r)
	if err != nil {
		return err
	}
	uploads, err := s.uploadsOf(r, ref)
	if err != nil {
		return err
	}

	// Behavior
	done, err := s.upload(r)
	if err != nil {
		return err
	}
	defer done()
	begin := s.store.Batch
	if dry {
		begin = s.store.DryRun
	}
	resource := cmp.Or(ref.Resource, dicom.Studies)
	result := take(r.Context(), uploads, begin(ref.Study).Only(resource, ref.Instance))
	result.resource = resource
	if result.dry = dry; !dry {
		s.metrics.stored.Add(float64(result.stored - result.duplicates))
		s.metrics.duplicates.Add(float64(result.duplicates))
		for _, f := range result.failures {
			s.metrics.failed(f.Reason)
		}
		s.metadataReady(s.baseURL(r), result.series())
	}

	s.aboutStored(r, result)

	// Response
	failpoint.Hit("before the answer")
	if result.empty() {
		if result.stopped != nil {
			return result.stopped
		}
		return badRequest("there is no instance in the request")
	}
	return s.respondStored(w, r, chosen, result)
}

// dryRun reads the parameter "dry-run", an extension: the request is checked and answered as if, and nothing is stored. The Store
// transaction of the standard has no parameters (PS3.18 10.5.1.2), and others are ignored (8.3).
func dryRun(r *http.Request) (bool, error) {
	query, err := queryOf(r)
	if err != nil {
		return false, err
	}
	values, there := query["dry-run"]
	if !there {
		return false, nil
	}
	switch strings.ToLower(values[0]) {
	case "", "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, badRequest("dry-run is %s; it can be true or false", excerpt(values[0]))
}

// upload is one instance on its way in. It reads as the instance's bytes, and remembers why it ended early.
type upload struct {
	failure   *store.Failure // why there are none: of metadata that cannot become an instance
	done      func()         // nil: nothing has to be released
	r         io.Reader
	mediaType string // of the part, "" if it says none
	left      int64  // bytes that may still come
	limit     int64
	err       error
}

func (u *upload) Read(p []byte) (int, error) {
	if u.err != nil {
		return 0, u.err
	}
	n, err := u.r.Read(p)
	if u.left -= int64(n); u.left < 0 {
		err = exceeds("part", "an instance is longer than the %d bytes that are allowed", u.limit)
	}
	if err != nil && err != io.EOF {
		u.err = err
	}
	return n, err
}

func (s *Server) newUpload(r io.Reader, mediaType string) *upload {
	return &upload{r: r, mediaType: mediaType, left: s.options.MaxPart, limit: s.options.MaxPart}
}

// isInstance reports whether the part can be a PS3.10 file. octet-stream is bulk data by the standard, and what tools send that
// have never heard of application/dicom.
func (u *upload) isInstance() bool {
	return u.mediaType == "" || u.mediaType == "application/dicom" || u.mediaType == "application/octet-stream"
}

// uploadsOf checks the header of a Store request and yields what its body holds, one part at a time. The error that ends the
// sequence is that of the request.
func (s *Server) uploadsOf(r *http.Request, ref dicom.Ref) (iter.Seq2[*upload, error], error) {
	content := parseMediaType(r.Header.Get("Content-Type"))
	metadata, _ := isMetadata(content.name)
	metadata = metadata && ref.Resource != "" // PS3.18 12.1.3
	if err := storable(content); err != nil && !metadata {
		return nil, err
	}
	body, err := decodedBody(r)
	if err != nil {
		return nil, err
	}
	if metadata {
		body, content = asPart(body, content)
	}
	if content.name == "application/dicom" {
		if r.ContentLength == 0 {
			return nil, badRequest("the request has no body")
		}
		return func(yield func(*upload, error) bool) { yield(s.newUpload(body, content.name), nil) }, nil
	}
	parts, err := newPartReader(body, content, s.options.MaxParts)
	if err != nil {
		return nil, err
	}
	return func(yield func(*upload, error) bool) {
		root := rootOf(content)
		composite := isComposite(root)
		if root == "" { // the first part is the root (RFC 2387 3.2)
			root = parts.firstType()
			composite, _ = isMetadata(root)
		}
		if composite {
			s.assembled(r.Context(), parts, root)(yield)
			return
		}
		defer parts.release()
		for {
			part, err := parts.next()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(s.newUpload(part, parseMediaType(part.Header.Get("Content-Type")).name), nil) {
				return
			}
		}
	}, nil
}

// asPart makes a message of one part of a body that is metadata alone.
func asPart(body io.Reader, content mediaType) (io.Reader, mediaType) {
	boundary := rand.Text() // nobody may know it beforehand
	head := "--" + boundary + "\r\nContent-Type: " + content.name + "\r\n\r\n"
	message := io.MultiReader(strings.NewReader(head), body, strings.NewReader("\r\n--"+boundary+"--"))
	return message, mediaType{name: "multipart/related", params: map[string]string{"type": content.name, "boundary": boundary}}
}

// storable says why a request of this Content-Type cannot be stored (PS3.18 10.5.3.1).
func storable(content mediaType) error {
	const takes = `; this server takes multipart/related with type="application/dicom", "application/dicom+json", ` +
		`"application/dicom+xml" or a media type of bulk data, and application/dicom`
	reject := func(format string, a ...any) error {
		return &problem{status: http.StatusUnsupportedMediaType, detail: fmt.Sprintf(format, a...) + takes}
	}
	switch content.name {
	case "application/dicom":
		return nil
	case "multipart/related":
	case "":
		return reject("the request has no Content-Type")
	default:
		return reject("Content-Type %s cannot be stored", excerpt(content.name))
	}
	switch root := rootOf(content); {
	case root == "", root == "application/dicom", root == "*/*", isComposite(root):
		return nil
	default:
		return reject("multipart/related with type=%s cannot be stored", excerpt(root))
	}
}

// rootOf is the media type of the root part (PS3.18 8.6.1.2), "" where the request does not say it.
func rootOf(content mediaType) string { return parseMediaType(content.params["type"]).name }

// stored is what became of a Store request.
type stored struct {
	outcomes   []store.Outcome  // of the parts that were read as instances, in their order
	failures   []*store.Failure // all of them, those of parts that were not read too
	stored     int
	duplicates int    // among stored
	dry        bool   // nothing was stored in truth
	resource   string // in which all lie
	stopped    error  // why the rest of the request was not looked at
}

func (st *stored) empty() bool { return len(st.outcomes) == 0 && len(st.failures) == 0 }

// mostRefused is how many parts of a request are looked at of which none can be read: a hundred thousand would be refused at length.
const mostRefused = 1000

// take stores what comes. What is committed stays committed when the client goes away, so the commit does not depend on it.
func take(ctx context.Context, uploads iter.Seq2[*upload, error], batch *store.Batch) *stored {
	defer batch.Cancel()
	result := &stored{}
	for u, err := range uploads {
		switch {
		case err != nil:
			result.stopped = requestError(storeError(err))
		case batch.Hopeless(mostRefused - len(result.failures)):
			result.stopped = exceeds("parts", "none of the first %d parts can be read as an instance, and the rest of the request is not looked at", mostRefused)
		case u.failure != nil:
			result.failures = append(result.failures, u.failure)
			continue
		case !u.isInstance():
			result.failures = append(result.failures, &store.Failure{Reason: store.ReasonCannotUnderstand,
				Err: fmt.Errorf("a part has Content-Type %s, not application/dicom", excerpt(u.mediaType))})
			continue
		default:
			if err = batch.Add(ctx, u); err == nil {
				continue
			}
			var failure *store.Failure
			if errors.As(u.err, &failure) { // an instance that could not be made to its end
				result.failures = append(result.failures, failure)
				continue
			}
			if result.stopped = storeError(err); u.err != nil {
				result.stopped = requestError(u.err)
			}
		}
		break
	}
	outcomes, err := batch.Commit(context.WithoutCancel(ctx))
	if err != nil {
		result.stopped = storeError(err)
	}
	result.outcomes = outcomes
	for i, o := range outcomes {
		switch {
		case o.Elsewhere:
			outcomes[i].Warnings = append(o.Warnings, "another file is stored under this UID in another series or study, and stays")
		case o.Kept:
			outcomes[i].Warnings = append(o.Warnings, "another file is stored under this UID, and stays")
		case o.Replaced:
			outcomes[i].Warnings = append(o.Warnings, "another file was stored under this UID, and has been replaced")
		}
		switch {
		case o.Failure != nil:
			result.failures = append(result.failures, o.Failure)
		case o.Duplicate, o.Kept:
			result.duplicates++
			fallthrough
		default:
			result.stored++
		}
	}
	return result
}

// requestError is the error of a body that cannot be read to its end.
func requestError(err error) error {
	if errors.Is(err, errBrokenOff) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &problem{status: http.StatusBadRequest, err: err,
			detail: "the request breaks off: its end is missing, or the boundary is not the one in Content-Type"}
	}
	return err
}

// storeError is the error of a store that cannot take anything in now (PS3.18 8.5: 503).
func storeError(err error) error {
	switch {
	case errors.Is(err, store.ErrNoSpace):
		return &problem{status: http.StatusServiceUnavailable, detail: "A700: there is no space left to store instances", err: err,
			retryAfter: time.Minute}
	case errors.Is(err, store.ErrBusy):
		return &problem{status: http.StatusServiceUnavailable, detail: "A700: too many instances with large headers at once", err: err,
			limit: "memory", retryAfter: 10 * time.Second}
	case errors.Is(err, store.ErrPoisoned):
		return &problem{status: http.StatusServiceUnavailable,
			detail: "A700: the disk failed; nothing can be stored until the server has been restarted", err: err, retryAfter: time.Minute}
	case errors.Is(err, store.ErrUnwritable):
		return &problem{status: http.StatusServiceUnavailable, detail: "A700: the disk does not take what is written to it", err: err,
			retryAfter: time.Minute}
	}
	return err
}

// series are those of the stored instances whose metadata is worth being made ready: what is very long is not kept anyway.
func (st stored) series() map[dicom.Ref]bool {
	all := map[dicom.Ref]bool{}
	for _, o := range st.outcomes {
		if o.Failure == nil && !o.Receipt.Duplicate && !o.Receipt.Kept && o.Receipt.Memory < 8<<20 && o.Receipt.Ref.Resource == "" {
			all[dicom.Ref{Study: o.Receipt.Ref.Study, Series: o.Receipt.Ref.Series}] = true
		}
	}
	return all
}
