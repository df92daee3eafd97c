package jpegls

import (
	"errors"
	"math/bits"
)

// errCode is the error of bits that no encoder writes.
var errCode = errors.New("bad code")

// regularContext is what is known of errors in one kind of surroundings (T.87 A.2.1): the sum of their magnitudes a, their bias b, the
// correction of the prediction c, and their number n.
type regularContext struct{ a, b, c, n int }

// runContext is the same for the sample that ends a run (T.87 A.7.2); negative counts the errors below zero.
type runContext struct{ a, n, negative int }

// contexts is the number of those of regular mode: 9^3 combinations of gradients, of which a half mirrors the other.
const contexts = 365

// runLengths is J of T.87 A.2.1: the binary logarithms of the lengths of run segments.
var runLengths = [32]int{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// model is what is known of the samples of a scan or restart interval so far.
type model struct {
	params
	regions []int8 // of gradients
	regular [contexts]regularContext
	run     [2]runContext // by whether the samples to the left and above are alike
}

// coder decodes the samples of a scan or restart interval.
type coder struct {
	model
	bits reader
}

// begin forgets all, for a scan or restart interval (T.87 A.8, step 1).
func (c *model) begin() {
	a := max(2, (c.values+32)/64)
	for i := range c.regular {
		c.regular[i] = regularContext{a: a, n: 1}
	}
	c.run = [2]runContext{{a: a, n: 1}, {a: a, n: 1}}
}

// surroundings combines the regions of three gradients (T.87 A.3.1, A.3.3); 0 means that all are flat, and a run begins.
func (c *model) surroundings(ra, rb, rc, rd int) int {
	g := c.regions
	return 81*int(g[rd-rb+c.maxval]) + 9*int(g[rb-rc+c.maxval]) + int(g[rc-ra+c.maxval])
}

// golombParameter is the least k with n<<k not below a (T.87 A.5.1).
func golombParameter(a, n int) int {
	k := max(bits.Len(uint(a))-bits.Len(uint(n)), 0)
	if n<<k < a {
		k++
	}
	return k
}

// sample decodes a sample in regular mode (T.87 A.4 to A.6).
func (c *coder) sample(q, ra, rb, rc int) (int, error) {
	sign := 1
	if q < 0 {
		q, sign = -q, -1
	}
	ctx := &c.regular[q]
	// The median of left, above, and left plus above less corner.
	prediction := ra + rb - rc
	if low, high := min(ra, rb), max(ra, rb); rc >= high {
		prediction = low
	} else if rc <= low {
		prediction = high
	}
	prediction = min(max(prediction+sign*ctx.c, 0), c.maxval)

	k := golombParameter(ctx.a, ctx.n)
	mapped := c.bits.golomb(k, c.limit, c.qbpp)
	if mapped < 0 || mapped > 2*c.values {
		return 0, errCode
	}
	e := mapped>>1 ^ -(mapped & 1) // 0, -1, 1, -2, 2 …
	if k == 0 && c.near == 0 && 2*ctx.b <= -ctx.n {
		e = ^e
	}
	c.learn(ctx, e)
	return c.reconstruct(prediction, sign*e), nil
}

// learn updates a context (T.87 A.6).
func (c *model) learn(ctx *regularContext, e int) {
	ctx.b += e * c.step
	ctx.a += max(e, -e)
	if ctx.n == c.params.reset {
		ctx.a, ctx.b, ctx.n = ctx.a>>1, ctx.b>>1, ctx.n>>1
	}
	ctx.n++
	switch {
	case ctx.b <= -ctx.n:
		ctx.b = max(ctx.b+ctx.n, 1-ctx.n)
		ctx.c = max(ctx.c-1, -128)
	case ctx.b > 0:
		ctx.b = min(ctx.b-ctx.n, 0)
		ctx.c = min(ctx.c+1, 127)
	}
}

// reconstruct adds an error to a prediction, modulo the number of errors (T.87 A.4.4, A.4.5).
func (c *model) reconstruct(prediction, e int) int {
	x := prediction + e*c.step
	switch {
	case x < -c.near:
		x += c.values * c.step
	case x > c.maxval+c.near:
		x -= c.values * c.step
	}
	return min(max(x, 0), c.maxval)
}

// runLength decodes how many samples repeat the one to the left, at most so many (T.87 A.7.1).
func (c *coder) runLength(index *int, most int) (int, error) {
	n := 0
	for c.bits.take(1) == 1 {
		length := 1 << runLengths[*index]
		if n+length > most {
			return most, nil
		}
		if n += length; *index < 31 {
			*index++
		}
		if n == most {
			return n, nil
		}
		if c.bits.overrun() {
			return 0, errCode
		}
	}
	if n += c.bits.take(runLengths[*index]); n >= most {
		return 0, errCode
	}
	return n, nil
}

// interruption decodes the error of the sample that ends a run (T.87 A.7.2). alike is 1 where the samples to the left and above are
// alike, so that one prediction serves both.
func (c *coder) interruption(alike, index int) (int, error) {
	ctx := &c.run[alike]
	k := golombParameter(ctx.a+alike*(ctx.n>>1), ctx.n)
	mapped := c.bits.golomb(k, c.limit-runLengths[index]-1, c.qbpp)
	if mapped < 0 || mapped > 2*c.values {
		return 0, errCode
	}
	e := (mapped + alike + 1) >> 1
	if odd := (mapped+alike)&1 == 1; odd == (k != 0 || 2*ctx.negative >= ctx.n) {
		e = -e
	}
	c.learnRun(ctx, e, mapped, alike)
	return e, nil
}

// learnRun updates the context of a sample that ends a run (T.87 A.7.2.2).
func (c *model) learnRun(ctx *runContext, e, mapped, alike int) {
	if e < 0 {
		ctx.negative++
	}
	ctx.a += (mapped + 1 - alike) >> 1
	if ctx.n == c.params.reset {
		ctx.a, ctx.n, ctx.negative = ctx.a>>1, ctx.n>>1, ctx.negative>>1
	}
	ctx.n++
}

// interrupt makes the sample that ends a run.
func (c *coder) interrupt(ra, rb, index int, single bool) (int, error) {
	alike := 0
	if d := ra - rb; single && d <= c.near && d >= -c.near {
		alike = 1
	}
	e, err := c.interruption(alike, index)
	switch {
	case err != nil:
		return 0, err
	case alike == 1:
		return c.reconstruct(ra, e), nil
	case ra > rb:
		return c.reconstruct(rb, -e), nil
	}
	return c.reconstruct(rb, e), nil
}
