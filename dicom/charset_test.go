package dicom

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/traditionalchinese"
)

// values splits a Specific Character Set as a data set holds it.
func charsetValues(s string) []string { return strings.Split(s, `\`) }

func TestCharsetSplit(t *testing.T) {
	for _, c := range []struct {
		what, charset string
		vr            VR
		in            string
		want          []string
	}{
		// The examples of PS3.5 H, I, J and K.
		{"PS3.5 H.3.1", `\ISO 2022 IR 87`, PN,
			"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B", []string{"Yamada^Tarou=山田^太郎=やまだ^たろう"}},
		{"PS3.5 H.3.2", `ISO 2022 IR 13\ISO 2022 IR 87`, PN,
			"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J", []string{"ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"}},
		{"PS3.5 I.2", `\ISO 2022 IR 149`, PN,
			"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf", []string{"Hong^Gildong=洪^吉洞=홍^길동"}},
		{"PS3.5 I.3", `\ISO 2022 IR 149`, ST, "\x1b$)CThe \xb1\xe6\r\n\x1b$)C\xb5\xbf.", []string{"The 길\r\n동."}},
		{"PS3.5 J.1", `ISO_IR 192`, PN, "Wang^XiaoDong=王^小東=", []string{"Wang^XiaoDong=王^小東"}},
		{"PS3.5 J.3", `GB18030`, PN, "Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", []string{"Wang^XiaoDong=王^小东"}},
		{"PS3.5 K.2", `\ISO 2022 IR 58`, PN, "Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=", []string{"Zhang^XiaoDong=张^小东"}},

		// One byte a character.
		{"ISO_IR 100", `ISO_IR 100`, PN, "Buc^J\xe9r\xf4me", []string{"Buc^Jérôme"}},
		{"ISO_IR 101", `ISO_IR 101`, LO, "W\xb3odzimierz", []string{"Włodzimierz"}},
		{"ISO_IR 109", `ISO_IR 109`, LO, "\xbfejtun", []string{"żejtun"}},
		{"ISO_IR 110", `ISO_IR 110`, LO, "\xaeitas", []string{"Žitas"}},
		{"ISO_IR 144", `ISO_IR 144`, PN, "\xbb\xee\xda\xe1\xd5\xdc\xd1\xe3\xe0\xd3", []string{"Люксембург"}},
		{"ISO_IR 127", `ISO_IR 127`, PN, "\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1", []string{"قباني^لنزار"}},
		{"ISO_IR 126", `ISO_IR 126`, PN, "\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2", []string{"Διονυσιος"}},
		{"ISO_IR 138", `ISO_IR 138`, PN, "\xf9\xf8\xe5\xef^\xe3\xe1\xe5\xf8\xe4", []string{"שרון^דבורה"}},
		{"ISO_IR 148", `ISO_IR 148`, PN, "\xc7avu\xfeo\xf0lu", []string{"Çavuşoğlu"}},
		{"ISO_IR 203", `ISO_IR 203`, LO, "\xa4 5 \xbduvre", []string{"€ 5 œuvre"}},
		{"ISO_IR 166", `ISO_IR 166`, LO, "\xca\xc1\xaa\xd2\xc2", []string{"สมชาย"}},
		{"ISO_IR 13", `ISO_IR 13`, LO, "\xd4\xcf\xc0\xde", []string{"ﾔﾏﾀﾞ"}},
		{"the yen sign separates", `ISO_IR 13`, LO, `a\b~`, []string{"a", "b‾"}},
		{"the yen sign is text", `ISO_IR 13`, LT, `a\b`, []string{"a¥b"}},
		{"no charset in UR", `ISO_IR 13`, UR, `http://a/~b`, []string{"http://a/~b"}},

		// Code extensions of one byte.
		{"two sets", `ISO 2022 IR 100\ISO 2022 IR 144`, LO, "\xe4 \x1b-L\xdb\xee\xda \x1b-A\xe4", []string{"ä люк ä"}},
		{"back at the delimiter", `ISO 2022 IR 100\ISO 2022 IR 144`, LO, "\x1b-L\xdb\xee\xda\\\xe4", []string{"люк", "ä"}},
		{"back at the component", `ISO 2022 IR 100\ISO 2022 IR 126`, PN, "\x1b-F\xc4^\xe4=\xe4", []string{"Δ^ä=ä"}},
		{"no component but in PN", `ISO 2022 IR 100\ISO 2022 IR 126`, LO, "\x1b-F\xc4^\xc4", []string{"Δ^Δ"}},
		{"back at the line", `ISO 2022 IR 100\ISO 2022 IR 126`, LT, "\x1b-F\xc4\r\n\xe4\x1b-F\xc4\t\xe4\x1b-F\xc4\f\xe4", []string{"Δ\r\näΔ\täΔ\fä"}},
		{"not at the backslash of text", `ISO 2022 IR 100\ISO 2022 IR 126`, LT, "\x1b-F\xc4\\\xc4", []string{`Δ\Δ`}},
		{"every single set", `\ISO 2022 IR 100`, LO,
			"\x1b-A\xe4\x1b-B\xb3\x1b-C\xbf\x1b-D\xae\x1b-L\xdb\x1b-G\xe2\x1b-F\xc4\x1b-H\xf9\x1b-M\xfe\x1b-b\xa4\x1b-T\xca\x1b)I\xd4\x1b(J~\x1b(B~",
			[]string{"äłżŽлقΔשş€สﾔ‾~"}},

		// Code extensions of two bytes.
		{"JIS X 0212", `\ISO 2022 IR 159`, LO, "\x1b$(D0!0\"\x1b(B", []string{"丂丄"}},
		{"JIS of 1978", `\ISO 2022 IR 87`, LO, "\x1b$@;3ED\x1b(J", []string{"山田"}},
		{"the wave dash of JIS", `\ISO 2022 IR 87`, LO, "\x1b$B!A!]\x1b(B", []string{"〜−"}},
		{"a kanji with the byte of the backslash", `\ISO 2022 IR 87`, LO, "\x1b$B0\\\\0=^\x1b(B\\x", []string{"移椣殉", "x"}},
		{"a delimiter before its escape", `\ISO 2022 IR 87`, PN, "\x1b$B;3ED^\x1b$BB@O:\x1b(B", []string{"山田^太郎"}},
		{"a value before its escape", `\ISO 2022 IR 87`, LO, "\x1b$B;3ED\\\x1b$BB@O:\x1b(B", []string{"山田", "太郎"}},
		{"escape that nobody declared", ``, LO, "\x1b$B;3ED\x1b(B", []string{"山田"}},
		{"Korean in the first value", `ISO 2022 IR 149`, LO, "\xb1\xe6\xb5\xbf", []string{"길동"}},
		{"Korean designated once", `\ISO 2022 IR 149`, PN, "Hong=\x1b$)C\xfb\xf3^\xd1\xce\xd4\xd7=\xc8\xab", []string{"Hong=洪^吉洞=홍"}},
		{"Windows' Korean", `\ISO 2022 IR 149`, LO, "\x1b$)C\x8cc", []string{"똠"}},
		{"Windows' Chinese", `\ISO 2022 IR 58`, LO, "\x1b$)A\xd5\x5c\\\x1b$)A\xd0\xa1", []string{"誠", "小"}},
		{"unknown escape", `ISO_IR 100`, LO, "a\x1b[0mb", []string{"a\x1b[0mb"}},

		// Backslashes inside characters.
		{"GBK", `GBK`, LO, "\xd5\x5c\\\xd5\x5c\\", []string{"誠", "誠", ""}},
		{"GB18030 of four bytes", `GB18030`, LO, "\x81\x30\x84\x36\\\x81\x30\x84\x37", []string{"¥", "¦"}},
		{"Shift JIS as ISO_IR 13", `ISO_IR 13`, LO, "\x95\x5c\x83\x5c\\\x8eR", []string{"表ソ", "山"}},

		// Labels of the field.
		{"UTF-8 with extensions", `ISO_IR 192\ISO 2022 IR 100`, LO, "ü", []string{"ü"}},
		{"UTF-8 with extensions, Latin-1", `ISO_IR 192\ISO 2022 IR 100`, LO, "M\xfcller", []string{"Müller"}},
		{"UTF-8 second", `ISO 2022 IR 6\ISO_IR 192`, LO, "ü", []string{"ü"}},
		{"ISO_IR 149", `ISO_IR 149`, LO, "\xb1\xe6", []string{"길"}},
		{"ISO-IR 100", `ISO-IR 100`, LO, "\xe4", []string{"ä"}},
		{"ISO_IR_144", `ISO_IR_144`, LO, "\xdb", []string{"л"}},
		{"ISO IR 144", `ISO IR 144`, LO, "\xdb", []string{"л"}},
		{"iso8859-5", `iso8859-5`, LO, "\xdb", []string{"л"}},
		{"ISO_8859-7", `ISO_8859-7`, LO, "\xc4", []string{"Δ"}},
		{"utf-8", `utf-8`, LO, "\xc3\xa4", []string{"ä"}},
		{"latin1", `latin1`, LO, "\xe4", []string{"ä"}},
		{"padded", "ISO_IR 126 \x00", LO, "\xc4", []string{"Δ"}},
		{"unknown", `ISO_IR 999`, LO, "\xe4", []string{"ä"}},
		{"one missing escape", `ISO 2022 IR 6\ISO 2022 IR 144`, LO, "\xdb", []string{"л"}},

		// Text that is not as declared.
		{"undeclared UTF-8", ``, PN, "Müller^王", []string{"Müller^王"}},
		{"undeclared Latin-1", ``, PN, "M\xfcller", []string{"Müller"}},
		{"UTF-8 as Latin-1", `ISO_IR 100`, LO, "\xc3\x9cbung", []string{"Übung"}},
		{"UTF-8 as Korean", `ISO_IR 149`, LO, "王", []string{"王"}},
		{"UTF-8 as GB18030", `GB18030`, LO, "王", []string{"王"}},
		{"UTF-8 as Latin-1, no word otherwise", `ISO_IR 100`, PN, "M\xc3\xbcller", []string{"Müller"}},
		{"UTF-8 as Latin-1, Polish", `ISO_IR 100`, PN, "Wa\xc5\x82\xc4\x99sa", []string{"Wałęsa"}},
		{"UTF-8 as Latin-1, Chinese", `ISO_IR 100`, PN, "Wang=\xe7\x8e\x8b", []string{"Wang=王"}},
		{"UTF-8 as Latin-1, Greek", `ISO_IR 100`, LO, "\xce\x91\xce\xb3", []string{"Αγ"}},
		{"UTF-8 with code extensions", `ISO 2022 IR 100\ISO 2022 IR 126`, PN, "M\xc3\xbcller", []string{"Müller"}},
		{"Latin-1 stays Latin-1", `ISO_IR 100`, LO, "CAF\xc9\xae", []string{"CAFÉ®"}},
		{"Latin-1 with a sign behind Â", `ISO_IR 100`, LO, "\xc2\xb0", []string{"Â°"}},
		{"Windows-1252 as Latin-1", `ISO_IR 100`, LO, "Dr\x92s \x80", []string{"Dr’s €"}},
		{"Latin-1 as UTF-8", `ISO_IR 192`, LO, "Andr\xe9", []string{"André"}},
		{"undeclared GBK", ``, PN, "\xcd\xf5^\xd0\xa1\xb6\xab", []string{"王^小东"}},
		{"undeclared GBK, two characters", ``, PN, "WANG WEI=\xcd\xf5^\xce\xb0", []string{"WANG WEI=王^伟"}},
		{"undeclared GBK, values", ``, LO, "\xd6\xd0\xce\xc4\xa3\xba1\\x", []string{"中文：1", "x"}},
		{"GBK as UTF-8", `ISO_IR 192`, PN, "\xcd\xf5^\xd0\xa1\xb6\xab", []string{"王^小东"}},
		{"GBK as Latin-1", `ISO_IR 100`, PN, "\xcd\xf5^\xd0\xa1\xb6\xab", []string{"王^小东"}},
		{"GBK as Latin-1, letters only", `ISO_IR 100`, PN, "ZHANG SAN=\xd5\xc5\xc8\xfd", []string{"ZHANG SAN=张三"}},
		{"GBK as Latin-1, values", `ISO 2022 IR 100`, LO, "CT\xc9\xa8\xc3\xe8\\x", []string{"CT扫描", "x"}},
		{"Big5", `BIG5`, PN, "\xa4\xfd^\xa4p\xa9\xfa", []string{"王^小明"}},
		{"Big5 as Latin-1", `ISO_IR 100`, PN, "Wang^XiaoMing=\xa4\xfd^\xa4p\xa9\xfa", []string{"Wang^XiaoMing=王^小明"}},
		{"Big5 as Latin-1, one word", `ISO_IR 100`, PN, "\xb3\xaf\xa4j\xa4\xe5", []string{"陳大文"}},
		{"Big5 as Latin-1, with the byte of the backslash", `ISO 2022 IR 100`, LO, "\xb3\\\xa4j\xa4\xe5\\x", []string{"許大文", "x"}},
		{"undeclared Big5", ``, PN, "\xa7\xf5^\xa4p\xc0s", []string{"李^小龍"}},
		{"Big5 that could be signs", `ISO_IR 100`, LO, "\xa4\xfd\xa4p", []string{"¤ý¤p"}},
		{"Latin-1, ordinals", `ISO_IR 100`, PN, "M\xaaT\xaaP\xe9rez^M\xaa\xc1NGELES", []string{"MªTªPérez^MªÁNGELES"}},
		{"Latin-1, signs before letters", `ISO_IR 100`, LO, "\xa7A\xa7B\xa7C \xa9X\xaeY \xb1A\xb1B", []string{"§A§B§C ©X®Y ±A±B"}},
		{"Latin-1, signs before signs", `ISO_IR 100`, LO, "\xbd\xbe 3\xbd\xa7 \xb1\xb1 \xa9\xae", []string{"½¾ 3½§ ±± ©®"}},
		{"Latin-1, capitals before letters", `ISO_IR 100`, PN, "\xc1R\xc1T\xc1\xc9^\xc4R\xc4\xd6\xc4T", []string{"ÁRÁTÁÉ^ÄRÄÖÄT"}},
		{"Latin-1, quotations", `ISO_IR 100`, LO, "\xabA\xbb \xabB\xc9\xbb \xbfQ\xbfQ \xa1A\xc1!", []string{"«A» «BÉ» ¿Q¿Q ¡AÁ!"}},
		{"Latin-2 as Latin-1", `ISO_IR 100`, PN, "\xa9I\xa9A^\xaeI\xaeA", []string{"©I©A^®I®A"}},
		{"Latin-1 with many accents", `ISO_IR 100`, PN, "\xc9l\xe9onore^Andr\xe9e", []string{"Éléonore^Andrée"}},
		{"Latin-1 in pairs", `ISO_IR 100`, LO, "\xc5\xc4\xd6\xd1 \xbf\xd3 \xc1\xe9", []string{"ÅÄÖÑ ¿Ó Áé"}},
		{"Latin-1 in pairs of small letters", `ISO_IR 100`, LO, "\xe5\xe4\xf6\xf1", []string{"åäöñ"}},
		{"Latin-1 with signs", `ISO_IR 100`, LO, "20\xb0\xb1 5\xb5 \xab\xc9", []string{"20°± 5µ «É"}},
		{"undeclared Latin-1 with two accents", ``, LO, "cr\xe9\xe9e cr\xe9\xe9e", []string{"créée créée"}},
		{"Latin-1 stays Latin-1, however many", `ISO_IR 100`, LO, "\xc0\xc1\xc2\xc3", []string{"ÀÁÂÃ"}},
		{"UTF-8 cut off", `ISO_IR 192`, LO, "王\xe5\xb0", []string{"王\uFFFD"}},
		{"no such characters", `ISO_IR 166`, LO, "\xca\xfe", []string{"ส\uFFFD"}},
		{"half a character", `GB18030`, LO, "\xd5", []string{"\uFFFD"}},

		// Values and padding.
		{"nothing", ``, LO, "", nil},
		{"only spaces", ``, LO, "   ", nil},
		{"only NUL", ``, UI, "\x00", nil},
		{"spaces around", ``, LO, "  a b ", []string{"a b"}},
		{"values", ``, CS, `ORIGINAL\ PRIMARY \\AXIAL `, []string{"ORIGINAL", "PRIMARY", "", "AXIAL"}},
		{"empty values", ``, LO, `\`, []string{"", ""}},
		{"UID", ``, UI, "1.2\\1.3\x00", []string{"1.2", "1.3"}},
		{"leading spaces of text", ``, LT, "  a\\b  ", []string{`  a\b`}},
		{"leading spaces of a name", ``, PN, " A^B ", []string{" A^B"}},
		{"a name without components", ``, PN, "^^^^", nil},
		{"numbers", ``, DS, ` 1.50\-2 `, []string{"1.50", "-2"}},
		{"an ideographic space", `ISO_IR 192`, LO, "\u3000", []string{"\u3000"}},
	} {
		got := NewCharset(charsetValues(c.charset)).Split(c.vr, []byte(c.in))
		if !slices.Equal(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%s: got %q, want %q", c.what, got, c.want)
		}
	}
}

// TestBig5UnderLatin1: names of Taiwan and Hong Kong under ISO_IR 100 are read, most of them, and none as other characters.
func TestBig5UnderLatin1(t *testing.T) {
	names := strings.Fields(`王^小明 陳^大文 李^小龍 林^志玲 張^學友 劉^德華 蔡^英文 馬^英九 郭^台銘 周^杰倫 黃^志明 吳^宗憲 許^信良 楊^麗花 鄭^成功 謝^長廷 洪^秀柱 曾^國城 廖^峻 賴^清德
		徐^若瑄 何^潤東 朱^立倫 葉^問 蕭^敬騰 江^蕙 羅^大佑 高^凌風 潘^瑋柏 簡^媜 彭^佳慧 鍾^鎮濤 游^錫堃 詹^雅雯 胡^適 施^明德 沈^文程 余^光中 盧^廣仲 梁^朝偉 王淑芬 陳建宏 林美玲 張志偉 李淑惠`)
	c, read := NewCharset([]string{"ISO_IR 100"}), 0
	for _, name := range names {
		b, err := traditionalchinese.Big5.NewEncoder().Bytes([]byte(name))
		if err != nil {
			t.Fatal(name, err)
		}
		latin, err := charmap.ISO8859_1.NewDecoder().Bytes(b)
		if err != nil {
			t.Fatal(err)
		}
		switch got := c.Decode(PN, b); got {
		case name:
			read++
		case string(latin):
		default:
			if bytes.ContainsFunc(b, func(r rune) bool { return r >= '@' && r != '^' && r < utf8.RuneSelf }) { // or the bytes may be of GBK as well
				t.Errorf("%s is read as %s", name, got)
			}
		}
	}
	if read < len(names)/2 {
		t.Errorf("%d names of %d are read", read, len(names))
	}
	t.Logf("%d of %d", read, len(names))
}

func TestCharsetDecode(t *testing.T) {
	c := NewCharset([]string{"ISO 2022 IR 100", "ISO 2022 IR 126"})
	if got, want := c.Decode(LO, []byte(" \x1b-F\xc4\\\xe4 ")), ` Δ\ä `; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzCharset: no panic, always UTF-8, and the values are the parts of the text.
func FuzzCharset(f *testing.F) {
	f.Add(`\ISO 2022 IR 87`, "PN", []byte("Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"))
	f.Add(`ISO 2022 IR 13\ISO 2022 IR 149`, "LT", []byte("\xd4\x1b$)C\xb1\xe6\\"))
	f.Add(`GB18030`, "LO", []byte("\x81\x30\x84\x36\\\xd5\x5c"))
	f.Add(`ISO_IR 192`, "UC", []byte("\xc3\xa4\\\xff"))
	f.Fuzz(func(t *testing.T, charset, vr string, in []byte) {
		c := NewCharset(charsetValues(charset))
		text := c.Decode(VR(vr), in)
		if !utf8.ValidString(text) {
			t.Fatalf("Decode: %q", text)
		}
		values := c.Split(VR(vr), in)
		if joined := strings.Join(values, ""); !utf8.ValidString(joined) || len(joined) > len(text) {
			t.Fatalf("Split: %q of %q", values, text)
		}
		if VR(vr).IsSingleText() && len(values) > 1 {
			t.Fatalf("Split: %d values of VR %s", len(values), vr)
		}
	})
}

func BenchmarkCharsetSplit(b *testing.B) {
	c := NewCharset([]string{"ISO_IR 100"})
	for b.Loop() {
		c.Split(CS, []byte(`ORIGINAL\PRIMARY\AXIAL `))
		c.Split(PN, []byte("M\xfcller^Hans "))
	}
}

// TestKnownCharset: every Defined Term is known, as are its spellings; what is none is not.
func TestKnownCharset(t *testing.T) {
	for _, term := range []string{"", "ISO_IR 6", "ISO 2022 IR 6", "ISO_IR 100", "ISO-IR 100", "latin1", "ISO 2022 IR 87", "ISO 2022 IR 159", "ISO 2022 IR 58",
		"ISO_IR 192", "UTF-8", "GB18030", "GBK", "ISO_IR 13", "ISO_IR 166", "ISO_IR 203"} {
		if !KnownCharset(term) {
			t.Errorf("%q is not known", term)
		}
	}
	for _, term := range []string{"ISO_IR 999", "KLINGON", "ISO 2022 IR 1000", "8"} {
		if KnownCharset(term) {
			t.Errorf("%q is known", term)
		}
	}
}
