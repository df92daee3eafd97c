package match

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"
)

// byRegexp is Covers by other means.
func byRegexp(pattern, text string) bool {
	expression := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile(`(?s)\A` + expression + `\z`).MatchString(text)
}

func TestCoversEqualsRegexp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func(alphabet string, most int) string {
		runes := []rune(alphabet)
		b := make([]rune, r.IntN(most))
		for i := range b {
			b[i] = runes[r.IntN(len(runes))]
		}
		return string(b)
	}
	found := 0
	for range 50_000 {
		pattern, text := random("ab日*?*?", 9), random("ab日", 12)
		want := byRegexp(pattern, text)
		if want {
			found++
		}
		if got := Covers(pattern, text); got != want {
			t.Fatalf("Covers(%q, %q) = %v", pattern, text, got)
		}
		if got := Covers(squeeze(pattern), text); got != want {
			t.Fatalf("squeeze(%q) = %q covers %q: %v", pattern, squeeze(pattern), text, got)
		}
		if prefix, wild := Literal(pattern); want && (!strings.HasPrefix(text, prefix) || !wild && prefix != text) {
			t.Fatalf("Literal(%q) = %q, %v, but it covers %q", pattern, prefix, wild, text)
		}
	}
	if found < 5000 {
		t.Errorf("only %d of the patterns covered their text", found)
	}
}

// Pieces with question marks that are longer than a machine word.
func TestCoversLongPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		text := make([]byte, 400)
		for i := range text {
			text[i] = "ab"[r.IntN(2)]
		}
		piece := append([]byte{}, text[100:100+60+r.IntN(150)]...)
		for range 20 {
			piece[1+r.IntN(len(piece)-2)] = '?'
		}
		if r.IntN(2) == 0 {
			piece[r.IntN(len(piece))] = 'c'
		}
		pattern := "*" + string(piece) + "*"
		if got, want := Covers(pattern, string(text)), byRegexp(pattern, string(text)); got != want {
			t.Fatalf("Covers(%q, %q) = %v", pattern, text, got)
		}
	}
}

// Whatever the pattern, a value key of the greatest length is answered at once.
func TestCoversIsQuick(t *testing.T) {
	for name, pattern := range map[string]string{
		"stars":         strings.Repeat("*a", 1000) + "b",
		"questions":     strings.Repeat("?", 10_000) + "b",
		"both":          strings.Repeat("*?a", 5000) + "b",
		"inner":         "*" + strings.Repeat("a?", MaxValue/2-1) + "b*",
		"stars alone":   strings.Repeat("*", MaxValue),
		"nearly a text": "*" + strings.Repeat("a", MaxValue-2) + "b",
	} {
		start := time.Now()
		Covers(pattern, strings.Repeat("a", MaxValue))
		if took := time.Since(start); took > 200*time.Millisecond {
			t.Errorf("%s: %v", name, took)
		}
	}
}

func TestLike(t *testing.T) {
	for pattern, want := range map[string]string{
		"DOE^J*":   "DOE^J%",
		"?_%*":     `_\_\%%`,
		`back\*`:   `back\\%`,
		"no wild":  "no wild",
		"日?":       "日_",
		"' OR 1=1": "' OR 1=1",
	} {
		if got := Like(pattern); got != want {
			t.Errorf("Like(%q) = %q, want %q", pattern, got, want)
		}
	}
}
