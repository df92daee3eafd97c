package t81

import (
	"encoding/binary"
	"slices"
)

// Writer writes marker segments, and the bits of scans with a zero byte after each FF (T.81 B.1.1.5).
type Writer struct {
	Out []byte
	acc uint64 // the lowest n bits are not yet in Out
	n   int    // less than 32 between two calls
}

// Segment writes a marker and its parameters, which may be no longer than 65533 bytes.
func (w *Writer) Segment(marker byte, parameters ...byte) {
	n := len(parameters) + 2
	w.Out = append(append(w.Out, 0xFF, marker, byte(n>>8), byte(n)), parameters...)
}

// Put writes the lowest n bits of v, at most 32; the others are zero.
func (w *Writer) Put(v uint32, n int) {
	w.acc, w.n = w.acc<<n|uint64(v), w.n+n
	if w.n < 32 {
		return
	}
	w.n -= 32
	x := uint32(w.acc >> w.n)
	if y := ^x; (y-0x01010101)&^y&0x80808080 == 0 { // no byte of x is FF
		w.Out = binary.BigEndian.AppendUint32(w.Out, x)
		return
	}
	for shift := 24; shift >= 0; shift -= 8 {
		w.byte(byte(x >> shift))
	}
}

func (w *Writer) byte(b byte) {
	if w.Out = append(w.Out, b); b == 0xFF {
		w.Out = append(w.Out, 0)
	}
}

// Flush fills the last byte of a scan with ones.
func (w *Writer) Flush() {
	for ; w.n >= 8; w.n -= 8 {
		w.byte(byte(w.acc >> (w.n - 8)))
	}
	if w.n > 0 {
		w.byte(byte(w.acc<<(8-w.n)) | (1<<(8-w.n) - 1))
	}
	w.acc, w.n = 0, 0
}

// Code is a Huffman code: its lowest Length bits.
type Code struct {
	Bits   uint16
	Length uint8
}

// Codes finds the Huffman codes that are best for values that come so often (T.81 K.2), and writes them as the parameters of a DHT
// segment for the table of that class and index. Values that never come have no code.
func Codes(class, index byte, often *[256]int) (codes [256]Code, segment []byte) {
	lengths := codeLengths(often)
	segment = make([]byte, 17)
	segment[0] = class<<4 | index
	var order []int
	for v, n := range lengths[:256] {
		if n > 0 {
			order = append(order, v)
			segment[n]++
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return lengths[a] - lengths[b] })
	code, length := 0, 0
	for _, v := range order {
		for ; length < lengths[v]; length++ {
			code <<= 1
		}
		codes[v] = Code{uint16(code), uint8(length)}
		code++
		segment = append(segment, byte(v))
	}
	return codes, segment
}

// reserved is a value that takes the longest code, which has nothing but ones and is not to be used (T.81 K.2).
const reserved = 256

// longestCode bounds the length of codes.
const longestCode = 16

// codeLengths makes the tree of the values, the two rarest first. Where it is too deep, the counts are brought nearer to each
// other, until it is not.
func codeLengths(often *[256]int) (lengths [257]int) {
	var counts [257]int
	copy(counts[:], often[:])
	counts[reserved] = 1
	for {
		if lengths = treeDepths(counts); slices.Max(lengths[:]) <= longestCode {
			break
		}
		for i, n := range counts {
			if n > 0 {
				counts[i] = n/2 + 1
			}
		}
	}
	// The reserved value has one of the longest codes; it may have to change places to have the last one, which it does by being
	// counted out: codes are given by length, and it comes behind all others.
	if deepest := slices.Max(lengths[:]); lengths[reserved] < deepest {
		at := slices.Index(lengths[:], deepest)
		lengths[at], lengths[reserved] = lengths[reserved], deepest
	}
	return lengths
}

// treeDepths returns how deep each value lies in the Huffman tree of the counts.
func treeDepths(counts [257]int) (depths [257]int) {
	type node struct{ count, value int } // value: of the first of the list
	var next [257]int                    // of the values in the same tree
	var trees []node
	for v, n := range counts {
		next[v] = -1
		if n > 0 {
			trees = append(trees, node{n, v})
		}
	}
	for len(trees) > 1 {
		slices.SortStableFunc(trees, func(a, b node) int { return b.count - a.count })
		a, b := trees[len(trees)-2], trees[len(trees)-1]
		last := a.value
		for v := a.value; v >= 0; v = next[v] {
			depths[v]++
			last = v
		}
		for v := b.value; v >= 0; v = next[v] {
			depths[v]++
		}
		next[last] = b.value
		trees = append(trees[:len(trees)-2], node{a.count + b.count, a.value})
	}
	return depths
}
