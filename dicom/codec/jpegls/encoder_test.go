package jpegls

// The encoder of these tests keeps the contexts in the types of the package, but chooses, maps and writes by itself.

// picture is what it takes: samples side by side by pixel.
type picture struct {
	width, height, components, precision int
	near, mode, interval                 int // interval in lines, 0 for none
	preset                               preset
	samples                              []uint16
}

// bitWriter writes bits; the byte after FF begins with a zero (T.87 C.1).
type bitWriter struct {
	b    []byte
	acc  uint64
	n    int
	room int // bits of the next byte: 8, or 7 after FF
}

func (w *bitWriter) write(value uint64, count int) {
	for i := count - 1; i >= 0; i-- {
		if w.room == 0 {
			w.room = 8
		}
		w.acc, w.n = w.acc<<1|value>>i&1, w.n+1
		if w.n == w.room {
			w.b = append(w.b, byte(w.acc))
			if w.room = 8; byte(w.acc) == 0xFF {
				w.room = 7
			}
			w.acc, w.n = 0, 0
		}
	}
}

func (w *bitWriter) flush() {
	for w.n > 0 || w.room == 7 {
		w.write(0, 1)
	}
}

type letterEncoder struct {
	model
	w bitWriter
}

// encode writes the image; it returns too what a decoder must make of it, which differs from the samples by up to near.
func encode(p picture) (data []byte, decoded []uint16) {
	b := []byte{0xFF, 0xD8}
	segment := func(marker byte, parameters ...byte) {
		n := len(parameters) + 2
		b = append(append(b, 0xFF, marker, byte(n>>8), byte(n)), parameters...)
	}
	frame := []byte{byte(p.precision), byte(p.height >> 8), byte(p.height), byte(p.width >> 8), byte(p.width), byte(p.components)}
	for c := range p.components {
		frame = append(frame, byte(c+1), 0x11, 0)
	}
	segment(0xF7, frame...)
	if p.preset != (preset{}) {
		parameters := []byte{1}
		for _, v := range []int{p.preset.maxval, p.preset.t1, p.preset.t2, p.preset.t3, p.preset.reset} {
			parameters = append(parameters, byte(v>>8), byte(v))
		}
		segment(0xF8, parameters...)
	}
	if p.interval > 0 {
		segment(0xDD, byte(p.interval>>8), byte(p.interval))
	}
	all := make([]int, p.components)
	scans := [][]int{all}
	for c := range all {
		all[c] = c
	}
	if p.mode == byComponent {
		scans = nil
		for c := range all {
			scans = append(scans, all[c:c+1])
		}
	}
	decoded = make([]uint16, len(p.samples))
	for _, components := range scans {
		header := []byte{byte(len(components))}
		for _, c := range components {
			header = append(header, byte(c+1), 0)
		}
		segment(0xDA, append(header, byte(p.near), byte(p.mode), 0)...)
		parameters, err := newParams(p.preset, p.precision, p.near)
		if err != nil {
			panic(err)
		}
		e := letterEncoder{model: model{params: parameters, regions: parameters.quantized()}}
		e.scan(p, components, decoded)
		b = append(b, e.w.b...)
	}
	return append(b, 0xFF, 0xD9), decoded
}

func (e *letterEncoder) scan(p picture, components []int, decoded []uint16) {
	n := len(components)
	above, line, source := make([][]int, n), make([][]int, n), make([][]int, n)
	for i := range n {
		above[i], line[i], source[i] = make([]int, p.width+2), make([]int, p.width+2), make([]int, p.width+2)
	}
	runs := make([]int, n)
	e.begin()
	for y := range p.height {
		if p.interval > 0 && y > 0 && y%p.interval == 0 {
			e.w.flush()
			e.w = bitWriter{b: append(e.w.b, 0xFF, 0xD0|byte((y/p.interval-1)&7))}
			e.begin()
			for i := range n {
				clear(above[i])
				runs[i] = 0
			}
		}
		for i, c := range components {
			line[i][0], above[i][p.width+1] = above[i][1], above[i][p.width]
			for x := range p.width {
				source[i][x+1] = int(p.samples[(y*p.width+x)*p.components+c])
			}
		}
		if p.mode == bySample && n > 1 {
			e.line(above, line, source, &runs[0])
		} else {
			for i := range n {
				e.line(above[i:i+1], line[i:i+1], source[i:i+1], &runs[i])
			}
		}
		for i, c := range components {
			for x := range p.width {
				decoded[(y*p.width+x)*p.components+c] = uint16(line[i][x+1])
			}
		}
		above, line = line, above
	}
	e.w.flush()
}

// line encodes a line of one component, or of several together.
func (e *letterEncoder) line(above, line, source [][]int, run *int) {
	width := len(line[0]) - 2
	similar := func(a, b int) bool { return a-b <= e.near && b-a <= e.near }
	for x := 1; x <= width; x++ {
		flat := true
		for i := range line {
			flat = flat && e.surroundings(line[i][x-1], above[i][x], above[i][x-1], above[i][x+1]) == 0
		}
		if !flat {
			for i := range line {
				e.regularSample(above[i], line[i], source[i], x)
			}
			continue
		}
		length := 0
		for repeats := true; x+length <= width; length++ {
			for i := range line {
				repeats = repeats && similar(source[i][x+length], line[i][x-1])
			}
			if !repeats {
				break
			}
		}
		for i := range line {
			for k := range length {
				line[i][x+k] = line[i][x-1]
			}
		}
		x += length
		for ; length >= 1<<runLengths[*run]; *run = min(*run+1, 31) {
			e.w.write(1, 1)
			length -= 1 << runLengths[*run]
		}
		if x > width {
			if length > 0 {
				e.w.write(1, 1)
			}
			return
		}
		e.w.write(0, 1)
		e.w.write(uint64(length), runLengths[*run])
		for i := range line {
			e.endOfRun(above[i], line[i], source[i], x, *run, len(line) == 1)
		}
		*run = max(*run-1, 0)
	}
}

// quantize divides an error by the step, to the nearest, and brings it into range (T.87 A.4.4, A.4.5).
func (e *letterEncoder) quantize(v int) int {
	if v > 0 {
		v = (v + e.near) / e.step
	} else {
		v = -((e.near - v) / e.step)
	}
	if v < 0 {
		v += e.values
	}
	if v >= (e.values+1)/2 {
		v -= e.values
	}
	return v
}

func (e *letterEncoder) golomb(v, k, limit int) {
	if zeros := v >> k; zeros < limit-e.qbpp-1 {
		e.w.write(1, zeros+1)
		e.w.write(uint64(v)&(1<<k-1), k)
		return
	}
	e.w.write(1, limit-e.qbpp)
	e.w.write(uint64(v-1), e.qbpp)
}

func (e *letterEncoder) regularSample(above, line, source []int, x int) {
	ra, rb, rc := line[x-1], above[x], above[x-1]
	q, sign := e.surroundings(ra, rb, rc, above[x+1]), 1
	if q < 0 {
		q, sign = -q, -1
	}
	ctx := &e.regular[q]
	prediction := ra + rb - rc
	if rc >= max(ra, rb) {
		prediction = min(ra, rb)
	} else if rc <= min(ra, rb) {
		prediction = max(ra, rb)
	}
	prediction = min(max(prediction+sign*ctx.c, 0), e.maxval)
	v := e.quantize(sign * (source[x] - prediction))
	line[x] = e.reconstruct(prediction, sign*v)
	k := 0
	for ctx.n<<k < ctx.a {
		k++
	}
	mapped := 2 * v
	if v < 0 {
		mapped = -2*v - 1
	}
	if e.near == 0 && k == 0 && 2*ctx.b <= -ctx.n {
		mapped = 2*v + 1
		if v < 0 {
			mapped = -2 * (v + 1)
		}
	}
	e.golomb(mapped, k, e.limit)
	e.learn(ctx, v)
}

func (e *letterEncoder) endOfRun(above, line, source []int, x, run int, single bool) {
	ra, rb := line[x-1], above[x]
	alike, prediction, sign := 0, rb, 1
	if single && ra-rb <= e.near && rb-ra <= e.near {
		alike, prediction = 1, ra
	} else if ra > rb {
		sign = -1
	}
	v := e.quantize(sign * (source[x] - prediction))
	line[x] = e.reconstruct(prediction, sign*v)
	ctx := &e.run[alike]
	a := ctx.a
	if alike == 1 {
		a += ctx.n >> 1
	}
	k := 0
	for ctx.n<<k < a {
		k++
	}
	flag := 0
	if v > 0 && k == 0 && 2*ctx.negative < ctx.n || v < 0 && (2*ctx.negative >= ctx.n || k != 0) {
		flag = 1
	}
	mapped := 2*max(v, -v) - alike - flag
	e.golomb(mapped, k, e.limit-runLengths[run]-1)
	if v < 0 {
		ctx.negative++
	}
	ctx.a += (mapped + 1 - alike) >> 1
	if ctx.n == e.params.reset {
		ctx.a, ctx.n, ctx.negative = ctx.a>>1, ctx.n>>1, ctx.negative>>1
	}
	ctx.n++
}
