package cli

import (
	"runtime/debug"
	"strings"
	"testing"

	"layercake/compute"
)

func TestBuildOf(t *testing.T) {
	stamp := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{
			{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.time", Value: "2026-11-23T08:25:58Z"}, {Key: "vcs.modified", Value: modified},
		}
	}
	for _, c := range []struct {
		release  string
		settings []debug.BuildSetting
		want     string
	}{
		{"v1.2.0", nil, "v1.2.0"}, // go install layercake@v1.2.0
		{"v1.2.0", stamp("false"), "v1.2.0, commit 0123456789ab of 2026-11-23"},
		{"v0.0.0-20261123082558-0123456789ab+dirty", stamp("true"), "commit 0123456789ab of 2026-11-23 with changes"},
		{"v0.0.0-20261123082558-0123456789ab", nil, "v0.0.0-20261123082558-0123456789ab"},
		{"(devel)", stamp("false"), "commit 0123456789ab of 2026-11-23"},
		{"(devel)", nil, "unreleased, commit unknown"},
		{"", []debug.BuildSetting{{Key: "vcs.revision", Value: "01"}}, "commit 01"},
	} {
		if got := buildOf(&debug.BuildInfo{Main: debug.Module{Version: c.release}, Settings: c.settings}); got != c.want {
			t.Errorf("%q: got %q, want %q", c.release, got, c.want)
		}
	}
	if v := version(); !strings.Contains(v, "kernel "+compute.KernelName()) {
		t.Errorf("%q does not name the kernel", v)
	}
}
