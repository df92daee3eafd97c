package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"
)

// configFile is the flag --config: its YAML file gives values to the flags that the command line and the environment leave
// open. A key is a flag's long name; one that no flag of the command has is an error, so that a typing mistake is never silent.
type configFile string

// BeforeResolve adds the file's resolver before kong looks for the values of the flags.
func (c configFile) BeforeResolve(k *kong.Kong, ctx *kong.Context, trace *kong.Path) error {
	path := string(ctx.FlagValue(trace.Flag).(configFile))
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	values, err := readConfig(f, ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	ctx.AddResolver(kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		if slices.ContainsFunc(flag.Envs, func(name string) bool { _, set := os.LookupEnv(name); return set }) {
			return nil, nil
		}
		if v, ok := values[flag.Name]; ok {
			return v, nil
		}
		return nil, nil
	}))
	return nil
}

// readConfig reads the values of a YAML file for the flags of the chosen command.
func readConfig(r io.Reader, ctx *kong.Context) (map[string]any, error) {
	var values map[string]any
	if err := yaml.NewDecoder(r).Decode(&values); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var known []string
	separators := map[string]string{} // of lists
	for _, flag := range ctx.Flags() {
		separators[flag.Name] = string(flag.Tag.Sep)
		if flag.Name != "help" && flag.Name != "config" {
			known = append(known, flag.Name)
		}
	}
	for key, value := range values {
		if !slices.Contains(known, key) {
			slices.Sort(known)
			return nil, fmt.Errorf("unknown key %q; known are %s", key, strings.Join(known, ", "))
		}
		if list, ok := value.([]any); ok {
			if slices.ContainsFunc(list, func(v any) bool { _, settings := v.(map[string]any); return settings }) {
				continue // settings that have settings: their flag reads them
			}
			words := make([]string, len(list))
			for i, v := range list {
				words[i] = fmt.Sprint(v)
			}
			value = strings.Join(words, separators[key])
		}
		if mapped, ok := value.(map[string]any); ok {
			value = pairs(mapped)
		}
		values[key] = fmt.Sprint(value)
	}
	return values, nil
}

// pairs writes a map as the command line has it: "CT1=North;MR1=South".
func pairs(m map[string]any) string {
	words := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		words = append(words, k+"="+fmt.Sprint(m[k]))
	}
	return strings.Join(words, ";")
}

// size is a number of bytes: "512", "64MiB", "2GB".
type size int64

// UnmarshalText reads a number with a unit of 1000 (kB, MB, GB, TB) or 1024 (KiB, MiB, GiB, TiB).
func (s *size) UnmarshalText(text []byte) error {
	units := map[string]int64{
		"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
	}
	digits := strings.TrimRight(strings.ToLower(string(text)), "kmgtib ")
	unit, known := units[strings.TrimSpace(strings.ToLower(string(text))[len(digits):])]
	var n int64
	if _, err := fmt.Sscanf(digits, "%d", &n); err != nil || !known || n < 0 || n > (1<<62)/unit || fmt.Sprint(n) != digits {
		return fmt.Errorf("%q is not a size like 512, 64MiB or 2GB", text)
	}
	*s = size(n * unit)
	return nil
}
