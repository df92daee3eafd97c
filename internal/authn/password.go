package authn

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// cost is what argon2id takes to hash a password.
type cost struct {
	memory uint32 // KiB
	time   uint32
	lanes  uint8
}

// passwordCost is that of new passwords: the second choice of RFC 9106 4 in a server that has little memory for it.
var passwordCost = cost{memory: 64 << 10, time: 3, lanes: 1}

// What a hash from a file may cost at most, and the lengths of salt and hash.
const (
	mostMemory = 1 << 20 // KiB
	mostTime   = 64
	saltLength = 16
	hashLength = 32
)

// checkPassword is what a new password must satisfy.
func checkPassword(password string) error {
	switch {
	case !utf8.ValidString(password) || len(password) > passwordMost:
		return fmt.Errorf("a password is text of at most %d bytes", passwordMost)
	case utf8.RuneCountInString(password) < passwordLeast:
		return fmt.Errorf("a password has at least %d characters", passwordLeast)
	}
	return nil
}

const (
	passwordLeast = 12
	passwordMost  = 1024
)

// hashPassword returns the hash of a password in the PHC string format: algorithm, cost, salt and hash.
func hashPassword(password string) string {
	salt := make([]byte, saltLength)
	rand.Read(salt)
	return phc(passwordCost, salt, passwordCost.hash(password, salt, hashLength))
}

func (c cost) hash(password string, salt []byte, length int) []byte {
	return argon2.IDKey([]byte(password), salt, c.time, c.memory, c.lanes, uint32(length))
}

func phc(c cost, salt, hash []byte) string {
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.time, c.lanes, encode(salt), encode(hash))
}

// parsePHC reads such a hash. Its cost is bounded: a file must not make the server take all memory.
func parsePHC(s string) (c cost, salt, hash []byte, err error) {
	fields := strings.Split(s, "$")
	var version int
	if len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" {
		return c, nil, nil, errors.New("this is no argon2id hash in the PHC format")
	}
	if _, err := fmt.Sscanf(fields[2]+"$"+fields[3], "v=%d$m=%d,t=%d,p=%d", &version, &c.memory, &c.time, &c.lanes); err != nil {
		return c, nil, nil, fmt.Errorf("the parameters of an argon2id hash: %w", err)
	}
	salt, saltErr := base64.RawStdEncoding.Strict().DecodeString(fields[4])
	hash, hashErr := base64.RawStdEncoding.Strict().DecodeString(fields[5])
	switch {
	case saltErr != nil || hashErr != nil || len(salt) < 8 || len(salt) > 64 || len(hash) < 16 || len(hash) > 64:
		return c, nil, nil, errors.New("salt or hash of an argon2id hash is damaged")
	case version != argon2.Version || c.lanes == 0 || c.time == 0 || c.time > mostTime || c.memory < 8*uint32(c.lanes) || c.memory > mostMemory:
		return c, nil, nil, errors.New("the parameters of an argon2id hash are out of bounds")
	}
	return c, salt, hash, nil
}

// verifier verifies passwords, so many at a time as the memory for it allows.
type verifier struct {
	running chan struct{}
	waiting chan struct{}
	unknown string // the hash of a password that nobody has
}

// At most so many passwords are hashed at the same time, and so many wait for that.
const (
	hashesAtOnce  = 2
	hashesWaiting = 32
)

var errBusy = errors.New("too many are logging in at the moment")

func newVerifier() *verifier {
	salt := make([]byte, saltLength)
	return &verifier{make(chan struct{}, hashesAtOnce), make(chan struct{}, hashesWaiting), phc(passwordCost, salt, make([]byte, hashLength))}
}

// verify reports whether the hash is that of the password. An empty hash is that of nobody, and takes as long as another.
func (v *verifier) verify(ctx context.Context, hash, password string) (bool, error) {
	known := hash != ""
	if !known {
		hash = v.unknown
	}
	c, salt, want, err := parsePHC(hash)
	if err != nil {
		return false, err
	}
	if len(password) > passwordMost {
		password, known = "", false
	}
	select {
	case v.waiting <- struct{}{}:
		defer func() { <-v.waiting }()
	default:
		return false, errBusy
	}
	select {
	case v.running <- struct{}{}:
		defer func() { <-v.running }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	return subtle.ConstantTimeCompare(c.hash(password, salt, len(want)), want) == 1 && known, nil
}
