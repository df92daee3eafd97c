package lettering

import (
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// joining says how a letter of the Arabic script looks by what it joins: alone, at the end, at the beginning and in the middle of letters
// that are joined. A letter without the latter two joins only to the one before it.
type joining [4]rune

const (
	isolated = iota
	final
	initial
	medial
)

func (j joining) joinsNext() bool { return j[initial] != 0 }
func (j joining) joinsPrev() bool { return j[final] != 0 }

const (
	tatweel   = 'ـ'
	joiner    = '\u200d'
	nonJoiner = '\u200c'
	lam       = 'ل'
)

// arabicForms are the letters that have presentation forms, and those of lam with an alef, by the alef. Unicode has them in the blocks
// U+FB50 and U+FE70, those of a letter in a row in the order of joining; what letter it is says its compatibility decomposition.
var arabicForms = sync.OnceValues(func() (letters, lamAlef map[rune]joining) {
	letters = map[rune]joining{tatweel: {tatweel, tatweel, tatweel, tatweel}, joiner: {joiner, joiner, joiner, joiner}}
	lamAlef = map[rune]joining{}
	form, last := 0, ""
	for r := rune(0xFB50); r <= 0xFEFC; r++ {
		if r == 0xFBE8 || r == 0xFBE9 { // beginning and middle of an alef maksura that other languages join
			continue
		}
		whole := norm.NFKC.String(string(r))
		if whole != last {
			form, last = 0, whole
		}
		of, letter := letters, []rune(whole)
		if len(letter) == 2 && letter[0] == lam && r >= 0xFEF5 {
			of, letter = lamAlef, letter[1:]
		}
		if len(letter) == 1 && letter[0] != r && unicode.Is(unicode.Arabic, letter[0]) && form < len(joining{}) {
			j := of[letter[0]]
			j[form] = r
			of[letter[0]] = j
		}
		form++
	}
	return letters, lamAlef
})

// joined replaces the letters of the Arabic script, in the order in which they are read, by the forms in which they join.
func joined(text []rune) []rune {
	letters, lamAlef := arabicForms()
	neighbor := func(i, step int) joining { // marks do not come between letters
		for i += step; i >= 0 && i < len(text); i += step {
			if !unicode.Is(unicode.Mn, text[i]) {
				return letters[text[i]]
			}
		}
		return joining{}
	}
	out := make([]rune, 0, len(text))
	for i := 0; i < len(text); i++ {
		j, ok := letters[text[i]]
		if !ok {
			out = append(out, text[i])
			continue
		}
		prev, next := j.joinsPrev() && neighbor(i, -1).joinsNext(), j.joinsNext() && neighbor(i, 1).joinsPrev()
		if text[i] == lam && i+1 < len(text) && lamAlef[text[i+1]][isolated] != 0 {
			j, next = lamAlef[text[i+1]], false
			i++
		}
		switch {
		case prev && next:
			out = append(out, j[medial])
		case prev:
			out = append(out, j[final])
		case next:
			out = append(out, j[initial])
		default:
			out = append(out, j[isolated])
		}
	}
	return out
}
