package dicomweb

import (
	"maps"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/mux"
)

func TestTemplate(t *testing.T) {
	for _, test := range []struct {
		template, path string
		want           map[string]string // nil: no match
	}{
		{"/wado", "/wado", map[string]string{}},
		{"/wado", "/wado/x", nil},
		{"/wado", "/", nil},
		{"/a/{b}", "/a/1.2", map[string]string{"b": "1.2"}},
		{"/a/{b}", "/a", nil},
		{"/a/{b}", "/a/1/2", nil},
		{"/a/{b}/c", "/a/1/d", nil},
		{"/a/{b}/c/{d:.+}", "/a/1%2F2/c/x/y", map[string]string{"b": "1%2F2", "d": "x/y"}},
		{"/a/{b}/c/{d:.+}", "/a/1/c/x", map[string]string{"b": "1", "d": "x"}},
		{"/a/{b}/c/{d:.+}", "/a/1/c", nil},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		x := &exchange{Context: r.Context(), path: test.path, slashes: strings.Count(test.path, "/")}
		r = r.WithContext(x)
		var m mux.RouteMatch
		got := templateOf(test.template).match(r, &m)
		vars := map[string]string{}
		for _, v := range x.vars.list[:x.vars.n] {
			vars[v.name] = v.value
		}
		if got != (test.want != nil) || !maps.Equal(vars, test.want) {
			t.Errorf("%s of %s: %v %v", test.path, test.template, got, vars)
		}
	}
}
