package cli

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Version is that of the released code; the revision says which commit a build is of.
const Version = "0.1.0"

func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "version",
		Short: "print the version of capsize and of what it is built from",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := version()
			if asJSON {
				return json.NewEncoder(a.stdout).Encode(v)
			}
			fmt.Fprintf(a.stdout, "capsize %s (%s, %s/%s", v.Version, v.Go, v.OS, v.Arch)
			if v.Revision != "" {
				fmt.Fprintf(a.stdout, ", revision %.12s", v.Revision)
			}
			fmt.Fprintln(a.stdout, ")")
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

type versionInfo struct {
	Version  string            `json:"version"`
	Go       string            `json:"go"`
	OS       string            `json:"os"`
	Arch     string            `json:"arch"`
	Revision string            `json:"revision,omitempty"`
	Modules  map[string]string `json:"modules,omitempty"`
}

func version() versionInfo {
	v := versionInfo{Version: Version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		Modules: map[string]string{}}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, dep := range build.Deps {
		v.Modules[dep.Path] = dep.Version
	}
	for _, s := range build.Settings {
		if s.Key == "vcs.revision" {
			v.Revision = s.Value
		}
	}
	return v
}
