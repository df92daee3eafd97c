// Package commitment is the storage commitment of PS3.4 Annex J and PS3.18 chapter 13: which instances the store vouches for. It knows
// neither HTTP nor SQL.
//
// request.go reads a request and writes its result (PS3.18 J.1, J.2); service.go answers small requests at once and the others beside
// everything else, on top of a Repository, which keeps them, and of a Store, which is asked instance by instance.
package commitment
