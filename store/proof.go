package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/noctis-dicom/noctis/internal/giveway"
)

// What is served has been compared with its SHA-256: a file is read through when it is opened for the first time, when it has been written
// to since (Blob.State), and again after Options.Trust. Up to proofFirst bytes that is done before the first of them is served. A longer
// file, of which one frame may be wanted, is served meanwhile, but what reads its last bytes waits for the proof, and every read fails
// once it has failed: nobody gets the whole of a damaged file, and nobody gets any of it for long.
// docs/adr/0033-what-is-served-is-proven.md.
const proofFirst = 32 << 20

const (
	// mostTrusted bounds the memory of what is trusted: what was proven longest ago is forgotten sooner then.
	mostTrusted = 1 << 16
	// longProofs is how many long files are read through at the same time.
	longProofs = 2
)

// proofs are the files that have been proven, and those that are being read. Safe for concurrent use.
type proofs struct {
	trust time.Duration

	mu         sync.Mutex
	fresh, old map[proven]struct{} // old becomes what fresh was after half of trust
	turned     time.Time
	running    map[proven]*proof
	long       chan struct{}
}

// proven is a file in one state; of its digest a part is enough.
type proven struct{ blob, state uint64 }

func provenOf(id BlobID, state uint64) proven {
	return proven{binary.LittleEndian.Uint64(id[:]), state}
}

// proof is a file that is being read.
type proof struct {
	done chan struct{}
	err  error // when done is closed
}

func newProofs(trust time.Duration) *proofs {
	return &proofs{trust: trust, fresh: map[proven]struct{}{}, turned: time.Now(), running: map[proven]*proof{}, long: make(chan struct{}, longProofs)}
}

func (p *proofs) turn() {
	if now := time.Now(); now.Sub(p.turned) >= p.trust/2 || len(p.fresh) >= mostTrusted {
		if now.Sub(p.turned) >= p.trust {
			clear(p.fresh)
		}
		p.fresh, p.old, p.turned = map[proven]struct{}{}, p.fresh, now
	}
}

func (p *proofs) add(key proven) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn()
	p.fresh[key] = struct{}{}
}

// begin returns nil if the file is trusted, else its proof, and whether that has to be made by the caller.
func (p *proofs) begin(key proven) (running *proof, mine bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn()
	_, fresh := p.fresh[key]
	if _, old := p.old[key]; fresh || old {
		return nil, false
	}
	if running = p.running[key]; running != nil {
		return running, false
	}
	running = &proof{done: make(chan struct{})}
	p.running[key] = running
	return running, true
}

func (p *proofs) end(key proven, running *proof, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, key)
	if running.err = err; err == nil {
		p.fresh[key] = struct{}{}
	}
	close(running.done)
}

// failed is the error of a proof that has ended, nil as long as it goes on.
func (p *proof) failed() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

func (p *proof) wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// proven returns the blob as it may be read: at once, when it has been proven, or while it is. The error is ErrBlobDamaged, wrapped, or that
// of reading it.
func (s *Store) proven(ctx context.Context, id BlobID, blob Blob) (Blob, error) {
	state := blob.State()
	if s.damaged.is(id, state, s.options.Trust > 0) {
		return nil, errRotten(id)
	}
	if s.options.Trust <= 0 {
		return blob, nil
	}
	p := s.prove(ctx, id, state, blob.Size())
	switch {
	case p == nil:
		return blob, nil
	case blob.Size() > proofFirst:
		return &unproven{Blob: blob, ctx: ctx, proof: p}, nil
	}
	return blob, p.wait(ctx)
}

// prove reads a file through unless it is trusted or somebody does so already; nobody who waits for that ends it. Who has a file read that
// nobody is served before, reads it himself: on his thread, which has a low priority where a picture is made.
func (s *Store) prove(ctx context.Context, id BlobID, state uint64, size int64) *proof {
	key := provenOf(id, state)
	p, mine := s.proofs.begin(key)
	if !mine {
		return p
	}
	read := func() {
		err := errUnread // should it panic
		defer func() { s.proofs.end(key, p, err) }()
		var pacer giveway.Pacer
		_, err = s.compare(context.WithoutCancel(ctx), id, func(context.Context, int64) error { pacer.Pace(); return nil })
	}
	if size <= proofFirst {
		read()
		return p
	}
	go func() {
		s.proofs.long <- struct{}{}
		defer func() { <-s.proofs.long }()
		read()
	}()
	return p
}

var errUnread = errors.New("the file was not read to its end")

func errRotten(id BlobID) error {
	return fmt.Errorf("blob %s: %w: its SHA-256 is not its name", id, ErrBlobDamaged)
}

// compare reads a blob through, with a pause after each piece, and compares it with its name. What it finds is remembered. The error is
// ErrBlobDamaged, wrapped, or why it cannot be read; in that case known is false, since it may be readable later.
func (s *Store) compare(ctx context.Context, id BlobID, pause func(context.Context, int64) error) (known bool, err error) {
	blob, err := s.blobs.Open(ctx, id)
	if err != nil {
		return false, err
	}
	defer blob.Close()
	state := blob.State()
	sum, err := digestOf(ctx, blob, pause)
	if err != nil {
		return false, err
	}
	if sum != id {
		err = errRotten(id)
	} else {
		s.proofs.add(provenOf(id, state))
	}
	s.found(id, state, err)
	return true, err
}

// unproven is a long blob that is served while it is read through.
type unproven struct {
	Blob
	ctx   context.Context
	proof *proof
}

func (u *unproven) ReadAt(b []byte, off int64) (int, error) {
	err := u.proof.failed()
	if err == nil && off+int64(len(b)) >= u.Size() {
		err = u.proof.wait(u.ctx)
	}
	if err != nil {
		return 0, err
	}
	return u.Blob.ReadAt(b, off)
}
