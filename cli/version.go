package cli

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"layercake/compute"
)

// newVersion answers those who write no dashes, in cobra's words for --version. A
// template of ours would link text/template, which calls methods by name: the
// linker then keeps those of every type, 2.7 MB.
func newVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "What --version says", Long: "Prints the release or commit that the program was built from, Go's version and the kernel.", Example: "  layercake version", Hidden: true,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprintf(cmd.OutOrStdout(), "%s version %s\n", cmd.Root().Name(), version())
			return nil
		},
	}
}

// version is what this program was built from and with, and the kernel that its
// products run on: "v1.2.0, commit 0123456789ab of 2026-11-23, go1.26 linux/amd64, kernel avx2".
func version() string {
	built := "unreleased, commit unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		built = buildOf(info)
	}
	kernel := compute.KernelName()
	if name := os.Getenv("LAYERCAKE_KERNEL"); slices.Contains(compute.Kernels(), name) {
		kernel = name
	}
	return fmt.Sprintf("%s, %s %s/%s, kernel %s", built, runtime.Version(), runtime.GOOS, runtime.GOARCH, kernel)
}

// buildOf names the release, where it is one, and the commit, where the toolchain
// knew it. A version that the toolchain made from the commit says nothing more.
func buildOf(info *debug.BuildInfo) string {
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	commit := ""
	if r := set["vcs.revision"]; r != "" {
		commit = "commit " + r[:min(12, len(r))]
		if day, _, ok := strings.Cut(set["vcs.time"], "T"); ok {
			commit += " of " + day
		}
		if set["vcs.modified"] == "true" {
			commit += " with changes"
		}
	}
	release := info.Main.Version
	switch {
	case commit != "" && (release == "" || release == "(devel)" || strings.Contains(release, "-")):
		return commit
	case commit != "":
		return release + ", " + commit
	case release == "" || release == "(devel)":
		return "unreleased, commit unknown"
	}
	return release
}
