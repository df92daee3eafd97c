package waveform

import (
	"fmt"
	"math"
	"strings"
)

// Options are how a recording is to be drawn. The zero value is what paper has: 25 mm/s, 10 mm/mV, from the beginning.
type Options struct {
	Speed    float64 // mm/s
	Gain     float64 // mm/mV
	Start    float64 // s
	Duration float64 // s; 0: to the end, at most 10 s
	Group    int     // one multiplex group, counted from 1; 0: all
	Header   []string
}

const (
	defaultSpeed    = 25.0
	defaultGain     = 10.0
	defaultDuration = 10.0   // s
	widest          = 5000.0 // mm of paper

	margin   = 8.0  // mm around the sheet
	pulse    = 10.0 // mm before each trace: the calibration pulse in them
	rowSpace = 25.0 // mm a trace
	letter   = 3.2  // mm

	mostRows = 64 // traces of a group
)

// ecgLeads are the leads of a standard ECG in their places: three rows of four columns (PS3.3 A.34.3).
var ecgLeads = [3][4]string{{"I", "AVR", "V1", "V4"}, {"II", "AVL", "V2", "V5"}, {"III", "AVF", "V3", "V6"}}

const rhythmLead = "II" // below the twelve, over the whole time

// Draw lays a recording out: each group below the one before, the twelve leads of an ECG in three rows of four with a rhythm strip, of
// all others each channel in a row of its own. The error says what can be drawn of none of the groups.
func Draw(r *Recording, o Options) (*Drawing, error) {
	o, err := o.withDefaults(len(r.Groups))
	if err != nil {
		return nil, err
	}
	d := &Drawing{Width: 2*margin + pulse + 100}
	y := margin + letter
	for _, header := range o.Header {
		d.text(margin, y, letter, ink, header)
		y += 1.5 * letter
	}
	y = general(d, r, y)
	drawn, missing := 0, error(nil)
	for i := range r.Groups {
		if o.Group != 0 && o.Group != i+1 {
			continue
		}
		s := sheet{Drawing: d, recording: r, group: &r.Groups[i], index: i, options: o, y: y}
		if err := s.draw(); err != nil {
			missing = fmt.Errorf("group %d: %w", i+1, err)
			d.text(margin, y, letter, remark, missing.Error())
			y += 2 * letter
			continue
		}
		drawn++
		y = s.y
	}
	if drawn == 0 {
		return nil, missing
	}
	d.Height = math.Ceil(y + margin)
	return d, nil
}

func (o Options) withDefaults(groups int) (Options, error) {
	for _, p := range []struct {
		name     string
		value    *float64
		fallback float64
	}{{"speed", &o.Speed, defaultSpeed}, {"gain", &o.Gain, defaultGain}} {
		if *p.value == 0 {
			*p.value = p.fallback
		}
		if !(*p.value >= 0.1 && *p.value <= 1000) {
			return o, fmt.Errorf("%w: a %s of %g", ErrOptions, p.name, *p.value)
		}
	}
	if !(o.Start >= 0) || !(o.Duration >= 0) || o.Group < 0 || o.Group > groups {
		return o, fmt.Errorf("%w: start %g, duration %g, group %d of %d", ErrOptions, o.Start, o.Duration, o.Group, groups)
	}
	return o, nil
}

// mostRemarks is how many annotations of a whole recording are written above it.
const mostRemarks = 20

// general writes the annotations that belong to no moment.
func general(d *Drawing, r *Recording, y float64) float64 {
	n := 0
	for _, a := range r.Annotations {
		if len(a.Times) > 0 {
			continue
		}
		if n++; n <= mostRemarks {
			d.text(margin, y, letter, remark, a.Text)
			y += 1.4 * letter
		}
	}
	if n > mostRemarks {
		d.text(margin, y, letter, remark, fmt.Sprintf("and %d more annotations", n-mostRemarks))
		y += 1.4 * letter
	}
	return y
}

// sheet is where a group is drawn.
type sheet struct {
	*Drawing
	recording *Recording
	group     *Group
	index     int
	options   Options
	y         float64 // where the next thing comes

	first   int     // sample
	span    float64 // seconds of paper
	signals [][]float32
}

func (s *sheet) draw() error {
	g, o := s.group, s.options
	if g.Missing != nil {
		return g.Missing
	}
	duration := o.Duration
	if duration == 0 {
		duration = defaultDuration
	}
	duration = min(duration, g.Duration()-o.Start)
	if !(duration > 0) {
		return fmt.Errorf("%w: it ends after %.4g s", ErrOptions, g.Duration())
	}
	if duration*o.Speed > widest {
		return fmt.Errorf("%w: %.4g s at %g mm/s, more than %g mm of paper", ErrOptions, duration, o.Speed, widest)
	}
	s.first = int(o.Start * g.Frequency)
	count := min(max(int(math.Round(duration*g.Frequency)), 1), g.Samples-s.first)
	var err error
	if s.signals, err = g.signals(s.first, count); err != nil {
		return err
	}
	s.text(margin, s.y, letter, ink, strings.Join(nonEmpty(g.Label, fmt.Sprintf("%.4g to %.4g s of %.4g s", o.Start, o.Start+duration, g.Duration()),
		fmt.Sprintf("%.4g Hz", g.Frequency), fmt.Sprintf("%g mm/s", o.Speed), s.scaleText(), "filters not applied"), "   "))
	s.y += letter
	rows := s.rows(duration)
	s.Width = max(s.Width, math.Ceil(2*margin+pulse+s.span*o.Speed))
	top := math.Ceil(s.y)
	height := rowSpace * float64(len(rows))
	s.grid(margin, top, math.Floor(margin+pulse+s.span*o.Speed), top+height)
	for i, row := range rows {
		for _, t := range row {
			if s.points > mostPoints {
				return fmt.Errorf("%w: a drawing of more than %d points; a shorter duration has fewer", ErrOptions, mostPoints)
			}
			s.trace(t, top+rowSpace*(float64(i)+0.5))
		}
	}
	s.moments(top+height, duration)
	s.y = top + height + 2*letter
	if left := len(g.Channels) - mostRows; left > 0 && len(rows) == mostRows {
		s.text(margin, s.y, letter, remark, fmt.Sprintf("%d more channels are not shown", left))
		s.y += 2 * letter
	}
	return nil
}

// scaleText says how high a millivolt is, if there is a channel that is drawn so.
func (s *sheet) scaleText() string {
	for _, c := range s.group.Channels {
		if s.calibrated(c) {
			return fmt.Sprintf("%g mm/mV", s.options.Gain)
		}
	}
	return ""
}

// calibrated reports whether a channel is drawn in so many mm/mV: voltages are, but those of an EEG, which are a hundred times smaller.
func (s *sheet) calibrated(c Channel) bool {
	const eegClasses = "1.2.840.10008.5.1.4.1.1.9.7."
	return c.Unit == "mV" && !strings.HasPrefix(string(s.recording.SOPClass), eegClasses)
}

// trace is a piece of a signal in a row.
type trace struct {
	channel    int
	at         float64 // s after the left edge
	from, to   int     // samples of what is shown
	calibrates bool    // it is the first of its row
}

// shortest is how long a column of a standard ECG lasts; of less than four of them, as of a median beat, every column has all.
const shortest = 1.0 // s

// rows decides which signal lies where.
func (s *sheet) rows(duration float64) [][]trace {
	n := len(s.signals[0])
	leads := map[string]int{}
	for i, c := range s.group.Channels {
		leads[strings.ToUpper(c.Label)] = i
	}
	s.span = duration
	standard := true
	for _, row := range ecgLeads {
		for _, name := range row {
			_, there := leads[name]
			standard = standard && there
		}
	}
	var rows [][]trace
	if !standard {
		for i := range s.group.Channels[:min(len(s.group.Channels), mostRows)] {
			rows = append(rows, []trace{{channel: i, to: n, calibrates: true}})
		}
		return rows
	}
	short := duration < 4*shortest
	if short {
		s.span = 4 * duration
	}
	for _, names := range ecgLeads {
		var row []trace
		for column, name := range names {
			t := trace{channel: leads[name], at: s.span * float64(column) / 4, from: n * column / 4, to: n * (column + 1) / 4, calibrates: column == 0}
			if short {
				t.from, t.to = 0, n
			}
			row = append(row, t)
		}
		rows = append(rows, row)
	}
	if short {
		return rows
	}
	return append(rows, []trace{{channel: leads[rhythmLead], to: n, calibrates: true}})
}

// trace draws one signal around its middle line.
func (s *sheet) trace(t trace, middle float64) {
	c, signal := s.group.Channels[t.channel], s.signals[t.channel][t.from:t.to]
	left := margin + pulse + t.at*s.options.Speed
	label := c.Label
	low, median, high, ok := extent(s.signals[t.channel])
	scale, base := s.options.Gain, 0.0
	if !s.calibrated(c) {
		scale, base = fitting(low, high)
		label = strings.TrimSpace(fmt.Sprintf("%s  %.4g to %.4g %s, %g mm/%s", c.Label, low, high, c.Unit, scale, unitOr(c.Unit)))
	} else if math.Abs(median)*scale > rowSpace/2 {
		base = median // it would lie in another row
		label += fmt.Sprintf("  moved by %.4g mV", -base)
	}
	s.text(left+1, middle-rowSpace/2+letter, letter, ink, label)
	if !ok {
		return
	}
	if t.calibrates && s.calibrated(c) {
		s.line(0.25, ink, point{margin + 1, middle}, point{margin + 3, middle}, point{margin + 3, middle - scale},
			point{margin + 7, middle - scale}, point{margin + 7, middle}, point{margin + 9, middle})
	}
	if t.at > 0 { // a tick where the lead changes
		s.line(0.25, ink, point{left, middle - 2}, point{left, middle + 2})
	}
	s.curve(signal, left, func(v float64) float64 {
		return middle - min(max((v-base)*scale, -2*rowSpace), 2*rowSpace) // on the sheet, if not in its row
	})
}

// finest is the step along the paper within which no more than the lowest and the highest sample are drawn, in mm.
const finest = 0.1

// curve draws a signal from left on; padding is a gap.
func (s *sheet) curve(signal []float32, left float64, height func(float64) float64) {
	step := s.options.Speed / s.group.Frequency
	per := max(int(finest/step), 1)
	var points []point
	flush := func() {
		if len(points) > 1 {
			s.line(0.25, ink, points...)
		}
		points = nil
	}
	for i := 0; i < len(signal); i += per {
		low, high := i, i
		for j := i; j < min(i+per, len(signal)); j++ {
			if signal[j] != signal[j] {
				low = -1
				break
			}
			if signal[j] < signal[low] {
				low = j
			}
			if signal[j] > signal[high] {
				high = j
			}
		}
		if low < 0 {
			flush()
			continue
		}
		for _, k := range []int{min(low, high), max(low, high)} {
			if p := (point{left + float64(k)*step, height(float64(signal[k]))}); len(points) == 0 || points[len(points)-1] != p {
				points = append(points, p)
			}
		}
	}
	flush()
}

// levels is how many lines of texts about moments there are, below each other.
const levels = 4

// moments marks what was written about moments of the group, in its last row. A text that would lie on others is left out.
func (s *sheet) moments(bottom, duration float64) {
	var taken [levels]float64 // where the texts of a level end
	for _, a := range s.recording.Annotations {
		if a.Group != s.index {
			continue
		}
		for i, at := range a.Times {
			at -= float64(s.first) / s.group.Frequency
			if at < 0 || at > duration {
				continue
			}
			x := margin + pulse + at*s.options.Speed
			s.line(0.15, remark, point{x, bottom - rowSpace}, point{x, bottom})
			for level := range levels {
				if i > 0 || x < taken[level] {
					continue
				}
				s.text(x+0.5, bottom-1-float64(level)*letter, letter*0.8, remark, a.Text)
				taken[level] = x + float64(len([]rune(a.Text))+1)*letter*0.45
				break
			}
		}
	}
}

// fitting is a scale of 1, 2 or 5 times a power of ten in mm a unit, with which a signal fills its row, and the value in the middle.
func fitting(low, high float64) (scale, base float64) {
	base = (low + high) / 2
	size := high - low
	if !(size > 0) || math.IsInf(size, 0) {
		return 1, base
	}
	most := (rowSpace - 2*letter) / size
	power := math.Pow(10, math.Floor(math.Log10(most)))
	for _, f := range []float64{5, 2, 1} {
		if f*power <= most {
			return f * power, base
		}
	}
	return power, base
}

func unitOr(unit string) string {
	if unit == "" {
		return "unit"
	}
	return unit
}

func nonEmpty(texts ...string) []string {
	var all []string
	for _, t := range texts {
		if t != "" {
			all = append(all, t)
		}
	}
	return all
}
