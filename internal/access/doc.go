// Package access says who asks and what he may do: a Principal has roles, which are what routes ask for, and a Scope, which is what he
// may see. Everything is decided inside the server; nothing is asked of another on the way.
//
// principal.go is who, role.go is what, scope.go is of which studies. Who a request comes from an Authenticator finds out; the principal
// then travels in the request's context.
package access
