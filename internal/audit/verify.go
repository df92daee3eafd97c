package audit

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Damage is what Verify found: lines that are not as they were written.
type Damage struct {
	What  string `json:"what"`            // "removed", "changed", "moved", "inserted", "cut off" or "seal"
	First uint64 `json:"first,omitempty"` // number of the first line
	Last  uint64 `json:"last,omitempty"`  // and of the last one
	Where string `json:"where,omitempty"` // file and line where it shows
	Why   string `json:"why"`
}

// String is for people.
func (d Damage) String() string {
	s := d.What + ": "
	switch {
	case d.First == 0:
	case d.First == d.Last:
		s += fmt.Sprintf("line %d: ", d.First)
	default:
		s += fmt.Sprintf("lines %d to %d: ", d.First, d.Last)
	}
	s += d.Why
	if d.Where != "" {
		s += " (" + d.Where + ")"
	}
	return s
}

// Verification is the result of Verify.
type Verification struct {
	Lines   uint64   `json:"lines"`  // that were read
	Last    uint64   `json:"last"`   // number of the last one
	Hash    string   `json:"hash"`   // of it
	Sealed  uint64   `json:"sealed"` // number of the last line that is sealed
	Damages []Damage `json:"damages"`
	Notes   []string `json:"notes,omitempty"`
}

// Anchor is a line whose hash was kept elsewhere: a receiver of syslog has one of each.
type Anchor struct {
	N    uint64
	Hash string
}

// UnmarshalText reads "NUMBER:HASH".
func (a *Anchor) UnmarshalText(text []byte) error {
	n, h, _ := strings.Cut(string(text), ":")
	number, err := strconv.ParseUint(n, 10, 64)
	raw, hexErr := hex.DecodeString(h)
	if err != nil || hexErr != nil || number == 0 || len(raw) != len(hash{}) {
		return errors.New("an anchor is a number and the hash of a line, as in 17:9f86d0…, 64 digits")
	}
	*a = Anchor{number, strings.ToLower(h)}
	return nil
}

// Verify reads the whole log of a data folder, whether its server runs or not, and compares it with its chain, its seal and the anchors.
func Verify(data string, anchors ...Anchor) (*Verification, error) {
	v := &verifying{Verification: Verification{Damages: []Damage{}}, data: data, anchors: map[uint64]string{}, moved: map[uint64]hash{}}
	for _, a := range anchors {
		v.anchors[a.N] = a.Hash
	}
	sealed, err := v.seal() // before the lines: those that come meanwhile are no matter
	if err != nil {
		return nil, err
	}
	if err := v.read(sealed); err != nil {
		return nil, err
	}
	v.end(sealed)
	v.unsealed()
	v.Last, v.Hash = v.last.n, v.last.hash.String()
	return &v.Verification, nil
}

type verifying struct {
	Verification
	data    string
	anchors map[uint64]string
	last    line            // that was read
	broken  bool            // the link between last and the one before does not hold
	moved   map[uint64]hash // what the line behind a gap says of the line before it
	sealed  link
	written time.Time // last
}

func (v *verifying) damage(what string, first, last uint64, where, format string, a ...any) {
	v.Damages = append(v.Damages, Damage{what, first, last, where, fmt.Sprintf(format, a...)})
}

// seal reads the head. Without any log there is nothing to be sealed.
func (v *verifying) seal() (link, error) {
	segments, err := segmentsOf(v.data)
	if err != nil {
		return link{}, err
	}
	key, err := readKey(v.data)
	if errors.Is(err, fs.ErrNotExist) {
		if len(segments) > 0 {
			v.Notes = append(v.Notes, "the key of the seal is not here: whether the end of the log was cut off cannot be said")
		}
		return link{}, nil
	}
	if err != nil {
		return link{}, err
	}
	f, err := os.Open(headFile(v.data))
	if errors.Is(err, fs.ErrNotExist) {
		v.damage("seal", 0, 0, "", "%v", errHead)
		return link{}, nil
	}
	if err != nil {
		return link{}, err
	}
	defer f.Close()
	sealed, _, err := (&head{file: f, key: key}).read()
	if errors.Is(err, errHead) {
		v.damage("seal", 0, 0, "", "%v", err)
		return link{}, nil
	}
	v.Sealed = sealed.n
	return sealed, err
}

// sealedWithin is when a line that a server writes is sealed at the latest, with time to spare.
const sealedWithin = 2 * time.Second

// unsealed notes the lines behind the seal, which may have moved on since Verify began, unless they may just have been written. They are no damage: a power
// cut may have kept the seal from the disk.
func (v *verifying) unsealed() {
	key, keyErr := readKey(v.data)
	f, err := os.Open(headFile(v.data))
	if keyErr != nil || err != nil {
		return // which is told of already
	}
	defer f.Close()
	if sealed, _, err := (&head{file: f, key: key}).read(); err == nil && sealed.n < v.last.n && time.Since(v.written) > sealedWithin {
		v.Notes = append(v.Notes, fmt.Sprintf("lines %d to %d are not sealed: they are the last ones before a crash, or of somebody without the key", sealed.n+1, v.last.n))
	}
}

// read compares line by line.
func (v *verifying) read(sealed link) error {
	v.sealed = sealed
	r, err := readFrom(v.data, 0)
	if err != nil {
		return err
	}
	defer r.close() //nolint:errcheck // it was only read
	for {
		text, err := r.next()
		if err == io.EOF {
			if torn := r.torn(); torn > 0 {
				v.Notes = append(v.Notes, fmt.Sprintf("the last %d bytes are part of a line that is being written, or that a crash cut off", torn))
			}
			return nil
		}
		if err != nil {
			return err
		}
		v.Lines++
		where := filepath.Base(r.at.path) + ":" + strconv.Itoa(r.number)
		l, err := parseLine(text)
		var said Record
		if err == nil {
			said, err = l.record()
		}
		if err != nil {
			v.damage("changed", v.last.n+1, v.last.n+1, where, "%v", err)
			// What comes next is the line after the one that was here.
			v.last, v.broken = line{link: link{n: v.last.n + 1}}, true
			continue
		}
		if said.Kind == Interrupt && said.Detail == errHead.Error() { // a new seal hides nothing
			v.Notes = append(v.Notes, fmt.Sprintf("line %d says that %v: whether lines before it were cut off only an anchor or a copy can say", l.n, errHead))
		}
		l.text, v.written = nil, said.Time
		if said.Until.After(v.written) {
			v.written = said.Until
		}
		v.follow(l, where)
	}
}

// follow compares a line with the one before.
func (v *verifying) follow(l line, where string) {
	if want, there := v.anchors[l.n]; there && want != l.hash.String() {
		v.damage("changed", l.n, l.n, where, "it is not the line that the anchor names")
	}
	if l.n == v.sealed.n && l.hash != v.sealed.hash {
		v.damage("changed", l.n, l.n, where, "it is not the line that was sealed")
	}
	switch {
	case l.n == v.last.n+1:
		holds := l.prev == v.last.hash
		known := v.last.n == 0 || v.last.hash != hash{} // else a damage has been told already
		if !holds && known {
			// Either the line before is not as it was, or what this one says of it: the next one tells.
			v.changed(l, where)
		}
		v.broken = !holds && known
		v.last = l
	case l.n > v.last.n+1:
		v.damage("removed", v.last.n+1, l.n-1, where, "they are missing before line %d", l.n)
		v.moved[l.n-1] = l.prev
		v.last, v.broken = l, false
	default:
		v.misplaced(l, where)
	}
}

// changed tells of a link that does not hold. Where the link before does not hold either, it is the line between them that was changed,
// and that has been told.
func (v *verifying) changed(l line, where string) {
	at := max(v.last.n, 1)
	if n := len(v.Damages); n > 0 && v.broken && v.Damages[n-1].What == "changed" && v.Damages[n-1].Last == v.last.n-1 {
		v.Damages[n-1].First, v.Damages[n-1].Last = v.last.n, v.last.n
		v.Damages[n-1].Why = "its hash is not the one that the next line has, nor has it that of the line before"
		return
	}
	v.damage("changed", at, at, where, "line %d has another hash for it", l.n)
}

// misplaced tells of a line that comes after one with a higher number.
func (v *verifying) misplaced(l line, where string) {
	for i, d := range v.Damages {
		if d.What != "removed" || l.n < d.First || l.n > d.Last {
			continue
		}
		v.Damages = append(v.Damages[:i], v.Damages[i+1:]...)
		if d.First < l.n {
			v.Damages = append(v.Damages, Damage{d.What, d.First, l.n - 1, d.Where, d.Why})
		}
		if l.n < d.Last {
			v.Damages = append(v.Damages, Damage{d.What, l.n + 1, d.Last, d.Where, d.Why})
		}
		v.damage("moved", l.n, l.n, where, "it stands behind line %d", v.last.n)
		if want, there := v.moved[l.n]; there && want != l.hash {
			v.damage("changed", l.n, l.n, where, "line %d has another hash for it", l.n+1)
		}
		return
	}
	v.damage("inserted", l.n, l.n, where, "there is another line of this number, and it stands behind line %d", v.last.n)
}

// end compares the end of the log with its seal and the anchors.
func (v *verifying) end(sealed link) {
	if sealed.n > v.last.n {
		v.damage("cut off", v.last.n+1, sealed.n, "", "they were sealed, and are missing at the end")
	}
	for n := range v.anchors {
		if n > max(v.last.n, sealed.n) {
			v.damage("cut off", v.last.n+1, n, "", "the anchor names a line that is missing at the end")
		}
	}
}
