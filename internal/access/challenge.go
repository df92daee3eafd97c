package access

import (
	"net/http"
	"slices"
	"strings"
)

// ChallengesFor are the challenges of an authenticator for the client of a request. Browsers are not asked for Basic authentication:
// they would put a window of their own before the page that knows better.
func ChallengesFor(r *http.Request, a Authenticator) []string {
	challenges := a.Challenges()
	if r.Header.Get("Sec-Fetch-Mode") == "" && !strings.HasPrefix(r.UserAgent(), "Mozilla/") {
		return challenges
	}
	return slices.DeleteFunc(slices.Clone(challenges), func(c string) bool { return strings.HasPrefix(c, "Basic ") })
}
