// Package conformance is a black-box suite for DICOMweb servers: it runs against any base URL and knows nothing of how the server
// is made. It is a client only and never imports the server's code.
//
// suite.go says what a Case is and how it is judged; run.go discovers what a server has, stores the suite's own studies (fixture.go),
// runs the cases and cleans up; exchange.go sends a request, keeps what was sent and what came, and has the assertions;
// dicomjson.go judges DICOM JSON by PS3.18 Annex F, byte for byte; report.go, junit.go and html.go write the result. The cases are
// in cases_*.go, a file for each service of PS3.18, each case with its clause, the gist of the requirement, and its level.
// clauses.tsv is the index of the standard.
package conformance
