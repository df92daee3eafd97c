package dicomweb

import (
	"bytes"
	"io"
)

// The preamble of a file is free for any use (PS3.10 7.1), and an image with an executable in it runs where somebody starts it
// (CVE-2019-11687). What is stored keeps it, and its digest; what is sent has zeros in its place. Other preambles, like that of a
// file that is TIFF too (PS3.10 7.1, note 5), are sent as they are.

const preambleLength = 128

// executables are the first bytes of what an operating system would run: Windows and DOS, ELF, Mach-O in both byte orders and with
// several architectures, scripts.
var executables = [][]byte{
	[]byte("MZ"), []byte("ZM"), []byte("\x7FELF"), []byte("#!"),
	{0xFE, 0xED, 0xFA, 0xCE}, {0xFE, 0xED, 0xFA, 0xCF}, {0xCE, 0xFA, 0xED, 0xFE}, {0xCF, 0xFA, 0xED, 0xFE},
	{0xCA, 0xFE, 0xBA, 0xBE}, {0xCA, 0xFE, 0xBA, 0xBF},
}

func isExecutable(b []byte) bool {
	for _, magic := range executables {
		if bytes.HasPrefix(b, magic) {
			return true
		}
	}
	return false
}

// harmless reads a file with zeros where it has an executable preamble. Any other file is read as it is, so that the kernel can copy it.
func harmless(file *io.SectionReader) *io.SectionReader {
	var head [preambleLength + 4]byte
	n, _ := file.ReadAt(head[:], 0) // what cannot be read now cannot be sent either
	if n < len(head) || string(head[preambleLength:]) != "DICM" || !isExecutable(head[:]) {
		return file
	}
	return io.NewSectionReader(withoutPreamble{file}, 0, file.Size())
}

type withoutPreamble struct{ file *io.SectionReader }

func (w withoutPreamble) ReadAt(p []byte, offset int64) (int, error) {
	n, err := w.file.ReadAt(p, offset)
	if offset < preambleLength {
		clear(p[:min(int64(n), preambleLength-offset)])
	}
	return n, err
}
