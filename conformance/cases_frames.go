package conformance

import (
	"bytes"
	"fmt"
	"strings"
)

// frameCases are PS3.18 10.4.1.1.6.
func frameCases() []Case {
	cases := []Case{
		reads("root-type", "PS3.18 8.7.1", Shall, "the type parameter of multipart/related is a media type alone; transfer-syntax stands beside it", func(t *T) {
			a := t.get(t.image().path()+"/frames/1", acceptBytesAny).status(200)
			if root := a.mediaType("multipart/related")["type"]; strings.Contains(root, ";") {
				t.failGot("type: "+root, "type=\"application/octet-stream\"")
			}
		}),
		reads("several", "PS3.18 10.4.1.1.6", Shall, "several frames come in the order in which they were asked for", func(t *T) {
			in := t.own().us
			parts := t.get(in.path()+"/frames/1,3", acceptBytes).status(200).parts(octetStream)
			if len(parts) != 2 || !bytes.Equal(parts[0].body, in.frames[0]) || !bytes.Equal(parts[1].body, in.frames[2]) {
				t.failGot(fmt.Sprintf("%d parts", len(parts)), "two parts: the samples of frames 1 and 3")
			}
		}),
		reads("several-encoded", "PS3.18 8.3.1.1", Practice, "the comma of a frame list may be percent-encoded", func(t *T) {
			parts := t.get(t.own().us.path()+"/frames/1%2C2", acceptBytes).status(200).parts(octetStream)
			if len(parts) != 2 {
				t.fail("two parts")
			}
		}),
		reads("all", "PS3.18 10.4.1.1.6", Shall, "all frames may be asked for", func(t *T) {
			in := t.own().us
			parts := t.get(in.path()+"/frames/1,2,3", acceptBytes).status(200).parts(octetStream)
			for i, p := range parts {
				if i >= 3 || !bytes.Equal(p.body, in.frames[i]) {
					t.fail("three parts with the samples of the frames")
				}
			}
		}),
		reads("color", "PS3.18 8.7.3.3.1", Shall, "a frame of three samples comes as it was stored", func(t *T) {
			in := t.own().rgb
			if p := t.onePart(in.path()+"/frames/1", acceptBytes, octetStream); !bytes.Equal(p.body, in.frames[0]) {
				t.fail("the samples of the frame")
			}
		}),
		reads("implicit", "PS3.18 8.7.3.3.1", Shall, "a frame of an implicit VR instance comes in little endian", func(t *T) {
			in := t.own().bare
			if p := t.onePart(in.path()+"/frames/1", acceptBytes, octetStream); !bytes.Equal(p.body, in.frames[0]) {
				t.fail("the samples of the frame")
			}
		}),
		reads("decoded", "PS3.18 8.7.3.4", Shall, "without a transfer syntax a compressed frame comes decoded", func(t *T) {
			in := t.own().mr
			if p := t.onePart(in.path()+"/frames/2", acceptBytes, octetStream); !bytes.Equal(p.body, in.frames[1]) {
				t.fail("the samples of frame 2")
			}
		}),
		reads("stored", "PS3.18 8.7.3.5.2", Shall, "transfer-syntax=* gives the frame as it is encoded", func(t *T) {
			in := t.own().mr
			p := t.onePart(in.path()+"/frames/2", `Accept: multipart/related; type="image/dicom-rle"; transfer-syntax=*, multipart/related; type="application/octet-stream"; transfer-syntax=*`,
				"image/dicom-rle", octetStream)
			if !bytes.Equal(bytes.TrimRight(p.body, "\x00"), bytes.TrimRight(in.encoded[1], "\x00")) {
				t.fail("the bytes of the fragment")
			}
		}),
		reads("stored.transfer-syntax", "PS3.18 8.7.3.5", Shall, "the part says in which transfer syntax the frame is", func(t *T) {
			p := t.onePart(t.own().mr.path()+"/frames/1", `Accept: multipart/related; type="image/dicom-rle"; transfer-syntax=*, multipart/related; type="application/octet-stream"; transfer-syntax=*`,
				"image/dicom-rle", octetStream)
			if _, params := p.mediaType(); params["transfer-syntax"] != t.data.mr.syntax {
				t.failGot("part: "+p.header.Get("Content-Type"), "transfer-syntax=%s", t.data.mr.syntax)
			}
		}),
		reads("rle", "PS3.18 Table 8.7.3-5", May, "image/dicom-rle is sent as stored", func(t *T) {
			t.get(t.own().mr.path()+"/frames/1", `Accept: multipart/related; type="image/dicom-rle"`).optional().status(200).parts("image/dicom-rle")
		}),
		reads("rle.old-name", "PS3.18 8.7.3.3.2", Practice, "the old name image/x-dicom-rle is understood", func(t *T) {
			t.get(t.own().mr.path()+"/frames/1", `Accept: multipart/related; type="image/x-dicom-rle"; transfer-syntax=*`).status(200)
		}),
		reads("bits", "PS3.18 8.7.3.3.1", Shall, "a frame of single bits that is not byte-aligned begins with its own first bit", func(t *T) {
			in := t.own().seg
			p := t.onePart(in.path()+"/frames/2", acceptBytes, octetStream)
			got := bytes.Clone(p.body)
			if n := len(in.frames[1]); len(got) < n || !equalBits(got, in.frames[1], in.rows*in.columns) {
				t.failGot(fmt.Sprintf("%x", got), "%x", in.frames[1])
			}
		}),
		reads("content-location", "PS3.18 Table 8.6.1-1", Shall, "Content-Location of a part is the address of the frame", func(t *T) {
			p := t.onePart(t.image().path()+"/frames/1", acceptBytesAny, octetStream, "image/jpeg", "image/jls", "image/jp2", "image/dicom-rle", "image/jphc")
			if !strings.HasSuffix(p.header.Get("Content-Location"), "/frames/1") {
				t.failGot("part: Content-Location: "+p.header.Get("Content-Location"), "…/frames/1")
			}
		}),
		reads("single-part", "PS3.18 Table 10.4.4-1", May, "one frame may be one part: application/octet-stream", func(t *T) {
			in := t.own().ct[0]
			a := t.get(in.path()+"/frames/1", "Accept: application/octet-stream").optional().status(200)
			a.mediaType(octetStream)
			if !bytes.Equal(a.body, in.frames[0]) {
				t.fail("the samples of the frame")
			}
		}),
		reads("accept-jpeg-native", "PS3.18 8.7.8.1", Shall, "a type that the frame cannot be given in, or is, is answered 406 or truly", func(t *T) {
			a := t.get(t.own().ct[0].path()+"/frames/1", `Accept: multipart/related; type="image/jls"`).status(200, 406)
			if a.code == 200 {
				a.parts("image/jls")
			}
		}),
	}
	for i := range 3 {
		cases = append(cases,
			reads(fmt.Sprintf("ct-%d", i+1), "PS3.18 10.4.1.1.6", Shall, "the frame of each slice is its own", func(t *T) {
				in := t.own().ct[i]
				if p := t.onePart(in.path()+"/frames/1", acceptBytes, octetStream); !bytes.Equal(p.body, in.frames[0]) {
					t.fail("the samples of this instance")
				}
			}),
			reads(fmt.Sprintf("us-%d", i+1), "PS3.18 10.4.1.1.6", Shall, "each frame of a multi-frame instance is its own", func(t *T) {
				in := t.own().us
				if p := t.onePart(fmt.Sprintf("%s/frames/%d", in.path(), i+1), acceptBytes, octetStream); !bytes.Equal(p.body, in.frames[i]) {
					t.fail("the samples of frame %d", i+1)
				}
			}))
	}
	for _, f := range []struct {
		id, frames string
		codes      []int
	}{
		{"behind", "4", []int{400, 404}}, {"far-behind", "999999", []int{400, 404}}, {"zero", "0", []int{400, 404}}, {"negative", "-1", []int{400, 404}},
		{"text", "one", []int{400, 404}}, {"empty-member", "1,,2", []int{400, 404}}, {"huge", "99999999999999999999", []int{400, 404}},
	} {
		cases = append(cases, reads("invalid."+f.id, "PS3.18 10.4.3", Shall, "a frame number that is none, or that the instance does not have, is answered 400 or 404", func(t *T) {
			t.get(t.own().us.path()+"/frames/"+f.frames, acceptBytes).status(f.codes...)
		}))
	}
	for _, f := range []struct{ id, accept string }{
		{"ohif", `multipart/related; type="application/octet-stream"; transfer-syntax="*"`},
		{"ohif-unquoted", "multipart/related; type=application/octet-stream; transfer-syntax=*"},
		{"python", `multipart/related; type="*/*"`}, {"anything", "*/*"},
		{"slim", `multipart/related; type="image/jls"; transfer-syntax=1.2.840.10008.1.2.4.80, multipart/related; type="image/jp2"; transfer-syntax=1.2.840.10008.1.2.4.90, multipart/related; type="application/octet-stream"; transfer-syntax=*`},
		{"ohif-mixed", "application/dicom+json, multipart/related; type=application/octet-stream; transfer-syntax=*"},
	} {
		cases = append(cases, reads("client."+f.id, "PS3.18 8.7.8.1", Practice, "the Accept that this client sends for frames is answered", func(t *T) {
			t.get(t.image().path()+"/frames/1", "Accept: "+f.accept).status(200, 206)
		}))
	}
	for i := range cases {
		cases[i].ID = "frames." + cases[i].ID
	}
	return of(Retrieve, cases...)
}

// equalBits compares the first n bits.
func equalBits(a, b []byte, n int) bool {
	for i := range n {
		if a[i/8]>>(i%8)&1 != b[i/8]>>(i%8)&1 {
			return false
		}
	}
	return true
}
