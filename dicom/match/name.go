package match

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// FoldName returns the normal form of a person name (PS3.5 6.2.1): letters without regard to case, Unicode composed (NFC),
// components without the spaces around them, without trailing empty components and groups. Applied twice it changes nothing
// more.
func FoldName(name string) string {
	groups := splitGroups(name)
	for i, g := range groups {
		groups[i] = foldGroup(g)
	}
	return strings.TrimRight(strings.Join(groups, "="), "=")
}

// splitGroups composes first: "≠" may be written as an equals sign with a stroke over it.
func splitGroups(name string) []string { return strings.SplitN(norm.NFC.String(name), "=", 3) }

// NameGroups returns the component groups of a name as FoldName writes them: alphabetic, ideographic, phonetic.
func NameGroups(name string) [3]string {
	var groups [3]string
	copy(groups[:], strings.SplitN(FoldName(name), "=", 3))
	return groups
}

func foldGroup(group string) string {
	components := strings.Split(foldCase(group), "^")
	for i, c := range components {
		components[i] = strings.TrimSpace(strings.Trim(c, "\x00"))
	}
	return strings.TrimRight(strings.Join(components, "^"), "^")
}

// foldCase goes by way of the capitals, because several small letters may share one: σ and ς, s and ſ.
func foldCase(s string) string {
	lower := func(s string) string { return norm.NFC.String(strings.ToLower(strings.ToUpper(s))) }
	return lower(norm.NFC.String(s))
}

// NamePatterns returns the patterns for one component group that a wildcard pattern stands for, folded: a group matches if
// one of them covers it (Covers). There are several where a pattern ends with "^*": DOE^* is DOE, too, because trailing
// components may be left out (PS3.5 6.2.1.1).
func NamePatterns(group string) []string {
	p := squeeze(foldGroup(group))
	patterns := []string{p}
	for len(patterns) < 5 && strings.HasSuffix(p, "^*") {
		p = strings.TrimRight(strings.TrimSuffix(p, "^*"), "^")
		patterns = append(patterns, p)
	}
	return patterns
}

// nameIs reports whether one component group of the name equals the one wanted. If several are wanted, joined by "=", each
// that is not empty must equal its counterpart.
func nameIs(want, name string) bool {
	return groupwise(want, name, func(want, group string) bool { return foldGroup(want) == group })
}

// nameCovered is nameIs for patterns.
func nameCovered(pattern, name string) bool {
	return groupwise(pattern, name, func(pattern, group string) bool {
		return slices.ContainsFunc(NamePatterns(pattern), func(p string) bool { return Covers(p, group) })
	})
}

func groupwise(want, name string, ok func(want, group string) bool) bool {
	groups := NameGroups(name)
	wants := splitGroups(want)
	if len(wants) == 1 {
		return slices.ContainsFunc(groups[:], func(g string) bool { return g != "" && ok(want, g) })
	}
	for i, w := range wants {
		if foldGroup(w) != "" && !onlyStars(w) && (groups[i] == "" || !ok(w, groups[i])) {
			return false
		}
	}
	return true
}

// fuzzyName is what fuzzy semantic matching (PS3.4 C.2.2.2.1.1) finds beyond nameIs and nameCovered; the package comment says
// what it means here.
func fuzzyName(want, name string) bool {
	if strings.ContainsAny(want, "*?") && nameCovered(foldLetters(want), foldLetters(name)) {
		return true
	}
	words, asked := NameWords(name), nameWords(want, "*?")
	for _, a := range asked {
		if !slices.ContainsFunc(words, func(w string) bool { return wordMatches(a, w) }) {
			return false
		}
	}
	return len(asked) > 0
}

// wordMatches reports whether the word is, or begins with, the one asked for, or sounds like it.
func wordMatches(asked, word string) bool {
	if strings.ContainsAny(asked, "*?") {
		return Covers(asked+"*", word)
	}
	if strings.HasPrefix(word, asked) {
		return true
	}
	sound := Soundex(asked)
	return sound != "" && sound == Soundex(word)
}

// NameWords returns the words of all component groups of a name in the form in which fuzzy matching compares them: without
// case, diacritics, apostrophes and full stops; width and katakana are folded.
func NameWords(name string) []string { return nameWords(name, "") }

func nameWords(name, keep string) []string {
	return strings.FieldsFunc(foldLetters(name), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsNumber(r) && !strings.ContainsRune(keep, r)
	})
}

// foldLetters takes away what fuzzy matching ignores. Marks go only from scripts in which they are diacritics: a Japanese
// voicing mark, say, makes another syllable.
func foldLetters(s string) string {
	s = foldCase(spelled.Replace(foldCase(s)))
	bare := strings.Map(func(r rune) rune {
		switch {
		case r >= 0x0300 && r <= 0x036F, r == '\'', r == '’', r == '.':
			return -1
		case r >= 'ァ' && r <= 'ヶ':
			return r - 'ァ' + 'ぁ'
		}
		return r
	}, norm.NFKD.String(s))
	return norm.NFC.String(strings.ToLower(bare))
}

// spelled holds the letters that have no decomposition in Unicode but a usual spelling in ASCII.
var spelled = strings.NewReplacer(
	"ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i",
)

// Soundex returns the American Soundex code of a word of Latin letters without diacritics, as NameWords gives it: "R163" for
// robert and rupert. It is "" for words of fewer than three letters, for which a code says nothing, and for those with other
// characters.
func Soundex(word string) string {
	if len(word) < 3 {
		return ""
	}
	const codes = "01230120022455012623010202" // of a to z; h and w are seen through, vowels part equal codes
	code := make([]byte, 0, 4)
	var last byte
	for i := range len(word) {
		c := word[i]
		if c < 'a' || c > 'z' {
			return ""
		}
		digit := codes[c-'a']
		switch {
		case i == 0:
			code = append(code, c-'a'+'A')
		case digit != '0' && digit != last && len(code) < 4:
			code = append(code, digit)
		}
		if c != 'h' && c != 'w' {
			last = digit
		}
	}
	return string(append(code, "000"[:4-len(code)]...))
}
