package webhook

import (
	"context"
	"errors"
	"time"

	"github.com/noctis-dicom/noctis/store"
)

// Errors that a caller tells apart; each comes wrapped.
var (
	// ErrUnknown: there is no such webhook, or no such dead letter.
	ErrUnknown = errors.New("there is no such webhook or dead letter")
	// ErrUndelivered: the receiver did not take it.
	ErrUndelivered = errors.New("it was not delivered")
)

// Letter is a message that its receiver has not taken. It stays until somebody sends it again with success, or discards it.
type Letter struct {
	ID       int64 // ascending
	Webhook  string
	Message  Message
	At       time.Time // of the last attempt
	Attempts int
	Reason   string // of the last failure
}

// MaxLetters is how many dead letters are kept for a webhook; the oldest give way.
const MaxLetters = 10_000

// Repository keeps how far webhooks are, and dead letters. All methods are safe for concurrent use; what they change is durable when they
// return.
type Repository interface {
	// Position is the cursor that Move has set; known is false if it never has.
	Position(ctx context.Context, webhook string) (at store.Cursor, known bool, err error)
	// Move sets the cursor and, with it, adds dead letters. dropped is how many old ones gave way.
	Move(ctx context.Context, webhook string, to store.Cursor, dead []Letter) (dropped int, err error)
	// Letters returns dead letters of the webhook with higher ids, the oldest first, at most limit.
	Letters(ctx context.Context, webhook string, after int64, limit int) ([]Letter, error)
	// Letter returns one; ErrUnknown.
	Letter(ctx context.Context, webhook string, id int64) (Letter, error)
	// Again notes of a letter that another attempt has failed.
	Again(ctx context.Context, l Letter) error
	// Discard drops a letter, or with id 0 all of the webhook, and returns how many that were.
	Discard(ctx context.Context, webhook string, id int64) (int, error)
	// Count returns how many dead letters each webhook has that has any.
	Count(ctx context.Context) (map[string]int, error)
}
