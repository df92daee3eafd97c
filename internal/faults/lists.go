//go:build linux

package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// Attacks by what a request may have many of.

// listRoom is about how many bytes of a list still come through: the header of a request may have 64 KiB.
const listRoom = 60 << 10

// listed joins so many texts as there is room for.
func listed(separator string, each func(i int) string) string {
	var b strings.Builder
	for i := 0; b.Len() < listRoom; i++ {
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(each(i))
	}
	return b.String()
}

func always(text string) func(int) string { return func(int) string { return text } }

// question is a GET request.
type question struct {
	path   string
	header http.Header
}

// longQueries are searches and presentations that name thousands of things, or numbers that are none.
func longQueries(path string) (all []question) {
	uids := func(separator string) string {
		return listed(separator, func(i int) string { return fmt.Sprint("1.2.840.", i) })
	}
	private := listed("&", func(i int) string { return fmt.Sprintf("0009%04X=1", i) })
	deep := listed(".", always("00400275"))
	for _, query := range []string{
		"StudyInstanceUID=" + uids(","), "SOPInstanceUID=" + uids("%5C"), listed("&", func(i int) string { return fmt.Sprint("StudyInstanceUID=1.2.", i) }),
		"includefield=" + listed(",", func(i int) string { return fmt.Sprintf("%08X", i) }), "includefield=" + listed(",", always("all")),
		listed("&", func(i int) string { return fmt.Sprintf("includefield=%08X", 0x00080000+i) }), "includefield=" + deep,
		listed("&", always("a=1")), listed("&", always("")), listed("&", always("PatientName=*")), listed(";", always("PatientID=1")),
		private, deep + "=1", listed("&", func(i int) string { return fmt.Sprintf("00400275.0040%04X=1", i) }),
		"StudyDate=" + strings.Repeat("1", listRoom), "StudyDate=" + listed("-", always("20200101")), "ModalitiesInStudy=" + listed("%5C", always("CT")),
		"limit=18446744073709551616", "offset=9223372036854775807", "limit=9223372036854775807&offset=9223372036854775807", "limit=" + strings.Repeat("9", listRoom),
		"PatientName=" + listed("", always("%00")), "PatientName=" + listed("", always("%F0%9F%92%80")), "PatientName=" + listed("%3D", always("*")),
	} {
		for _, resource := range []string{"studies", "instances", "workitems"} {
			all = append(all, question{path: "/dicom-web/" + resource + "?" + query})
		}
	}
	for _, query := range []string{
		"viewport=16384,16384", "viewport=2147483647,2147483647", "viewport=1e9,1e9", "viewport=-1,-1", "viewport=16384,16384,0,0,1,1", "viewport=NaN,NaN",
		"viewport=" + listed(",", always("1")), "viewport=1,16384", "viewport=100,100,0,0,1e308,1e308", "viewport=100,100,-1e308,0,1e-308,1",
		"window=NaN,NaN,linear", "window=Inf,Inf,sigmoid", "window=1e308,1e308,linear", "window=-1e308,1e-308,linear-exact", "window=0,1e-320,sigmoid",
		"window=1e999,1,linear", "window=" + listed(",", always("1")), "quality=99999999999999999999", "quality=-1", "annotation=" + listed(",", always("patient")),
		"iccprofile=" + strings.Repeat("a", listRoom), "segmentation=" + uids(","), "contours=" + uids(","), "dose=" + uids(","), listed("&", always("window=1,1,linear")),
	} {
		for _, resource := range []string{"/rendered", "/thumbnail", "/frames/1/rendered"} {
			all = append(all, question{path: path + resource + "?" + query})
		}
	}
	for _, after := range []string{strings.Repeat("A", listRoom), strings.Repeat("9", 1000), "-1", "%00", "AAAAAAAAAAAAAAAAAAAAAA==", uids(",")} {
		all = append(all, question{path: "/dicom-web/changes?after=" + after}, question{path: "/dicom-web/changes?limit=" + after},
			question{path: "/dicom-web/changes?wait=1e308&after=" + after})
	}
	return all
}

// longHeaders ask for one thing with header fields of thousands of values.
func longHeaders(path string) (all []question) {
	ranges := func(each func(int) string) string { return "bytes=" + listed(",", each) }
	fields := http.Header{
		"Accept": {listed(",", func(i int) string { return fmt.Sprintf("a/b%d;q=0.%d", i, i%1000) }), listed(",", always("*/*")),
			listed(", ", func(i int) string {
				return fmt.Sprintf(`multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.4.%d`, i)
			}),
			"*/*" + listed("", always("; p=1")), "application/dicom+json; q=" + strings.Repeat("0", listRoom), `multipart/related; type="` + strings.Repeat(`\"`, listRoom/2) + `"`},
		"Accept-Charset":  {listed(",", func(i int) string { return fmt.Sprint("x-", i) }), listed(",", always("*"))},
		"Accept-Encoding": {listed(",", always("gzip;q=0")), listed(",", func(i int) string { return fmt.Sprint("x", i) })},
		"Accept-Language": {listed(",", always("de-DE;q=0.5"))},
		"Range": {ranges(func(i int) string { return fmt.Sprintf("%d-%d", 2*i, 2*i) }), ranges(always("0-")), ranges(always("-1")), ranges(always("0-99999999")),
			"bytes=0-" + strings.Repeat("9", listRoom), "bytes=-0", "bytes=9223372036854775807-", "bytes=0-18446744073709551616"},
		"If-None-Match":   {listed(",", func(i int) string { return fmt.Sprintf(`"%d"`, i) }), listed(",", always("W/*"))},
		"If-Range":        {strings.Repeat(`"`, listRoom)},
		"Cookie":          {listed("; ", func(i int) string { return fmt.Sprintf("c%d=1", i) })},
		"Authorization":   {"Bearer " + strings.Repeat("a.", listRoom/2), "Basic " + strings.Repeat("QUFB", listRoom/4)},
		"X-Forwarded-For": {listed(",", always("127.0.0.1"))}, "X-Forwarded-Host": {listed(",", always("a.example"))},
		"Forwarded":   {listed(",", always(`for="[::1]";host=a.example;proto=https`))},
		"Traceparent": {strings.Repeat("0", listRoom)}, "Tracestate": {listed(",", func(i int) string { return fmt.Sprintf("k%d=v", i) })},
		"Origin": {"https://" + strings.Repeat("a.", listRoom/2)}, "Access-Control-Request-Headers": {listed(",", always("accept"))},
	}
	for name, values := range fields {
		for _, value := range values {
			for _, p := range []string{path, path + "/metadata", path + "/frames/1", path + "/rendered", path + "/bulkdata/7FE00010", "/dicom-web/studies"} {
				header := http.Header{name: {value}}
				if name == "Range" || name == "If-Range" {
					header.Set("Accept", "application/dicom, application/octet-stream; transfer-syntax=*, image/png") // one part, which has ranges
				}
				if name == "If-Range" {
					header.Set("Range", "bytes=0-1")
				}
				all = append(all, question{p, header})
			}
		}
	}
	many := http.Header{}
	for i := range 4000 {
		many.Add(fmt.Sprint("X-", i), "1")
	}
	for i := range 1000 {
		many.Add("Accept", fmt.Sprint("a/", i))
	}
	return append(all, question{path, many})
}

func longLists(h *siege) ([]func() error, error) {
	frames := make([][]byte, 3000)
	for i := range frames {
		frames[i] = make([]byte, 128)
	}
	ref, file := instance("lists", dicom.ExplicitVRLittleEndian, frames, dicom.NumberOfFrames, fmt.Sprint(len(frames)))
	if response, text := h.stowFile(file); response == nil || response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it was not stored: %s", text)
	}
	path := "/dicom-web" + ref.Path()
	numbers := func(last int) string {
		return listed(",", func(i int) string { return fmt.Sprint(1 + i%last) })
	}
	ascending := strings.Split(numbers(1<<30), ",")
	questions := append(longQueries(path), longHeaders(path)...)
	for _, list := range []string{numbers(1), numbers(3000), numbers(1 << 30), strings.Join(ascending[:3000], ","), strings.Join(ascending[:3001], ","), strings.Repeat("9", listRoom),
		strings.Repeat(",", listRoom), url.PathEscape(strings.Repeat("1,", 1000))} {
		for _, kind := range []string{"", "/rendered", "/thumbnail"} {
			questions = append(questions, question{path: path + "/frames/" + list + kind})
		}
	}
	allowed := append(refused, http.StatusOK, http.StatusNoContent, http.StatusPartialContent, http.StatusNotModified, http.StatusGone,
		http.StatusRequestedRangeNotSatisfiable, http.StatusUnauthorized)
	return twice(func() error {
		for _, q := range questions {
			response, text := h.send("GET", q.path, q.header, nil)
			h.wants(response, text, "a long list: "+q.path[:min(len(q.path), 160)], allowed...)
		}
		return nil
	}), nil
}
