// Package audit keeps the record of who did what: each access is one event, in the terms of PS3.15 A.5 and of the IHE profile BALP.
//
// event.go is what is recorded and kind.go the codes of it; dicom.go and fhir.go write an event as an audit message of PS3.15 A.5 and as
// an AuditEvent of FHIR R4. log.go keeps events as lines in files of which each holds the hash of the one before; chain.go is the form of
// a line, head.go the seal of the last one, recover.go what a crash leaves; verify.go finds what was removed, changed or moved, search.go
// reads. trail.go is what the server records with: several reads of one study by one user within a short time become one event
// (gather.go). forward.go sends what is in the log to a syslog receiver, in the form of syslog.go.
//
// An event names patients; that is what it is for (PS3.15 A.5.3). Nothing else that the server writes down does.
package audit
