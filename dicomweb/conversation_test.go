package dicomweb

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/commitment"
	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
	"github.com/noctis-dicom/noctis/store/sqlite"
	"github.com/noctis-dicom/noctis/webhook"
	"github.com/noctis-dicom/noctis/worklist"
	"github.com/noctis-dicom/noctis/worklist/memlist"
)

// The conversations in testdata/*.txt are requests, and what must be answered. Each file speaks to a fresh server, named
// pacs.example, whose clients come from elsewhere than the loopback. A line begins with
//
//	#    a comment
//	set  an option of the server, before the first request: "set MaxResults 2"; "set Worklist on" makes one with a worklist, procedure steps and storage commitment,
//	     and "set Webhooks on" after that one with webhooks
//	>    the request line, then its header fields
//	|    the body: "| file NAME" the bytes of an instance, "| part NAME [CONTENT-TYPE]" the same as a part with boundary "b",
//	     "| metadata NAME json|xml LOCATION [without]" its metadata as a part, with pixel data at the location, and perhaps without the Image
//	     Pixel Description, "| media LOCATION TYPE" a picture of 2 by 2 pixels as a part,
//	     "| end" the closing boundary, "| text "…"" a Go string, "| cut N" takes N bytes off the end, "| gzip" packs what is there
//	<    the status, then header fields: each value is a regular expression for the whole field, "!Name" must not be there
//	~    a regular expression that the body must match, "!~" one that it must not
//
// NAME is an instance of the table below, or of no patient (nonPatientNamed), or one of its files that is written otherwise (see variant): "ct1:implicit".
func TestConversations(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no conversations", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runConversation(t, file) })
	}
}

// exchangeText is one request and what is expected of its answer.
type exchangeText struct {
	line     int
	request  string
	header   http.Header
	body     []byte
	status   int
	expected []string // header lines
	matches  []string // "~ …" and "!~ …"
}

func runConversation(t *testing.T, file string) {
	text, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	log := &bytes.Buffer{}
	o := Options{Log: slog.New(slog.NewTextHandler(log, nil))}
	so := store.Options{}
	var exchanges []*exchangeText
	var x *exchangeText
	scanner := bufio.NewScanner(text)
	for n := 1; scanner.Scan(); n++ {
		mark, rest, _ := strings.Cut(scanner.Text(), " ")
		switch mark {
		case "", "#":
		case "set":
			setOption(t, &o, &so, rest)
		case ">":
			if x == nil || x.status != 0 {
				x = &exchangeText{line: n, request: rest, header: http.Header{}}
				exchanges = append(exchanges, x)
				continue
			}
			name, value, _ := strings.Cut(rest, ": ")
			x.header.Add(name, value)
		case "|":
			x.body = appendBody(t, x.body, rest)
		case "<":
			if x.status == 0 {
				if x.status, err = strconv.Atoi(rest); err != nil {
					t.Fatalf("%s:%d: %v", file, n, err)
				}
				continue
			}
			x.expected = append(x.expected, rest)
		case "~", "!~":
			x.matches = append(x.matches, scanner.Text())
		default:
			t.Fatalf("%s:%d: what is %q?", file, n, mark)
		}
	}
	st := memstore.New(so)
	if o.Worklist != nil {
		var x *sqlite.Index
		st, x = withIndex(t, so)
		o.Worklist, o.Commitment = x.Worklist(), commitment.New(x.Commitments(), Vouching{st}, commitment.DefaultRetention)
		o.Procedures = x.Procedures()
		if o.Webhooks != nil {
			o.Webhooks = webhooksOf(t, st, x)
		}
	}
	s, err := New(st, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range exchanges {
		x.run(t, s)
	}
	if strings.Contains(log.String(), "DOE") {
		t.Errorf("patient data in the log:\n%s", log)
	}
	claimed(t, s, log.String())
}

// claimed looks whether each answer has a status that the conformance statement gives to its resource.
func claimed(t *testing.T, s *Server, log string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`msg=request .*route=(\S+) status=(\d+)`).FindAllStringSubmatch(log, -1) {
		for _, rt := range s.routes() {
			if c := capabilityOf(rt); rt.name == m[1] && !slices.Contains(strings.Fields(c.success+" "+c.failure), m[2]) {
				t.Errorf("%s answers %s, and claims %s, %s", rt.name, m[2], c.success, c.failure)
			}
		}
	}
}

func (x *exchangeText) run(t *testing.T, s *Server) {
	t.Helper()
	method, target, _ := strings.Cut(x.request, " ")
	r := httptest.NewRequest(method, target, bytes.NewReader(x.body))
	r.Host = "pacs.example"
	for name, values := range x.header {
		r.Header[name] = values
		if name == "Host" {
			r.Host = values[0]
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	fail := func(format string, a ...any) {
		t.Helper()
		t.Errorf("line %d: %s\n%s\n%d %v\n%.2000s", x.line, x.request, fmt.Sprintf(format, a...), w.Code, w.Header(), w.Body)
	}
	if w.Code != x.status {
		fail("status %d, want %d", w.Code, x.status)
		return
	}
	for _, line := range x.expected {
		name, pattern, valued := strings.Cut(line, ": ")
		if absent, yes := strings.CutPrefix(line, "!"); yes {
			if v := w.Header().Values(absent); v != nil {
				fail("%s is there: %q", absent, v)
			}
			continue
		}
		found := false
		for _, v := range w.Header().Values(name) {
			found = found || !valued || regexp.MustCompile("^(?:"+pattern+")$").MatchString(v)
		}
		if !found {
			fail("%s is %q, want %s", name, w.Header().Values(name), pattern)
		}
	}
	for _, line := range x.matches {
		mark, pattern, _ := strings.Cut(line, " ")
		if regexp.MustCompile("(?s)"+pattern).Match(w.Body.Bytes()) != (mark == "~") {
			fail("body: want %s", line)
		}
	}
	if strings.HasSuffix(w.Header().Get("Content-Type"), "json") && method != "HEAD" && w.Header().Get("Content-Encoding") == "" && !json.Valid(w.Body.Bytes()) {
		fail("the body is not JSON")
	}
	if n := w.Header().Get("Content-Length"); n != "" && method != "HEAD" && n != strconv.Itoa(w.Body.Len()) {
		fail("Content-Length %s of %d bytes", n, w.Body.Len())
	}
}

// withWorklist is a store whose studies have workitems, which takes a database.
func withWorklist(t testing.TB, o store.Options) (*store.Store, worklist.Repository) {
	t.Helper()
	st, x := withIndex(t, o)
	return st, x.Worklist()
}

func withIndex(t testing.TB, o store.Options) (*store.Store, *sqlite.Index) {
	t.Helper()
	x, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "index.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return store.New(x, memstore.NewBlobs(), o), x
}

func setOption(t *testing.T, o *Options, so *store.Options, line string) {
	name, value, _ := strings.Cut(line, " ")
	n, _ := strconv.Atoi(value)
	switch name {
	case "MaxBody":
		o.MaxBody = int64(n)
	case "MaxPart":
		o.MaxPart = int64(n)
	case "MaxParts":
		o.MaxParts = n
	case "MaxResults":
		o.MaxResults = n
	case "Worklist":
		o.Worklist = memlist.New() // instead of which withIndex puts another
	case "Webhooks":
		o.Webhooks = &webhook.Sender{} // instead of which there comes another
	case "StrictAccept":
		o.StrictAccept = value == "true"
	case "SOPClasses":
		so.Rules.SOPClasses = append(so.Rules.SOPClasses, dicom.UID(value))
	case "TransferSyntaxes":
		so.Rules.TransferSyntaxes = append(so.Rules.TransferSyntaxes, dicom.UID(value))
	case "Conflict":
		so.Conflict = map[string]store.Conflict{"keep": store.Keep, "replace": store.Replace}[value]
	case "Quota":
		so.Quota.Instances = int64(n)
	case "Coerce":
		rule, err := store.ParseCoercion(value)
		if err != nil {
			t.Fatal(err)
		}
		so.Rules.Coercions = append(so.Rules.Coercions, rule)
	case "Validation":
		so.Rules.Validation = map[string]store.Validation{"warn": store.ValidationWarn, "strict": store.ValidationStrict}[value]
	case "WholeFiles":
		so.Rules.WholeFiles = value == "true"
	case "LenientUIDs":
		so.Rules.LenientUIDs = value == "true"
	case "AllowedOrigins":
		o.AllowedOrigins = strings.Fields(value)
	default:
		t.Fatalf("no option %s", name)
	}
}

func appendBody(t *testing.T, body []byte, line string) []byte {
	t.Helper()
	fields := strings.Fields(line)
	switch fields[0] {
	case "file":
		return append(body, fileNamed(t, fields[1])...)
	case "part":
		body = append(body, "\r\n--b\r\n"...)
		if len(fields) > 2 {
			body = append(body, "Content-Type: "+fields[2]+"\r\n"...)
		}
		return append(append(body, "\r\n"...), fileNamed(t, fields[1])...)
	case "end":
		return append(body, "\r\n--b--\r\n"...)
	case "cut":
		n, _ := strconv.Atoi(fields[1])
		return body[:len(body)-n]
	case "text":
		s, err := strconv.Unquote(strings.TrimPrefix(line, "text "))
		if err != nil {
			t.Fatal(line, err)
		}
		return append(body, s...)
	case "gzip":
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(body)
		z.Close()
		return b.Bytes()
	case "metadata":
		return appendMetadata(t, body, fields[1:])
	case "media":
		return appendMedia(t, body, fields[1], fields[2])
	case "zeros":
		n, _ := strconv.Atoi(fields[1])
		return append(body, make([]byte, n)...)
	}
	t.Fatalf("body line %q", line)
	return nil
}

const secondaryCaptureClass = "1.2.840.10008.5.1.4.1.1.7"

// instances are what the conversations store: attribute by keyword.
var instances = map[string]map[string]string{
	"ct1": {"StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.1.1", "SOPInstanceUID": "1.2.1.1.1", "InstanceNumber": "1"},
	"ct2": {"StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.1.1", "SOPInstanceUID": "1.2.1.1.2", "InstanceNumber": "2"},
	"ct3": {"StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.1.2", "SOPInstanceUID": "1.2.1.2.1", "InstanceNumber": "1",
		"SeriesNumber": "2", "SeriesDescription": "coronal"},
	"mr1": {"StudyInstanceUID": "1.2.2", "SeriesInstanceUID": "1.2.2.1", "SOPInstanceUID": "1.2.2.1.1", "InstanceNumber": "1",
		"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4", "Modality": "MR", "PatientName": "MÜLLER^JÖRG", "PatientID": "P2",
		"StudyDate": "20240301", "StudyDescription": "head", "AccessionNumber": "A2"},
	"zeros":   {"StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.1.1", "SOPInstanceUID": "1.2.1.1.02", "InstanceNumber": "7"},
	"moved":   {"StudyInstanceUID": "1.2.9", "SeriesInstanceUID": "1.2.9.1", "SOPInstanceUID": "1.2.1.1.1"},
	"changed": {"StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.1.1", "SOPInstanceUID": "1.2.1.1.1", "InstanceNumber": "99"},
	"bad-uid": {"StudyInstanceUID": "1.2.x", "SeriesInstanceUID": "1.2.1.1", "SOPInstanceUID": "1.2.1.1.9"},
	"bad-sop": {"StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.1.1", "SOPInstanceUID": "../../etc/passwd"},
	"us1": {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.1", "SOPInstanceUID": "1.2.3.1.1", "InstanceNumber": "1",
		"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1", "Modality": "US", "PatientName": "YAMADA^TAROU=山田^太郎=やまだ^たろう",
		"PatientID": "P3", "StudyDate": "20240303", "StudyTime": "180000", "AccessionNumber": "", "TimezoneOffsetFromUTC": "+0100",
		"OtherPatientIDsSequence.PatientID": "11235813", "ImageType": `DERIVED\PRIMARY\VOLUME`, "DeviceSerialNumber": "0042",
		"RequestAttributesSequence.ScheduledProcedureStepID": "SPS7", "RequestAttributesSequence.RequestedProcedureID": "RP7",
		"AcquisitionDateTime": "20240303180000.5+0100", "PerformedProcedureStepStartDate": "20240303",
		"PerformedProcedureStepStartTime": "174500", "00230010": "AcmeCompany", "00231001": "001239", "00231002": "second"},
	"invalid": {"StudyInstanceUID": "1.2.4", "SeriesInstanceUID": "1.2.4.1", "SOPInstanceUID": "1.2.4.1.1", "InstanceNumber": "1",
		"SOPClassUID": secondaryCaptureClass, "ConversionType": "WSD", "Modality": "lower case", "StudyDate": "yesterday", "PatientName": "-",
		"RequestAttributesSequence.ScheduledProcedureStepID": "seventeen letters"},
	"sc1": {"StudyInstanceUID": "1.2.5", "SeriesInstanceUID": "1.2.5.1", "SOPInstanceUID": "1.2.5.1.1", "InstanceNumber": "1",
		"SOPClassUID": secondaryCaptureClass, "ConversionType": "WSD", "Modality": "OT"},
	"sc2":   {"StudyInstanceUID": "1.2.5", "SeriesInstanceUID": "1.2.5.1", "SOPInstanceUID": "1.2.5.1.2", "SOPClassUID": secondaryCaptureClass},
	"sc3":   {"StudyInstanceUID": "1.2.5", "SeriesInstanceUID": "1.2.5.1", "SOPInstanceUID": "1.2.5.1.3", "SOPClassUID": secondaryCaptureClass},
	"sc4":   {"StudyInstanceUID": "1.2.5", "SeriesInstanceUID": "1.2.5.1", "SOPInstanceUID": "1.2.5.1.4", "SOPClassUID": secondaryCaptureClass},
	"sc6":   {"StudyInstanceUID": "1.2.5", "SeriesInstanceUID": "1.2.5.1", "SOPInstanceUID": "1.2.5.1.6", "SOPClassUID": secondaryCaptureClass, "NumberOfFrames": "2"},
	"sc7":   {"StudyInstanceUID": "1.2.5", "SeriesInstanceUID": "1.2.5.1", "SOPInstanceUID": "1.2.5.1.7", "SOPClassUID": secondaryCaptureClass, "NumberOfFrames": "2"},
	"short": {"StudyInstanceUID": "1.2.6", "SeriesInstanceUID": "1.2.6.1", "SOPInstanceUID": "1.2.6.1.1", "Rows": "20"},
	"sr1": {"StudyInstanceUID": "1.2.7", "SeriesInstanceUID": "1.2.7.1", "SOPInstanceUID": "1.2.7.1.1", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11",
		"Modality": "SR", "PatientName": "MÜLLER^JÖRG", "Rows": "-", "PixelData": "-", "ValueType": "CONTAINER", "ContinuityOfContent": "SEPARATE",
		"ConceptNameCodeSequence.CodeMeaning": "Report", "ConceptNameCodeSequence.CodeValue": "1", "ConceptNameCodeSequence.CodingSchemeDesignator": "99T",
		"ContentSequence.RelationshipType": "CONTAINS", "ContentSequence.ValueType": "TEXT", "ContentSequence.TextValue": "größer"},
	"no-series": {"StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "", "SOPInstanceUID": "1.2.1.1.8"},
}

// fileNamed makes the instance's file: a small image.
func fileNamed(t *testing.T, name string) []byte {
	t.Helper()
	name, variant, _ := strings.Cut(name, ":")
	return fileVariant(t, dataSetNamed(t, name), variant)
}

// dataSetNamed makes the instance's data set.
func dataSetNamed(t *testing.T, name string) *dicom.DataSet {
	t.Helper()
	if ds := nonPatientNamed(name); ds != nil {
		return ds
	}
	attributes, found := instances[name]
	if !found {
		t.Fatalf("no instance %q", name)
	}
	ds := &dicom.DataSet{}
	set := func(path, value string) { setNamed(t, ds, path, value) }
	for keyword, value := range map[string]string{
		"SpecificCharacterSet": "ISO_IR 192", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "Modality": "CT",
		"StudyDate": "20240102", "StudyTime": "101530", "StudyID": "S1", "StudyDescription": "chest", "AccessionNumber": "A1",
		"ReferringPhysicianName": "DOE^REF", "PatientName": "DOE^JANE", "PatientID": "P1", "PatientBirthDate": "19700203",
		"PatientSex": "F", "SeriesNumber": "1", "SeriesDescription": "axial", "Rows": "2", "Columns": "2", "BitsAllocated": "8",
		"BitsStored": "8", "HighBit": "7", "PixelRepresentation": "0", "SamplesPerPixel": "1", "PhotometricInterpretation": "MONOCHROME2",
	} {
		set(keyword, value)
	}
	for keyword, value := range attributes {
		set(keyword, value)
	}
	if attributes["PixelData"] != "-" {
		ds.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OB, Value: dicom.Bytes{1, 2, 3, 4}})
	}
	return ds
}

// fileVariant writes the file as it should be (""), in Implicit VR Little Endian, without its preamble, or with the File Meta
// Information of another instance.
func fileVariant(t *testing.T, ds *dicom.DataSet, variant string) []byte {
	t.Helper()
	var o part10.WriteOptions
	switch variant {
	case "implicit":
		o.TransferSyntax = dicom.ImplicitVRLittleEndian
	case "othermeta":
		o.SOPClass, o.SOPInstance = ds.UID(dicom.SOPClassUID), "1.2.3.4"
	}
	var b bytes.Buffer
	if err := part10.Write(&b, ds, o); err != nil {
		t.Fatal(err)
	}
	if variant == "bare" {
		return b.Bytes()[preambleLength:]
	}
	return b.Bytes()
}

// setNamed sets an attribute by its keyword, or by its tag where it is private (of VR LO); "SEQUENCE.ATTRIBUTE" is in the first
// item, which is made. Several values are parted by backslashes. "-" takes
// the attribute away.
func setNamed(t *testing.T, ds *dicom.DataSet, path, value string) {
	t.Helper()
	if outer, inner, nested := strings.Cut(path, "."); nested {
		a, _ := dicom.LookupKeyword(outer)
		items := ds.Items(a.Tag)
		if items == nil {
			items = []*dicom.DataSet{{}}
			ds.SetItems(a.Tag, items...)
		}
		setNamed(t, items[0], inner, value)
		return
	}
	a, found := dicom.LookupKeyword(path)
	tag, vr := a.Tag, a.Tag.VR()
	if !found {
		var err error
		if tag, err = dicom.ParseTag(path); err != nil {
			t.Fatalf("attribute %q", path)
		}
		vr = dicom.LO
	}
	switch {
	case value == "-":
		ds.Delete(tag)
	case value == "":
		ds.Set(dicom.Element{Tag: tag, VR: vr})
	case vr == dicom.US:
		n, _ := strconv.Atoi(value)
		ds.SetInts(tag, vr, int64(n))
	default:
		ds.SetStrings(tag, vr, strings.Split(value, `\`)...)
	}
}
