package access

import "context"

type watchKey struct{}

// Watch marks the context of a request that is authenticated again while it is under way: that says nothing new of who sent it, so that
// neither a key is used by it nor a session kept alive.
func Watch(ctx context.Context) context.Context { return context.WithValue(ctx, watchKey{}, true) }

// Watching reports whether the context is marked so.
func Watching(ctx context.Context) bool { return ctx.Value(watchKey{}) != nil }
