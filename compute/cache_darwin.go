package compute

import "golang.org/x/sys/unix"

// systemCaches asks for the fast cores' caches, and for those of all cores
// where a machine has only one kind.
func systemCaches() caches {
	var c caches
	for _, s := range []struct {
		level int
		names [2]string
	}{
		{1, [2]string{"hw.perflevel0.l1dcachesize", "hw.l1dcachesize"}},
		{2, [2]string{"hw.perflevel0.l2cachesize", "hw.l2cachesize"}},
		{3, [2]string{"hw.perflevel0.l3cachesize", "hw.l3cachesize"}},
	} {
		for _, name := range s.names {
			if n, err := unix.SysctlUint64(name); err == nil && n > 0 && n < 1<<30 {
				c.set(s.level, int(n))
				break
			}
		}
	}
	return c
}
