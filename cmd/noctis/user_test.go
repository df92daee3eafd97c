package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
)

// A user is made with a password of the server's, logs in, sees the studies, and is shut out again.
func TestUserLogsIn(t *testing.T) {
	folder := t.TempDir()
	server, err := start(folder, "--data", folder)
	if err != nil {
		t.Fatal(err)
	}
	defer server.stop()
	user := func(args ...string) string {
		var out, errs bytes.Buffer
		if code := run(t.Context(), append(append([]string{"user"}, args...), "--data", folder), &out, &errs); code != 0 {
			t.Fatalf("user %v: %d %s", args, code, &errs)
		}
		return out.String()
	}
	password := strings.TrimSpace(user("add", "doe", "--role", "read", "--generate"))
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ask := func(method, path, body string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, server.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "text/html,application/json,*/*;q=0.8")
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer
	}
	expect := func(method, path, body string, want int) {
		t.Helper()
		if answer := ask(method, path, body); answer.StatusCode != want {
			t.Errorf("%s %s: %s, want %d", method, path, answer.Status, want)
		}
	}
	expect("GET", "/dicom-web/studies", "", 401)
	expect("GET", "/login.html", "", 200)
	const opened = "/viewer/viewer?StudyInstanceUIDs=1.2"
	if answer := ask("GET", opened, ""); answer.StatusCode != http.StatusSeeOther ||
		answer.Header.Get("Location") != "../login.html?next=viewer%2Fviewer%3FStudyInstanceUIDs%3D1.2" {
		t.Errorf("the viewer before the login: %s %s", answer.Status, answer.Header.Get("Location"))
	}
	expect("POST", "/session", `{"name":"doe","password":"guessed it"}`, 401)
	expect("POST", "/session", fmt.Sprintf(`{"name":"doe","password":%q}`, password), 204)
	expect("GET", "/dicom-web/studies", "", 204)
	expect("GET", "/metrics", "", 403)
	if answer := ask("GET", opened, ""); answer.StatusCode == http.StatusSeeOther {
		t.Errorf("the viewer after the login: %s", answer.Status)
	}
	user("allow", "doe", "--role", "admin")
	expect("GET", "/metrics", "", 200)
	user("disable", "doe")
	expect("GET", "/dicom-web/studies", "", 401)
	user("enable", "doe")
	expect("POST", "/session", fmt.Sprintf(`{"name":"doe","password":%q}`, password), 204)
	if list := user("list"); !strings.Contains(list, "doe") || strings.Contains(list, "argon2") {
		t.Errorf("the list is %s", list)
	}
	expect("DELETE", "/session", "", 204)
	expect("GET", "/dicom-web/studies", "", 401)
	user("remove", "doe")
	expect("POST", "/session", fmt.Sprintf(`{"name":"doe","password":%q}`, password), 401)
}
