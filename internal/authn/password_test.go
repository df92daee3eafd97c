package authn

import (
	"strings"
	"testing"
	"testing/synctest"
)

// The hash is that of the reference implementation: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32.
const referenceHash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"

func TestPasswords(t *testing.T) {
	v := newVerifier()
	if right, err := v.verify(t.Context(), referenceHash, "password"); err != nil || !right {
		t.Errorf("the reference: %v, %v", right, err)
	}
	cheap(t)
	hash := hashPassword("pässword of mine")
	for password, want := range map[string]bool{"pässword of mine": true, "password of mine": false, "": false, strings.Repeat("p", 5000): false} {
		if right, err := v.verify(t.Context(), hash, password); err != nil || right != want {
			t.Errorf("%.20q: %v, %v", password, right, err)
		}
	}
	if right, err := newVerifier().verify(t.Context(), "", ""); err != nil || right {
		t.Errorf("nobody's: %v, %v", right, err)
	}
	if hash == hashPassword("pässword of mine") {
		t.Error("no salt")
	}
}

func TestWhatNoPasswordMayBe(t *testing.T) {
	users := OpenUsers(t.TempDir(), nil)
	for _, password := range []string{"", "too short", strings.Repeat("x", 2000), "not utf-8 \xff\xff\xff\xff"} {
		if err := users.Add("doe", password, Grant{Roles: []string{"read"}}); err == nil {
			t.Errorf("%.20q was taken", password)
		}
	}
	cheap(t)
	if err := users.Add("doe", "twelve chars", Grant{Roles: []string{"read"}}); err != nil {
		t.Error(err)
	}
	if err := users.Add("doe", "twelve chars", Grant{Roles: []string{"read"}}); err == nil {
		t.Error("twice the same name")
	}
}

// However many try at the same time, only so many take memory for it, and the queue has an end.
func TestHashingIsBounded(t *testing.T) {
	cheap(t)
	synctest.Test(t, func(t *testing.T) {
		v := newVerifier()
		for range hashesAtOnce {
			v.running <- struct{}{}
		}
		for range hashesWaiting {
			go func() {
				if _, err := v.verify(t.Context(), "", "x"); err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		if _, err := v.verify(t.Context(), "", "x"); err != errBusy {
			t.Errorf("one more: %v", err)
		}
		for range hashesAtOnce {
			<-v.running
		}
		synctest.Wait()
	})
}

func FuzzParsePHC(f *testing.F) {
	f.Add(referenceHash)
	f.Add("$argon2id$v=19$m=99999999,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=64,t=1,p=0$$")
	f.Add("$$$$$")
	f.Fuzz(func(t *testing.T, s string) {
		c, salt, hash, err := parsePHC(s)
		if err != nil {
			return
		}
		if c.memory > mostMemory || c.time > mostTime || c.lanes == 0 || len(salt) > 64 || len(hash) < 16 {
			t.Errorf("%q: %+v", s, c)
		}
		again, salt2, hash2, err := parsePHC(phc(c, salt, hash))
		if err != nil || again != c || string(salt2) != string(salt) || string(hash2) != string(hash) {
			t.Errorf("%q is not the same again", s)
		}
	})
}
