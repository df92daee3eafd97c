// Package webhook tells others what happens: it follows the change feed, and sends each change to the receivers that want it, signed, in
// order, at least once.
//
// webhook.go says what a receiver is; address.go where it may be, which is looked at when its name has been resolved; message.go what is
// sent, and its signature; attempt.go sends it once; sender.go and follow.go again and again, until it has been taken or is a dead letter;
// repository.go is the seam to whatever keeps how far each receiver is, and the dead letters. Why it is all like this is in
// docs/adr/0021-events.md.
package webhook
