package dicomweb

import (
	"bufio"
	"io"
	"sync"
)

// sendBuffer gathers what is sent, so that the header of a part, its body and the boundary behind it leave together: whole frames in few
// large writes. Files are read into it rather than left to the kernel's sendfile, which is the dearer one where the page cache holds a
// file in small pages, never serves TLS, and leaves the boundary to a packet of its own.
type sendBuffer struct {
	*bufio.Writer
	large bool
}

const (
	largeBuffer  = 528 << 10 // a frame of 512 KiB and what is around it
	smallBuffer  = 32 << 10
	largeBuffers = 16 // that may be in use: a thousand clients that stand still hold small ones
)

var (
	largeBufferTurns = make(chan struct{}, largeBuffers)
	largeBufferPool  = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, largeBuffer) }}
	smallBufferPool  = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, smallBuffer) }}
)

// newSendBuffer returns a buffer in front of w. Whoever is done has to give it back; what has not been flushed then is lost.
func newSendBuffer(w io.Writer) sendBuffer {
	b := sendBuffer{}
	select {
	case largeBufferTurns <- struct{}{}:
		b = sendBuffer{largeBufferPool.Get().(*bufio.Writer), true}
	default:
		b.Writer = smallBufferPool.Get().(*bufio.Writer)
	}
	b.Reset(struct{ io.Writer }{w}) // it would leave what it reads to a w that reads itself, which is how it is used
	return b
}

func (b sendBuffer) giveBack() {
	b.Reset(nil)
	if !b.large {
		smallBufferPool.Put(b.Writer)
		return
	}
	largeBufferPool.Put(b.Writer)
	<-largeBufferTurns
}

// readFrom sends all that r has.
func (b sendBuffer) readFrom(r io.Reader) (int64, error) {
	n, err := b.ReadFrom(r)
	if err == nil {
		err = b.Flush()
	}
	return n, err
}
