package law

import (
	"bufio"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/noctis-dicom/noctis/"

// ours is the import law (docs/ARCHITECTURE.md): a folder may import what its longest prefix here lists, and what lies below
// itself. Imports run downwards only. "..." stands for everything below.
var ours = map[string][]string{
	"cmd/noctis":               {"..."},
	"dicomweb":                 {"dicom...", "store", "worklist", "commitment", "procedure", "webhook", "readiness", "render...", "internal..."},
	"conformance":              {"dicom...", "internal/dicomtest"},
	"conformance/interop":      {"conformance"},
	"web":                      {},
	"web/viewer":               {"web..."},
	"store/sqlite":             {"store", "store/internal/sqlindex", "dicom...", "internal/durable"},
	"store/internal/sqlindex":  {"store", "worklist", "commitment", "procedure", "webhook", "dicom...", "internal/failpoint", "internal/giveway"},
	"store/file":               {"store", "dicom", "internal/failpoint", "internal/durable"},
	"store/memstore":           {"store", "dicom..."},
	"store/storetest":          {"store", "store/memstore", "dicom...", "internal/dicomtest"},
	"store":                    {"dicom", "dicom/match", "dicom/part10", "dicom/valid", "internal/giveway"},
	"worklist":                 {"dicom", "dicom/match", "dicom/usage"},
	"commitment":               {"dicom", "dicom/match"},
	"webhook":                  {"store"},
	"procedure":                {"dicom", "dicom/match", "dicom/usage", "worklist"},
	"commitment/memqueue":      {"commitment", "dicom"},
	"commitment/committest":    {"commitment", "dicom"},
	"procedure/memsteps":       {"procedure", "dicom", "dicom/match"},
	"procedure/proceduretest":  {"procedure", "procedure/memsteps", "dicom", "dicom/match"},
	"procedure/hl7":            {"dicom"},
	"worklist/memlist":         {"worklist", "dicom", "dicom/match"},
	"worklist/worklisttest":    {"worklist", "worklist/memlist", "dicom", "dicom/match"},
	"readiness":                {"store", "render", "dicom", "dicom/pixel", "dicom/codec", "dicom/codestream"},
	"render":                   {"dicom", "dicom/pixel", "render/stroke", "render/icc"},
	"dicom/match/matchtest":    {"dicom", "dicom/match"},
	"dicom/match":              {"dicom"},
	"dicom/part10":             {"dicom", "internal/giveway"},
	"dicom/fileset":            {"dicom", "dicom/part10"},
	"dicom/pixel":              {"dicom"},
	"dicom/deidentify":         {"dicom"},
	"dicom/valid":              {"dicom"},
	"dicom/usage":              {"dicom"},
	"dicom/codec":              {"dicom", "dicom/pixel"},
	"dicom/codestream":         {"dicom", "dicom/pixel"},
	"dicom/codec/rle":          {"dicom/codec/internal..."},
	"dicom/codec/jpeg2000":     {"dicom/codec/internal..."},
	"dicom/codec/jpegdct":      {"dicom/codec/internal..."},
	"dicom/codec/jpegls":       {"dicom/codec/internal..."},
	"dicom/codec/jpeglossless": {"dicom/codec/internal..."},
	"dicom":                    {"internal/giveway"},
	"internal":                 {"dicom...", "internal..."},
	"e2e":                      {"dicom...", "internal...", "web..."},
}

// foreign names the packages of others that only one place may use, and why.
var foreign = []struct {
	prefix string
	places []string
	why    string
}{
	{"github.com/gorilla/mux", []string{"dicomweb"}, "the router stays replaceable"},
	{"database/sql", []string{"store/internal/sqlindex", "store/sqlite"}, "SQL is written once"},
	{"github.com/mattn/go-sqlite3", []string{"store/sqlite"}, "one driver, one place"},
	{"github.com/disintegration/imaging", []string{"render"}, "scaling is a step of rendering"},
	{"github.com/gen2brain/jpegn", []string{"dicom/codec", "render"}, "codecs hide behind one table"},
	{"github.com/suyashkumar/dicom", []string{"internal", "dicom"}, "it must never see an upload: dictionary and tests only"},
	{"go.opentelemetry.io", []string{"dicomweb", "cmd/noctis"}, "what is traced are requests"},
	{"net/http", []string{"dicomweb", "webhook", "web", "cmd/noctis", "conformance", "internal", "e2e"}, "nothing below the protocol knows HTTP"},
}

// testFixtures are packages that every test may import.
var testFixtures = []string{"internal/corpus", "internal/corpus/corpusimage", "internal/dicomtest", "internal/golden", "dicom", "dicom/part10", "dicom/match", "dicom/match/matchtest",
	"dicom/pixel", "dicom/codec", "dicom/codestream", "store", "store/memstore", "store/storetest", "store/file", "store/sqlite",
	"worklist", "worklist/memlist", "worklist/worklisttest", "commitment", "commitment/memqueue", "commitment/committest", "procedure", "procedure/memsteps",
	"procedure/proceduretest", "webhook"}

func TestImportsRunDownwards(t *testing.T) {
	for _, file := range sources(t, ".go") {
		folder := filepath.ToSlash(filepath.Dir(file))
		test := strings.HasSuffix(file, "_test.go")
		for _, path := range importsOf(t, file) {
			if rest, isOurs := strings.CutPrefix(path, module); isOurs {
				if rest != folder && !allowed(folder, rest) && !(test && slices.Contains(testFixtures, rest)) {
					t.Errorf("%s imports %s: the import law does not allow it", file, rest)
				}
				continue
			}
			for _, rule := range foreign {
				if !test && strings.HasPrefix(path, rule.prefix) && !within(folder, rule.places) {
					t.Errorf("%s imports %s: only %v may, because %s", file, path, rule.places, rule.why)
				}
			}
		}
	}
}

func TestEveryFolderHasALaw(t *testing.T) {
	for _, file := range sources(t, ".go") {
		if folder := filepath.ToSlash(filepath.Dir(file)); lawOf(folder) == "" {
			t.Errorf("%s: no rule of the import law covers the folder %s", file, folder)
		}
	}
}

// A citation is spelled "PS3.18 10.5.2", "PS3.18 Table 10.5.4-1" or "PS3.18 Annex F", so that it can be found and checked.
var (
	citation = regexp.MustCompile(`PS3\.18 (Table )?((?:Annex )?[0-9A-K][0-9]*(?:\.[0-9]+)*(?:-[0-9]+[a-z]?)?)`)
	misspelt = regexp.MustCompile(`PS ?3[. ]18,? (?:[Ss]ection|§|clause)|PS 3\.[0-9]+|DICOM [Pp]art 18`)
)

func TestCitationsNameClausesThatExist(t *testing.T) {
	clauses := clauses(t)
	for _, file := range sources(t, ".go", ".md") {
		eachLine(t, file, func(n int, line string) {
			if m := misspelt.FindString(line); m != "" && !strings.Contains(file, "internal/law") {
				t.Errorf("%s:%d: %q: a citation is spelled like PS3.18 10.5.2", file, n, m)
			}
			for _, m := range citation.FindAllStringSubmatch(line, -1) {
				key := "PS3.18 " + m[1] + strings.TrimPrefix(m[2], "Annex ")
				if m[1] == "" && strings.Contains(m[2], "-") {
					key = "PS3.18 Table " + m[2]
				}
				if !clauses[key] {
					t.Errorf("%s:%d: %s is not a clause of conformance/clauses.tsv", file, n, key)
				}
			}
		})
	}
}

func TestFilesStayReadable(t *testing.T) {
	const most = 500
	for _, file := range sources(t, ".go", ".js", ".css") {
		if strings.HasSuffix(file, "_gen.go") {
			continue
		}
		lines := 0
		eachLine(t, file, func(int, string) { lines++ })
		if lines > most {
			t.Errorf("%s has %d lines (at most %d): a concept is missing a name", file, lines, most)
		}
	}
}

func allowed(folder, path string) bool {
	law := lawOf(folder)
	if law != "" && strings.HasPrefix(path, law+"/") {
		return true
	}
	for _, a := range ours[law] {
		if prefix, all := strings.CutSuffix(a, "..."); path == a || all && (path == prefix || strings.HasPrefix(path, prefix) &&
			(prefix == "" || path[len(prefix)] == '/')) {
			return true
		}
	}
	return false
}

// lawOf returns the longest key of ours that the folder lies in.
func lawOf(folder string) string {
	best := ""
	for key := range ours {
		if within(folder, []string{key}) && len(key) > len(best) {
			best = key
		}
	}
	return best
}

func within(folder string, places []string) bool {
	return slices.ContainsFunc(places, func(p string) bool { return folder == p || strings.HasPrefix(folder, p+"/") })
}

func importsOf(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root(t), file), nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, spec := range f.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// clauses are those of conformance/clauses.tsv; the lines of sentences (clause#number) are the business of that package.
func clauses(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	eachLine(t, "conformance/clauses.tsv", func(n int, line string) {
		clause, title, found := strings.Cut(line, "\t")
		switch {
		case strings.HasPrefix(line, "#"), strings.Contains(clause, "#"):
		case !found || title == "":
			t.Fatalf("conformance/clauses.tsv:%d: want clause and title", n)
		default:
			known[clause] = true
		}
	})
	return known
}

// sources lists the files of the repository with one of the endings, relative to its root.
func sources(t *testing.T, endings ...string) []string {
	t.Helper()
	var files []string
	top := root(t)
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (slices.Contains([]string{".git", "bin", "data", "node_modules"}, d.Name())) {
			return fs.SkipDir
		}
		if slices.Contains(endings, filepath.Ext(path)) {
			rel, err := filepath.Rel(top, path)
			if err != nil {
				return err
			}
			files = append(files, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no sources found")
	}
	return files
}

func eachLine(t *testing.T, file string, visit func(n int, line string)) {
	t.Helper()
	f, err := os.Open(filepath.Join(root(t), file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for n := 1; lines.Scan(); n++ {
		visit(n, lines.Text())
	}
	if err := lines.Err(); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", file, err))
	}
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
