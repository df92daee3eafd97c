package conformance

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"
)

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Failure *junitMessage `xml:"failure,omitempty"`
	Skipped *junitMessage `xml:"skipped,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the report in the form that CI servers read: a suite for each service. A case that is unsupported or skipped is
// skipped there; a failure names its level in its message.
func (report *Report) WriteJUnit(w io.Writer) error {
	var all junitSuites
	for _, s := range Services {
		suite := junitSuite{Name: "dicomweb." + string(s), Timestamp: report.Started.Format(time.RFC3339)}
		for _, c := range report.Cases {
			if c.Service != s {
				continue
			}
			one := junitCase{Class: suite.Name, Name: c.ID}
			switch c.Status {
			case Fail:
				suite.Failures++
				one.Failure = &junitMessage{fmt.Sprintf("%s (%s): %s", c.Clause, c.Level, c.Gist),
					fmt.Sprintf("sent:\n%s\n\ngot:\n%s\n\nexpected:\n%s\n", c.Sent, c.Got, c.Want)}
			case Unsupported, Skipped:
				suite.Skipped++
				one.Skipped = &junitMessage{Message: string(c.Status) + ": " + c.Reason}
			}
			suite.Cases = append(suite.Cases, one)
		}
		if suite.Tests = len(suite.Cases); suite.Tests > 0 {
			all.Suites = append(all.Suites, suite)
		}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
