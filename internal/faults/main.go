//go:build linux

// Command faults breaks things under a running Noctis, and looks whether anything that was acknowledged is lost. It drives the real
// program on the loopback interface: clients store synthetic instances and write down what was acknowledged (ledger.go), a fault
// happens, the program starts again, and check.go compares what is there with what was promised:
//
//   - every acknowledged instance is there byte for byte;
//   - every other one is there wholly or not at all, and search, metadata, frames, worklist and change feed agree about it;
//   - no file is left that no instance names, and none that is half written;
//   - `noctis reindex --check` finds that a rebuilt index equals the live one, and `noctis doctor --deep` finds nothing;
//   - the server is up, or ready again within two seconds.
//
// A row of the table is a fault (rows.go lists them): crash.go kills the process, power.go cuts the power of a loop-mounted ext4, replay.go
// mounts what a disk that writes everything down (blockdisk.go) had at any moment, disk.go fills disks, broken.go and unread.go let a disk fail, diverged.go changes files and index behind the back of the server, tenants.go tries the key of another tenant, network.go is bad clients, resources.go
// takes memory and descriptors away, and hostile.go attacks (attacks.go, texts.go, lists.go, swollen.go, swarms.go, from a process of its own: attacker.go), with a bystander
// who is to be served all the same. A row whose name begins with "control" runs the server without durability and must lose: if it does not, the
// harness is blind.
//
// Most rows that concern disks need root (mount); they are skipped, and said to be, where that is missing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var (
		bin    = flag.String("bin", "bin", "folder with noctis and noctis-failpoints (make faults builds them)")
		only   = flag.String("only", "", "regular expression of the rows to run, by name")
		long   = flag.Bool("long", false, "the long form: each row as often as its report says")
		times  = flag.Int("times", 0, "how often to try each row (default: the row's own number)")
		report = flag.String("report", "", "write the report to this file (docs/FAULTS.md), of the runs in the file of that name with .jsonl and of this one")
		work   = flag.String("work", "", "folder to work in (default: a temporary one)")
		attack = flag.String("attack", "", "only attack the server at -url, as standard input says: what a row of hostile requests runs as a process of its own")
		url    = flag.String("url", "", "see -attack")
	)
	flag.Parse()
	if *attack != "" {
		if err := attackFor(*attack, *url, *work, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "faults:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(ctx, *bin, *only, *long, *times, *report, *work); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin, only string, long bool, times int, report, work string) error {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	if work == "" {
		if work, err = os.MkdirTemp("", "noctis-faults-"); err != nil {
			return err
		}
		defer os.RemoveAll(work)
	}
	if bin, err = filepath.Abs(bin); err != nil {
		return err
	}
	version := versionOf(bin)
	tried, failed := 0, 0
	for i, r := range rows {
		if !wanted.MatchString(r.name) || ctx.Err() != nil {
			continue
		}
		n := r.short
		if long {
			n = r.long
		}
		if times > 0 {
			n = times
		}
		if n == 0 {
			continue
		}
		l := &lab{ctx: ctx, bin: bin, folder: filepath.Join(work, fmt.Sprint(i)), times: n, long: long}
		res := l.try(r)
		tried++
		fmt.Println(res.line())
		if !res.good() {
			failed++
			for _, p := range res.Problems {
				fmt.Println("   ", p)
			}
		}
		if report != "" {
			res.Version = version
			if err := errors.Join(remember(runsFile(report), res), writeReport(report)); err != nil {
				return err
			}
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d rows failed", failed, tried)
	}
	return ctx.Err()
}

// try runs one row in a folder of its own.
func (l *lab) try(r row) (res result) {
	res = result{Name: r.name, How: r.how, Control: r.control, Started: time.Now().UTC()}
	l.res = &res
	if r.root && os.Geteuid() != 0 {
		res.Skipped = "needs root"
		return res
	}
	if err := os.MkdirAll(l.folder, 0o700); err != nil {
		res.problem("%v", err)
		return res
	}
	defer l.cleanup()
	if err := r.run(l); err != nil {
		res.problem("%v", err)
	}
	res.Took = time.Since(res.Started)
	return res
}
