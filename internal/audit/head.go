package audit

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/noctis-dicom/noctis/internal/durable"
)

// head is the seal of the last line that has reached the disk, so that a log that was cut off shows. It lies twice in its file, and the
// older of the two is written, so that a power cut leaves one.
type head struct {
	file *os.File
	key  []byte
}

const slotSize = 256

type slot struct {
	N    uint64 `json:"n"`
	Hash string `json:"hash"`
	MAC  string `json:"mac"`
}

func (h *head) mac(n uint64, hash string) string {
	m := hmac.New(sha256.New, h.key)
	fmt.Fprintf(m, "%d %s", n, hash)
	return hex.EncodeToString(m.Sum(nil))
}

var errHead = errors.New("the seal of the log is missing or was changed")

// read returns the newer of the slots that are whole, and in which of the two it lies.
func (h *head) read() (newest link, at int, err error) {
	at, err = -1, errHead
	for i := range 2 {
		text := make([]byte, slotSize)
		n, readErr := h.file.ReadAt(text, int64(i)*slotSize)
		if readErr != nil && readErr != io.EOF {
			return link{}, -1, readErr
		}
		var s slot
		var l link
		if json.Unmarshal(bytes.TrimSpace(text[:n]), &s) != nil || !hmac.Equal([]byte(s.MAC), []byte(h.mac(s.N, s.Hash))) {
			continue
		}
		if d, decodeErr := hex.DecodeString(s.Hash); decodeErr != nil || copy(l.hash[:], d) != len(l.hash) {
			continue
		}
		if l.n = s.N; at < 0 || l.n > newest.n {
			newest, at, err = l, i, nil
		}
	}
	return newest, at, err
}

// write seals l, if no later line is sealed already. The log's lock must be held.
func (h *head) write(l link) error {
	newest, at, err := h.read()
	if err == nil && newest.n > l.n {
		return nil
	}
	s := slot{N: l.n, Hash: l.hash.String()}
	s.MAC = h.mac(s.N, s.Hash)
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	text = append(text, bytes.Repeat([]byte{' '}, slotSize-1-len(text))...)
	_, err = h.file.WriteAt(append(text, '\n'), int64(1-max(at, 0))*slotSize)
	return err
}

// The parts of a data folder.
func logFolder(data string) string { return filepath.Join(data, "audit") }
func headFile(data string) string  { return filepath.Join(logFolder(data), "head") }
func keyFile(data string) string   { return filepath.Join(data, "access", "audit.key") }

// readKey returns the key of the seal; fs.ErrNotExist if there is none.
func readKey(data string) ([]byte, error) {
	key, err := os.ReadFile(keyFile(data))
	if err == nil && len(key) != sha256.Size {
		err = fmt.Errorf("%s is not a key", keyFile(data))
	}
	return key, err
}

// makeKey makes a key where there is none. It lies beside the keys of users, and not beside the log, so that what reads or copies the
// log does not have it.
func makeKey(data string) (key []byte, made bool, err error) {
	if key, err = readKey(data); !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	if err := durable.MkdirAll(filepath.Dir(keyFile(data))); err != nil {
		return nil, false, err
	}
	key = make([]byte, sha256.Size)
	rand.Read(key)
	return key, true, durable.WriteFile(keyFile(data), key)
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
