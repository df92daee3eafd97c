package render

import (
	"time"

	"github.com/noctis-dicom/noctis/dicom"
)

// Cine is how the frames of an image are to be played.
type Cine struct {
	times []time.Duration // how long each frame is shown; of one element: all
	Sweep bool            // back and forth (Preferred Playback Sequencing, PS3.3 C.7.6.5)
}

// defaultFrame is how long a frame is shown of which nothing says so, longestFrame the most: an acquisition may have had a frame an
// hour.
const (
	defaultFrame = 100 * time.Millisecond
	longestFrame = 5 * time.Second
)

// DescribeCine reads the Cine Module and the Multi-frame Module (PS3.3 C.7.6.5, C.7.6.6): the Frame Time Vector where Frame Increment
// Pointer points at it, else Frame Time, Recommended Display Frame Rate, Cine Rate, a Frame Time Vector that nothing points at; else ten
// frames a second.
func DescribeCine(ds *dicom.DataSet) Cine {
	c := Cine{times: []time.Duration{defaultFrame}}
	if n, _ := number(ds, dicom.PreferredPlaybackSequencing); n == 1 {
		c.Sweep = true
	}
	vector := increments(numbers(ds, dicom.FrameTimeVector))
	e, _ := ds.Get(dicom.FrameIncrementPointer)
	if pointers, _ := e.Value.(dicom.Tags); len(pointers) > 0 && pointers[0] == dicom.FrameTimeVector && vector != nil {
		c.times = vector
		return c
	}
	if ms, _ := number(ds, dicom.FrameTime); ms > 0 {
		c.times[0] = milliseconds(ms)
		return c
	}
	for _, t := range []dicom.Tag{dicom.RecommendedDisplayFrameRate, dicom.CineRate} {
		if rate, _ := number(ds, t); rate > 0 {
			c.times[0] = milliseconds(1000 / rate)
			return c
		}
	}
	if vector != nil {
		c.times = vector
	}
	return c
}

// increments turns a Frame Time Vector, each value of which is the time since the frame before, into how long frames are shown. The
// last one, after which nothing comes, is shown as long as the one before it. nil if there is no such vector.
func increments(vector []float64) []time.Duration {
	if len(vector) < 2 {
		return nil
	}
	times := make([]time.Duration, len(vector))
	for i := range vector {
		next := vector[min(i+1, len(vector)-1)]
		if !(next > 0) {
			return nil
		}
		times[i] = milliseconds(next)
	}
	return times
}

func milliseconds(ms float64) time.Duration {
	return time.Duration(min(ms, float64(longestFrame/time.Millisecond)) * float64(time.Millisecond))
}

// Shown is how long a frame, counted from 1, is shown.
func (c Cine) Shown(frame int) time.Duration {
	return c.times[min(max(frame, 1), len(c.times))-1]
}
