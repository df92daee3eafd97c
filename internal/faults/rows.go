//go:build linux

package main

// row is a fault. short and long are how often it is tried in the two forms; 0: not in that form.
type row struct {
	name, how   string
	short, long int
	root        bool // the kernel wants root for it
	control     bool // it must lose
	run         func(*lab) error
}

var rows = []row{
	{name: "kill -9", how: "SIGKILL at a random moment while 4 clients upload", short: 10, long: 1000, run: killed},
	{name: "kill at every step", how: "SIGKILL at each fail point of the write path, at its 1st to Nth time, one instance and 12 a request", short: 1, long: 6, run: killedAtSteps},
	{name: "killed migration", how: "SIGKILL at a random moment of the first start, which migrates an empty index", short: 5, long: 100, run: killedMigration},
	{name: "power cut", how: "EXT4_IOC_SHUTDOWN without flushing the journal on a loop-mounted ext4, while 4 clients upload; then SIGKILL, unmount, mount", short: 3, long: 200, root: true, run: powerCut},
	{name: "control: power cut without syncs", how: "the same, with --unsafe-no-sync: it must lose", short: 2, long: 10, root: true, control: true, run: powerCutUnsynced},
}
