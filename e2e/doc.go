// Package e2e tries Noctis as a person does: the program itself, in a browser. Its tests start bin/noctis with a folder of
// its own (NOCTIS_BIN names another program), store studies through STOW-RS, and use the page and the real OHIF in headless
// Chromium (NOCTIS_CHROMIUM, or chromium or chrome in PATH). `make e2e` runs them; they are not part of `go test ./...`
// (build tag e2e).
//
// Whatever the browser complains about on the way, in its console or by a request that fails or leaves the machine, fails
// the test, unless the test says why it may. With NOCTIS_PICTURES=DIR the pictures of the documentation are written to DIR.
//
// browser_test.go is the browser, server_test.go the server, ohif_test.go the viewer with its pixels; page_test.go and
// upload_test.go try the page, viewer_test.go OHIF as it is served, and elsewhere_test.go OHIF that is served from elsewhere. login_test.go
// logs in at both, also at the OpenID provider in the folder provider.
package e2e
