package dicomweb

import (
	"bytes"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/textproto"
	"strings"
	"testing"
	"testing/iotest"
)

// TestPartReaderOracle reads messages of pieces that look like boundaries, with parts longer than the buffer, and compares what comes with
// what mime/multipart makes of them. However the bytes arrive, the parts are the same.
func TestPartReaderOracle(t *testing.T) {
	pieces := []string{"\r\n--b", "--b", "\r\n--bb", "\r\n--b-", "\r\n--b--", "\r\n", "\r", "\n", "-", "--", "\r\n-", "x", "\r\n--b\r\n\r\n", "\r\n--b \t\r\nA: b\r\n\r\n",
		"\r\n--b\r\nContent-Type: application/dicom\r\n\r\n", strings.Repeat("y", 1000), strings.Repeat("\r\n--", 200)}
	random := rand.New(rand.NewPCG(3, 1))
	whole := 0
	for range 2_000 {
		message := []byte("--b\r\n\r\n")
		for range random.IntN(12) {
			message = append(message, pieces[random.IntN(len(pieces))]...)
			if random.IntN(40) == 0 { // so that what follows lies about the end of the buffer
				message = append(message, bytes.Repeat([]byte{'z'}, 2*partBuffer-len(message)%partBuffer-random.IntN(40))...)
			}
		}
		message = append(message, "\r\n--b--\r\n"...)
		want, err := partsReadByMime(message)
		if err != io.EOF {
			continue
		}
		whole++
		var in io.Reader = bytes.NewReader(message)
		switch random.IntN(4) {
		case 0:
			in = iotest.OneByteReader(in)
		case 1:
			in = iotest.HalfReader(in)
		case 2:
			in = iotest.DataErrReader(in)
		}
		got, err := partsRead(t, in)
		if err != io.EOF || len(got) != len(want) {
			t.Fatalf("%.300q: %d parts, want %d; %v", message, len(got), len(want), err)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("%.300q: part %d is %.200q, want %.200q", message, i, got[i], want[i])
			}
		}
	}
	if whole < 300 {
		t.Errorf("only %d of the messages were whole", whole)
	}
}

func partsReadByMime(message []byte) ([]string, error) {
	r := multipart.NewReader(bytes.NewReader(message), "b")
	return readParts(func() (textproto.MIMEHeader, io.Reader, error) {
		p, err := r.NextRawPart()
		if err != nil {
			return nil, nil, err
		}
		return p.Header, p, nil
	})
}

func partsRead(t *testing.T, in io.Reader) ([]string, error) {
	r, err := newPartReader(in, parseMediaType("multipart/related; boundary=b"), 100)
	if err != nil {
		t.Fatal(err)
	}
	defer r.release()
	return readParts(func() (textproto.MIMEHeader, io.Reader, error) {
		p, err := r.next()
		if err != nil {
			return nil, nil, err
		}
		return p.Header, p, nil
	})
}

// readParts reads all parts: the type and the body of each.
func readParts(next func() (textproto.MIMEHeader, io.Reader, error)) (parts []string, err error) {
	for {
		header, in, err := next()
		if err != nil {
			return parts, err
		}
		body, err := io.ReadAll(in)
		if err != nil {
			return parts, err
		}
		parts = append(parts, header.Get("Content-Type")+":"+string(body))
	}
}
