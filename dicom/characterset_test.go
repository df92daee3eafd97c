package dicom

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// The examples of PS3.5 H, I, J and K, the other way round than TestCharsetSplit has them, and what has no place in a set.
func TestCharacterSetEncode(t *testing.T) {
	for _, c := range []struct {
		names string
		vr    VR
		in    []string
		want  string // "": it cannot be encoded
	}{
		{`iso-8859-1`, PN, []string{"Buc^Jérôme"}, "Buc^J\xe9r\xf4me"},
		{`ISO_IR 100`, LO, []string{"a", "é"}, "a\\\xe9"},
		{`ISO-8859-1`, PN, []string{"山田"}, ""},
		{`US-ASCII`, PN, []string{"Jérôme"}, ""},
		{`ISO_IR 100`, UI, []string{"1.2"}, "1.2"},
		{`UTF-8`, PN, []string{"王^小東"}, "王^小東"},
		{`GB18030`, PN, []string{"Wang^XiaoDong=王^小东="}, "Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab="},
		{`GBK`, LO, []string{"誠", "x"}, "\xd5\x5c\\x"},
		{`GBK`, LO, []string{"😀"}, ""},
		{`ISO 2022 IR 6|ISO 2022 IR 87`, PN, []string{"Yamada^Tarou=山田^太郎=やまだ^たろう"},
			"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"},
		{`iso-2022-jp`, PN, []string{"ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"},
			"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J"},
		{`iso-2022-jp`, LO, []string{"~ｱ~"}, "\x1b(B~\xb1~\x1b(J"},
		{`ISO 2022 IR 6\ISO 2022 IR 149`, PN, []string{"Hong^Gildong=洪^吉洞=홍^길동"},
			"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf"},
		{`ISO-2022-CN`, PN, []string{"Zhang^XiaoDong=张^小东="}, "Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab="},
		{`ISO 2022 IR 100|ISO 2022 IR 144`, LO, []string{"ä люк ä", "л"}, "\xe4 \x1b-L\xdb\xee\xda \x1b-A\xe4\\\x1b-L\xdb\x1b-A"},
		{`ISO 2022 IR 6|ISO 2022 IR 159`, LO, []string{"丂"}, "\x1b$(D0!\x1b(B"},
		{`ISO_IR 13`, LO, []string{"a¥b"}, ""}, // it would be two values
		{`ISO_IR 13`, LT, []string{"a¥b"}, `a\b`},
		{`ISO_IR 13`, LO, []string{"~"}, ""},
		{`ISO-2022-JP`, LO, []string{"①"}, ""}, // which JIS X 0208 has no place for
	} {
		set, known := CharacterSetOf(strings.Split(c.names, "|")...)
		if !known {
			t.Errorf("%s is not known", c.names)
			continue
		}
		got, err := set.Encode(c.vr, c.in)
		if string(got) != c.want || (err == nil) == (c.want == "") || err != nil && !errors.Is(err, ErrNotInCharacterSet) {
			t.Errorf("%s: %q is %q, %v; want %q", c.names, c.in, got, err, c.want)
		}
	}
	for _, name := range []string{"", "klingon", "ISO 2022 IR 4711", "ISO 2022 IR ", "ISO 2022 IR 192", "ISO 2022 IR 13|latin1", "*"} {
		if set, known := CharacterSetOf(strings.Split(name, "|")...); known {
			t.Errorf("%q is %v", name, set.Terms())
		}
	}
}

// TestCharacterSetRoundTrip writes random text in every set, and reads it as Charset does.
func TestCharacterSetRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune("aZ19 -^==~\r\néßłżŽлщقصΔωשאşğ€œสายﾔﾏﾀ山田太郎やまだタロウ洪吉洞홍길동张王小东〜−‖¥‾☃😀")
	written := map[string]int{}
	sets := slices.Clone(characterSets)
	for _, terms := range []string{`ISO 2022 IR 100\ISO 2022 IR 144\ISO 2022 IR 126`, `ISO 2022 IR 6\ISO 2022 IR 87\ISO 2022 IR 159\ISO 2022 IR 13`,
		`ISO 2022 IR 13\ISO 2022 IR 87\ISO 2022 IR 149\ISO 2022 IR 58`} {
		set, _ := CharacterSetOf(terms)
		sets = append(sets, set)
	}
	for _, set := range sets {
		name := strings.Join(set.Terms(), `\`)
		for range 4000 {
			text := make([]rune, 1+random.IntN(8))
			for i := range text {
				text[i] = alphabet[random.IntN(len(alphabet))]
			}
			for _, vr := range []VR{LO, PN, UT} {
				in := "x" + string(text) + "x"
				b, err := set.Encode(vr, []string{in})
				if err != nil {
					continue
				}
				written[name]++
				if got := NewCharset(set.Terms()).Decode(vr, b); got != in {
					t.Fatalf("%s %s: %q is written %q and read %q", name, vr, in, b, got)
				}
			}
		}
	}
	for _, set := range sets {
		if name := strings.Join(set.Terms(), `\`); written[name] < 100 {
			t.Errorf("%s: only %d texts were written", name, written[name])
		}
	}
}
