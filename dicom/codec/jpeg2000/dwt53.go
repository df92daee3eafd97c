package jpeg2000

// transform53 is the reversible 5-3 transform (T.800 F.3.8.2.1.1).
type transform53 struct{}

func (transform53) row(line, buffer []int32, low, parity int) {
	n := len(line)
	if n == 1 {
		if parity == 1 {
			line[0] /= 2 // T.800 F.3.6: a single high-pass sample
		}
		return
	}
	l, h := line[:low], line[low:]
	out := buffer[:n]
	if parity == 0 {
		even53(out, l, h)
	} else {
		odd53(out, l, h)
	}
	copy(line, out)
}

// even53 begins with a low-pass sample. Each step ends the low-pass sample i and the high-pass one before it.
func even53(out, l, h []int32) {
	previous := h[0]
	last := l[0] - (2*previous+2)>>2
	n := min(len(l), len(h))
	l1, h1, o := l[1:n], h[1:n], out[:2*n]
	for i, high := range h1 {
		s := l1[i] - (previous+high+2)>>2
		o[2*i] = last
		o[2*i+1] = previous + (last+s)>>1
		previous, last = high, s
	}
	if len(l) > len(h) { // the line ends with a low-pass sample
		s := l[n] - (2*previous+2)>>2
		out[2*n-2], out[2*n-1], out[2*n] = last, previous+(last+s)>>1, s
	} else {
		out[2*n-2], out[2*n-1] = last, previous+last
	}
}

// odd53 begins with a high-pass sample.
func odd53(out, l, h []int32) {
	n := min(len(l), len(h))
	var last int32
	for i := range n {
		next := h[i] // mirrored at the end
		if i+1 < len(h) {
			next = h[i+1]
		}
		s := l[i] - (h[i]+next+2)>>2
		if i == 0 {
			last = s
		}
		out[2*i] = h[i] + (last+s)>>1
		out[2*i+1] = s
		last = s
	}
	if len(h) > n {
		out[2*n] = h[n] + last
	}
}

func (transform53) column(rows [][strip]int32, parity int) {
	n := len(rows)
	if n == 1 {
		if parity == 1 {
			for i := range rows[0] {
				rows[0][i] /= 2
			}
		}
		return
	}
	for i := parity; i < n+2; i += 2 {
		if i < n {
			r, a, b := &rows[i], &rows[mirror(i-1, n)], &rows[mirror(i+1, n)]
			for k := range r {
				r[k] -= (a[k] + b[k] + 2) >> 2
			}
		}
		if j := i - 1; j >= 0 && j < n { // both its neighbours are ready
			r, a, b := &rows[j], &rows[mirror(j-1, n)], &rows[mirror(j+1, n)]
			for k := range r {
				r[k] += (a[k] + b[k]) >> 1
			}
		}
	}
}
