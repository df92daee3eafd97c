package conformance

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sentence is a normative sentence of the standard that speaks to an origin server: a line of clauses.tsv.
type sentence struct {
	id, clause, status, level, text, proof string
}

func sentences(t *testing.T) []sentence {
	t.Helper()
	f, err := os.Open("clauses.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []sentence
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Split(s.Text(), "\t")
		clause, _, numbered := strings.Cut(fields[0], "#")
		if strings.HasPrefix(s.Text(), "#") || !numbered {
			continue
		}
		if len(fields) != 5 {
			t.Fatalf("%s: %d fields; want sentence, status, key word, text, and proof or reason", fields[0], len(fields))
		}
		all = append(all, sentence{fields[0], clause, fields[1], fields[2], fields[3], fields[4]})
	}
	return all
}

// TestClauseCoverage: what is said to be so has cases that prove it; what is not has its reason. With -v it prints the coverage.
func TestClauseCoverage(t *testing.T) {
	cases, tests := Cases(), testNames(t)
	count := map[string]map[string]int{"shall": {}, "should": {}, "may": {}}
	for _, s := range sentences(t) {
		if count[s.level] == nil || !slices.Contains([]string{"yes", "partial", "no"}, s.status) {
			t.Errorf("%s: status %q, key word %q", s.id, s.status, s.level)
			continue
		}
		count[s.level][s.status]++
		if s.status != "yes" {
			if len(s.proof) < 10 {
				t.Errorf("%s is %s, without a reason", s.id, s.status)
			}
			continue
		}
		if s.proof == "" {
			t.Errorf("%s is met, and nothing proves it", s.id)
		}
		for _, pattern := range strings.Fields(s.proof) {
			if name, isTest := strings.CutPrefix(pattern, "test:"); isTest {
				if name, conversation, named := strings.Cut(name, "/"); !tests[name] || named && !isConversation(name, conversation) {
					t.Errorf("%s: there is no test %s %s", s.id, name, conversation)
				}
				continue
			}
			found := false
			for _, c := range cases {
				if ok, _ := path.Match(pattern, c.ID); ok {
					found = true
				}
			}
			if !found {
				t.Errorf("%s: no case is called %s", s.id, pattern)
			}
		}
	}
	for _, level := range []string{"shall", "should", "may"} {
		c := count[level]
		fmt.Printf("coverage of PS3.18, %s: %d of %d sentences met, %d in part\n", level, c["yes"], c["yes"]+c["partial"]+c["no"], c["partial"])
	}
}

// isConversation reports whether a test runs the conversation by its name.
func isConversation(test, name string) bool {
	_, err := os.Stat(filepath.Join("..", "dicomweb", "testdata", name+".txt"))
	return test == "TestConversations" && err == nil
}

// testNames are the tests of the repository.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	declaration := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		for _, m := range declaration.FindAllSubmatch(text, -1) {
			names[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
