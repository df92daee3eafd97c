package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// TestMain lets the test binary be the program: as "noctis" in the scripts, and as a server process that can be killed.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"noctis": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
		},
	})
}

// TestScripts runs the conversations in testdata/script: commands as a person types them, and what they answer.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			file := dicomtest.Image{Study: "script", Name: "one"}.File()
			shown := []dicomtest.Instance{dicomtest.Image{Study: "script", Name: "one"}.Instance()}
			state := dicomtest.State{Images: shown}.File()
			both := dicomtest.State{Name: "both", Images: append(shown, dicomtest.Image{Study: "script", Name: "two", Number: 2}.Instance())}.File()
			ecg, err := dicomtest.ECG().File()
			if err != nil {
				return err
			}
			report, err := dicomtest.EveryValue().File()
			if err != nil {
				return err
			}
			cine := dicomtest.Image{Study: "script", Name: "cine", Frames: 3}.File()
			other := dicomtest.Image{Study: "script", Name: "two", Number: 2}.File()
			env.Setenv("STUDY", string(dicomtest.UID("script")))
			one := dicomtest.Image{Study: "script", Name: "one"}.Instance().DataSet
			env.Setenv("ONE", "/studies/"+one.String(dicom.StudyInstanceUID)+"/series/"+one.String(dicom.SeriesInstanceUID)+
				"/instances/"+one.String(dicom.SOPInstanceUID))
			for name, content := range map[string][]byte{
				"one.dcm": file, "two.dcm": other, "state.dcm": state, "both.dcm": both, "ecg.dcm": ecg, "report.dcm": report, "cine.dcm": cine, "broken.dcm": file[:len(file)/2], "notes.txt": []byte("not an image\n"),
			} {
				if err := os.WriteFile(filepath.Join(env.WorkDir, name), content, 0o600); err != nil {
					return err
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"server": serverCommand, "get": getCommand, "get-as": getAsCommand, "request": requestCommand},
	})
}

// serverCommand is "server start ARGS…" or "server stop": a server on a port of its own, whose address becomes $URL.
func serverCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 || args[0] != "start" {
		ts.Fatalf("usage: server start ARGS…")
	}
	s, err := start(ts.MkAbs("."), args[1:]...)
	ts.Check(err)
	ts.Defer(func() { s.stop() })
	ts.Setenv("URL", s.url)
	ts.Setenv("PID", fmt.Sprint(s.cmd.Process.Pid))
}

// requestCommand is "request STATUS METHOD PATH": a request without a body.
func requestCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: request STATUS METHOD PATH")
	}
	request, err := http.NewRequest(args[1], ts.Getenv("URL")+args[2], nil)
	ts.Check(err)
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	if fmt.Sprint(response.StatusCode) != args[0] {
		ts.Fatalf("%s %s: %s, want %s", args[1], args[2], response.Status, args[0])
	}
}

// getCommand is "get STATUS PATH [FILE]": GETs below $URL and keeps the body in FILE.
func getCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: get STATUS PATH [FILE]")
	}
	response, err := http.Get(ts.Getenv("URL") + args[1])
	ts.Check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	if fmt.Sprint(response.StatusCode) != args[0] {
		ts.Fatalf("GET %s: %s, want %s\n%s", args[1], response.Status, args[0], body)
	}
	if len(args) > 2 {
		ts.Check(os.WriteFile(ts.MkAbs(args[2]), body, 0o600))
	}
}

// server is a noctis serve process.
type server struct {
	cmd *exec.Cmd
	url string
}

var pageAddress = regexp.MustCompile(`page +(https?://[^/]+)/`)

// start starts a server on a free port and returns when it listens.
func start(folder string, args ...string) (*server, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Args[0] = "noctis"
	cmd.Path = filepath.Join(filepath.SplitList(os.Getenv("PATH"))[0], "noctis") // testscript.Main puts the commands there
	if _, err := os.Stat(cmd.Path); err != nil {
		cmd.Path = program
	}
	cmd.Dir = folder
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := pageAddress.FindStringSubmatch(lines.Text()); m != nil {
			go io.Copy(io.Discard, out)
			return &server{cmd, m[1]}, nil
		}
	}
	return nil, fmt.Errorf("the server did not start: %w\n%s", cmd.Wait(), stderr.Bytes())
}

func (s *server) stop() error {
	s.cmd.Process.Signal(syscall.SIGTERM)
	return s.cmd.Wait()
}

func (s *server) kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// stow posts files in one request and returns the status and the Store Instances Response Module.
func (s *server) stow(files ...[]byte) (int, *dicom.DataSet, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, file := range files {
		part, err := form.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/dicom"}})
		if err != nil {
			return 0, nil, err
		}
		part.Write(file)
	}
	form.Close()
	client := http.Client{Timeout: time.Minute}
	response, err := client.Post(s.url+"/dicom-web/studies",
		`multipart/related; type="application/dicom"; boundary=`+form.Boundary(), &body)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, nil, err
	}
	var module dicom.DataSet
	if response.Header.Get("Content-Type") == "application/dicom+json" {
		if err := json.Unmarshal(answer, &module); err != nil {
			return 0, nil, err
		}
	}
	return response.StatusCode, &module, nil
}

// get reads a resource below the DICOMweb base.
func (s *server) get(path, accept string) (int, []byte, error) {
	request, err := http.NewRequest(http.MethodGet, s.url+"/dicom-web"+path, nil)
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, body, err
}
