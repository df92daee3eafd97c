package lettering

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

// Arrange makes of one line of text the row of its glyphs from left to right: letters and their marks composed (NFC), those of the Arabic
// script joined, and what is read from right to left turned around (Unicode's UAX 9, without embeddings and isolates, whose characters
// are left out as other controls are).
func Arrange(text string) string {
	plain := true
	for i := 0; i < len(text) && plain; i++ {
		plain = text[i] >= ' ' && text[i] < unicode.MaxASCII
	}
	if plain {
		return text
	}
	runes := joined([]rune(strings.Map(printable, norm.NFC.String(text))))
	levels := levelsOf(runes)
	if levels == nil {
		return seen(runes)
	}
	return seen(reordered(runes, levels))
}

// printable leaves out embeddings, overrides and isolates, and makes other controls spaces.
func printable(r rune) rune {
	switch {
	case r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0xFEFF:
		return -1
	case unicode.IsControl(r):
		return ' '
	}
	return r
}

// seen leaves out what only said how the text is to be arranged: marks of direction and joiners.
func seen(runes []rune) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, string(runes))
}

// levelsOf are the embedding levels of the characters, nil if all of them are read from left to right.
func levelsOf(runes []rune) []int {
	classes := make([]bidi.Class, len(runes))
	base, strong, turned := 0, false, false
	for i, r := range runes {
		p, _ := bidi.LookupRune(r)
		classes[i] = p.Class()
		switch classes[i] {
		case bidi.R, bidi.AL, bidi.AN:
			turned = true
			if !strong && classes[i] != bidi.AN {
				base, strong = 1, true
			}
		case bidi.L:
			strong = true
		}
	}
	if !turned {
		return nil
	}
	direction := bidi.L
	if base == 1 {
		direction = bidi.R
	}
	weak(classes, direction)
	brackets(runes, classes, direction)
	neutral(classes, direction)
	levels := make([]int, len(runes))
	for i, c := range classes {
		switch {
		case c == bidi.R:
			levels[i] = 1
		case c == bidi.EN || c == bidi.AN || base == 1: // rules I1 and I2
			levels[i] = 2
		}
	}
	for i := len(runes) - 1; i >= 0 && unicode.IsSpace(runes[i]); i-- { // rule L1
		levels[i] = base
	}
	return levels
}

// weak are the rules W1 to W7: what marks and numbers are.
func weak(c []bidi.Class, direction bidi.Class) {
	previous, last := direction, direction // character, and strong character
	for i := range c {
		switch c[i] {
		case bidi.NSM:
			c[i] = previous
		case bidi.EN:
			if last == bidi.AL {
				c[i] = bidi.AN
			}
		case bidi.L, bidi.R, bidi.AL:
			last = c[i]
		}
		previous = c[i]
	}
	for i := range c {
		if c[i] == bidi.AL {
			c[i] = bidi.R
		}
		if i > 0 && i+1 < len(c) && c[i-1] == c[i+1] &&
			(c[i-1] == bidi.EN && (c[i] == bidi.ES || c[i] == bidi.CS) || c[i-1] == bidi.AN && c[i] == bidi.CS) {
			c[i] = c[i-1]
		}
	}
	eachRun(c, func(x bidi.Class) bool { return x == bidi.ET }, func(from, to int) {
		if from > 0 && c[from-1] == bidi.EN || to < len(c) && c[to] == bidi.EN {
			fill(c[from:to], bidi.EN)
		}
	})
	last = direction
	for i := range c {
		switch c[i] {
		case bidi.ES, bidi.ET, bidi.CS:
			c[i] = bidi.ON
		case bidi.EN:
			if last == bidi.L {
				c[i] = bidi.L
			}
		case bidi.L, bidi.R:
			last = c[i]
		}
	}
}

// brackets is the rule N0: a pair of brackets around something of the line's direction is of that direction, as is one around the other
// direction that stands in the line's; else it is of the other one.
func brackets(runes []rune, c []bidi.Class, direction bidi.Class) {
	strong := func(i int) bidi.Class {
		switch c[i] {
		case bidi.L, bidi.R:
			return c[i]
		case bidi.EN, bidi.AN:
			return bidi.R
		}
		return bidi.ON
	}
	for _, pair := range pairs(runes, c) {
		within := bidi.ON
		for i := pair[0] + 1; i < pair[1] && within != direction; i++ {
			if s := strong(i); s != bidi.ON {
				within = s
			}
		}
		if within == bidi.ON {
			continue
		}
		if within != direction {
			before := direction
			for i := pair[0] - 1; i >= 0; i-- {
				if s := strong(i); s != bidi.ON {
					before = s
					break
				}
			}
			within = before
		}
		c[pair[0]], c[pair[1]] = within, within
	}
}

// mostBrackets is how deep brackets may be nested to be paired (UAX 9, BD16).
const mostBrackets = 63

// pairs are the places of brackets and of those that close them, by the former.
func pairs(runes []rune, c []bidi.Class) [][2]int {
	var found [][2]int
	var open []int
	for i, r := range runes {
		p, _ := bidi.LookupRune(r)
		switch {
		case !p.IsBracket() || c[i] != bidi.ON:
		case p.IsOpeningBracket():
			if open = append(open, i); len(open) > mostBrackets {
				return nil
			}
		default:
			for k := len(open) - 1; k >= 0; k-- {
				if mirrored(runes[open[k]]) == r {
					found = append(found, [2]int{open[k], i})
					open = open[:k]
					break
				}
			}
		}
	}
	slices.SortFunc(found, func(x, y [2]int) int { return x[0] - y[0] })
	return found
}

// mirrored is the bracket that looks the other way, of others what they are.
func mirrored(r rune) rune { return []rune(bidi.ReverseString(string(r)))[0] }

// neutral are the rules N1 and N2: what is between two of one direction is of it, other things are of the line's.
func neutral(c []bidi.Class, direction bidi.Class) {
	side := func(i int) bidi.Class {
		switch {
		case i < 0 || i >= len(c):
			return direction
		case c[i] == bidi.EN || c[i] == bidi.AN:
			return bidi.R
		}
		return c[i]
	}
	eachRun(c, func(x bidi.Class) bool { return x != bidi.L && x != bidi.R && x != bidi.EN && x != bidi.AN }, func(from, to int) {
		of := direction
		if before := side(from - 1); before == side(to) {
			of = before
		}
		fill(c[from:to], of)
	})
}

// eachRun calls do for the longest runs of classes that are of the kind.
func eachRun(c []bidi.Class, kind func(bidi.Class) bool, do func(from, to int)) {
	for from := 0; from < len(c); from++ {
		to := from
		for to < len(c) && kind(c[to]) {
			to++
		}
		if to > from {
			do(from, to)
			from = to
		}
	}
}

func fill(c []bidi.Class, with bidi.Class) {
	for i := range c {
		c[i] = with
	}
}

// reordered is the rule L2: runs of a level and above are turned around, from the highest level down to 1. Marks stay behind their letter
// (L3), and brackets look the other way (L4).
func reordered(runes []rune, levels []int) []rune {
	type cluster struct {
		runes []rune
		level int
	}
	var clusters []cluster
	for i, r := range runes {
		if unicode.Is(unicode.Mn, r) && len(clusters) > 0 {
			last := &clusters[len(clusters)-1]
			last.runes = append(last.runes, r)
			continue
		}
		if levels[i]%2 == 1 {
			r = mirrored(r)
		}
		clusters = append(clusters, cluster{[]rune{r}, levels[i]})
	}
	for level := 2; level >= 1; level-- {
		for from := 0; from < len(clusters); from++ {
			to := from
			for to < len(clusters) && clusters[to].level >= level {
				to++
			}
			if to > from {
				slices.Reverse(clusters[from:to])
				from = to
			}
		}
	}
	var out []rune
	for _, c := range clusters {
		out = append(out, c.runes...)
	}
	return out
}
