package main

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicomweb"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// TestStatementIsCurrent: docs/CONFORMANCE.md is what the program says of itself.
func TestStatementIsCurrent(t *testing.T) {
	want, err := os.ReadFile("../../docs/CONFORMANCE.md")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := writeStatement(&got, "markdown"); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("docs/CONFORMANCE.md differs from the program: bin/noctis statement > docs/CONFORMANCE.md")
	}
}

func statementOf(t *testing.T) dicomweb.Statement {
	t.Helper()
	var out bytes.Buffer
	if err := writeStatement(&out, "json"); err != nil {
		t.Fatal(err)
	}
	var s dicomweb.Statement
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStatementAsHTML(t *testing.T) {
	var out bytes.Buffer
	if err := writeStatement(&out, "html"); err != nil || !bytes.Contains(out.Bytes(), []byte("1.2.840.10008.1.2.4.80")) {
		t.Errorf("%v, %d bytes", err, out.Len())
	}
}

// TestStatementIsTrue asks every resource that retrieves for every media type that the statement gives it: some instance has to come in it.
func TestStatementIsTrue(t *testing.T) {
	server := httptest.NewServer(conformanceHandler(t))
	defer server.Close()
	report := dicomtest.Chest()
	for _, in := range append(streams(),
		dicomtest.Image{Study: "picture", BitsAllocated: 8}.Instance(), dicomtest.Image{Study: "cine", BitsAllocated: 8, Frames: 2}.Instance(),
		report[len(report)-1], dicomtest.ECG(), dicomtest.Document("application/pdf", []byte("%PDF-1.4")), dicomtest.Document("model/stl", []byte("solid")),
		dicomtest.Document("model/obj", []byte("v 0 0 0")), dicomtest.Document("model/mtl", []byte("newmtl a"))) {
		file, err := in.File()
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.Post(server.URL+"/dicom-web/studies", "application/dicom", bytes.NewReader(file))
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatal(in.TransferSyntax, err, response)
		}
		response.Body.Close()
	}
	uids := map[string]string{}
	for _, in := range dicomtest.NonPatient("statement") {
		file, err := in.File()
		if err != nil {
			t.Fatal(err)
		}
		ref := in.DataSet.Ref()
		if !posted(server.URL+"/dicom-web/"+ref.Resource, file) {
			t.Fatal(ref.Path(), "is not stored")
		}
		uids[ref.Resource] = string(ref.Instance)
	}
	var all []map[string]struct{ Value []any }
	getJSON(t, server.URL+"/dicom-web/instances?limit=1000", &all)
	for _, claim := range statementOf(t).Transactions {
		ours := claim.Clause == "extension" && (claim.Resource == "/changes" || claim.Resource == "/recycle-bin")
		if claim.Method == http.MethodGet && strings.HasPrefix(claim.Clause, "PS3.18 12.") {
			resource, _, _ := strings.Cut(claim.Resource[1:], "/")
			for _, accept := range claim.Accept {
				if !comesAs(t, server.URL+"/dicom-web"+strings.Replace(claim.Resource, "{uid}", uids[resource], 1), accept) {
					t.Errorf("GET %s does not come as %s", claim.Resource, accept)
				}
			}
		}
		if claim.Method != http.MethodGet || !strings.HasPrefix(claim.Clause, "PS3.18 10.") && !ours {
			continue
		}
		for _, accept := range claim.Accept {
			if !someComesAs(t, server.URL+"/dicom-web", claim.Resource, accept, all) {
				t.Errorf("%s %s: nothing comes as %s", claim.Method, claim.Resource, accept)
			}
		}
	}
}

// streams are instances whose pixel data is passed through.
func streams() []dicomtest.Instance {
	var all []dicomtest.Instance
	for _, syntax := range []dicom.UID{"1.2.840.10008.1.2.4.101", "1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.107", "1.2.840.10008.1.2.4.110"} {
		in := dicomtest.Image{Study: string(syntax), BitsAllocated: 8, TransferSyntax: syntax}.Instance()
		in.Frames = [][]byte{[]byte("a stream that nobody decodes here.")}
		all = append(all, in)
	}
	return all
}

// someComesAs asks the resource of one instance after the other, a few of each series, until one answers in the media type.
func someComesAs(t *testing.T, base, resource, accept string, instances []map[string]struct{ Value []any }) bool {
	t.Helper()
	seen := map[any]int{}
	for _, o := range instances {
		series := o["0020000E"].Value[0]
		if seen[series]++; seen[series] > 1 {
			continue
		}
		path := strings.NewReplacer("{study}", o["0020000D"].Value[0].(string), "{series}", series.(string),
			"{instance}", o["00080018"].Value[0].(string), "{frames}", "1", "{path:.+}", "7FE00010").Replace(resource)
		if comesAs(t, base+path, accept) {
			return true
		}
	}
	return false
}

// comesAs reports whether a resource comes in the media type.
func comesAs(t *testing.T, address, accept string) bool {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode/100 == 2 && sameMediaType(response.Header.Get("Content-Type"), accept)
}

func sameMediaType(got, want string) bool {
	a, pa, _ := mime.ParseMediaType(got)
	b, pb, _ := mime.ParseMediaType(want)
	return a == b && (a != "multipart/related" || pa["type"] == pb["type"])
}

func getJSON(t *testing.T, url string, into any) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// TestStatementsCharacterSetsAreRead: text in each of them is understood.
func TestStatementsCharacterSetsAreRead(t *testing.T) {
	samples := map[string][2]string{ // bytes of a value, and what they say
		"ISO_IR 100": {"\xc4", "Ä"}, "ISO_IR 101": {"\xa1", "Ą"}, "ISO_IR 109": {"\xa1", "Ħ"}, "ISO_IR 110": {"\xa1", "Ą"},
		"ISO_IR 144": {"\xb0", "А"}, "ISO_IR 127": {"\xc7", "ا"}, "ISO_IR 126": {"\xc1", "Α"}, "ISO_IR 138": {"\xe0", "א"},
		"ISO_IR 148": {"\xd0", "Ğ"}, "ISO_IR 203": {"\xa4", "€"}, "ISO_IR 13": {"\xb1", "ｱ"}, "ISO_IR 166": {"\xa1", "ก"},
		"ISO_IR 192": {"\xe5\xb1\xb1", "山"}, "GB18030": {"\xcd\xf5", "王"}, "GBK": {"\xcd\xf5", "王"},
		"ISO 2022 IR 6": {"A", "A"}, "ISO 2022 IR 100": {"\x1b-A\xc4", "Ä"}, "ISO 2022 IR 101": {"\x1b-B\xa1", "Ą"}, "ISO 2022 IR 109": {"\x1b-C\xa1", "Ħ"},
		"ISO 2022 IR 110": {"\x1b-D\xa1", "Ą"}, "ISO 2022 IR 144": {"\x1b-L\xb0", "А"}, "ISO 2022 IR 127": {"\x1b-G\xc7", "ا"},
		"ISO 2022 IR 126": {"\x1b-F\xc1", "Α"}, "ISO 2022 IR 138": {"\x1b-H\xe0", "א"}, "ISO 2022 IR 148": {"\x1b-M\xd0", "Ğ"},
		"ISO 2022 IR 203": {"\x1b-b\xa4", "€"}, "ISO 2022 IR 13": {"\x1b)I\xb1", "ｱ"}, "ISO 2022 IR 166": {"\x1b-T\xa1", "ก"},
		"ISO 2022 IR 87": {"\x1b$B\x3b\x33\x1b(B", "山"}, "ISO 2022 IR 159": {"\x1b$(D\x30\x21\x1b(B", "丂"},
		"ISO 2022 IR 149": {"\x1b$)C\xb1\xe8", "김"}, "ISO 2022 IR 58": {"\x1b$)A\xcd\xf5", "王"},
	}
	for _, c := range statementOf(t).CharacterSets {
		sample, tried := samples[c.Term]
		values := []string{c.Term}
		if c.CodeExtension {
			values = []string{"ISO 2022 IR 6", c.Term}
		}
		if got := dicom.NewCharset(values).Decode(dicom.LO, []byte(sample[0])); !tried || got != sample[1] {
			t.Errorf("%s: %q, want %q", c.Term, got, sample[1])
		}
	}
	if n := len(samples); n != len(statementOf(t).CharacterSets) {
		t.Errorf("%d samples for %d character sets", n, len(statementOf(t).CharacterSets))
	}
}
