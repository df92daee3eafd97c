package authn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/durable"
)

// seenEvery is how exact a restart knows when a session was used.
const seenEvery = time.Minute

// keptSession is a session in the file. Who reads it can do nothing with it: a cookie is not found from its digest.
type keptSession struct {
	SHA256  string    `json:"sha256"` // of the cookie
	User    string    `json:"user,omitempty"`
	Changed time.Time `json:"changed,omitzero"`
	Subject string    `json:"subject,omitempty"` // of a provider, instead of User
	Grant   *Grant    `json:"grant,omitempty"`   // of the subject
	Seen    time.Time `json:"seen"`
	Ends    time.Time `json:"ends"`
}

// Keep has sessions outlive the process, in a file that it alone writes, and takes up those that are in it. provider says whether there still is one, whose sessions
// count. A file that cannot be read is an error and has none: all have to log in again.
func (s *Sessions) Keep(path string, provider bool) error {
	s.saving.Lock()
	s.path = path
	s.saving.Unlock()
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var kept []keptSession
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range kept {
		digest, one, err := k.session()
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if (provider || one.user != "") && !s.over(one, s.now()) {
			s.open[digest] = one
		}
	}
	return nil
}

// session is what the file says.
func (k keptSession) session() (digest [sha256.Size]byte, one *session, err error) {
	sum, err := hex.DecodeString(k.SHA256)
	if err != nil || len(sum) != len(digest) || (k.User == "") == (k.Grant == nil) {
		return digest, nil, errors.New("it has a session that is none")
	}
	copy(digest[:], sum)
	one = &session{user: k.User, changed: k.Changed, ends: k.Ends, seen: k.Seen, saved: k.Seen}
	if k.Grant != nil {
		one.who, err = k.Grant.principal(access.Token, k.Subject)
	}
	return digest, one, err
}

// save writes them if they have changed.
func (s *Sessions) save() error {
	s.saving.Lock()
	defer s.saving.Unlock()
	if s.path == "" {
		return nil
	}
	s.mu.Lock()
	dirty := s.dirty
	kept := make([]keptSession, 0, len(s.open))
	for digest, one := range s.open {
		if !dirty {
			break
		}
		k := keptSession{SHA256: hex.EncodeToString(digest[:]), User: one.user, Changed: one.changed, Seen: one.seen, Ends: one.ends}
		if one.user == "" {
			p := one.who
			k.Subject, k.Grant = p.Name, &Grant{Roles: p.Roles.Names(), Tenant: p.Tenant, Patients: p.Scope.Patients, Studies: p.Scope.Studies,
				Facilities: p.Scope.Facilities, Physicians: p.Scope.Physicians}
		}
		kept = append(kept, k)
		one.saved = one.seen
	}
	s.dirty = false
	s.mu.Unlock()
	if !dirty {
		return nil
	}
	text, err := json.Marshal(kept)
	if err == nil {
		err = durable.MkdirAll(filepath.Dir(s.path))
	}
	if err == nil {
		err = durable.WriteFile(s.path, append(text, '\n'))
	}
	if err != nil {
		s.mu.Lock()
		s.dirty = true
		s.mu.Unlock()
	}
	return err
}

// Run writes when they were used, and what could not be written before, until ctx ends, and then once more.
func (s *Sessions) Run(ctx context.Context, log *slog.Logger) {
	for ended := false; !ended; {
		select {
		case <-ctx.Done():
			ended = true
		case <-time.After(usesEvery):
		}
		if err := s.save(); err != nil {
			log.Warn("sessions could not be written: a restart would end those that are new, and bring back those that have ended", "error", err)
		}
	}
}
