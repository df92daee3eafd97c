//go:build !linux

package lowly

// giveWay does nothing: elsewhere a priority is that of the whole process.
func giveWay() {}
