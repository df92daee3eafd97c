package procedure

import (
	"context"
	"errors"
	"fmt"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// Errors that a caller tells apart; each comes wrapped.
var (
	// ErrInvalid: a data set is not what is required.
	ErrInvalid = errors.New("the procedure step is not valid")
	// ErrConflict: the state of what is kept does not allow it, or the identifier is taken.
	ErrConflict = errors.New("the procedure step does not allow it")
	// ErrUnknown: there is no such step.
	ErrUnknown = errors.New("there is no such procedure step")
)

func invalid(format string, a ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, a...)...)
}

func conflict(format string, a ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrConflict}, a...)...)
}

// Repository keeps the steps of both kinds. All methods are safe for concurrent use. What a method changes is durable when it returns, all
// of it or nothing. A scheduled step follows those that were performed for it (see Scheduled.Performed) in the same transaction. One that
// shares its database with an index writes what happens into the change feed, in that transaction too.
type Repository interface {
	// Schedule adds a step; ErrConflict if there is one with its name.
	Schedule(ctx context.Context, s *Scheduled) error
	// Reschedule replaces the step of that name; ErrUnknown.
	Reschedule(ctx context.Context, s *Scheduled) error
	// Unschedule removes a step; ErrUnknown.
	Unschedule(ctx context.Context, n Name) error
	// Scheduled returns a step; ErrUnknown.
	Scheduled(ctx context.Context, n Name) (*Scheduled, error)
	// Search returns the steps whose Shown data sets match, by their start, then by name, from Offset on, up to Limit of them, and how many
	// there are altogether. Those that are COMPLETED are among them only if the query has Scheduled Procedure Step Status as a key.
	Search(ctx context.Context, q match.Query) (page []*Scheduled, total int, err error)

	// Begin adds a performed step; ErrConflict if its UID is taken.
	Begin(ctx context.Context, p *Performed) error
	// Performed returns a performed step; ErrUnknown.
	Performed(ctx context.Context, uid dicom.UID) (*Performed, error)
	// Change hands the performed step to change and keeps what it makes of it; its error is that of the call. ErrUnknown.
	Change(ctx context.Context, uid dicom.UID, change func(*Performed) error) error
}
