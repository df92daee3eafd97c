package match

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/noctis-dicom/noctis/dicom"
)

// Two numbers have the same normal form if and only if they are equal.
func TestDecimalByValue(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	number := func() string {
		s := []string{"", "+", "-"}[r.IntN(3)] + strings.Repeat("0", r.IntN(3)) + fmt.Sprint(r.IntN(30))
		if r.IntN(2) == 0 {
			s += "." + fmt.Sprint(r.IntN(30)) + strings.Repeat("0", r.IntN(3))
		}
		if r.IntN(2) == 0 {
			s += []string{"e", "E+", "E-"}[r.IntN(3)] + fmt.Sprint(r.IntN(4))
		}
		return s
	}
	equal := 0
	for range 100_000 {
		a, b := number(), number()
		x, ok1 := new(big.Rat).SetString(a)
		y, ok2 := new(big.Rat).SetString(b)
		if !ok1 || !ok2 {
			t.Fatalf("%s or %s is no number", a, b)
		}
		same := Normal(dicom.DS, a) == Normal(dicom.DS, b)
		if same != (x.Cmp(y) == 0) {
			t.Fatalf("%s is %s, %s is %s", a, Normal(dicom.DS, a), b, Normal(dicom.DS, b))
		}
		if same {
			equal++
		}
	}
	if equal < 100 {
		t.Errorf("only %d pairs were equal", equal)
	}
}

func TestNormal(t *testing.T) {
	for _, c := range []struct {
		vr          dicom.VR
		value, want string
	}{
		{dicom.IS, " +0012 ", "12"},
		{dicom.IS, "-0", "0"},
		{dicom.IS, "12a", "12a"},
		{dicom.IS, "", ""},
		{dicom.IS, ".", "."},
		{dicom.DS, "1200", "1200"},
		{dicom.DS, "12.50", "125e-1"},
		{dicom.DS, "1e30", "1e30"},
		{dicom.DS, "1e99999999999999999999", "1e99999999999999999999"},
		{dicom.FL, "0.10000000149011612", "1e-1"},
		{dicom.FD, "0.10000000149011612", "10000000149011612e-17"},
		{dicom.FL, "NaN", "NaN"},
		{dicom.LO, " a b ", "a b"},
		{dicom.LT, " a b ", " a b"},
		{dicom.UI, "1.2\x00", "1.2"},
		{dicom.DA, "2006.07.05", "20060705"},
		{dicom.DA, "never", "never"},
		{dicom.TM, "10", "100000.000000"},
		{dicom.DT, "20060705+0100", "20060704230000.000000"},
		{dicom.AT, "7fe00010", "7FE00010"},
		{dicom.PN, " Doe ^JOHN ^=", "doe^john"},
		{dicom.PN, "A=B=C=D", "a=b=c=d"},
	} {
		if got := Normal(c.vr, c.value); got != c.want {
			t.Errorf("Normal(%s, %q) = %q, want %q", c.vr, c.value, got, c.want)
		}
		if again := Normal(c.vr, c.want); again != c.want {
			t.Errorf("Normal(%s, %q) = %q: it is normal already", c.vr, c.want, again)
		}
	}
}

func TestMomentsAcrossZones(t *testing.T) {
	for _, c := range []struct{ value, zone, want string }{
		{"20240101003000+0100", "", "20231231233000.000000"},
		{"20240228233000.5-0100", "+0500", "20240229003000.500000"},
		{"20240101000000", "+1400", "20231231100000.000000"},
		{"20240101000000", "nonsense", "20240101000000.000000"},
		{"20161231235960-0000", "", "20161231235960.000000"},
		{"20161231185960-0500", "", "20161231235960.000000"},
		{"0000+1400", "", "00000101000000.000000"},
		{"99991231235959-1200", "", "99991231235959.999999"},
	} {
		if got, ok := NormalDateTime(c.value, c.zone); !ok || got != c.want {
			t.Errorf("NormalDateTime(%q, %q) = %q, %v, want %q", c.value, c.zone, got, ok, c.want)
		}
	}
	r := rand.New(rand.NewPCG(7, 8))
	for range 10_000 {
		zone := time.FixedZone("", 60*(r.IntN(26*60)-12*60))
		at := time.Unix(r.Int64N(1<<32), 1000*r.Int64N(1_000_000)).In(zone)
		got, _ := NormalDateTime(at.Format("20060102150405.000000-0700"), "")
		if want := at.UTC().Format("20060102150405.000000"); got != want {
			t.Fatalf("%v: %s, want %s", at, got, want)
		}
	}
}

func asItStands(s string) (string, bool) { return NormalDateTime(s, "") }

// An index that compares normal forms with Bounds finds what Match finds.
func TestBounds(t *testing.T) {
	dates := []string{"2006", "200607", "20060705", "2006.07.05", "20060706", "19991231", "00000000", "20060231", "x", ""}
	times := []string{"10", "1000", "100000", "100000.5", "18:00:30", "235960", "25", ""}
	for _, c := range []struct {
		tag    dicom.Tag
		values []string
		normal func(string) (string, bool)
	}{
		{dicom.StudyDate, dates, NormalDate},
		{dicom.StudyTime, times, NormalTime},
		{dicom.AcquisitionDateTime, append(dates, "20060705100000+0200", "2006070510-0500"), asItStands},
	} {
		for _, low := range c.values {
			for _, high := range c.values {
				for _, text := range []string{low, low + "-" + high} {
					k, err := ParseKey(Path{c.tag}, text, ParseOptions{})
					low, high, ok := k.Bounds()
					if err != nil || !ok {
						continue
					}
					for _, v := range c.values {
						ds := &dicom.DataSet{}
						ds.SetStrings(c.tag, c.tag.VR(), v)
						normal, isDate := c.normal(v)
						byIndex := isDate && low <= normal && (high == "" || normal <= high)
						if byMatch := (Query{Keys: []Key{k}}).Match(ds); byMatch != byIndex {
							t.Errorf("%s=%s on %q: Match %v, by bounds %v", c.tag.Keyword(), text, v, byMatch, byIndex)
						}
					}
				}
			}
		}
	}
}

func TestSoundex(t *testing.T) {
	for word, want := range map[string]string{
		"robert": "R163", "rupert": "R163", "rubin": "R150", "ashcraft": "A261", "ashcroft": "A261", "tymczak": "T522",
		"pfister": "P236", "honeyman": "H555", "lee": "L000", "gutierrez": "G362", "jackson": "J250",
		"li": "", "山田太郎": "", "r2d2": "",
	} {
		if got := Soundex(word); got != want {
			t.Errorf("Soundex(%s) = %s, want %s", word, got, want)
		}
	}
}

func TestNameWords(t *testing.T) {
	for name, want := range map[string]string{
		"MÜLLER-LÜDENSCHEIDT^Jürgen^^Dr.": "[muller ludenscheidt jurgen dr]",
		"O'Brien^Seán":                    "[obrien sean]",
		"Strauß^Øyvind=山田^太郎=ﾔﾏﾀﾞ":        "[strauss oyvind 山田 太郎 やまだ]",
		"Łukasz^Þór":                      "[lukasz thor]",
		"김^철수":                            "[김 철수]",
		"":                                "[]",
	} {
		if got := fmt.Sprint(NameWords(name)); got != want {
			t.Errorf("NameWords(%q) = %s, want %s", name, got, want)
		}
	}
}

// FoldName makes one of a letter's cases and spellings, and changes nothing when applied again.
func TestFoldNameEveryLetter(t *testing.T) {
	for r := rune(1); r <= unicode.MaxRune; r++ {
		if unicode.ToUpper(r) == r && unicode.ToLower(r) == r && norm.NFD.PropertiesString(string(r)).Decomposition() == nil {
			continue // as it is in all forms
		}
		for _, name := range []string{string(r), string(r) + "\u0301", "a\u0323" + string(r)} {
			once := FoldName(name)
			if again := FoldName(once); again != once {
				t.Fatalf("%U: FoldName(%q) = %q, then %q", r, name, once, again)
			}
			if FoldName(norm.NFD.String(name)) != once {
				t.Fatalf("%U: %q and its decomposition differ", r, name)
			}
		}
		if u := unicode.ToUpper(r); unicode.ToLower(u) == r && FoldName(string(u)) != FoldName(string(r)) {
			t.Errorf("%U: %q and %q differ", r, string(r), string(u))
		}
		if l := unicode.ToLower(r); unicode.ToUpper(l) == r && FoldName(string(l)) != FoldName(string(r)) {
			t.Errorf("%U: %q and %q differ", r, string(r), string(l))
		}
	}
}
