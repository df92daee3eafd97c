package dicomweb

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/codec"
)

// Statement is what the DICOM Conformance Statement (PS3.2) says of the web services of this build: made of the tables by which the
// server works, so that it cannot say anything else than they do.
type Statement struct {
	Edition          string              `json:"edition"` // of PS3.18
	Services         []ServiceClaim      `json:"services"`
	Transactions     []TransactionClaim  `json:"transactions"`
	TransferSyntaxes []SyntaxClaim       `json:"transferSyntaxes"`
	SOPClasses       []SOPClassClaim     `json:"sopClasses"`
	CharacterSets    []CharacterSetClaim `json:"characterSets"`
	Matching         []MatchingClaim     `json:"matching"`
	Limits           []LimitClaim        `json:"limits"`
	StatusCodes      []StatusClaim       `json:"statusCodes"`
	Reasons          []ReasonClaim       `json:"reasons"`
}

// ServiceClaim is a service of PS3.18 in which the server takes part as origin server.
type ServiceClaim struct {
	Name   string `json:"name"`
	Clause string `json:"clause"`
}

// TransactionClaim is one method of one resource.
type TransactionClaim struct {
	Name     string   `json:"name"`
	Method   string   `json:"method"`
	Resource string   `json:"resource"` // template below the base URI
	Clause   string   `json:"clause"`   // of PS3.18; an extension says so
	Content  []string `json:"content,omitempty"`
	Accept   []string `json:"accept,omitempty"` // the default first
	Query    []string `json:"query,omitempty"`
	Success  string   `json:"success"`
	Failure  string   `json:"failure"`
}

// SyntaxClaim says what can be done with a transfer syntax. Every one is stored and returned as stored.
type SyntaxClaim struct {
	UID       dicom.UID `json:"uid"`
	Name      string    `json:"name"`
	MediaType string    `json:"mediaType"` // of its frames
	Decoded   bool      `json:"decoded"`   // to samples, to Explicit VR Little Endian, to pictures
	Encoded   bool      `json:"encoded"`   // on request
}

// SOPClassClaim is a storage SOP class by name; instances of others are stored all the same.
type SOPClassClaim struct {
	UID  dicom.UID `json:"uid"`
	Name string    `json:"name"`
}

// CharacterSetClaim is a defined term of Specific Character Set (PS3.3 C.12.1.1.2) that is read.
type CharacterSetClaim struct {
	Term          string `json:"term"`
	CodeExtension bool   `json:"codeExtension"`
}

// MatchingClaim is a type of attribute matching (PS3.4 C.2.2.2).
type MatchingClaim struct {
	Type   string `json:"type"`
	Clause string `json:"clause"`
	Note   string `json:"note"`
}

// LimitClaim is a bound of this server as it is configured.
type LimitClaim struct {
	What   string `json:"what"`
	Bound  int64  `json:"bound"`
	Unit   string `json:"unit"`
	Answer string `json:"answer"`
}

// StatusClaim is a status code that the server sends, and when (PS3.18 8.5).
type StatusClaim struct {
	Code int    `json:"code"`
	When string `json:"when"`
}

// ReasonClaim is a Failure Reason (0008,1197) or Warning Reason (0008,1196) of PS3.18 Annex I.
type ReasonClaim struct {
	Code    string `json:"code"` // hexadecimal
	Warning bool   `json:"warning"`
	Meaning string `json:"meaning"`
}

// Statement makes the statement of this server.
func (s *Server) Statement() Statement {
	return Statement{
		Edition:          "2024e; Supplement 246 where it has chapters 14 and 15",
		Services:         serviceClaims(s.routes()),
		Transactions:     transactionClaims(s.routes()),
		TransferSyntaxes: syntaxClaims(),
		SOPClasses:       sopClassClaims(),
		CharacterSets:    characterSetClaims,
		Matching:         matchingClaims,
		Limits:           s.limitClaims(),
		StatusCodes:      statusClaims,
		Reasons:          reasonClaims,
	}
}

// chapters are the services of PS3.18 by the chapters that their routes cite.
var chapters = []ServiceClaim{
	{"URI Service (WADO-URI)", "9"}, {"Studies Service (STOW-RS, QIDO-RS, WADO-RS)", "10"}, {"Worklist Service (UPS-RS)", "11"},
	{"Non-Patient Instance Service", "12"}, {"Storage Commitment Service", "13"}, {"Modality Scheduled Procedure Step Service", "14"},
	{"Modality Performed Procedure Step Service", "15"},
}

func serviceClaims(routes []route) []ServiceClaim {
	claims := []ServiceClaim{{"Retrieve Capabilities", "PS3.18 8.9"}}
	for _, c := range chapters {
		clause := "PS3.18 " + c.Clause
		if slices.ContainsFunc(routes, func(rt route) bool { return rt.clause == clause || strings.HasPrefix(rt.clause, clause+".") }) {
			claims = append(claims, ServiceClaim{c.Name, clause})
		}
	}
	return claims
}

func transactionClaims(routes []route) []TransactionClaim {
	claims := make([]TransactionClaim, len(routes))
	for i, rt := range routes {
		c := capabilityOf(rt)
		claims[i] = TransactionClaim{
			Name: rt.name, Method: rt.method, Resource: strings.TrimPrefix(rt.template, BasePath), Clause: rt.clause,
			Content: c.content, Accept: c.accept, Success: c.success, Failure: c.failure,
		}
		for _, q := range c.query {
			claims[i].Query = append(claims[i].Query, q.Name)
		}
	}
	slices.SortStableFunc(claims, func(a, b TransactionClaim) int {
		return cmp.Or(strings.Compare(a.Resource, b.Resource), strings.Compare(a.Method, b.Method))
	})
	return claims
}

func syntaxClaims() []SyntaxClaim {
	var claims []SyntaxClaim
	for _, ts := range dicom.TransferSyntaxes() {
		// Implicit VR and Big Endian shall not be used on the web (PS3.18 8.7.3.4), so nothing is encoded in them.
		encoded := codec.Encodable(ts.UID) && !ts.ImplicitVR && !ts.BigEndian
		claims = append(claims, SyntaxClaim{ts.UID, ts.Name, ts.MediaType, codec.Supported(ts.UID), encoded})
	}
	return claims
}

func sopClassClaims() []SOPClassClaim {
	var claims []SOPClassClaim
	for uid, name := range dicom.StorageSOPClasses() {
		claims = append(claims, SOPClassClaim{uid, name})
	}
	return claims
}

// characterSetClaims are the defined terms of PS3.3 Tables C.12-2 to C.12-5; a test reads text in each of them.
var characterSetClaims = func() []CharacterSetClaim {
	var claims []CharacterSetClaim
	for _, n := range strings.Fields("100 101 109 110 144 127 126 138 148 203 13 166") {
		claims = append(claims, CharacterSetClaim{"ISO_IR " + n, false})
	}
	for _, n := range strings.Fields("6 100 101 109 110 144 127 126 138 148 203 13 166 87 159 149 58") {
		claims = append(claims, CharacterSetClaim{"ISO 2022 IR " + n, true})
	}
	return append(claims, CharacterSetClaim{"ISO_IR 192", false}, CharacterSetClaim{"GB18030", false}, CharacterSetClaim{"GBK", false})
}()

var matchingClaims = []MatchingClaim{
	{"single value", "PS3.4 C.2.2.2.1", "on every attribute, in sequences and private ones too; names in any case, with and without diacritics"},
	{"list of UIDs", "PS3.4 C.2.2.2.2", "separated by commas"},
	{"universal", "PS3.4 C.2.2.2.3", "an empty value"},
	{"wildcard", "PS3.4 C.2.2.2.4", "* and ? for AE CS LO LT PN SH ST UC UR UT"},
	{"range", "PS3.4 C.2.2.2.5", "DA, TM, DT, open at either end; date and time as one interval; Timezone Offset From UTC is heeded"},
	{"sequence", "PS3.4 C.2.2.2.6", "one item has to satisfy all keys of a path"},
	{"empty value", "PS3.4 C.2.2.2.7", "emptyvaluematching=true"},
	{"multiple value", "PS3.4 C.2.2.2.8", "multiplevaluematching=true; ModalitiesInStudy=CT,MR without it means either"},
	{"fuzzy", "PS3.18 8.3.4.2", "names: components in any order, beginnings, a phonetic step; all three component groups"},
}

func (s *Server) limitClaims() []LimitClaim {
	o := s.options
	return []LimitClaim{
		{"a request body", o.MaxBody, "bytes", "413"},
		{"an instance", o.MaxPart, "bytes", "413"},
		{"instances in a request", int64(o.MaxParts), "", "413"},
		{"metadata and bulk data kept for a request", o.MaxSpool, "bytes", "413"},
		{"results of a search", int64(o.MaxResults), "", "Warning 299, and the rest by offset"},
		{"samples of a decoded frame", o.MaxFramePixels, "", "an error that says so"},
		{"time in which a frame is decoded", int64(o.MaxDecodeTime.Seconds()), "seconds", "503"},
	}
}

// statusClaims are the status codes of PS3.18 8.5 that the server sends.
var statusClaims = []StatusClaim{
	{200, "the request was carried out"}, {201, "a resource was created"}, {202, "some instances were stored, or some with warnings; a request was accepted"},
	{204, "a search found nothing; what was deleted"}, {206, "a range; some, but not all, of what was asked for"},
	{304, "the client has the representation that If-None-Match names"},
	{400, "the request is malformed; the payload says what was wrong"}, {404, "no such resource"},
	{405, "the resource does not have the method; Allow names those it has"}, {406, "nothing that is acceptable can be sent; the payload says what could"},
	{409, "no instance was stored; the state forbids it"}, {410, "it was deleted"}, {413, "a limit was exceeded"}, {415, "the media type or content coding is not taken"},
	{416, "the range lies outside"}, {500, "the server failed; a stored file is damaged"},
	{503, "try again later (Retry-After); the disk is full or cannot be trusted any more"},
}

// reasonClaims are the reasons in a Store Instances Response Module (PS3.18 I.2), and in a Storage Commitment Response Module (PS3.18 J.2).
var reasonClaims = []ReasonClaim{
	{"0110", false, "processing failure"}, {"0111", false, "another file is stored under the SOP Instance UID"},
	{"0122", false, "the SOP Class is not accepted"}, {"0124", false, "not within what may be stored with these credentials"}, {"A700", false, "no space, or the disk failed"},
	{"A900", false, "bulk data does not go with its metadata"}, {"A901", false, "the instance belongs to another study than the addressed one"},
	{"C000", false, "not readable"}, {"C001", false, "a UID is missing or illegal"}, {"C002", false, "a limit of the file"},
	{"C122", false, "the transfer syntax is not accepted"},
	{"0112", false, "commitment: no such instance is stored"}, {"0119", false, "commitment: the stored instance is of another SOP Class"},
	{"B000", true, "attributes were coerced; Original Attributes Sequence has what they were"},
	{"B006", true, "elements were discarded: they came twice"}, {"B007", true, "the data set does not match its SOP Class"},
}

// String writes a bound with its unit.
func (l LimitClaim) String() string {
	if l.Unit == "bytes" {
		for _, u := range []struct {
			size int64
			name string
		}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
			if l.Bound >= u.size && l.Bound%u.size == 0 {
				return fmt.Sprintf("%d %s", l.Bound/u.size, u.name)
			}
		}
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", l.Bound, l.Unit))
}
