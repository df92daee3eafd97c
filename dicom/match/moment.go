package match

import (
	"strconv"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
)

// Moments are compared as texts: dates as "20060705", times as "100000.000000", both together as "20060705100000.000000". A
// text of less than full precision is a period; a value counts as the first moment of it, the ends of a key take in all of
// it.

// NormalDate returns the comparable form of a DA value, "20060705": its first day if month or day are missing. The old form
// 2006.07.05 is read too (PS3.5 6.2).
func NormalDate(s string) (string, bool) {
	p, ok := parseDate(s)
	return p.first, ok
}

// NormalTime returns the comparable form of a TM value, "100000.000000": its first microsecond if anything is missing. The
// old form 10:00:00 is read too (PS3.5 6.2).
func NormalTime(s string) (string, bool) {
	p, ok := parseTime(s)
	return p.first, ok
}

// NormalDateTime returns the comparable form of a DT value in Universal Coordinated Time, "20060705100000.000000": its first
// microsecond if anything is missing. A value without an offset of its own has that of the zone ("+0100", Timezone Offset
// From UTC), and without that too is taken as it stands.
func NormalDateTime(s, zone string) (string, bool) {
	p, ok := parseDateTime(s, zone)
	return p.first, ok
}

// period is what a date or time of any precision stands for, as its first and its last moment.
type period struct{ first, last string }

func parseDate(s string) (period, bool) {
	s = strings.TrimRight(s, " \x00")
	if len(s) == 10 && s[4] == '.' && s[7] == '.' {
		s = s[:4] + s[5:7] + s[8:]
	}
	if !allDigits(s) {
		return period{}, false
	}
	switch len(s) {
	case 4:
		return period{s + "0101", s + "1231"}, true
	case 6:
		if last := lastDay(s); last != "" {
			return period{s + "01", s + last}, true
		}
	case 8:
		if lastDay(s) != "" && s[6:] >= "01" && s[6:] <= "31" {
			return period{s, s}, true
		}
	}
	return period{}, false
}

// lastDay returns the number of days in the month that s begins with, "" if there is no such month.
func lastDay(s string) string {
	year, _ := strconv.Atoi(s[:4])
	month, _ := strconv.Atoi(s[4:6])
	if month < 1 || month > 12 {
		return ""
	}
	return strconv.Itoa(time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day())
}

func parseTime(s string) (period, bool) {
	s = strings.TrimRight(s, " \x00")
	if len(s) >= 5 && s[2] == ':' {
		s = s[:2] + s[3:]
		if len(s) > 4 && s[4] == ':' {
			s = s[:4] + s[5:]
		}
	}
	clock, fraction, dotted := strings.Cut(s, ".")
	n := len(clock)
	switch {
	case n != 2 && n != 4 && n != 6, !allDigits(clock), !allDigits(fraction):
		return period{}, false
	case dotted && (n != 6 || fraction == "" || len(fraction) > 6):
		return period{}, false
	case clock[:2] > "23", n >= 4 && clock[2:4] > "59", n == 6 && clock[4:] > "60":
		return period{}, false
	}
	const zeros, nines = "000000", "999999"
	return period{
		clock + zeros[n:] + "." + fraction + zeros[len(fraction):],
		clock + "235959"[n:] + "." + fraction + nines[len(fraction):],
	}, true
}

func parseDateTime(s, zone string) (period, bool) {
	s = strings.TrimRight(s, " \x00")
	if i := strings.IndexAny(s, "+-"); i >= 0 {
		s, zone = s[:i], s[i:]
		if _, ok := parseZone(zone); !ok {
			return period{}, false
		}
	}
	offset, _ := parseZone(zone)
	date, clock := s, period{"000000.000000", "235959.999999"}
	if len(s) > 8 {
		var ok bool
		if clock, ok = parseTime(s[8:]); !ok || strings.Contains(s, ":") {
			return period{}, false
		}
		date = s[:8]
	}
	day, ok := parseDate(date)
	if !ok {
		return period{}, false
	}
	return period{shift(day.first+clock.first, -offset), shift(day.last+clock.last, -offset)}, true
}

// parseZone reads an offset from UTC, "+0100", as minutes (PS3.5 6.2, DT).
func parseZone(s string) (minutes int, ok bool) {
	s = strings.TrimRight(s, " \x00")
	if len(s) != 5 || !allDigits(s[1:]) || s[3:] > "59" || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hours, _ := strconv.Atoi(s[1:3])
	minutes, _ = strconv.Atoi(s[3:])
	minutes += 60 * hours
	if s[0] == '-' {
		minutes = -minutes
	}
	return minutes, minutes >= -12*60 && minutes <= 14*60
}

// shift moves a moment by minutes. Seconds are carried along as text, so that a leap second stays what it is.
func shift(moment string, minutes int) string {
	if minutes == 0 {
		return moment
	}
	at := func(from, to int) int { n, _ := strconv.Atoi(moment[from:to]); return n }
	t := time.Date(at(0, 4), time.Month(at(4, 6)), at(6, 8), at(8, 10), at(10, 12)+minutes, 0, 0, time.UTC)
	switch {
	case t.Year() < 0:
		return "00000101000000.000000"
	case t.Year() > 9999:
		return "99991231235959.999999"
	}
	return t.Format("200601021504") + moment[12:]
}

// Bounds returns the ends of what a Single, Range or DateTimeRange condition of a DA, TM or DT key takes in, in the
// comparable form of its VR (for DateTimeRange that of DT, made of date and time as they stand); "" is an open end. ok is
// false for all other keys, for texts that are no dates, and for DA and TM keys with a Zone, which only Query.Match can
// answer: the zone of the data set counts.
func (k Key) Bounds() (low, high string, ok bool) {
	vr := k.vr()
	if k.Zone != "" && vr != dicom.DT {
		return "", "", false
	}
	return k.bounds(vr)
}

func (k Key) bounds(vr dicom.VR) (low, high string, ok bool) {
	zone := k.Zone
	switch c := k.Condition.(type) {
	case Single:
		return rangeBounds(vr, Range{c.Value, c.Value}, zone)
	case Range:
		return rangeBounds(vr, c, zone)
	case DateTimeRange:
		return rangeBounds(dicom.DT, Range{c.Low, c.High}, "")
	}
	return "", "", false
}

func rangeBounds(vr dicom.VR, r Range, zone string) (low, high string, ok bool) {
	if r.Low == "" && r.High == "" {
		return "", "", false
	}
	if r.Low != "" {
		p, ok := parseMoment(vr, r.Low, zone)
		if !ok {
			return "", "", false
		}
		low = p.first
	}
	if r.High != "" {
		p, ok := parseMoment(vr, r.High, zone)
		if !ok {
			return "", "", false
		}
		high = p.last
	}
	return low, high, true
}

func parseMoment(vr dicom.VR, s, zone string) (period, bool) {
	switch vr {
	case dicom.DA:
		return parseDate(s)
	case dicom.TM:
		return parseTime(s)
	case dicom.DT:
		return parseDateTime(s, zone)
	}
	return period{}, false
}

func within(moment, low, high string) bool { return low <= moment && (high == "" || moment <= high) }
