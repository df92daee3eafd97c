//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// Attacks by files and bodies that have more of something than anybody needs.

// sequence is a file with a sequence whose value is the same item again and again.
func sequence(name string, items int, content []byte) []byte {
	item := append(binary.LittleEndian.AppendUint32([]byte{0xFE, 0xFF, 0x00, 0xE0}, uint32(len(content))), content...)
	return append(append(head(name), explicit(0x00400275, "SQ", uint32(items*len(item)))...), bytes.Repeat(item, items)...)
}

// values is a file with an element of so many bytes, which are many values.
func values(name string, t dicom.Tag, vr, value string, count int) []byte {
	text := strings.Repeat(value, count)
	text = text[:len(text)&^1]
	return append(append(head(name), explicit(t, vr, uint32(len(text)))...), text...)
}

// privateBlocks is a file with all the private blocks that a group has room for, in many groups.
func privateBlocks(name string, groups int) []byte {
	b := head(name)
	for g := range groups {
		for block := range 0xF0 {
			b = append(append(b, explicit(dicom.NewTag(uint16(0x0041+2*g), uint16(0x10+block)), "LO", 8)...), "NOCTIS X"...)
		}
		for block := range 0xF0 {
			b = append(append(b, explicit(dicom.NewTag(uint16(0x0041+2*g), uint16(0x1000+block<<8)), "LO", 2)...), "ab"...)
		}
	}
	return b
}

// swollenFiles are files of a few megabytes that stand for many objects.
func swollenFiles() [][]byte {
	one := append(explicit(0x00080100, "SH", 2), "ab"...)
	return [][]byte{
		sequence("empty items", 500_000, nil), sequence("items", 200_000, one),
		sequence("sequences", 100_000, explicit(0x00400275, "SQ", 0)),
		values("values", dicom.ImageType, "UC", `A\`, 2_000_000), values("no values", dicom.ImageType, "UC", `\`, 4_000_000),
		values("numbers", 0x00720072, "UC", `1\`, 1_000_000), values("names", 0x60010010, "UT", "^=", 2_000_000),
		privateBlocks("private", 100),
	}
}

// inflating is a deflated file that inflates to millions of items.
func inflating(name string, items int) []byte {
	return deflatedFile(append(sequence(name, items, nil), explicit(0x00400276, "SQ", 0)...))
}

// swollen is a body that stands for many objects.
type swollen struct {
	what, kind, coding string
	body               []byte
}

func swollenData(h *siege) ([]func() error, error) {
	var bodies []swollen
	for i, file := range swollenFiles() {
		bodies = append(bodies, swollen{fmt.Sprint("swollen file ", i), "application/dicom", "", file},
			swollen{fmt.Sprint("swollen file in gzip ", i), "application/dicom", "gzip", gzipped(bytes.NewReader(file))})
	}
	for _, items := range []int{500_000, 5_000_000, 20_000_000} {
		bodies = append(bodies, swollen{fmt.Sprint("deflated items ", items), "application/dicom", "", inflating("deflated", items)})
	}
	return twice(func() error {
		h.sendSwollen(bodies)
		return nil
	}), nil
}

func swollenModels(h *siege) ([]func() error, error) {
	ref := dicomtest.Image{Study: "hostile", Name: "swollen"}.Instance().DataSet
	ref.Delete(dicom.PixelData)
	model, err := ref.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var bodies []swollen
	begin, end := "["+string(bytes.TrimSuffix(model, []byte("}")))+`,"00400275":{"vr":"SQ","Value":[`, `]}}]`
	for what, item := range map[string]string{"items": "{}", "nulls": "null", "sequences": `{"00400275":{"vr":"SQ"}}`, "values": `{"00080100":{"vr":"SH","Value":["a"]}}`} {
		json := begin + strings.TrimSuffix(strings.Repeat(item+",", 300_000), ",") + end
		bodies = append(bodies, swollen{"JSON of " + what, "application/dicom+json", "", []byte(json)},
			swollen{"JSON of " + what + " in gzip", "application/dicom+json", "gzip", gzipped(strings.NewReader(json))})
	}
	bodies = append(bodies,
		swollen{"JSON of data sets", "application/dicom+json", "", []byte("[" + strings.TrimSuffix(strings.Repeat("{},", 1_000_000), ",") + "]")},
		swollen{"JSON of one name", "application/dicom+json", "", []byte("[{" + strings.TrimSuffix(strings.Repeat(`"00100010":{"vr":"PN"},`, 300_000), ",") + "}]")},
		swollen{"XML of values", "application/dicom+xml", "", []byte(`<NativeDicomModel><DicomAttribute tag="00080008" vr="CS">` + strings.Repeat(`<Value number="1">A</Value>`, 200_000) + `</DicomAttribute></NativeDicomModel>`)},
		swollen{"XML of attributes", "application/dicom+xml", "", []byte(`<NativeDicomModel` + strings.Repeat(` a="b"`, 500_000) + `/>`)},
		swollen{"XML of comments", "application/dicom+xml", "", []byte(`<NativeDicomModel>` + strings.Repeat(`<!-- -->`, 500_000) + `</NativeDicomModel>`)})
	return twice(func() error {
		h.sendSwollen(bodies)
		return nil
	}), nil
}

// sendSwollen sends each as an instance, and models as workitems, too.
func (h *siege) sendSwollen(bodies []swollen) {
	allowed := append(refused, http.StatusOK, http.StatusAccepted, http.StatusCreated)
	for _, b := range bodies {
		header, content := http.Header{"Content-Type": {b.kind}}, b.body
		if b.coding != "" {
			header.Set("Content-Encoding", b.coding)
		} else if b.kind != "application/dicom" {
			header.Set("Content-Type", `multipart/related; type="`+b.kind+`"; boundary=x`)
			content = fmt.Appendf(nil, "--x\r\nContent-Type: %s\r\n\r\n%s\r\n--x--\r\n", b.kind, content)
		}
		response, text := h.send("POST", "/dicom-web/studies", header, content)
		h.wants(response, text, b.what, allowed...)
		if b.kind != "application/dicom" {
			header := http.Header{"Content-Type": {b.kind}}
			if b.coding != "" {
				header.Set("Content-Encoding", b.coding)
			}
			response, text := h.send("POST", "/dicom-web/workitems", header, b.body)
			h.wants(response, text, b.what+" as workitem", allowed...)
		}
	}
}

// oddParts are bodies in parts whose form costs more than what is in it.
func oddParts(h *siege) ([]func() error, error) {
	file := head("parts")
	part := func(headers string) string { return "--x\r\n" + headers + "\r\n" + string(file) + "\r\n" }
	end := "--x--\r\n"
	bodies := []string{
		strings.Repeat("text before\r\n", 1<<20) + part("") + end, part("") + end + strings.Repeat("text behind\r\n", 1<<20),
		strings.Repeat("--xy\r\n", 2<<20) + part("") + end, part("") + strings.Repeat("\r\n--y", 2<<20) + end, strings.Repeat("\r\n--", 2<<20), strings.Repeat("\r\n--x-", 1<<20),
		"--x" + strings.Repeat(" ", 8<<20) + "\r\n\r\n1\r\n" + end, part(strings.Repeat("A: 1\r\n", 5000)) + end, part("Content-Type: "+strings.Repeat("a", 60_000)+"\r\n") + end,
		part("Content-Type: application/dicom"+strings.Repeat("; p=1", 10_000)+"\r\n") + end, part("Content-Type: a/b\r\n\tc"+strings.Repeat("\r\n d", 10_000)+"\r\n") + end,
		strings.Repeat(part("Content-Location: a\r\n"), 2000) + end, strings.Repeat(part("Content-Encoding: gzip\r\n"), 2000) + end,
		part("Content-Length: 4294967295\r\n") + end, part("Content-Length: -1\r\n") + end, part("Content-Transfer-Encoding: base64\r\n") + end, strings.Repeat("--x\r\n\r\n\r\n", 9000) + end,
		strings.Repeat("--x\r\nContent-Type: application/dicom+json\r\n\r\n[]\r\n", 9000) + end, strings.Repeat("\n", 8<<20), strings.Repeat("\r", 8<<20),
	}
	codings := map[string][]byte{"zstd": {0x28, 0xB5, 0x2F, 0xFD, 0, 0x58, 0, 0, 0}, "xz": []byte("\xFD7zXZ\x00"), "br": {0x0B}, "compress": {0x1F, 0x9D}, "deflate": {0x78, 0x9C},
		"gzip, identity": gzipped(bytes.NewReader(file)), "gzip": bytes.Repeat(gzipped(bytes.NewReader(nil)), 200_000), strings.Repeat("gzip, ", 5000) + "gzip": gzipped(bytes.NewReader(file))}
	allowed := append(refused, http.StatusOK, http.StatusAccepted)
	return twice(func() error {
		for i, body := range bodies {
			for _, kind := range []string{"application/dicom", "application/dicom+json", "application/dicom+xml"} {
				response, text := h.send("POST", "/dicom-web/studies", http.Header{"Content-Type": {`multipart/related; type="` + kind + `"; boundary=x`}}, []byte(body))
				h.wants(response, text, fmt.Sprint("odd parts ", i), allowed...)
			}
		}
		for coding, body := range codings {
			response, text := h.send("POST", "/dicom-web/studies", http.Header{"Content-Type": {"application/dicom"}, "Content-Encoding": {coding}}, body)
			h.wants(response, text, "Content-Encoding "+coding[:min(len(coding), 20)], allowed...)
		}
		return nil
	}), nil
}
