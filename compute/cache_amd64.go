//go:build amd64 && !noasm

package compute

// cpuid is the instruction of that name (Intel, Software Developer's Manual,
// volume 2A; AMD, Architecture Programmer's Manual, volume 3).
//
//go:noescape
func cpuid(leaf, sub uint32) (eax, ebx, ecx, edx uint32)

// processorCaches reads leaf 4, which Intel fills, or leaf 0x8000001d of the
// same form, which AMD does: one cache after the other, up to one of type 0.
func processorCaches() caches {
	var c caches
	for _, leaf := range []uint32{4, 0x8000001d} {
		if last, _, _, _ := cpuid(leaf&0x80000000, 0); last < leaf {
			continue
		}
		for sub := uint32(0); sub < 16; sub++ {
			a, b, sets, _ := cpuid(leaf, sub)
			const data, unified = 1, 3
			kind := a & 0x1f
			if kind == 0 {
				break
			}
			if kind == data || kind == unified {
				ways, parts, line := b>>22+1, b>>12&0x3ff+1, b&0xfff+1
				c.set(int(a>>5&7), int(ways)*int(parts)*int(line)*(int(sets)+1))
			}
		}
		if c.l1 > 0 {
			break
		}
	}
	return c
}
