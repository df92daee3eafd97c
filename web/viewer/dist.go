package main

import (
	"path"
	"strings"
)

// leftOut are the files and folders of dist that are not packaged.
var leftOut = []struct{ name, why string }{
	{"ort", "the ONNX runtime, 113 MB: only for AI tools that download their models from elsewhere"},
	{"customizations", "read only where a configuration allows it, which ours does not"},
	{"index.html", "written anew, see pack.go"},
	{"app-config.js", "the server answers with its own"},
	{"google.js", "a configuration of another server"},
	{"sw.js", "no service worker: HTTP caching does it, and a stale viewer cannot outlive an update"},
	{"init-service-worker.js", "the same"},
	{"manifest.json", "not to be installed as an application"},
	{"silent-refresh.html", "for logins with OpenID Connect"},
	{"oidc-client.min.js", "the same"},
	{"es6-shim.min.js", "the same"},
	{"polyfill.min.js", "the same"},
	{"_headers", "settings of another web server"},
	{"_redirects", "the same"},
	{"serve.json", "the same"},
}

// icon is the icon of the viewer, see boot.js.
const icon = "assets/favicon-32x32.png"

// keeps reports whether a file of dist, by its path with slashes, is packaged. Of assets, which are the icons of every home
// screen, only the pictures that the application shows are, and its icon; of source maps none.
func keeps(name string) bool {
	for _, out := range leftOut {
		if name == out.name || strings.HasPrefix(name, out.name+"/") {
			return false
		}
	}
	if strings.HasPrefix(name, "assets/") {
		return strings.HasPrefix(name, "assets/images/") || name == icon
	}
	return path.Ext(name) != ".map"
}

// compresses reports whether the file is stored gzipped, to be sent so. Pictures and fonts are compressed as they are.
func compresses(name string) bool {
	switch path.Ext(name) {
	case ".js", ".css", ".wasm", ".svg":
		return true
	}
	return false
}
