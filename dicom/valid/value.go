package valid

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/noctis-dicom/noctis/dicom"
)

// longest is how many characters a value may have (PS3.5 6.2); that of PN is for each component group.
var longest = map[dicom.VR]int{
	dicom.AE: 16, dicom.AS: 4, dicom.CS: 16, dicom.DA: 8, dicom.DS: 16, dicom.DT: 26, dicom.IS: 12, dicom.LO: 64, dicom.LT: 10240,
	dicom.SH: 16, dicom.ST: 1024, dicom.TM: 14, dicom.UI: 64,
}

// text says what is wrong with a value of text, "" if nothing is. An empty value is always allowed.
func text(vr dicom.VR, s string) string {
	if s == "" {
		return ""
	}
	if most, bounded := longest[vr]; bounded && utf8.RuneCountInString(s) > most {
		return fmt.Sprintf("has more than %d characters", most)
	}
	if wrong := repertoire(vr, s); wrong != "" {
		return wrong
	}
	if !wellFormed(vr, s) {
		return "is not well-formed"
	}
	return ""
}

// repertoire says which characters do not belong into a value (PS3.5 6.1).
func repertoire(vr dicom.VR, s string) string {
	for _, r := range s {
		switch {
		case r == utf8.RuneError:
			return "has bytes that are no characters of the character set"
		case r >= utf8.RuneSelf && !vr.UsesCharset():
			return "has characters beyond ASCII"
		case r < ' ' && !(strings.ContainsRune("\t\n\f\r", r) && isLong(vr)), r == 0x7F:
			return "has control characters"
		case vr == dicom.CS && !('A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == ' ' || r == '_'):
			return "has characters that it cannot have"
		}
	}
	return ""
}

// isLong reports whether a VR may have lines (PS3.5 6.2).
func isLong(vr dicom.VR) bool { return vr == dicom.LT || vr == dicom.ST || vr == dicom.UT }

func wellFormed(vr dicom.VR, s string) bool {
	switch vr {
	case dicom.AS:
		return len(s) == 4 && digits(s[:3]) && strings.ContainsRune("DWMY", rune(s[3]))
	case dicom.DA:
		_, err := time.Parse("20060102", s)
		return err == nil
	case dicom.TM:
		return isTime(s)
	case dicom.DT:
		return isDateTime(s)
	case dicom.DS:
		f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		return err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) && !strings.ContainsAny(s, "xX_pPnN")
	case dicom.IS:
		_, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32)
		return err == nil
	case dicom.PN:
		return isName(s)
	case dicom.UI:
		return dicom.UID(s).Canonical()
	case dicom.UR:
		return !strings.ContainsAny(s, " \\")
	}
	return true
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// isTime reports whether s is HHMMSS.FFFFFF, whose end may be missing; a leap second is allowed.
func isTime(s string) bool {
	whole, fraction, fractional := strings.Cut(s, ".")
	if !digits(whole+fraction) || len(whole)%2 == 1 || len(whole) > 6 || fractional && (len(whole) < 6 || fraction == "" || len(fraction) > 6) {
		return false
	}
	for i, most := range []string{"23", "59", "60"} {
		if 2*i < len(whole) && whole[2*i:2*i+2] > most {
			return false
		}
	}
	return len(whole) > 0
}

// isDateTime reports whether s is YYYYMMDDHHMMSS.FFFFFF&ZZXX, whose middle may be missing.
func isDateTime(s string) bool {
	if i := strings.LastIndexAny(s, "+-"); i > 0 {
		zone := s[i+1:]
		if len(zone) != 4 || !isTime(zone) {
			return false
		}
		s = s[:i]
	}
	for _, layout := range []string{"2006", "200601"} {
		if len(s) == len(layout) {
			_, err := time.Parse(layout, s)
			return err == nil
		}
	}
	if len(s) < 8 {
		return false
	}
	_, err := time.Parse("20060102", s[:8])
	return err == nil && (len(s) == 8 || isTime(s[8:]))
}

// isName reports whether s is a person name: at most three component groups of at most 64 characters and five components.
func isName(s string) bool {
	groups := strings.Split(s, "=")
	for _, group := range groups {
		if utf8.RuneCountInString(group) > 64 || strings.Count(group, "^") > 4 {
			return false
		}
	}
	return len(groups) <= 3
}
