package access

import "context"

// Attempt is a login under way: who logs in notes it for the audit, which knows only requests.
type Attempt struct {
	Name   string // under which it was tried; "": nobody knows
	Kind   Kind
	Failed bool // though the status of the answer does not say so
}

type attemptKey struct{}

// WithAttempt makes a context in which an attempt can be noted.
func WithAttempt(ctx context.Context, a *Attempt) context.Context {
	return context.WithValue(ctx, attemptKey{}, a)
}

// NoteAttempt notes that somebody tries to log in.
func NoteAttempt(ctx context.Context, noted Attempt) {
	if a, ok := ctx.Value(attemptKey{}).(*Attempt); ok {
		*a = noted
	}
}
