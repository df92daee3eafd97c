package dicom

import "testing"

func TestPersonNameGroups(t *testing.T) {
	for _, c := range []struct {
		name   string
		groups [3]string
		joined string
	}{
		{"", [3]string{}, ""},
		{"A^B", [3]string{"A^B"}, "A^B"},
		{"A==C", [3]string{"A", "", "C"}, "A==C"},
		{"=B", [3]string{"", "B"}, "=B"},
		{"A=B=", [3]string{"A", "B"}, "A=B"},
		{"A=B=C=D", [3]string{"A", "B", "C=D"}, "A=B=C=D"},
		{"A^^^^", [3]string{"A^^^^"}, "A^^^^"},
		{"^^^^", [3]string{"^^^^"}, ""},
		{"^B=^^=^^^^", [3]string{"^B", "^^", "^^^^"}, "^B"},
	} {
		got := PersonNameGroups(c.name)
		if got != c.groups {
			t.Errorf("PersonNameGroups(%q) = %q", c.name, got)
		}
		if joined := JoinPersonName(got); joined != c.joined {
			t.Errorf("JoinPersonName(%q) = %q, want %q", got, joined, c.joined)
		}
		if normal := normalPersonName(c.name); normal != c.joined {
			t.Errorf("normalPersonName(%q) = %q, want %q", c.name, normal, c.joined)
		}
	}
}
