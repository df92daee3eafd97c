package jpeg2000

// tagTree is a tag tree as the decoder learns it (T.800 B.10.2): a quad tree in which each node holds the minimum of its
// children.
type tagTree struct {
	levels []tagLevel // the leaves first
}

type tagLevel struct {
	wide  int
	nodes []tagNode
}

// tagNode is a value as far as it is known: at least low, exactly low if known.
type tagNode struct {
	low   uint16
	known bool
}

func newTagTree(wide, high int) tagTree {
	var t tagTree
	for {
		t.levels = append(t.levels, tagLevel{wide, make([]tagNode, wide*high)})
		if wide*high == 1 {
			return t
		}
		wide, high = (wide+1)/2, (high+1)/2
	}
}

// below reads on until it is known whether the value of a leaf is less than the threshold.
func (t *tagTree) below(x, y int, threshold uint16, bits *headerBits) bool {
	low := uint16(0)
	for k := len(t.levels) - 1; k >= 0; k-- {
		l := &t.levels[k]
		n := &l.nodes[(y>>k)*l.wide+x>>k]
		n.low = max(n.low, low)
		for n.low < threshold && !n.known {
			if bits.bit() == 1 {
				n.known = true
			} else {
				n.low++
			}
		}
		low = n.low
		if k == 0 {
			return n.known && n.low < threshold
		}
	}
	return false
}
