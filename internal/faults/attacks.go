//go:build linux

package main

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// attacks are rows 26 to 40 of the matrix of issue 7.
var attacks = []attack{
	{"deflate bomb", "deflated data sets of 1 MB that inflate to 600 MB", nil, deflateBomb},
	{"gzip bomb", "Content-Encoding gzip of 600 MB of zeros; gzip in gzip; codings that nobody knows", nil, gzipBomb},
	{"codec bombs", "codestreams of 2^31 and 65535 squared pixels, frames that are not there, lying palettes and slopes: stored, decoded and rendered", nil, codecBombs},
	{"claimed lengths", "Content-Length of 4 GB without a body, on hundreds of connections", nil, claimedLengths},
	{"multipart bombs", "100,000 parts of a byte, 10 MB of headers, multipart in multipart, a boundary of 64 KB, 10,000 parameters", nil, multipartBombs},
	{"odd parts", "bodies in parts with megabytes before, between and behind the parts, boundaries that are almost there, thousands of header fields; codings, and gzip of 200,000 members", nil, oddParts},
	{"swollen data sets", "half a million items, millions of values and numbers in one element, 24,000 private blocks; the same in gzip; deflated files of up to 20 million items", nil, swollenData},
	{"swollen models", "metadata and workitems in JSON and XML with 300,000 items, nulls, values, names or attributes, and a million data sets; the same in gzip", nil, swollenModels},
	{"nesting", "60,000 sequences in each other, of defined and undefined length; JSON and XML a million deep; entities", nil, nesting},
	{"lengths that lie", "values of 4 GB, Rows of other VRs, group lengths and items that contradict each other", nil, lyingLengths},
	{"many elements", "8 uploads at once of 900,000 elements each", nil, manyElements},
	{"traversal", "paths in UIDs, in addresses, with every encoding", nil, traversal},
	{"injection", "SQL in searches: what is found is nothing, or what was asked for", nil, injection},
	{"long lists", "3,000 UIDs, fields, keys, ranges, media types, frames, cookies and forwardings of one request; viewports and windows that are no numbers, or huge ones", nil, longLists},
	{"HTTP/2", "20,000 requests that are reset at once, headers of 2,000 continuations, tables of fields, pings and settings by the hundred thousand, answers that find no room", nil, h2Attacks},
	{"listeners", "1,000 subscribers to the worklist, on WebSockets, and 1,000 who listen to the change feed, while studies come in", nil, manyListeners},
	{"wildcards", "a thousand stars, ten thousand question marks, fuzzy names", nil, wildcards},
	{"response splitting", "line ends in UIDs, addresses, Accept and boundaries", nil, splitting},
	{"scripts", "HTML and SVG in attributes, addresses and errors: no answer is a page, none is sniffed", nil, scripts},
	{"preambles", "programs and pages in the preamble of a file: sent as zeros, and never as text/html", nil, preambles},
	{"addresses in uploads", "BulkDataURI of another server: it is never asked", nil, foreignAddresses},
	{"without a key", "every route in every spelling, without authentication where it is wanted", []string{"--require-authentication"}, withoutKey},
}

// twice is two clients that do the same.
func twice(client func() error) []func() error { return []func() error{client, client} }

// instance makes a file of 8 x 8 pixels with other attributes, and with codestreams as its frames.
func instance(name string, ts dicom.UID, frames [][]byte, with ...any) (dicom.Ref, []byte) {
	in := dicomtest.Image{Study: "hostile", Name: name, TransferSyntax: ts, With: with}.Instance()
	in.Frames = frames
	file, err := in.File()
	if err != nil {
		panic(err) // a mistake in the harness
	}
	return in.DataSet.Ref(), file
}

// head is a file up to its pixel data, which it has not.
func head(name string, with ...any) []byte {
	in := dicomtest.Image{Study: "hostile", Name: name, With: with}.Instance()
	in.DataSet.Delete(dicom.PixelData)
	file, err := in.File()
	if err != nil {
		panic(err) // a mistake in the harness
	}
	return file
}

// explicit is the header of an element in Explicit VR Little Endian; long VRs have 32 bits for the length.
func explicit(t dicom.Tag, vr string, length uint32) []byte {
	b := binary.LittleEndian.AppendUint16(nil, uint16(t>>16))
	b = binary.LittleEndian.AppendUint16(b, uint16(t))
	b = append(b, vr...)
	if strings.Contains("OB OW OF OD OL OV UN SQ UT UC UR", vr) {
		return binary.LittleEndian.AppendUint32(append(b, 0, 0), length)
	}
	return binary.LittleEndian.AppendUint16(b, uint16(length))
}

// deflated is the data set of a file in the deflated transfer syntax, followed by so many zeros of pixel data.
func deflated(name string, zeroBytes int64) []byte {
	return deflatedFile(append(head(name), explicit(dicom.PixelData, "OW", uint32(zeroBytes))...), &zeros{zeroBytes})
}

// deflatedFile is a file in the deflated transfer syntax, with more behind its data set.
func deflatedFile(file []byte, more ...io.Reader) []byte {
	const ts = "1.2.840.10008.1.2.1"
	// File Meta Information with the other syntax: its value is three characters longer, and so are its own length and that of the group.
	at := bytes.Index(file, []byte(ts))
	begins := 132 + 12 + int(binary.LittleEndian.Uint32(file[140:]))
	meta := append([]byte(nil), file[:at]...)
	value := ts + ".99\x00"
	old := int(binary.LittleEndian.Uint16(file[at-2:]))
	binary.LittleEndian.PutUint16(meta[at-2:], uint16(len(value)))
	meta = append(append(meta, value...), file[at+old:begins]...)
	binary.LittleEndian.PutUint32(meta[140:], uint32(begins-144+len(value)-old))
	var b bytes.Buffer
	b.Write(meta)
	z, _ := flate.NewWriter(&b, flate.BestSpeed)                                                //nolint:errcheck // a level that exists
	io.Copy(z, io.MultiReader(append([]io.Reader{bytes.NewReader(file[begins:])}, more...)...)) //nolint:errcheck // a buffer
	z.Close()                                                                                   //nolint:errcheck // a buffer
	return b.Bytes()
}

func deflateBomb(h *siege) ([]func() error, error) {
	bomb := deflated("deflated", 600<<20)
	return twice(func() error {
		response, text := h.stowFile(bomb)
		h.wants(response, text, "a deflate bomb", refused...)
		return nil
	}), nil
}

func gzipped(data io.Reader) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) //nolint:errcheck // a level that exists
	io.Copy(z, data)                                //nolint:errcheck // a buffer
	z.Close()                                       //nolint:errcheck // a buffer
	return b.Bytes()
}

func gzipBomb(h *siege) ([]func() error, error) {
	file := append(head("gzipped"), explicit(dicom.PixelData, "OW", 600<<20)...)
	bomb := gzipped(io.MultiReader(bytes.NewReader(file), &zeros{600 << 20}))
	nested := gzipped(bytes.NewReader(gzipped(bytes.NewReader(bomb))))
	return twice(func() error {
		for coding, body := range map[string][]byte{"gzip": bomb, "x-gzip": nested, "gzip, gzip": nested, "br": bomb, "deflate": bomb} {
			response, text := h.send("POST", "/dicom-web/studies",
				http.Header{"Content-Type": {"application/dicom"}, "Content-Encoding": {coding}}, body)
			h.wants(response, text, "Content-Encoding "+coding, refused...)
		}
		return nil
	}), nil
}

// bombs are codestreams that claim what they have not.
func bombs() map[string][]byte {
	siz := []byte{0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0, 0}
	for _, n := range []uint32{1 << 31, 1 << 31, 0, 0, 1, 1, 0, 0} { // the image, its offset, tiles of a pixel, their offset
		siz = binary.BigEndian.AppendUint32(siz, n)
	}
	siz = append(siz, 0, 1, 15, 1, 1)
	jpeg := []byte{0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0xFF, 0xFF, 0xFF, 0xFF, 1, 1, 0x11, 0, 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0xFF, 0xD9}
	lossless := append([]byte(nil), jpeg...)
	lossless[3] = 0xC3
	jls := append([]byte(nil), jpeg...)
	jls[3] = 0xF7
	rle := make([]byte, 64)
	binary.LittleEndian.PutUint32(rle, 15)
	for i := 1; i < 16; i++ {
		binary.LittleEndian.PutUint32(rle[4*i:], 0xFFFFFFF0)
	}
	return map[string][]byte{
		"1.2.840.10008.1.2.4.90": siz, "1.2.840.10008.1.2.4.201": siz, "1.2.840.10008.1.2.4.50": jpeg,
		"1.2.840.10008.1.2.4.70": lossless, "1.2.840.10008.1.2.4.80": jls, "1.2.840.10008.1.2.5": rle,
	}
}

func codecBombs(h *siege) ([]func() error, error) {
	var refs []dicom.Ref
	add := func(ref dicom.Ref, file []byte) {
		response, text := h.stowFile(file)
		if response != nil && response.StatusCode == http.StatusOK || response != nil && response.StatusCode == http.StatusAccepted {
			refs = append(refs, ref)
			return
		}
		h.wants(response, text, "a codec bomb", refused...)
	}
	for ts, codestream := range bombs() {
		add(instance(ts, dicom.UID(ts), [][]byte{append(codestream, make([]byte, len(codestream)%2)...)}))
		add(instance(ts+" large", dicom.UID(ts), [][]byte{append(codestream, make([]byte, 2048+len(codestream)%2)...)},
			dicom.Rows, 65535, dicom.Columns, 65535))
	}
	add(instance("frames", dicom.ExplicitVRLittleEndian, nil, dicom.NumberOfFrames, "2147483647"))
	add(instance("palette", dicom.ExplicitVRLittleEndian, nil, dicom.PhotometricInterpretation, "PALETTE COLOR",
		dicom.RedPaletteColorLookupTableDescriptor, []int64{0, 0, 16}, dicom.GreenPaletteColorLookupTableDescriptor, []int64{0, 0, 16},
		dicom.BluePaletteColorLookupTableDescriptor, []int64{0, 0, 16}))
	add(instance("slope", dicom.ExplicitVRLittleEndian, nil, dicom.RescaleSlope, "1e-30", dicom.RescaleIntercept, "1e30",
		dicom.WindowCenter, "1e300", dicom.WindowWidth, "1e-300"))
	if len(refs) < 8 {
		return nil, fmt.Errorf("only %d codec bombs were stored", len(refs))
	}
	return twice(func() error {
		for _, ref := range refs {
			path := "/dicom-web" + ref.Path()
			for _, what := range []struct{ path, accept string }{
				{"/frames/1", `multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1`},
				{"/frames/2147483647", `multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1`},
				{"/rendered", "image/png"}, {"/thumbnail", "image/jpeg"}, {"", "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"},
			} {
				began := time.Now()
				h.send("GET", path+what.path, http.Header{"Accept": {what.accept}}, nil)
				if took := time.Since(began); took > 10*time.Second {
					return fmt.Errorf("a codec bomb is decoded for %v", took)
				}
			}
		}
		return nil
	}), nil
}

func claimedLengths(h *siege) ([]func() error, error) {
	address := strings.TrimPrefix(h.url, "http://")
	return twice(func() error {
		var open []net.Conn
		for i := range 100 {
			c, err := net.DialTimeout("tcp", address, 10*time.Second)
			if err != nil {
				return err
			}
			open = append(open, c)
			h.tries.Add(1)
			kind := []string{"application/dicom", "application/dicom+json", `multipart/related; type="application/dicom"; boundary=x`,
				`multipart/related; type="application/dicom+json"; boundary=x`}[i%4]
			fmt.Fprintf(c, "POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: 4294967295\r\n\r\n", kind)
		}
		time.Sleep(300 * time.Millisecond)
		for _, c := range open {
			c.Close()
		}
		return nil
	}), nil
}

func multipartBombs(h *siege) ([]func() error, error) {
	const related = `multipart/related; type="application/dicom"; boundary=`
	small := bytes.Repeat([]byte("--x\r\n\r\n1\r\n"), 100_000)
	headers := []byte("--x\r\n" + strings.Repeat("X-Header: "+strings.Repeat("a", 1000)+"\r\n", 10_000) + "\r\n1\r\n--x--\r\n")
	nested := []byte(strings.Repeat("--x\r\nContent-Type: multipart/related; boundary=x\r\n\r\n", 10_000))
	long := strings.Repeat("b", 64<<10)
	bodies := []struct {
		kind string
		body []byte
	}{
		{related + "x", append(small, "--x--\r\n"...)}, {related + "x", headers}, {related + "x", nested},
		{related + long, []byte("--" + long + "\r\n\r\n1\r\n--" + long + "--\r\n")},
		{related + "x" + strings.Repeat("; p=1", 10_000), []byte("--x\r\n\r\n1\r\n--x--\r\n")},
		{related + `"` + strings.Repeat(`\"`, 1000) + `"`, small[:1000]}, {related, small[:1000]}, {"multipart/related", small[:1000]},
		{`multipart/related; type="application/dicom+json"; boundary=x`, append(small, "--x--\r\n"...)},
		{`multipart/related; type="application/dicom+xml"; boundary=x`, headers},
	}
	return twice(func() error {
		for i, b := range bodies {
			response, text := h.send("POST", "/dicom-web/studies", http.Header{"Content-Type": {b.kind}}, b.body)
			h.wants(response, text, fmt.Sprint("multipart bomb ", i), refused...)
		}
		return nil
	}), nil
}

// nested is a file of sequences in each other, of undefined or defined length.
func nested(depth int, defined bool) []byte {
	var b bytes.Buffer
	b.Write(head("nested"))
	for i := range depth {
		sequence, item := uint32(0xFFFFFFFF), uint32(0xFFFFFFFF)
		if defined {
			sequence = uint32(20*(depth-i) - 12)
			item = sequence - 8
		}
		b.Write(explicit(0x00400275, "SQ", sequence))
		b.Write(binary.LittleEndian.AppendUint32([]byte{0xFE, 0xFF, 0x00, 0xE0}, item))
	}
	return b.Bytes()
}

func nesting(h *siege) ([]func() error, error) {
	files := [][]byte{nested(60_000, false), nested(60_000, true)}
	deepJSON := []byte(strings.Repeat("[", 1_000_000))
	deepItems := []byte("[" + strings.Repeat(`{"00400275":{"vr":"SQ","Value":[`, 100_000))
	deepXML := []byte(`<?xml version="1.0"?><NativeDicomModel>` + strings.Repeat(`<DicomAttribute tag="00400275" vr="SQ"><Item number="1">`, 20_000))
	entities := []byte(`<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "` + strings.Repeat("lol", 100) + `">` +
		`<!ENTITY b "` + strings.Repeat("&a;", 100) + `"><!ENTITY c "` + strings.Repeat("&b;", 100) + `"><!ENTITY d SYSTEM "file:///etc/passwd">]>` +
		`<NativeDicomModel><DicomAttribute tag="00100020" vr="LO"><Value number="1">&c;&d;</Value></DicomAttribute></NativeDicomModel>`)
	return twice(func() error {
		for i, file := range files {
			response, text := h.stowFile(file)
			h.wants(response, text, fmt.Sprint("nesting ", i), refused...)
		}
		for _, path := range []string{"/dicom-web/studies", "/dicom-web/workitems", "/dicom-web/modality-scheduled-procedure-steps",
			"/dicom-web/commitment-requests/1.2.3"} {
			for kind, bodies := range map[string][][]byte{"application/dicom+json": {deepJSON, deepItems}, "application/dicom+xml": {deepXML, entities}} {
				for _, body := range bodies {
					if path == "/dicom-web/studies" {
						body = fmt.Appendf(nil, "--x\r\nContent-Type: %s\r\n\r\n%s\r\n--x--\r\n", kind, body)
						kind := fmt.Sprintf(`multipart/related; type="%s"; boundary=x`, kind)
						response, text := h.send("POST", path, http.Header{"Content-Type": {kind}}, body)
						h.wants(response, text, "nesting in "+path, refused...)
						continue
					}
					response, text := h.send("POST", path, http.Header{"Content-Type": {kind}}, body)
					h.wants(response, text, "nesting in "+path, refused...)
				}
			}
		}
		return nil
	}), nil
}

func lyingLengths(h *siege) ([]func() error, error) {
	var files [][]byte
	for _, vr := range []string{"OB", "OW", "UN", "UT", "UC", "SQ"} {
		for _, length := range []uint32{0xFFFFFFFE, 0x7FFFFFFF, 1 << 30} {
			files = append(files, append(append(head("lies"), explicit(0x60010010, vr, length)...), "short"...))
		}
	}
	rows := append(head("rows"), explicit(0x60010010, "UL", 8)...)
	files = append(files, append(rows, 1, 0, 0, 0)) // cut off
	meta := head("meta")
	binary.LittleEndian.PutUint32(meta[140:], 0xFFFFFFF0)
	files = append(files, meta[:200])
	item := append(head("item"), explicit(0x00400275, "SQ", 16)...)
	files = append(files, append(item, 0xFE, 0xFF, 0x00, 0xE0, 0xF0, 0xFF, 0xFF, 0x7F))
	return twice(func() error {
		for i, file := range files {
			response, text := h.stowFile(file)
			h.wants(response, text, fmt.Sprint("lying length ", i), refused...)
		}
		return nil
	}), nil
}

func manyElements(h *siege) ([]func() error, error) {
	var clients []func() error
	var n atomic.Int64
	for range 8 {
		clients = append(clients, func() error {
			var b bytes.Buffer
			b.Write(head(fmt.Sprint("many ", n.Add(1))))
			for i := range 900_000 {
				b.Write(explicit(dicom.NewTag(uint16(0x6001+2*(i/60_000)), uint16(0x1000+i%60_000)), "SH", 2))
				b.WriteString("ab")
			}
			response, text := h.stowFile(b.Bytes())
			h.wants(response, text, "many elements", append(refused, http.StatusOK)...)
			return nil
		})
	}
	return clients, nil
}

func foreignAddresses(h *siege) ([]func() error, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h.lab.later(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			c.Close()
			h.problem("the server has asked an address of an upload")
		}
	}()
	in := dicomtest.Image{Study: "foreign"}.Instance().DataSet
	in.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OW, Value: dicom.Bulk{URI: "http://" + listener.Addr().String() + "/bulk"}})
	in.SetStrings(dicom.RetrieveURL, dicom.UR, "http://"+listener.Addr().String()+"/retrieve")
	json, err := in.MarshalJSON()
	if err != nil {
		return nil, err
	}
	body := fmt.Appendf(nil, "--x\r\nContent-Type: application/dicom+json\r\n\r\n[%s]\r\n--x--\r\n", json)
	return twice(func() error {
		response, text := h.send("POST", "/dicom-web/studies",
			http.Header{"Content-Type": {`multipart/related; type="application/dicom+json"; boundary=x`}}, body)
		h.wants(response, text, "an address in an upload", refused...)
		h.send("GET", "/wado?requestType=WADO&studyUID="+url.QueryEscape("http://"+listener.Addr().String()), nil, nil)
		return nil
	}), nil
}
