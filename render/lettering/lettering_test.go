package lettering

import (
	"bytes"
	"image"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
)

// What is read from right to left is drawn so, with the numbers in it from left to right, and Arabic letters joined.
func TestArrange(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"Jörg  7", "Jörg  7"},
		{"Jo\u0308rg", "Jörg"}, // composed
		{"אברהם כהן", "ןהכ םהרבא"},
		{"CT אבג 12 דה x", "CT הד 12 גבא x"},
		{"אבג (ABC) 12", "12 (ABC) גבא"},
		{"CT (אבג) 12", "CT (גבא) 12"},
		{"אבג -12.5%", "12.5%- גבא"},
		{"שָׁ", "שָׁ"}, // points stay with their letter
		{"محمد", "\ufeaa\ufee4\ufea4\ufee3"},
		{"سلام", "\ufee1\ufefc\ufeb3"}, // lam and alef are one
		{"اب", "\ufe8f\ufe8d"},
		{"پیچ", "\ufb7b\ufbff\ufb58"}, // Persian letters
		{"م\u200cم", "\ufee1\ufee1"},
		{"مُم", "\ufee2\ufee3\u064f"},
		{"\u202eabc\u202c\tx", "abc x"},
		{"山田 太郎", "山田 太郎"},
		{"", ""},
	} {
		if got := Arrange(test.text); got != test.want {
			t.Errorf("%q: %q %+q, want %q %+q", test.text, got, got, test.want, test.want)
		}
	}
}

// TestArrangeLikeFriBidi arranges random lines beside another implementation. Marks are left out, which
// it puts before their letters.
func TestArrangeLikeFriBidi(t *testing.T) {
	program, err := exec.LookPath("fribidi")
	if err != nil {
		t.Skip("fribidi, of Debian's libfribidi-bin, is not installed")
	}
	pieces := []string{"א", "ב", "ם", "ا", "ب", "ل", "م", "د", "پ", "ی", "ء", "ة", "a", "Z", "é", "1", "29", "٣", " ", " ", "-", "+", ".", ",", ":", "/", "%", "!", "ـ", "(", ")", "[", "]"}
	random := rand.New(rand.NewPCG(1, 2))
	var lines []string
	for range 3000 {
		var line strings.Builder
		for range 1 + random.IntN(12) {
			line.WriteString(pieces[random.IntN(len(pieces))])
		}
		lines = append(lines, "x"+line.String()+"x", "א"+line.String()+"א")
	}
	command := exec.Command(program, "--nobreak", "--nopad", "--charset", "UTF-8")
	command.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	var out bytes.Buffer
	command.Stdout = &out
	if err := command.Run(); err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(want) != len(lines) {
		t.Fatalf("%d lines, want %d", len(want), len(lines))
	}
	wrong := 0
	for i, line := range lines {
		// It fills a ligature up with a character without a picture, and leaves hamza, which has but one form.
		if w := strings.NewReplacer("\ufeff", "", "ء", "\ufe80").Replace(want[i]); Arrange(line) != w && wrong < 5 {
			wrong++
			t.Errorf("%q %+q: %q %+q, want %q %+q", line, line, Arrange(line), Arrange(line), w, w)
		}
	}
}

func TestReadable(t *testing.T) {
	for text, want := range map[string][]string{
		"Nguyễn Ж Ω":    {"Nguyễn Ж Ω"},
		"山田 やまだ 김 东":    {"山田 やまだ 김 东"},
		"สมชาย":         {"□□□□□", "□ not in the font: Thai"},
		"क 🛇":           {"□ □", "□ not in the font: Devanagari, symbols"},
		"א ב":           {"ב א"},
		"\u3000全角":      {"\u3000全角"},
		"a\u200fb":      {"ab"},
		"Գրիգոր გიორგი": {"Գրիգոր გიორგი"},
	} {
		if got := Readable([]string{text}); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if got := Covers(text); got != (len(want) == 1) {
			t.Errorf("%q: covered %t", text, got)
		}
	}
}

// Each script leaves pixels where its text lies, and none elsewhere.
func TestFace(t *testing.T) {
	for _, size := range []float64{7, 14, 30, 48} {
		for _, text := range []string{"Ag", "Жß", "אב", "مم", "山田", "김"} {
			face, err := NewFace(size, font.HintingFull)
			if err != nil {
				t.Fatal(err)
			}
			img := image.NewGray(image.Rect(0, 0, 400, 100))
			arranged := Arrange(text)
			face.Draw(img, image.White, arranged, fixed.P(10, 60))
			within := image.Rect(10-2, 60-face.Metrics().Ascent.Ceil()-int(size/2)-4, 10+face.Width(arranged)+2, 60+face.Metrics().Descent.Ceil()+int(size/3)+2)
			inked := 0
			for i, v := range img.Pix {
				if v == 0 {
					continue
				}
				inked++
				if at := image.Pt(i%400, i/400); !at.In(within) {
					t.Fatalf("%q of %g: ink at %v, outside of %v", text, size, at, within)
				}
			}
			if inked < 10 {
				t.Errorf("%q of %g: %d pixels of ink", text, size, inked)
			}
			face.Close()
		}
	}
}

// FuzzArrange: any text can be arranged and drawn; nothing is lost but marks of direction, and ligatures are one for two.
func FuzzArrange(f *testing.F) {
	for _, text := range []string{"", "אب1 ,٣", "لا", "\u0301", "\xff", "ش\u200dش", "😀漢"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1000 {
			return
		}
		arranged := Arrange(text)
		if Arrange(text) != arranged {
			t.Error("not the same twice")
		}
		face, err := NewFace(12, font.HintingNone)
		if err != nil {
			t.Fatal(err)
		}
		defer face.Close()
		for _, line := range Readable([]string{text}) {
			face.Draw(image.NewGray(image.Rect(0, 0, 20, 20)), image.White, line, fixed.P(0, 12))
		}
	})
}
