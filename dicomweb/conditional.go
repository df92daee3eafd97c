package dicomweb

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

// representations is the version of what this server makes of stored bytes. It is part of every entity tag and must change when
// the same request for the same instances is to be answered with other bytes: another rendering, other part headers.
const representations = "1"

// entityTag is a strong validator (RFC 9110 8.8.1): a hash of all that the bytes of a representation depend on.
func entityTag(determinants ...string) string {
	hashed := make([]byte, 0, 512) // on the stack; what names many instances is longer
	for _, d := range determinants {
		hashed = append(append(hashed, d...), 0)
	}
	sum := sha256.Sum256(append(hashed, representations+"\x00"...))
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// boundaryOf makes a multipart boundary from an entity tag. The same representation has the same bytes then, as a strong tag
// promises, and a part cannot hold a boundary that is made from a hash of the part.
func boundaryOf(etag string) string { return "noctis-" + strings.Trim(etag, `"`) }

// What representations vary by: Vary.
var (
	byAccept  = []string{"Accept"}
	byCharset = []string{"Accept, Accept-Charset"}
	byCoding  = []string{"Accept, Accept-Encoding"}
)

// askAgain is what caches may do with a representation. Instances never change, but they can be deleted and access to them can be taken
// away: a cache of one user may keep them, and has to ask again before every use, which a 304 makes cheap.
var askAgain = []string{"private, no-cache"}

// answered sets the validators of a representation and tells caches what they may do with it. It answers 304 if the client has it (RFC
// 9110 13.1.2), before a blob is opened or a pixel decoded, and refuses a request that is about another one. What a 304 says as a 200
// does is set before (RFC 9110 15.4.5).
func answered(w http.ResponseWriter, r *http.Request, etag string, modified time.Time, vary []string) (done bool, err error) {
	has, err := preconditions(r, etag)
	h := w.Header()
	if has {
		leaveUnsaid(h, r)
	}
	h["Etag"] = []string{etag}
	h["Cache-Control"] = askAgain
	if others := h["Vary"]; len(others) > 0 {
		vary = append(others, vary...)
	}
	h["Vary"] = vary
	switch {
	case has:
		w.WriteHeader(http.StatusNotModified)
	case err == nil && !modified.IsZero(): // who has an ETag needs no other validator
		h["Last-Modified"] = []string{modified.UTC().Format(http.TimeFormat)}
	}
	return has || err != nil, err
}

// saidBefore are headers of which a 304 has nothing new to say: the answer that the client has kept holds them, and goes on to count (RFC
// 9111 3.2, Fetch Standard 4.6).
var saidBefore = []string{"Content-Type", "X-Content-Type-Options", "Cross-Origin-Resource-Policy", "Cross-Origin-Opener-Policy",
	"Content-Security-Policy", "Permissions-Policy", "Referrer-Policy"}

// leaveUnsaid takes out of the header of a 304 what its client knows or has not asked for. A script of another origin that asks whether
// something has changed sees the 304 itself, and only if that lets it.
func leaveUnsaid(h http.Header, r *http.Request) {
	for _, name := range saidBefore {
		delete(h, name)
	}
	if len(r.Header["Origin"]) == 0 {
		delete(h, "Access-Control-Allow-Origin")
		delete(h, "Access-Control-Expose-Headers")
	}
	if len(r.Header["X-Request-Id"]) == 0 {
		delete(h, "X-Request-Id")
	}
}

// preconditionFailed is the answer to If-Match and If-Unmodified-Since where they do not hold (RFC 9110 13.1.1, 13.1.4).
var preconditionFailed = &problem{status: http.StatusPreconditionFailed, detail: "the representation is not the one that the request is about"}

// preconditions looks at If-Match and If-None-Match. It reports whether the client has the representation.
func preconditions(r *http.Request, etag string) (has bool, err error) {
	if list := r.Header["If-Match"]; len(list) > 0 && !matches(strings.ReplaceAll(strings.Join(list, ","), "W/", "weak "), etag) {
		return false, preconditionFailed
	}
	return matches(strings.Join(r.Header["If-None-Match"], ","), etag), nil
}

// matches compares the list of If-None-Match with an entity tag, weakly. Our tags have neither commas nor quotes inside.
func matches(list, etag string) bool {
	for tag := range strings.SplitSeq(list, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}
