package pixel

import (
	"math/bits"
	"sync"
)

// buffers are as large as pictures and used again, so that a server that renders all day does not leave them to the garbage collector.
// There is a pool for each power of two.
var buffers [bits.UintSize]sync.Pool // of *[]byte

// Buffer returns n bytes of any content: the caller overwrites all of them. Recycle takes them back.
func Buffer(n int) []byte {
	class := bits.Len(uint(max(n-1, 0)))
	if b, ok := buffers[class].Get().(*[]byte); ok {
		return (*b)[:n]
	}
	return make([]byte, n, 1<<class)
}

// Recycle gives a buffer back, which nobody may use afterwards. One that does not come from Buffer is welcome, too.
func Recycle(b []byte) {
	if n := cap(b); n > 0 {
		buffers[bits.Len(uint(n))-1].Put(&b)
	}
}
