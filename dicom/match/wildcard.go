package match

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Covers reports whether the pattern of PS3.4 C.2.2.2.4 covers all of the text. Both are compared as they are: fold names
// first. The time is linear in the text for each piece of the pattern between two stars, and there is no recursion: stars
// are matched leftmost and never reconsidered, because whatever a later place of a piece leaves for the rest, the first
// place leaves too.
func Covers(pattern, text string) bool {
	head, rest, starred := strings.Cut(pattern, "*")
	n := span(head, text)
	if n < 0 {
		return false
	}
	if !starred {
		return n == len(text)
	}
	text = text[n:]
	for {
		piece, next, more := strings.Cut(rest, "*")
		if !more {
			return endsWith(piece, text)
		}
		if text, more = after(piece, text); !more {
			return false
		}
		rest = next
	}
}

// span returns how many bytes at the start of the text the piece covers, -1 if it doesn't.
func span(piece, text string) int {
	n := 0
	for _, want := range piece {
		got, size := utf8.DecodeRuneInString(text[n:])
		if size == 0 || want != '?' && want != got {
			return -1
		}
		n += size
	}
	return n
}

// endsWith reports whether the piece covers the last characters of the text.
func endsWith(piece, text string) bool {
	start := len(text)
	for range piece {
		if start == 0 {
			return false
		}
		_, size := utf8.DecodeLastRuneInString(text[:start])
		start -= size
	}
	return span(piece, text[start:]) >= 0
}

// after returns what follows the first place in the text that the piece covers.
func after(piece, text string) (string, bool) {
	if !strings.Contains(piece, "?") {
		_, rest, found := strings.Cut(text, piece)
		return rest, found
	}
	return shiftAnd([]rune(piece), text)
}

// shiftAnd is after for pieces with question marks: bit i of the state says that the first i+1 characters of the piece cover
// the last ones read, so that 64 candidates move on in one step (Baeza-Yates and Gonnet 1992).
func shiftAnd(piece []rune, text string) (string, bool) {
	words := (len(piece) + 63) / 64
	wild := make([]uint64, words)
	accepts := map[rune][]uint64{}
	for i, r := range piece {
		if r == '?' {
			wild[i/64] |= 1 << (i % 64)
		}
	}
	for i, r := range piece {
		if r != '?' {
			if accepts[r] == nil {
				accepts[r] = slices.Clone(wild)
			}
			accepts[r][i/64] |= 1 << (i % 64)
		}
	}
	state := make([]uint64, words)
	last := len(piece) - 1
	for i, r := range text {
		mask := accepts[r]
		if mask == nil {
			mask = wild
		}
		carry := uint64(1)
		for w := range state {
			shifted := state[w]<<1 | carry
			carry = state[w] >> 63
			state[w] = shifted & mask[w]
		}
		if state[last/64]>>(last%64)&1 == 1 {
			_, size := utf8.DecodeRuneInString(text[i:])
			return text[i+size:], true
		}
	}
	return "", false
}

// Like writes the pattern for the LIKE operator of SQL with the escape character \.
func Like(pattern string) string { return likeReplacer.Replace(pattern) }

var likeReplacer = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, "*", "%", "?", "_")

// Literal returns the characters of the pattern before its first wildcard, and whether there is a wildcard at all: every
// value that the pattern covers starts with them, which lets an ordered index narrow the search.
func Literal(pattern string) (prefix string, wild bool) {
	i := strings.IndexAny(pattern, "*?")
	if i < 0 {
		return pattern, false
	}
	return pattern[:i], true
}

func onlyStars(s string) bool { return strings.Trim(s, "*") == "" }

// squeeze writes every run of wildcards as its question marks and then one star at most, which covers the same texts.
func squeeze(pattern string) string {
	var b strings.Builder
	star := false
	for _, r := range pattern {
		switch {
		case r == '*':
			star = true
			continue
		case r != '?' && star:
			b.WriteByte('*')
			star = false
		}
		b.WriteRune(r)
	}
	if star {
		b.WriteByte('*')
	}
	return b.String()
}
