package main

import (
	"io"
	"reflect"
	"testing"

	"github.com/alecthomas/kong"
)

// TestCoerceWords: a rule that begins with a hyphen is a word of its own too; it ends at a semicolon, and no flag is taken for a value elsewhere.
func TestCoerceWords(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  []coercion
	}{
		{[]string{"--coerce", "-OtherPatientIDs"}, []coercion{"-OtherPatientIDs"}},
		{[]string{"--coerce=-OtherPatientIDs"}, []coercion{"-OtherPatientIDs"}},
		{[]string{"--coerce", "-OtherPatientIDs if Modality=MR;StudyID=1", "--coerce", "StationName?=A"},
			[]coercion{"-OtherPatientIDs if Modality=MR", "StudyID=1", "StationName?=A"}},
		{[]string{"--validation", "-Modality"}, nil},
		{[]string{"--coerce"}, nil},
	} {
		var cmd struct {
			Rules ruleFlags `embed:""`
		}
		parser, err := kong.New(&cmd, kong.Writers(io.Discard, io.Discard))
		if err != nil {
			t.Fatal(err)
		}
		_, err = parser.Parse(c.words)
		if (err != nil) != (c.want == nil) || err == nil && !reflect.DeepEqual(cmd.Rules.Coerce, c.want) {
			t.Errorf("%q: %q, %v", c.words, cmd.Rules.Coerce, err)
		}
	}
}
