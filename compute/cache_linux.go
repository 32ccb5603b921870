package compute

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// systemCaches reads what Linux says about the first core.
func systemCaches() caches { return sysCaches("/sys/devices/system/cpu/cpu0/cache") }

// sysCaches reads a folder of the form that Linux's Documentation/ABI/testing/
// sysfs-devices-system-cpu describes: index0, index1, ... with a level, a type
// and a size such as 512K each.
func sysCaches(folder string) caches {
	var c caches
	for i := range 16 {
		word := func(name string) string {
			b, err := os.ReadFile(fmt.Sprintf("%s/index%d/%s", folder, i, name))
			if err != nil {
				return ""
			}
			return strings.TrimSpace(string(b))
		}
		level, err := strconv.Atoi(word("level"))
		if err != nil {
			break
		}
		kib, isKiB := strings.CutSuffix(word("size"), "K")
		n, err := strconv.Atoi(kib)
		if kind := word("type"); err == nil && isKiB && n > 0 && n < 1<<20 && (kind == "Data" || kind == "Unified") {
			c.set(level, n<<10)
		}
	}
	return c
}
