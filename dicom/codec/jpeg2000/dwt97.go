package jpeg2000

// The parameters of the irreversible 9-7 transform (T.800 Table F.4).
const (
	alpha97 = -1.586134342059924
	beta97  = -0.052980118572961
	gamma97 = 0.882911075530934
	delta97 = 0.443506852043971
	scale97 = 1.230174104914001
)

// transform97 is the irreversible 9-7 transform (T.800 F.3.8.2.1.2): a scaling and four lifting steps.
type transform97 struct{}

// steps97 are the lifting steps: which samples (0: the low-pass ones) take from their neighbours, and how much.
var steps97 = [4]struct {
	high   int
	factor float32
}{{0, delta97}, {1, gamma97}, {0, beta97}, {1, alpha97}}

func (transform97) row(line, buffer []float32, low, parity int) {
	n := len(line)
	if n == 1 {
		if parity == 1 {
			line[0] /= 2
		}
		return
	}
	out := buffer[:n]
	for i, v := range line[:low] {
		out[2*i+parity] = v * scale97
	}
	for i, v := range line[low:] {
		out[2*i+1-parity] = v * (1 / scale97)
	}
	for _, s := range steps97 {
		lift97(out, (s.high+parity)&1, s.factor)
	}
	copy(line, out)
}

// lift97 subtracts from every second sample, from the given one on, its neighbours times the factor.
func lift97(line []float32, first int, factor float32) {
	n := len(line)
	if first == 0 {
		line[0] -= 2 * factor * line[1]
		first = 2
	}
	i := first
	if i+1 < n {
		left := line[i-1]
		for rest := line[i:]; len(rest) > 1; rest = rest[2:] {
			right := rest[1]
			rest[0] -= factor * (left + right)
			left = right
			i += 2
			if len(rest) < 3 {
				break
			}
		}
	}
	if i < n {
		line[i] -= 2 * factor * line[i-1]
	}
}

func (transform97) column(rows [][strip]float32, parity int) {
	n := len(rows)
	if n == 1 {
		if parity == 1 {
			for k := range rows[0] {
				rows[0][k] /= 2
			}
		}
		return
	}
	// The four steps follow each other at a distance of one row, so that a row is in the cache for all of them.
	scaled := 0
	for i := parity; i < n+len(steps97); i += 2 {
		for ; scaled < min(i+2, n); scaled++ {
			factor := float32(scale97)
			if (scaled+parity)&1 == 1 {
				factor = 1 / scale97
			}
			r := &rows[scaled]
			for k := range r {
				r[k] *= factor
			}
		}
		for lag, s := range steps97 {
			if j := i - lag; j >= 0 && j < n {
				r, a, b := &rows[j], &rows[mirror(j-1, n)], &rows[mirror(j+1, n)]
				for k := range r {
					r[k] -= s.factor * (a[k] + b[k])
				}
			}
		}
	}
}
