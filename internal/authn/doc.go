// Package authn finds out who a request comes from: it is the access.Authenticator of a server.
//
// methods.go puts the ways together in which somebody can prove who he is: keys.go is that of API keys, certificates.go that of client
// certificates, provider.go that of tokens of an OpenID provider, whose keys calm.go keeps, and sessions.go that of people who have logged
// in at the page, by login.go, or at the provider, by providerlogin.go. users.go knows the local users, password.go what their passwords
// hash to; throttle.go bounds guessing.
//
// What is known of people and machines lies in ledgers (ledger.go): small files in a folder, which the server reads and commands change
// while it runs. None of them holds a secret, only digests of them. grant.go is what a record of a ledger allows, validity.go for how long;
// uses.go remembers when each was used last.
package authn
